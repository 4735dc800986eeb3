//===- PerChannel.h - A multiply-add for each channel -----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A multiply-add for each channel: the form of a batch norm, of Caffe's Scale layer, and of an
// added bias.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_PERCHANNEL_H
#define CONVOY_DIALECT_CNN_IR_PERCHANNEL_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include <optional>
#include <vector>

namespace convoy::cnn {

/// `x * scale[c] + offset[c]` for each channel c (dimension 1).
struct PerChannel {
  std::vector<double> scale, offset;

  /// `x * 1 + 0`.
  static PerChannel identity(int64_t channels) {
    return {std::vector<double>(channels, 1.0), std::vector<double>(channels, 0.0)};
  }
  /// Whether any factor is not 1, and whether any summand is not 0.
  bool hasScale() const;
  bool hasOffset() const;
  /// Appends `next`: afterwards this function is `next(this(x))`.
  void compose(const PerChannel &next);
};

/// What an operation computes that is such a multiply-add: `function` of the operand `input`.
struct PerChannelStep {
  mlir::OpOperand *input;
  PerChannel function;
};

namespace detail {
/// The elements of `value` if it is a constant with one element per channel; otherwise
/// nothing. Reshapes and similar operations on constants count as constants.
std::optional<std::vector<double>> readPerChannel(mlir::Value value, int64_t channels);
/// The same for a constant that is broadcast to `type`: one number for each channel, if the
/// constant differs along dimension 1 only.
std::optional<std::vector<double>> readPerChannelBroadcast(mlir::Value value,
                                                           mlir::RankedTensorType type);
} // namespace detail

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_PERCHANNEL_H
