//===- Rounding.h - What is known of rounded numbers ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_UTILS_ROUNDING_H
#define CONVOY_TRANSFORMS_UTILS_ROUNDING_H

#include "mlir/IR/Value.h"

#include <optional>

namespace convoy::cnn {

/// The limits of a number.
struct FloatRange {
  double low, high;
};

/// The limits that comparisons with constants give a float, which is then no NaN either:
/// `low < x ? x : low` and `x < high ? x : high`, the latter of a number that has a lower
/// limit.
std::optional<FloatRange> getRange(mlir::Value value);

} // namespace convoy::cnn

#endif // CONVOY_TRANSFORMS_UTILS_ROUNDING_H
