//===- PerChannelChain.h - Chains of per-channel multiply-adds --*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TRANSFORMS_SIMPLIFY_PERCHANNELCHAIN_H
#define CONVOY_LIB_TRANSFORMS_SIMPLIFY_PERCHANNELCHAIN_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy::cnn {

/// Reads `op`, an operation in value form with an f32 result, as a multiply-add with constants
/// for each channel (dimension 1), if it is one.
std::optional<PerChannelStep> readPerChannelStep(mlir::Operation *op);

/// Steps that follow each other. Each is the only reader of the step before it.
struct PerChannelChain {
  llvm::SmallVector<mlir::Operation *> ops;
  /// The operand of the first step that the chain is applied to.
  mlir::OpOperand *input;
  /// All steps as one multiply-add per channel.
  PerChannel function;

  mlir::Value getResult() const { return ops.back()->getResult(0); }
};

/// The longest chain that starts with `op`; nothing if `op` is no step.
std::optional<PerChannelChain> readPerChannelChain(mlir::Operation *op);

} // namespace convoy::cnn

#endif // CONVOY_LIB_TRANSFORMS_SIMPLIFY_PERCHANNELCHAIN_H
