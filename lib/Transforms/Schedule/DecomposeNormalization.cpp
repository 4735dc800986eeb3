//===- DecomposeNormalization.cpp - Normalisations in linalg --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decompose.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

/// 1 / sqrt(x / count + epsilon).
static Value emitInverseDeviation(OpBuilder &b, Location loc, Value x, double count,
                                  double epsilon) {
  auto constant = [&](double value) { return emitConstant(b, loc, x.getType(), value); };
  if (count != 1)
    x = arith::DivFOp::create(b, loc, x, constant(count));
  Value root =
      math::SqrtOp::create(b, loc, arith::AddFOp::create(b, loc, x, constant(epsilon)));
  return arith::DivFOp::create(b, loc, constant(1), root);
}

FailureOr<Value> Decomposer::normalize(Value input, ArrayRef<int64_t> axes, double epsilon,
                                       Input scale, Input bias) {
  ArrayRef<int64_t> shape = shapeOf(input);
  Type element = tensorType(input).getElementType();
  int64_t rank = shape.size();
  double count = 1;
  for (int64_t axis : axes)
    count *= shape[axis];
  SmallVector<int64_t> kept = getOtherDims(rank, axes);
  Input x = broadcast(input, shape);

  // Two passes: first the mean, then the sum of the squared differences from it.
  Value sum = reduce(ReduceKind::sum, input, axes);
  ArrayRef<int64_t> outer = shapeOf(sum);
  FailureOr<Value> mean =
      map(outer, element, {broadcast(sum, outer)},
          [&](OpBuilder &b, Location at, ValueRange v) -> Value {
            return arith::DivFOp::create(b, at, v[0], emitConstant(b, at, element, count));
          });
  if (failed(mean))
    return failure();
  Input m = project(*mean, rank, kept);
  Value squares = reduce(ReduceKind::sum, shape, axes, {x, m},
                         [](OpBuilder &b, Location at, ValueRange v) -> Value {
                           Value centred = arith::SubFOp::create(b, at, v[0], v[1]);
                           return arith::MulFOp::create(b, at, centred, centred);
                         });
  FailureOr<Value> inverse = map(outer, element, {broadcast(squares, outer)},
                                 [&](OpBuilder &b, Location at, ValueRange v) {
                                   return emitInverseDeviation(b, at, v[0], count, epsilon);
                                 });
  if (failed(inverse))
    return failure();
  SmallVector<Input> inputs = {x, m, project(*inverse, rank, kept)};
  for (const Input &parameter : {scale, bias})
    if (parameter.value)
      inputs.push_back(parameter);
  return map(shape, element, inputs, [&](OpBuilder &b, Location at, ValueRange v) -> Value {
    Value y = arith::MulFOp::create(b, at, arith::SubFOp::create(b, at, v[0], v[1]), v[2]);
    if (scale.value && bias.value)
      return math::FmaOp::create(b, at, y, v[3], v[4]);
    if (scale.value)
      return arith::MulFOp::create(b, at, y, v[3]);
    if (bias.value)
      return arith::AddFOp::create(b, at, y, v[3]);
    return y;
  });
}

template <> FailureOr<Value> Decomposer::decompose(LayerNormOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getInput());
  auto parameter = [&](Value value) { return value ? broadcast(value, shape) : Input(); };
  auto axes = llvm::to_vector(llvm::seq<int64_t>(op.getAxis(), shape.size()));
  return normalize(op.getInput(), axes, op.getEpsilon().convertToDouble(),
                   parameter(op.getScale()), parameter(op.getBias()));
}

template <> FailureOr<Value> Decomposer::decompose(InstanceNormOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getInput());
  int64_t rank = shape.size();
  auto parameter = [&](Value value) { return project(reshape(value, shape[1]), rank, 1); };
  auto axes = llvm::to_vector(llvm::seq<int64_t>(2, rank));
  return normalize(op.getInput(), axes, op.getEpsilon().convertToDouble(),
                   parameter(op.getScale()), parameter(op.getBias()));
}

template <> FailureOr<Value> Decomposer::decompose(GroupNormOp op) {
  RankedTensorType type = tensorType(op.getInput());
  int64_t batch = type.getDimSize(0), groups = op.getNumGroups();
  int64_t perGroup = type.getDimSize(1) / groups;
  SmallVector<int64_t> parameterShape = {groups, perGroup};
  SmallVector<int64_t> shape = {batch, groups, perGroup};
  int64_t points = 1;
  for (int64_t extent : type.getShape().drop_front(2))
    points *= extent;
  shape.push_back(points);
  auto parameter = [&](Value value) {
    return project(reshape(value, parameterShape), shape.size(), {1, 2});
  };
  FailureOr<Value> result =
      normalize(reshape(op.getInput(), shape), {2, 3}, op.getEpsilon().convertToDouble(),
                parameter(op.getScale()), parameter(op.getBias()));
  if (failed(result))
    return failure();
  return reshape(*result, type.getShape());
}

/// A batch norm that cnn-fold-batch-norm did not replace.
template <> FailureOr<Value> Decomposer::decompose(BatchNormOp op) {
  if (op.getMode() == BatchNormMode::training)
    return op.emitError("is in training mode, which has no inference");
  ArrayRef<int64_t> shape = shapeOf(op.getInput());
  int64_t rank = shape.size();
  Type element = resultType().getElementType();
  SmallVector<int64_t> channels = {shape[1]};
  auto parameter = [&](Value value) { return reshape(value, channels); };
  FailureOr<Value> factor = map(channels, element,
                                {broadcast(parameter(op.getScale()), channels),
                                 broadcast(parameter(op.getVariance()), channels)},
                                [&](OpBuilder &b, Location at, ValueRange v) -> Value {
                                  Value inverse = emitInverseDeviation(
                                      b, at, v[1], 1, op.getEpsilon().convertToDouble());
                                  return arith::MulFOp::create(b, at, v[0], inverse);
                                });
  if (failed(factor))
    return failure();
  return map(shape, element,
             {broadcast(op.getInput(), shape), project(parameter(op.getMean()), rank, 1),
              project(*factor, rank, 1), project(parameter(op.getOffset()), rank, 1)},
             [](OpBuilder &b, Location at, ValueRange v) -> Value {
               return math::FmaOp::create(b, at, arith::SubFOp::create(b, at, v[0], v[1]),
                                          v[2], v[3]);
             });
}

void convoy::cnn::attachNormalizationDecompositions(MLIRContext *context) {
  attachDecompositions<BatchNormOp, LayerNormOp, InstanceNormOp, GroupNormOp>(context);
}
