//===- Reduction.cpp - Reductions and softmax -----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

/// First opset in which the axes are an input rather than an attribute.
static int64_t getAxesInputOpset(cnn::ReduceKind kind) {
  return kind == cnn::ReduceKind::sum ? 13 : 18;
}

/// The reduced axes; nothing if the node says that no axis is reduced.
static FailureOr<std::optional<SmallVector<int64_t>>> readAxes(NodeImporter &node,
                                                               bool axesAreInput) {
  int64_t rank = NodeImporter::getRank(node.getInput(0));
  std::optional<SmallVector<int64_t>> axes;
  if (axesAreInput) {
    if (node.getInput(1) && !(axes = node.getConstantInts(1)))
      return failure();
  } else {
    axes = node.getInts("axes");
    if (node.getNumInputs() > 1)
      return node.error("has its axes as an input, which opset " + Twine(node.getOpset()) +
                        " does not know");
  }
  bool noop = axesAreInput && node.getInt("noop_with_empty_axes", 0) != 0;
  if (!axes || axes->empty()) {
    if (noop)
      return std::optional<SmallVector<int64_t>>();
    axes.emplace(rank);
    std::iota(axes->begin(), axes->end(), 0);
  }
  FailureOr<SmallVector<int64_t>> normal = node.normalizeAxes(*axes, rank);
  if (failed(normal))
    return failure();
  return std::optional(*normal);
}

static FailureOr<Value> reduce(NodeImporter &node, Value input, cnn::ReduceKind kind,
                               bool axesAreInput) {
  auto axes = readAxes(node, axesAreInput);
  bool keepDims = node.getInt("keepdims", 1) != 0;
  if (failed(axes) || failed(node.requireArithmetic(input)))
    return failure();
  if (!*axes)
    return input;
  return node.create<cnn::ReduceOp>(input, kind, **axes, keepDims);
}

template <cnn::ReduceKind kind> static LogicalResult importReduce(NodeImporter &node) {
  bool axesAreInput = node.getOpset() >= getAxesInputOpset(kind);
  FailureOr<Value> result = reduce(node, node.getInput(0), kind, axesAreInput);
  // If no axis is reduced, the element-wise part of the operator still applies.
  if (succeeded(result) && *result == node.getInput(0)) {
    if (kind == cnn::ReduceKind::sum_square)
      result = node.binary(cnn::BinaryKind::mul, *result, *result);
    else if (kind == cnn::ReduceKind::l1 || kind == cnn::ReduceKind::l2)
      result = node.unary(*result, cnn::UnaryKind::abs);
  }
  return node.setResult(result);
}

static LogicalResult importReduceLogSum(NodeImporter &node) {
  FailureOr<Value> sum =
      reduce(node, node.getInput(0), cnn::ReduceKind::sum, node.getOpset() >= 18);
  if (failed(sum))
    return failure();
  return node.setResult(node.unary(*sum, cnn::UnaryKind::log));
}

/// Before opset 13 softmax flattens its input to a matrix, whose columns begin at the axis.
template <typename OpTy> static LogicalResult importSoftmax(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  bool flattens = node.getOpset() < 13;
  int64_t rank = shape.size(), stated = node.getInt("axis", flattens ? 1 : -1);
  // In opset 1 the axis may be one past the last dimension.
  if (flattens && stated == rank)
    return node.error("axis " + Twine(stated) + " leaves nothing to normalise");
  FailureOr<int64_t> axis = node.normalizeAxis(stated, rank);
  if (failed(axis))
    return failure();
  auto isOne = [](int64_t dim) { return dim == 1; };
  if (!flattens || llvm::all_of(shape.drop_front(*axis + 1), isOne))
    return node.setResult(node.create<OpTy>(input, *axis));
  int64_t rows = 1;
  for (int64_t dim : shape.take_front(*axis))
    rows *= dim;
  int64_t columns = NodeImporter::getType(input).getNumElements() / std::max<int64_t>(rows, 1);
  FailureOr<Value> result = node.reshape(input, {rows, columns});
  if (failed(result) || failed(result = node.create<OpTy>(*result, 1)))
    return failure();
  return node.setResult(node.reshape(*result, shape));
}

ArrayRef<OpEntry> convoy::onnximport::getReductionOps() {
  using cnn::ReduceKind;
  static constexpr OpEntry ops[] = {
      {"LogSoftmax", importSoftmax<cnn::LogSoftmaxOp>, 1, 1, InputTypes::Float},
      {"ReduceL1", importReduce<ReduceKind::l1>, 1, 2},
      {"ReduceL2", importReduce<ReduceKind::l2>, 1, 2},
      {"ReduceLogSum", importReduceLogSum, 1, 2},
      {"ReduceMax", importReduce<ReduceKind::max>, 1, 2},
      {"ReduceMean", importReduce<ReduceKind::mean>, 1, 2},
      {"ReduceMin", importReduce<ReduceKind::min>, 1, 2},
      {"ReduceProd", importReduce<ReduceKind::prod>, 1, 2},
      {"ReduceSum", importReduce<ReduceKind::sum>, 1, 2},
      {"ReduceSumSquare", importReduce<ReduceKind::sum_square>, 1, 2},
      {"Softmax", importSoftmax<cnn::SoftmaxOp>, 1, 1, InputTypes::Float},
  };
  return ops;
}
