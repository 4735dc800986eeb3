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

#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

Value PoolCombiner::emitStart(Type type) const {
  double start = kind == PoolKind::average ? 0.0 : -std::numeric_limits<double>::infinity();
  return emitConstant(b, b.getLoc(), type, start);
}

Value PoolCombiner::operator()(Value x, Value y) const {
  if (kind == PoolKind::average)
    return arith::AddFOp::create(b, x, y);
  return emitMax(b, b.getLoc(), x, y);
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
