//===- Movement.cpp - Operators that move elements by computed indices ----===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

/// The upper or lower triangle of matrices; `k` moves the diagonal.
static LogicalResult importTrilu(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  if (shape.size() < 2)
    return node.error("input has rank " + Twine(shape.size()) + ", expected at least 2");
  bool upper = node.getInt("upper", 1) != 0;
  int64_t k = 0;
  if (node.getInput(1)) {
    std::optional<SmallVector<int64_t>> value = node.getConstantInts(1);
    if (!value)
      return failure();
    if (value->size() != 1)
      return node.error(node.describeInput(1) + " is not a scalar");
    k = std::clamp(value->front(), -shape[shape.size() - 2], shape.back());
  }
  Type type = NodeImporter::getElementType(input);
  return node.setResult(node.computeElements(
      "trilu", input, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar row = at[at.size() - 2] + k, column = at.back();
        Scalar kept = upper ? column >= row : column <= row;
        return kept.select(body.input(0).load(at), body.number(type, 0));
      }));
}

ArrayRef<OpEntry> convoy::onnximport::getMovementOps() {
  static constexpr OpEntry ops[] = {
      {"Trilu", importTrilu, 1, 2, InputTypes::Any, 14},
  };
  return ops;
}
