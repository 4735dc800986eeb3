//===- Convolution.cpp - Conv and ConvTranspose ---------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ComputedFilter.h"
#include "OpTable.h"
#include "Operators.h"
#include "SizeRules.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

/// The filter's kernel, or an error if its rank is not the input's.
static FailureOr<Window> readFilterWindow(NodeImporter &node) {
  ArrayRef<int64_t> filter = node.getShape(1);
  if (filter.size() < 2)
    return node.error(node.describeInput(1) + " has rank " + Twine(filter.size()) +
                      ", expected the input's");
  return readWindow(node, filter.drop_front(2));
}

/// Sets the result of a convolution. If it convolves nothing, that is the bias, or zeros.
/// A bias that is computed at run time is added afterwards, because convolutions pack theirs.
static LogicalResult setConvResult(NodeImporter &node,
                                   llvm::function_ref<FailureOr<Value>(Value)> convolve) {
  bool addsBias = node.getInput(2) && node.isFed(2);
  FailureOr<Value> result = convolve(addsBias ? Value() : node.getInput(2));
  auto isEmpty = [](Value value) {
    return NodeImporter::getType(value).getNumElements() == 0;
  };
  if (failed(result) || isEmpty(*result) ||
      !(isEmpty(node.getInput(0)) || isEmpty(node.getInput(1))))
    return node.setResult(addsBias ? addBias(node, result, node.getInput(2)) : result);
  RankedTensorType type = NodeImporter::getType(*result);
  if (!node.getInput(2))
    return node.setResult(node.zeros(type));
  SmallVector<int64_t> shape(type.getRank(), 1);
  shape[1] = type.getDimSize(1);
  FailureOr<Value> bias = node.reshape(node.getInput(2), shape);
  if (failed(bias))
    return failure();
  return node.setResult(node.create<cnn::BroadcastOp>(*bias, type.getShape()));
}

LogicalResult convoy::onnximport::importConv(NodeImporter &node) {
  FailureOr<Window> window = readFilterWindow(node);
  if (failed(window))
    return failure();
  resolveAutoPad(node, *window);
  FailureOr<int64_t> group = readGroup(node);
  if (failed(group))
    return failure();
  if (hasComputedFilter(node))
    return node.setResult(computeConv(node, *window, *group));
  FailureOr<cnn::WindowAttr> attribute = window->toAttribute(node);
  if (failed(attribute))
    return failure();
  Value input = node.getInput(0), filter = node.getInput(1);
  return setConvResult(node, [&](Value bias) -> FailureOr<Value> {
    if (*group == 1)
      return node.create<cnn::ConvOp>(input, filter, bias, *attribute);
    return node.create<cnn::GroupConvOp>(input, filter, bias, *attribute, *group);
  });
}

/// Sets the pads so that the result of a transposed convolution has the extents `wanted`. If
/// a pad would be negative, the output padding grows instead.
static void padToShape(NodeImporter &node, Window &window, SmallVector<int64_t> &outputPadding,
                       ArrayRef<int64_t> wanted) {
  ArrayRef<int64_t> spatial = node.getShape(0).drop_front(2);
  size_t rank = spatial.size();
  for (size_t i = 0; i < rank; ++i) {
    int64_t full = (spatial[i] - 1) * window.strides[i] + outputPadding[i] +
                   (window.kernel[i] - 1) * window.dilations[i] + 1;
    int64_t total = full - wanted[i];
    if (total < 0) {
      outputPadding[i] -= total;
      total = 0;
    }
    int64_t smaller = total / 2, larger = total - smaller;
    bool upper = window.autoPad == "SAME_UPPER";
    window.pads[i] = upper ? smaller : larger;
    window.pads[rank + i] = upper ? larger : smaller;
  }
}

static LogicalResult importConvTranspose(NodeImporter &node) {
  FailureOr<Window> window = readFilterWindow(node);
  if (failed(window))
    return failure();
  FailureOr<int64_t> group = readGroup(node);
  if (failed(group))
    return failure();
  ArrayRef<int64_t> spatial = node.getShape(0).drop_front(2);
  SmallVector<int64_t> outputPadding = node.getSizes("output_padding", spatial.size(), 0, 0);
  SmallVector<int64_t> outputShape = node.getSizes("output_shape", spatial.size(), 0, 1);
  if (node.hasError())
    return failure();
  bool hasShape = node.hasAttribute("output_shape");
  if (!hasShape && window->isSame())
    for (size_t i = 0; i < spatial.size(); ++i)
      outputShape[i] = spatial[i] * window->strides[i];
  if (hasShape || window->isSame())
    padToShape(node, *window, outputPadding, outputShape);
  if (hasComputedFilter(node))
    return node.setResult(computeConvTranspose(node, *window, *group, outputPadding));
  FailureOr<cnn::WindowAttr> attribute = window->toAttribute(node);
  if (failed(attribute))
    return failure();
  return setConvResult(node, [&](Value bias) -> FailureOr<Value> {
    return node.create<cnn::ConvTransposeOp>(node.getInput(0), node.getInput(1), bias,
                                             *attribute, *group, outputPadding);
  });
}

ArrayRef<OpEntry> convoy::onnximport::getConvolutionOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"Conv", importConv, 2, 3, kFloat, 1, kNoEnd, "1 to 3 spatial dimensions"}.with(
          ruleOfBatches),
      OpEntry{"ConvTranspose", importConvTranspose, 2, 3, kFloat, 1, kNoEnd,
              "1 to 3 spatial dimensions"}
          .with(ruleOfBatches),
  };
  return ops;
}
