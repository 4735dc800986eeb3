//===- Lrn.cpp - Local response normalization -----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/Lrn.h"

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

Value convoy::emitLrn(ImplicitLocOpBuilder &b, cnn::LrnOp op, Value x, Value sum) {
  auto constant = [&](double value) {
    return emitConstant(b, b.getLoc(), x.getType(), value);
  };
  double beta = op.getBeta().convertToDouble();
  Value t = math::FmaOp::create(
      b, sum, constant(op.getAlpha().convertToDouble() / double(op.getSize())),
      constant(op.getBias().convertToDouble()));
  Value divisor;
  if (beta == 0.75) {
    Value root = math::SqrtOp::create(b, t);
    divisor = arith::MulFOp::create(b, root, math::SqrtOp::create(b, root));
  } else if (beta == 0.5) {
    divisor = math::SqrtOp::create(b, t);
  } else if (beta == 1.0) {
    divisor = t;
  } else {
    Value exponent = arith::MulFOp::create(b, math::LogOp::create(b, t), constant(-beta));
    return arith::MulFOp::create(b, x, math::ExpOp::create(b, exponent));
  }
  return arith::DivFOp::create(b, x, divisor);
}
