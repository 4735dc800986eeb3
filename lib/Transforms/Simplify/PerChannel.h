//===- PerChannel.h - Chains of per-channel multiply-adds -------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// What a batch norm, Caffe's Scale layer and an added bias have in common.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TRANSFORMS_SIMPLIFY_PERCHANNEL_H
#define CONVOY_LIB_TRANSFORMS_SIMPLIFY_PERCHANNEL_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include <optional>
#include <vector>

namespace convoy::cnn {

/// `x * scale[c] + offset[c]` for each channel c (dimension 1).
struct PerChannel {
  std::vector<double> scale, offset;

  static PerChannel identity(int64_t channels) {
    return {std::vector<double>(channels, 1.0), std::vector<double>(channels, 0.0)};
  }
  bool hasScale() const;
  bool hasOffset() const;
  /// Appends: the result is `next` of this.
  void compose(const PerChannel &next);
};

/// An operation that is a PerChannel with constant numbers.
struct PerChannelStep {
  mlir::OpOperand *input;
  PerChannel function;
};

/// Reads `op` as a per-channel step, if it is one: an inference-mode batch norm,
/// a scale_shift, or add, sub, mul or div with a constant per channel.
std::optional<PerChannelStep> readPerChannelStep(mlir::Operation *op);

/// Steps that follow each other, each the only reader of the one before.
struct PerChannelChain {
  llvm::SmallVector<mlir::Operation *> ops;
  mlir::OpOperand *input;
  PerChannel function;

  mlir::Value getResult() const { return ops.back()->getResult(0); }
};

/// The longest chain that starts with `op`; nothing if `op` is no step.
std::optional<PerChannelChain> readPerChannelChain(mlir::Operation *op);

} // namespace convoy::cnn

#endif // CONVOY_LIB_TRANSFORMS_SIMPLIFY_PERCHANNEL_H
