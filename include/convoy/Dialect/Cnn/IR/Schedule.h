//===- Schedule.h - Packed filters and how layers use them ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What #cnn.schedule and #cnn.filter_layout need before they are declared. Include Cnn.h.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_SCHEDULE_H
#define CONVOY_DIALECT_CNN_IR_SCHEDULE_H

#include "mlir/IR/Operation.h"

#include <string>

namespace convoy::cnn {

/// What a dimension of a packed filter counts; `kernel` stands for all of the kernel's.
enum class FilterDim {
  group,
  output_tile,
  input_chunk,
  step,
  kernel,
  step_chunk,
  input,
  lane,
  product,
  position
};

/// Why the packed filter and bias of `op`, a layer with weights, are not those that its
/// schedule names; empty if they are.
std::string whyNotPacked(mlir::Operation *op);

} // namespace convoy::cnn

namespace convoy::cnn::detail {
/// Checks that a layer's schedule, if it has one, suits its shapes.
mlir::LogicalResult verifySchedule(mlir::Operation *op);
} // namespace convoy::cnn::detail

#endif // CONVOY_DIALECT_CNN_IR_SCHEDULE_H
