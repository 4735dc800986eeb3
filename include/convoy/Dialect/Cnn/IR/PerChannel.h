//===- PerChannel.h - A multiply-add for each channel -----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// What a batch norm, Caffe's Scale layer and an added bias have in common.
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

namespace detail {
/// A constant with one element for each of the channels; reshapes and the like of constants
/// count as constants. Nothing if `value` is none.
std::optional<std::vector<double>> readPerChannel(mlir::Value value, int64_t channels);
/// As readPerChannel, of a constant that broadcasts to `type` and differs along dimension 1
/// at most.
std::optional<std::vector<double>> readPerChannelBroadcast(mlir::Value value,
                                                           mlir::RankedTensorType type);
} // namespace detail

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_PERCHANNEL_H
