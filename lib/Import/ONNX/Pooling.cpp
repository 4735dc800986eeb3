//===- Pooling.cpp - Pools ------------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "TensorReader.h"
#include "Window.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

/// The window of a pool, and whether the extents of its result are rounded up.
static FailureOr<std::pair<cnn::WindowAttr, bool>> readPool(NodeImporter &node) {
  FailureOr<Window> window = readWindow(node);
  if (failed(window))
    return failure();
  resolveAutoPad(node, *window);
  // SAME determines the extents, whatever ceil_mode is.
  bool ceilMode = node.getInt("ceil_mode", 0) != 0 && !window->isSame();
  FailureOr<cnn::WindowAttr> attribute = window->toAttribute(node);
  if (failed(attribute))
    return failure();
  return std::pair(*attribute, ceilMode);
}

static LogicalResult importMaxPool(NodeImporter &node) {
  node.ignoreAttribute("storage_order"); // Concerns the indices only.
  auto pool = readPool(node);
  if (failed(pool) ||
      failed(node.requireUnusedOutputs(1, "MaxPool's indices are not supported")))
    return failure();
  auto &[window, ceilMode] = *pool;
  return node.setResult(node.create<cnn::MaxPoolOp>(node.getInput(0), window, ceilMode));
}

static LogicalResult importAveragePool(NodeImporter &node) {
  auto pool = readPool(node);
  if (failed(pool))
    return failure();
  auto &[window, ceilMode] = *pool;
  bool includePad = node.getInt("count_include_pad", 0) != 0;
  return node.setResult(
      node.create<cnn::AvgPoolOp>(node.getInput(0), window, ceilMode, includePad));
}

template <cnn::PoolKind kind> static LogicalResult importGlobalPool(NodeImporter &node) {
  FailureOr<Value> result = node.create<cnn::GlobalPoolOp>(node.getInput(0), kind);
  if (succeeded(result) && NodeImporter::getType(*result).getNumElements() != 0 &&
      NodeImporter::getType(node.getInput(0)).getNumElements() == 0)
    return node.error("pools over no elements (input 0 has shape " +
                      formatShape(node.getShape(0)) + ")");
  return node.setResult(result);
}

ArrayRef<OpEntry> convoy::onnximport::getPoolingOps() {
  static constexpr OpEntry ops[] = {
      {"AveragePool", importAveragePool, 1, 1, InputTypes::Float},
      {"GlobalAveragePool", importGlobalPool<cnn::PoolKind::average>, 1, 1, InputTypes::Float},
      {"GlobalMaxPool", importGlobalPool<cnn::PoolKind::maximum>, 1, 1, InputTypes::Float},
      {"MaxPool", importMaxPool, 1, 1, InputTypes::Float},
  };
  return ops;
}
