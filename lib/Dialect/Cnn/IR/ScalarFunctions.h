//===- ScalarFunctions.h - Element-wise functions of numbers ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DIALECT_CNN_IR_SCALARFUNCTIONS_H
#define CONVOY_LIB_DIALECT_CNN_IR_SCALARFUNCTIONS_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include <optional>

namespace convoy::cnn {

/// Whether the function's rounding is prescribed, so that every machine agrees.
bool isExact(UnaryKind kind);

/// `function(x)`; nothing if the function has no meaning on integers.
double applyUnary(FunctionAttr function, double x);
std::optional<int64_t> applyUnary(FunctionAttr function, int64_t x);

/// Whether `a` compares to `b` as `kind` says; nothing if it is no comparison.
std::optional<bool> compare(BinaryKind kind, double a, double b);
std::optional<bool> compare(BinaryKind kind, int64_t a, int64_t b);

/// `kind(a, b)` of a function that is neither a comparison nor logical.
double applyBinary(BinaryKind kind, double a, double b);
/// `kind(a, b)`; nothing if the result is not defined.
std::optional<int64_t> applyBinary(BinaryKind kind, int64_t a, int64_t b);

} // namespace convoy::cnn

#endif // CONVOY_LIB_DIALECT_CNN_IR_SCALARFUNCTIONS_H
