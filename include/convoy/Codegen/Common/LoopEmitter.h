//===- LoopEmitter.h - Index arithmetic and loops in kernels ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_LOOPEMITTER_H
#define CONVOY_CODEGEN_COMMON_LOOPEMITTER_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <functional>

namespace mlir::scf {
class ForOp;
} // namespace mlir::scf

namespace convoy {

/// Splits a flat index into one index for each of `extents` (row-major: the last one varies
/// fastest); a constant zero for an extent of 1.
llvm::SmallVector<mlir::Value> delinearize(mlir::ImplicitLocOpBuilder &builder,
                                           mlir::Value index, llvm::ArrayRef<int64_t> extents);
/// The inverse: the flat index of `first`, of any extent, followed by `indices` of `extents`.
mlir::Value linearize(mlir::ImplicitLocOpBuilder &builder, mlir::Value first,
                      mlir::ValueRange indices, llvm::ArrayRef<int64_t> extents);
/// The buffer as a buffer of rank 1 over the same memory, from its first to its last element.
/// If there are gaps between its images, the result includes them.
mlir::Value flatten(mlir::ImplicitLocOpBuilder &builder, mlir::Value buffer);
mlir::Value indexConstant(mlir::ImplicitLocOpBuilder &builder, int64_t value);
/// `value * factor + addend`; omits a multiplication by 1 and an addition of 0, and folds
/// constants.
mlir::Value affine(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, int64_t factor,
                   int64_t addend);
mlir::Value add(mlir::ImplicitLocOpBuilder &builder, mlir::Value lhs, mlir::Value rhs);
/// Emits a loop over 0 .. `count` - 1, or the body alone if `count` is 1. `body` gets the
/// index and the loop-carried values, and returns their next values. Returns their last
/// values.
llvm::SmallVector<mlir::Value> emitLoop(
    mlir::ImplicitLocOpBuilder &builder, int64_t count, mlir::ValueRange inits,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
/// The same from `lower` up to `upper`, which is not included, in steps of `step`.
llvm::SmallVector<mlir::Value> emitLoop(
    mlir::ImplicitLocOpBuilder &builder, mlir::Value lower, mlir::Value upper, int64_t step,
    mlir::ValueRange inits,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);

/// The most additions that a sum makes one after the other.
inline constexpr int64_t kSumBlock = 64;
/// How loops add up numbers in blocks, so that their error grows with the logarithm of the
/// count: a block's sums begin at `starts`, which change no sum, and `combine` adds them to
/// the sums of the blocks before. Without `combine`, there are no blocks.
struct BlockSums {
  BlockSums() = default;
  /// Each value is combined alone.
  BlockSums(mlir::ValueRange starts,
            std::function<mlir::Value(mlir::Value, mlir::Value)> combineOne);

  llvm::SmallVector<mlir::Value> starts;
  std::function<llvm::SmallVector<mlir::Value>(mlir::ValueRange, mlir::ValueRange)> combine;
};
/// A loop over 0 .. `count` - 1 as emitLoop makes it, whose carried values are sums. The
/// innermost blocks have `block` iterations.
llvm::SmallVector<mlir::Value> emitSumLoop(
    mlir::ImplicitLocOpBuilder &builder, int64_t count, mlir::ValueRange inits,
    const BlockSums &sums,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body,
    int64_t block = kSumBlock);
/// The same from `lower` up to `upper`, which is not included; at most `count` iterations.
llvm::SmallVector<mlir::Value> emitSumLoop(
    mlir::ImplicitLocOpBuilder &builder, mlir::Value lower, mlir::Value upper, int64_t count,
    mlir::ValueRange inits, const BlockSums &sums,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
/// Keeps LLVM from unrolling the loop that defines `results`, if a loop does. LLVM would share
/// loads between unrolled iterations, and spill the shared values.
void keepRolled(mlir::ValueRange results);
void keepRolled(mlir::scf::ForOp loop);
/// Has LLVM unroll the loop that defines `results` completely, if a loop does.
void unrollFully(mlir::ValueRange results);
/// Tells LLVM that iterations of the loop may run in vectors even if that takes many checks
/// that buffers do not overlap.
void allowVectors(mlir::scf::ForOp loop);
/// Emits `body` for the case that `condition` holds, with `isRare` away from the other code.
void emitIf(mlir::ImplicitLocOpBuilder &builder, mlir::Value condition,
            llvm::function_ref<void()> body, bool isRare = false);
/// Whether a condition, a scalar or a vector, holds for a lane.
mlir::Value emitAny(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value condition);
mlir::Value zeroVector(mlir::ImplicitLocOpBuilder &builder, mlir::VectorType type);
mlir::Value splatVector(mlir::ImplicitLocOpBuilder &builder, mlir::VectorType type,
                        float value);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_LOOPEMITTER_H
