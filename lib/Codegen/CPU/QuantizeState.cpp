//===- QuantizeState.cpp - States of quantised recurrences ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QuantizeState.h"
#include "convoy/Codegen/CPU/VectorRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;

Value cpu::quantizeState(ImplicitLocOpBuilder &b, VectorType type, Value states, Value number,
                         Value rows, int64_t hidden, Value result) {
  int64_t units = cast<MemRefType>(result.getType()).getShape().back();
  int64_t lanes = type.getDimSize(0);
  auto forEachVector = [&](ValueRange carried, auto body) {
    return emitLoop(
        b, indexConstant(b, 0), rows, 1, carried, [&](Value row, ValueRange ofRow) {
          return emitLoop(b, units / lanes, ofRow, [&](Value v, ValueRange last) {
            Value unit = affine(b, v, lanes, 0);
            Value x = vector::LoadOp::create(b, type, states, ValueRange{number, row, unit});
            return body(row, unit, x, last);
          });
        });
  };
  // The range always has zero, so lanes past the last hidden unit may be zeros.
  Value zeros = zeroVector(b, type);
  SmallVector<Value> range =
      forEachVector({zeros, zeros}, [&](Value, Value unit, Value x, ValueRange last) {
        if (units != hidden) {
          Value count = arith::SubIOp::create(b, indexConstant(b, hidden), unit);
          Value mask = vector::CreateMaskOp::create(b, type.clone(b.getI1Type()), count);
          x = arith::SelectOp::create(b, mask, x, zeros);
        }
        return SmallVector<Value>{arith::MinimumFOp::create(b, last[0], x),
                                  arith::MaximumFOp::create(b, last[1], x)};
      });
  auto combine = [&](vector::CombiningKind kind, Value value) -> Value {
    Value scalar = vector::ReductionOp::create(b, kind, value);
    return vector::BroadcastOp::create(b, type, scalar);
  };
  Value low = combine(vector::CombiningKind::MINIMUMF, range[0]);
  Value high = combine(vector::CombiningKind::MAXIMUMF, range[1]);
  Value largest = splatVector(b, type, 255.0f);
  Value width = arith::SubFOp::create(b, high, low);
  Value scale = arith::DivFOp::create(b, width, largest);
  // Zeros have the scale 1, as in ONNX Runtime.
  Value isFlat = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, low, high);
  scale = arith::SelectOp::create(b, isFlat, splatVector(b, type, 1.0f), scale);
  auto divide = [&](Value x) -> Value {
    return math::RoundEvenOp::create(b, arith::DivFOp::create(b, x, scale));
  };
  // The integers less their zero point are from `first`, which is the zero point negated, to
  // `first + 255`.
  Value first = divide(low), last = arith::AddFOp::create(b, first, largest);
  forEachVector({}, [&](Value row, Value unit, Value x, ValueRange) {
    Value q = arith::MaximumFOp::create(b, divide(x), first);
    q = arith::MinimumFOp::create(b, q, last);
    vector::StoreOp::create(b, q, result, ValueRange{row, unit});
    return SmallVector<Value>();
  });
  return scale;
}
