//===- DecomposeElementwise.cpp - Element-wise operations in linalg -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decompose.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <cmath>

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

template <> FailureOr<Value> Decomposer::decompose(UnaryOp unary) {
  RankedTensorType type = resultType();
  return map(type.getShape(), type.getElementType(),
             {broadcast(unary.getInput(), type.getShape())},
             [&](OpBuilder &b, Location at, ValueRange x) {
               return emitUnary(b, at, unary.getFunction(), x[0]);
             });
}

template <> FailureOr<Value> Decomposer::decompose(BinaryOp binary) {
  RankedTensorType type = resultType();
  return map(type.getShape(), type.getElementType(),
             {broadcast(binary.getLhs(), type.getShape()),
              broadcast(binary.getRhs(), type.getShape())},
             [&](OpBuilder &b, Location at, ValueRange x) {
               Value value = emitBinary(b, at, binary.getKind(), x[0], x[1]);
               return value ? emitUnary(b, at, binary.getActivation(), value) : value;
             });
}

FailureOr<Value> Decomposer::select(Value condition, Value lhs, Value rhs) {
  RankedTensorType type = resultType();
  return map(type.getShape(), type.getElementType(),
             {broadcast(condition, type.getShape()), broadcast(lhs, type.getShape()),
              broadcast(rhs, type.getShape())},
             [&](OpBuilder &b, Location at, ValueRange x) -> Value {
               return arith::SelectOp::create(b, at, x[0], x[1], x[2]);
             });
}

template <> FailureOr<Value> Decomposer::decompose(SelectOp op) {
  return select(op.getCondition(), op.getLhs(), op.getRhs());
}

template <> FailureOr<Value> Decomposer::decompose(ChooseOp op) {
  return select(op.getCondition(), op.getLhs(), op.getRhs());
}

template <> FailureOr<Value> Decomposer::decompose(CheckRangeOp op) {
  RankedTensorType type = resultType();
  return map(type.getShape(), type.getElementType(),
             {broadcast(op.getInput(), type.getShape())},
             [&](OpBuilder &b, Location at, ValueRange x) -> Value {
               auto limit = [&](int64_t value) {
                 return emitConstant(b, at, b.getIntegerAttr(type.getElementType(), value));
               };
               Value atLeast = arith::MaxSIOp::create(b, at, x[0], limit(op.getMinimum()));
               return arith::MinSIOp::create(b, at, atLeast, limit(op.getMaximum()));
             });
}

template <> FailureOr<Value> Decomposer::decompose(CastOp cast) {
  RankedTensorType type = resultType();
  return map(type.getShape(), type.getElementType(),
             {broadcast(cast.getInput(), type.getShape())},
             [&](OpBuilder &b, Location at, ValueRange x) {
               return emitCast(b, at, x[0], type.getElementType(), cast.getSaturate(),
                               cast.getRounding());
             });
}

template <> FailureOr<Value> Decomposer::decompose(BitcastOp bitcast) {
  RankedTensorType type = resultType();
  return map(type.getShape(), type.getElementType(),
             {broadcast(bitcast.getInput(), type.getShape())},
             [&](OpBuilder &b, Location at, ValueRange x) {
               return emitBitcast(b, at, x[0], type.getElementType());
             });
}

template <> FailureOr<Value> Decomposer::decompose(QuantizeOp op) {
  RankedTensorType type = resultType();
  Type element = type.getElementType();
  std::pair<int64_t, int64_t> range = QuantizeOp::getRange(element);
  return map(
      type.getShape(), element,
      {broadcast(op.getInput(), type.getShape()), broadcast(op.getScale(), type.getShape()),
       broadcast(op.getZeroPoint(), type.getShape())},
      [&](OpBuilder &builder, Location at, ValueRange x) {
        ImplicitLocOpBuilder b(at, builder);
        Type i32 = b.getI32Type();
        Value zero = emitCast(b, at, x[2], i32);
        Value offset = arith::SIToFPOp::create(b, b.getF32Type(), zero);
        auto limit = [&](double number) -> Value {
          return arith::SubFOp::create(b, emitConstant(b, at, b.getF32Type(), number), offset);
        };
        // The comparison with a NaN is false, so that it becomes the least number, and
        // the conversion to an integer is defined.
        auto choose = [&](Value isLess, Value yes, Value no) -> Value {
          return arith::SelectOp::create(b, isLess, yes, no);
        };
        auto isLess = [&](Value lhs, Value rhs) -> Value {
          return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, lhs, rhs);
        };
        Value value = arith::DivFOp::create(b, x[0], x[1]);
        Value least = limit(double(range.first)), largest = limit(double(range.second));
        value = choose(isLess(least, value), value, least);
        value = choose(isLess(value, largest), value, largest);
        value = math::RoundEvenOp::create(b, value);
        value = arith::FPToSIOp::create(b, i32, value);
        value = arith::AddIOp::create(b, value, zero);
        // It fits, so LLVM may drop the way to a narrow type and back.
        auto fits = element.isUnsignedInteger() ? arith::IntegerOverflowFlags::nuw
                                                : arith::IntegerOverflowFlags::nsw;
        value = arith::TruncIOp::create(b, getLoweredElementType(element), value, fits);
        return emitRaised(b, at, value, element);
      });
}

template <> FailureOr<Value> Decomposer::decompose(DequantizeOp op) {
  RankedTensorType type = resultType();
  return map(type.getShape(), type.getElementType(),
             {broadcast(op.getInput(), type.getShape()),
              broadcast(op.getScale(), type.getShape()),
              broadcast(op.getZeroPoint(), type.getShape())},
             [&](OpBuilder &b, Location at, ValueRange x) -> Value {
               Type i32 = b.getI32Type();
               Value difference = arith::SubIOp::create(b, at, emitCast(b, at, x[0], i32),
                                                        emitCast(b, at, x[2], i32));
               Value number = arith::SIToFPOp::create(b, at, b.getF32Type(), difference);
               return arith::MulFOp::create(b, at, number, x[1]);
             });
}

template <> FailureOr<Value> Decomposer::decompose(BroadcastOp op) {
  RankedTensorType type = resultType();
  return map(type.getShape(), type.getElementType(),
             {broadcast(op.getInput(), type.getShape())},
             [](OpBuilder &, Location, ValueRange x) { return x[0]; });
}

template <> FailureOr<Value> Decomposer::decompose(ScaleShiftOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getInput());
  int64_t rank = shape.size();
  SmallVector<int64_t> dims = {1}, extents = {shape[1]};
  if (op.getBlocked()) {
    dims.push_back(rank - 1);
    extents.push_back(shape.back());
  }
  return map(shape, resultType().getElementType(),
             {broadcast(op.getInput(), shape),
              project(reshape(op.getScale(), extents), rank, dims),
              project(reshape(op.getOffset(), extents), rank, dims)},
             [&](OpBuilder &b, Location at, ValueRange x) {
               Value value = math::FmaOp::create(b, at, x[0], x[1], x[2]);
               return emitUnary(b, at, op.getActivation(), value);
             });
}

template <> FailureOr<Value> Decomposer::decompose(tensor::PadOp pad) {
  Value value = pad.getConstantPaddingValue();
  if (!value || !pad.getLow().empty() || !pad.getHigh().empty())
    return pad.emitError("is not a pad by constants");
  RankedTensorType type = pad.getResultType();
  // The constant may be defined inside of the pad's own region.
  if (value.getDefiningOp()->getParentOp() == pad)
    value = builder.clone(*value.getDefiningOp())->getResult(0);
  Value filled = fill(type.getShape(), value);
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1)), sizes;
  for (int64_t extent : shapeOf(pad.getSource()))
    sizes.push_back(builder.getIndexAttr(extent));
  return Value(tensor::InsertSliceOp::create(builder, loc(), pad.getSource(), filled,
                                             pad.getMixedLowPad(), sizes, strides));
}

void convoy::cnn::attachElementwiseDecompositions(MLIRContext *context) {
  attachDecompositions<UnaryOp, BinaryOp, SelectOp, ChooseOp, CheckRangeOp, CastOp, BitcastOp,
                       QuantizeOp, DequantizeOp, BroadcastOp, ScaleShiftOp, tensor::PadOp>(
      context);
}
