//===- Experimental.cpp - Operators of the first opsets -------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// ONNX 1.0 had operators that it called experimental. Version 10 of the operator set removed
// them, but files from Windows ML, Core ML and Caffe2 have them.
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "SizeRules.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;
using cnn::UnaryKind;

/// A number as a tensor for operations with `value`.
static Value number(NodeImporter &node, Value value, float number) {
  return node.scalar(NodeImporter::getElementType(value), number);
}

/// x * scale, a single number.
static LogicalResult importScale(NodeImporter &node) {
  Value input = node.getInput(0);
  return node.setResult(
      node.binary(BinaryKind::mul, input, number(node, input, node.getFloat("scale", 1.0f))));
}

/// A function with the constants alpha and beta.
template <UnaryKind kind> static LogicalResult importWithConstants(NodeImporter &node) {
  float beta = kind == UnaryKind::affine ? 0.0f : 1.0f;
  return node.setResult(node.unary(node.getInput(0), kind, node.getFloat("alpha", 1.0f),
                                   node.getFloat("beta", beta)));
}

/// alpha * softplus(beta * x).
static LogicalResult importParametricSoftplus(NodeImporter &node) {
  Value input = node.getInput(0);
  float alpha = node.getFloat("alpha", 1.0f), beta = node.getFloat("beta", 1.0f);
  FailureOr<Value> result = node.binary(BinaryKind::mul, input, number(node, input, beta));
  if (failed(result) || failed(result = node.unary(*result, UnaryKind::softplus)))
    return failure();
  return node.setResult(node.binary(BinaryKind::mul, *result, number(node, input, alpha)));
}

/// x * scale + bias[channel].
static LogicalResult importImageScaler(NodeImporter &node) {
  Value input = node.getInput(0);
  float scale = node.getFloat("scale", 1.0f);
  std::optional<SmallVector<float>> bias = node.getFloats("bias");
  if (NodeImporter::getRank(input) != 4)
    return node.error("input 0 has rank " + Twine(NodeImporter::getRank(input)) +
                      ", expected 4 (NCHW)");
  FailureOr<Value> result = node.binary(BinaryKind::mul, input, number(node, input, scale));
  if (failed(result) || !bias)
    return node.setResult(result);
  int64_t channels = node.getShape(0)[1];
  if (int64_t(bias->size()) != channels)
    return node.error("attribute 'bias' has " + Twine(bias->size()) + " entries for " +
                      Twine(channels) + " channels");
  auto type = RankedTensorType::get({channels, 1, 1}, NodeImporter::getElementType(input));
  SmallVector<Attribute> numbers;
  for (float number : *bias)
    numbers.push_back(node.getBuilder().getFloatAttr(type.getElementType(), number));
  Value addend = node.constant(DenseElementsAttr::get(type, numbers));
  return node.setResult(node.binary(BinaryKind::add, *result, addend));
}

/// A part of each map: what is left without `border` (left, top, right, bottom), or, with
/// `scale` (height, width), so much from the border's left and top on.
static LogicalResult importCrop(NodeImporter &node) {
  Value input = node.getInput(0);
  SmallVector<int64_t> shape(NodeImporter::getShape(input));
  if (shape.size() != 4)
    return node.error("input 0 has rank " + Twine(shape.size()) + ", expected 4 (NCHW)");
  SmallVector<int64_t> border = node.getSizes("border", 4, 0, 0), offsets(4, 0), steps(4, 1);
  std::optional<SmallVector<int64_t>> scale = node.getInts("scale");
  if (scale && scale->size() != 2)
    return node.error("attribute 'scale' has " + Twine(scale->size()) +
                      " entries, expected 2 (height, width)");
  for (int64_t dim : {2, 3}) {
    int64_t before = border[3 - dim], after = border[5 - dim];
    int64_t extent = scale ? (*scale)[dim - 2] : shape[dim] - before - after;
    if (extent < 1 || extent > shape[dim] - before)
      return node.error("cuts dimension " + Twine(dim) + " of " + Twine(shape[dim]) +
                        " elements to " + Twine(extent) + " from " + Twine(before) + " on");
    offsets[dim] = before;
    shape[dim] = extent;
  }
  return node.setResult(node.slice(input, offsets, shape, steps));
}

ArrayRef<OpEntry> convoy::onnximport::getExperimentalOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"Affine", importWithConstants<UnaryKind::affine>, 1, 1, kFloat, 1, 9}.with(
          ruleOfElements),
      {"Crop", importCrop, 1, 1, kFloat, 1, 9},
      OpEntry{"ImageScaler", importImageScaler, 1, 1, kFloat, 1, 9}.with(ruleOfBatches),
      OpEntry{"ParametricSoftplus", importParametricSoftplus, 1, 1, kFloat, 1, 9}.with(
          ruleOfElements),
      OpEntry{"Scale", importScale, 1, 1, kFloat, 1, 9}.with(ruleOfElements),
      OpEntry{"ScaledTanh", importWithConstants<UnaryKind::scaled_tanh>, 1, 1, kFloat, 1, 9}
          .with(ruleOfElements),
  };
  return ops;
}
