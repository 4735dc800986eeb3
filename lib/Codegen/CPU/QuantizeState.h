//===- QuantizeState.h - States of quantised recurrences --------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_CPU_QUANTIZESTATE_H
#define CONVOY_LIB_CODEGEN_CPU_QUANTIZESTATE_H

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"

namespace convoy::cpu {

/// Quantises a state, `states[number]`, as cnn.recurrence does with `scales`. Both `states`
/// and `result`, which gets the integers less their zero point, have rows of whole vectors of
/// `type`. `rows` rows and `hidden` elements of each count. Returns a vector of the scale.
mlir::Value quantizeState(mlir::ImplicitLocOpBuilder &builder, mlir::VectorType type,
                          mlir::Value states, mlir::Value number, mlir::Value rows,
                          int64_t hidden, mlir::Value result);

} // namespace convoy::cpu

#endif // CONVOY_LIB_CODEGEN_CPU_QUANTIZESTATE_H
