//===- Lrn.h - Local response normalization ---------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_LRN_H
#define CONVOY_CODEGEN_COMMON_LRN_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace convoy {

/// How many channels the window of a local response normalisation reaches to lower and to
/// higher channel numbers.
struct LrnWindow {
  explicit LrnWindow(cnn::LrnOp op) : down((op.getSize() - 1) / 2), up(op.getSize() / 2) {}
  int64_t down, up;
};

/// `x * (bias + alpha / size * sum) ^ -beta` for numbers or vectors, where `sum` is the sum of
/// squares in the window. Usual exponents are computed by square roots.
mlir::Value emitLrn(mlir::ImplicitLocOpBuilder &builder, cnn::LrnOp op, mlir::Value x,
                    mlir::Value sum);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_LRN_H
