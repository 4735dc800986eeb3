//===- LoopEmitter.h - Index arithmetic and loops in kernels ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_LOOPEMITTER_H
#define CONVOY_CODEGEN_COMMON_LOOPEMITTER_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace convoy {

/// Splits `index` by `extents` (row-major, last fastest); a constant zero for
/// an extent of 1.
llvm::SmallVector<mlir::Value> delinearize(mlir::ImplicitLocOpBuilder &builder,
                                           mlir::Value index, llvm::ArrayRef<int64_t> extents);
/// The way back: `first` and then `indices` of `extents`, as one index.
mlir::Value linearize(mlir::ImplicitLocOpBuilder &builder, mlir::Value first,
                      mlir::ValueRange indices, llvm::ArrayRef<int64_t> extents);
/// A buffer as one of rank 1, in the order of memory: what its images lie in where they do
/// not follow each other.
mlir::Value flatten(mlir::ImplicitLocOpBuilder &builder, mlir::Value buffer);
mlir::Value indexConstant(mlir::ImplicitLocOpBuilder &builder, int64_t value);
/// `value * factor + addend` without the trivial parts.
mlir::Value affine(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, int64_t factor,
                   int64_t addend);
mlir::Value add(mlir::ImplicitLocOpBuilder &builder, mlir::Value lhs, mlir::Value rhs);
/// A counted loop from 0; no loop at all when `count` is 1. `body` gets the
/// index and the loop-carried values, and gives their next values.
llvm::SmallVector<mlir::Value> emitLoop(
    mlir::ImplicitLocOpBuilder &builder, int64_t count, mlir::ValueRange inits,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
/// The same between two values.
llvm::SmallVector<mlir::Value> emitLoop(
    mlir::ImplicitLocOpBuilder &builder, mlir::Value lower, mlir::Value upper, int64_t step,
    mlir::ValueRange inits,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
/// Keeps LLVM from unrolling the loop that `results` came from, if it is a loop:
/// between unrolled iterations it shares loads, and spills what it shares.
void keepRolled(mlir::ValueRange results);
mlir::Value zeroVector(mlir::ImplicitLocOpBuilder &builder, mlir::VectorType type);
mlir::Value splatVector(mlir::ImplicitLocOpBuilder &builder, mlir::VectorType type,
                        float value);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_LOOPEMITTER_H
