//===- Differences.h - Quantised numbers less their zero point --*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_DIFFERENCES_H
#define CONVOY_DIALECT_CNN_IR_DIFFERENCES_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"

namespace convoy::cnn {

/// Integers of 8 bits that are widened to i16, less their zero point, as layers of integers
/// read them.
struct Differences {
  CastOp widening;
  /// What makes the differences: `widening` if the zero point is 0, otherwise a subtraction.
  mlir::Operation *last;
  int64_t zeroPoint;

  /// The value of a zero point, if it is known.
  using Evaluate = llvm::function_ref<std::optional<ConstantData>(mlir::Value)>;

  /// Reads how `value` is made; none if it is no such difference.
  static std::optional<Differences> get(mlir::Value value, Evaluate evaluate);
  /// The same behind any number of pools that compute the largest differences.
  static std::optional<Differences> getPooled(mlir::Value value, Evaluate evaluate);

  mlir::Value getNumbers() const { return CastOp(widening).getInput(); }
  /// The type of the numbers.
  mlir::Type getElementType() const { return mlir::getElementTypeOrSelf(getNumbers()); }
};

/// The pool that computes `value`, if these are largest differences; otherwise null.
MaxPoolOp getIntegerPool(mlir::Value value);

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_DIFFERENCES_H
