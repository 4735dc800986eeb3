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

/// Channels that the window of a normalisation reaches down and up.
struct LrnWindow {
  explicit LrnWindow(cnn::LrnOp op) : down((op.getSize() - 1) / 2), up(op.getSize() / 2) {}
  int64_t down, up;
};

/// x * (bias + alpha / size * sum) ^ -beta, of numbers or vectors; `sum` is that of the
/// squares. The usual exponents are roots.
mlir::Value emitLrn(mlir::ImplicitLocOpBuilder &builder, cnn::LrnOp op, mlir::Value x,
                    mlir::Value sum);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_LRN_H
