//===- Pooling.cpp - Largest values and means of windows ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/Pooling.h"

#include "convoy/Codegen/Common/LoopEmitter.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

Value PoolCombiner::emitStart(Type type) const {
  Type element = getElementTypeOrSelf(type);
  if (isa<IntegerType>(element))
    return emitConstant(b, b.getLoc(), type,
                        -std::ldexp(1.0, element.getIntOrFloatBitWidth() - 1));
  double start = kind == PoolKind::average ? 0.0
                 : isQuick                 ? -kInfinity
                                           : std::numeric_limits<double>::quiet_NaN();
  return emitConstant(b, b.getLoc(), type, start);
}

Value PoolCombiner::operator()(Value x, Value y) const {
  if (isa<IntegerType>(getElementTypeOrSelf(x.getType())))
    return arith::MaxSIOp::create(b, x, y);
  if (kind == PoolKind::average)
    return arith::AddFOp::create(b, x, y);
  // The larger one is the second if there are NaNs, and `x` is none.
  if (isQuick)
    return emitMax(b, b.getLoc(), y, x);
  return arith::MaxNumFOp::create(b, x, y);
}

Value convoy::emitMayBeWrong(ImplicitLocOpBuilder &b, Value result) {
  Value lowest = emitConstant(b, b.getLoc(), result.getType(), -kInfinity);
  return emitAny(b, b.getLoc(),
                 arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, result, lowest));
}

Value convoy::emitLargest(ImplicitLocOpBuilder &b, const ConvWindow &window,
                          ValueRange position, Value largest) {
  for (auto [dim, coordinate] : llvm::enumerate(position)) {
    if (!window.hasEmptyRange(dim))
      continue;
    auto [lower, upper] = emitKernelRange(b, window, dim, coordinate);
    Value isEmpty = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, lower, upper);
    Value lowest = emitConstant(b, b.getLoc(), largest.getType(), -kInfinity);
    largest = arith::SelectOp::create(b, isEmpty, lowest, largest);
  }
  return largest;
}

Value convoy::emitPoolExtent(ImplicitLocOpBuilder &b, PoolOpInterface op,
                             const ConvWindow &window, int64_t dim, Value position) {
  ConvWindow counted = window;
  if (op.getCountIncludePad()) {
    counted.input[dim] +=
        op.getWindow().getPadsBegin()[dim] + op.getWindow().getPadsEnd()[dim];
    counted.padsBegin[dim] = 0;
  }
  auto [lower, upper] = emitKernelRange(b, counted, dim, position);
  return arith::SubIOp::create(b, upper, lower);
}

Value convoy::emitPoolCount(ImplicitLocOpBuilder &b, PoolOpInterface op,
                            const ConvWindow &window, ValueRange position) {
  Value count = indexConstant(b, 1);
  for (auto [dim, coordinate] : llvm::enumerate(position))
    count = arith::MulIOp::create(b, count, emitPoolExtent(b, op, window, dim, coordinate));
  return count;
}

Value convoy::emitMean(ImplicitLocOpBuilder &b, Value sum, Value count) {
  count = arith::IndexCastOp::create(b, b.getI32Type(), count);
  Value divisor = arith::SIToFPOp::create(b, b.getF32Type(), count);
  if (isa<VectorType>(sum.getType()))
    divisor = vector::BroadcastOp::create(b, sum.getType(), divisor);
  return arith::DivFOp::create(b, sum, divisor);
}
