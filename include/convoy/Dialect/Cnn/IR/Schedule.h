//===- Schedule.h - Packed filters and how layers use them ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Declarations that #cnn.schedule and #cnn.filter_layout need. Include Cnn.h instead.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_SCHEDULE_H
#define CONVOY_DIALECT_CNN_IR_SCHEDULE_H

#include "mlir/IR/Operation.h"

#include <string>

namespace convoy::cnn {

/// The dimensions of packed filters, see #cnn.filter_layout. `kernel` stands for all
/// dimensions of the kernel.
enum class FilterDim {
  group,
  output_tile,
  input_chunk,
  step,
  kernel,
  step_chunk,
  input,
  dot,
  lane,
  product,
  position
};

/// Why the filter and the bias of `op` are not packed as its schedule says; empty if they are,
/// and for operations that are no layers with weights.
std::string whyNotPacked(mlir::Operation *op);

} // namespace convoy::cnn

namespace convoy::cnn::detail {
/// Checks that the schedule of a layer, if it has one, fits its shapes.
mlir::LogicalResult verifySchedule(mlir::Operation *op);
} // namespace convoy::cnn::detail

#endif // CONVOY_DIALECT_CNN_IR_SCHEDULE_H
