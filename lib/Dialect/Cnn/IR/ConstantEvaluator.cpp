//===- ConstantEvaluator.cpp - Operations on constants, on the host -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/ConstantEvaluator.h"

#include "ConstantOperands.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace convoy::cnn;

Shape convoy::cnn::rowMajorStrides(ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (int64_t i = int64_t(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

Shape convoy::cnn::broadcastStrides(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  Shape own = rowMajorStrides(from), strides(to.size(), 0);
  size_t shift = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    strides[shift + i] = from[i] == 1 ? 0 : own[i];
  return strides;
}

ElementsAttr convoy::cnn::readStrided(const ConstantData &data, RankedTensorType type,
                                      int64_t offset, const Shape &strides) {
  if (data.isSplat())
    return makeConstantFromBytes(type, data.getBytes());
  ConstantResult result(type, /*splat=*/false);
  int64_t size = data.getElementBytes(), next = 0;
  const char *source = data.getBytes().data();
  forEachPosition<1>(type.getShape(), {strides}, {offset}, [&](std::array<int64_t, 1> from) {
    std::memcpy(result.at(next++), source + from[0] * size, size);
  });
  return result.take();
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

ElementsAttr convoy::cnn::evaluateConstant(Operation *op, ArrayRef<Attribute> operands,
                                           const EvaluationOptions &options) {
  if (op->getNumResults() != 1)
    return {};
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !type.hasStaticShape() || !getElementBytes(type.getElementType()))
    return {};
  if (auto destination = dyn_cast<DestinationOpInterface>(op))
    if (destination.getDestination())
      return {};
  ConstantOperands constants(operands, type, options);
  if (auto evaluable = dyn_cast<EvaluateOpInterface>(op))
    return evaluable.evaluate(constants);
  UpstreamEvaluator evaluate = getUpstreamEvaluator(op);
  return evaluate ? evaluate(op, constants) : ElementsAttr();
}

/// Constants are folded from the first operation on. What is left to evaluate is short, and a
/// longer search would be in vain for each operation of a long chain.
constexpr unsigned kMaxDepth = 32;

static ElementsAttr evaluateConstant(Value value, const EvaluationOptions &options,
                                     unsigned depth) {
  Attribute attribute;
  if (matchPattern(value, m_Constant(&attribute)))
    return dyn_cast<ElementsAttr>(attribute);
  Operation *op = value.getDefiningOp();
  if (!op || depth == kMaxDepth || !(isa<EvaluateOpInterface>(op) || getUpstreamEvaluator(op)))
    return {};
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(evaluateConstant(operand, options, depth + 1));
    // Every evaluation needs the first operand. Without it, stop before the search branches.
    if (!operands.front())
      return {};
  }
  return evaluateConstant(op, operands, options);
}

ElementsAttr convoy::cnn::evaluateConstant(Value value, const EvaluationOptions &options) {
  return ::evaluateConstant(value, options, /*depth=*/0);
}
