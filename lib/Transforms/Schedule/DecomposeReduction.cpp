//===- DecomposeReduction.cpp - Reductions in linalg ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decompose.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

template <typename FloatOp, typename SignedOp, typename UnsignedOp = SignedOp>
static Value emitCombination(OpBuilder &b, Location loc, Value x, Value y) {
  Type element = x.getType();
  if (isa<FloatType>(element))
    return FloatOp::create(b, loc, x, y);
  x = emitLowered(b, loc, x);
  y = emitLowered(b, loc, y);
  Value result = element.isUnsignedInteger() ? UnsignedOp::create(b, loc, x, y).getResult()
                                             : SignedOp::create(b, loc, x, y).getResult();
  return emitRaised(b, loc, result, element);
}

/// Combines `x` and `y` by their maximum, minimum or product. All other kinds add them up.
static Value emitCombiner(OpBuilder &b, Location loc, ReduceKind kind, Value x, Value y) {
  using namespace arith;
  switch (kind) {
  case ReduceKind::max:
    return emitCombination<MaximumFOp, MaxSIOp, MaxUIOp>(b, loc, x, y);
  case ReduceKind::min:
    return emitCombination<MinimumFOp, MinSIOp, MinUIOp>(b, loc, x, y);
  case ReduceKind::prod:
    return emitCombination<MulFOp, MulIOp>(b, loc, x, y);
  default:
    return emitCombination<AddFOp, AddIOp>(b, loc, x, y);
  }
}

/// The neutral element of emitCombiner.
static TypedAttr getNeutral(ReduceKind kind, Type type) {
  bool isExtreme = kind == ReduceKind::max || kind == ReduceKind::min;
  if (auto floatType = dyn_cast<FloatType>(type)) {
    if (isExtreme)
      return FloatAttr::get(type, APFloat::getInf(floatType.getFloatSemantics(),
                                                  /*Negative=*/kind == ReduceKind::max));
    return FloatAttr::get(type, kind == ReduceKind::prod ? 1.0 : 0.0);
  }
  unsigned width = type.getIntOrFloatBitWidth();
  if (isExtreme && type.isUnsignedInteger())
    return IntegerAttr::get(type, kind == ReduceKind::max ? APInt::getMinValue(width)
                                                          : APInt::getMaxValue(width));
  if (isExtreme)
    return IntegerAttr::get(type, kind == ReduceKind::max ? APInt::getSignedMinValue(width)
                                                          : APInt::getSignedMaxValue(width));
  return IntegerAttr::get(type, kind == ReduceKind::prod ? 1 : 0);
}

Value Decomposer::reduce(ReduceKind combiner, ArrayRef<int64_t> shape, ArrayRef<int64_t> axes,
                         ArrayRef<Input> inputs, Body body) {
  int64_t rank = shape.size();
  Type element = tensorType(inputs.front().value).getElementType();
  SmallVector<int64_t> kept = getOtherDims(rank, axes), extents;
  for (int64_t dim : kept)
    extents.push_back(shape[dim]);
  Value init = fill(extents, emitConstant(builder, loc(), getNeutral(combiner, element)));
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (const Input &input : inputs) {
    operands.push_back(input.value);
    maps.push_back(input.map);
  }
  maps.push_back(project(init, rank, kept).map);
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  for (int64_t axis : axes)
    iterators[axis] = utils::IteratorType::reduction;
  return linalg::GenericOp::create(
             builder, loc(), TypeRange(init.getType()), operands, ValueRange(init), maps,
             iterators,
             [&](OpBuilder &b, Location at, ValueRange elements) {
               Value value = body(b, at, elements.drop_back());
               linalg::YieldOp::create(b, at,
                                       emitCombiner(b, at, combiner, elements.back(), value));
             })
      .getResult(0);
}

Value Decomposer::reduce(ReduceKind kind, Value input, ArrayRef<int64_t> axes) {
  ArrayRef<int64_t> shape = shapeOf(input);
  return reduce(kind, shape, axes, {broadcast(input, shape)},
                [&](OpBuilder &b, Location at, ValueRange x) -> Value {
                  switch (kind) {
                  case ReduceKind::sum_square:
                  case ReduceKind::l2:
                    return emitBinary(b, at, BinaryKind::mul, x[0], x[0]);
                  case ReduceKind::l1:
                    return emitUnary(b, at, FunctionAttr::get(b.getContext(), UnaryKind::abs),
                                     x[0]);
                  default:
                    return x[0];
                  }
                });
}

template <> FailureOr<Value> Decomposer::decompose(ReduceOp op) {
  RankedTensorType type = resultType();
  if (type.getElementType().isInteger(1))
    return op.emitError("is not defined on elements of type i1");
  if (op.getKind() == ReduceKind::l2 && !isa<FloatType>(type.getElementType()))
    return op.emitError("is not defined on elements of type ") << type.getElementType();
  Value result = reduce(op.getKind(), op.getInput(), op.getAxes());
  if (op.getKind() == ReduceKind::mean || op.getKind() == ReduceKind::l2) {
    SmallVector<int64_t> shape(shapeOf(result));
    int64_t count = 1;
    for (int64_t axis : op.getAxes())
      count *= shapeOf(op.getInput())[axis];
    FailureOr<Value> last =
        map(shape, type.getElementType(), {broadcast(result, shape)},
            [&](OpBuilder &b, Location at, ValueRange x) -> Value {
              if (op.getKind() == ReduceKind::l2)
                return math::SqrtOp::create(b, at, x[0]);
              return emitBinary(b, at, BinaryKind::div, x[0],
                                emitConstant(b, at, x[0].getType(), count));
            });
    if (failed(last))
      return failure();
    result = *last;
  }
  return reshape(result, type.getShape());
}

/// (x - m) - log(sum(exp(x - m))) with the largest element m.
template <> FailureOr<Value> Decomposer::decompose(LogSoftmaxOp op) {
  Value input = op.getInput();
  ArrayRef<int64_t> shape = shapeOf(input);
  int64_t rank = shape.size(), axis = op.getAxis();
  SmallVector<int64_t> kept = getOtherDims(rank, axis);
  Value largest = reduce(ReduceKind::max, input, axis);
  Input x = broadcast(input, shape), m = project(largest, rank, kept);
  Value sum =
      reduce(ReduceKind::sum, shape, axis, {x, m},
             [](OpBuilder &b, Location at, ValueRange v) -> Value {
               return math::ExpOp::create(b, at, arith::SubFOp::create(b, at, v[0], v[1]));
             });
  FailureOr<Value> logarithm =
      map(shapeOf(sum), tensorType(sum).getElementType(), {broadcast(sum, shapeOf(sum))},
          [](OpBuilder &b, Location at, ValueRange v) -> Value {
            return math::LogOp::create(b, at, v[0]);
          });
  if (failed(logarithm))
    return failure();
  return map(shape, resultType().getElementType(), {x, m, project(*logarithm, rank, kept)},
             [](OpBuilder &b, Location at, ValueRange v) -> Value {
               return arith::SubFOp::create(b, at, arith::SubFOp::create(b, at, v[0], v[1]),
                                            v[2]);
             });
}

void convoy::cnn::attachReductionDecompositions(MLIRContext *context) {
  attachDecompositions<ReduceOp, LogSoftmaxOp>(context);
}
