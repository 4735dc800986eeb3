//===- BlockReduction.h - Values of many threads made one -------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_BLOCKREDUCTION_H
#define CONVOY_LIB_CODEGEN_GPU_BLOCKREDUCTION_H

#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

namespace convoy::gpu {

using Combine = llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>;

/// The value, f32 or a vector, of the lane whose number differs in `bit`, a power of two. All
/// lanes of the warp must execute this.
mlir::Value exchangeLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, int32_t bit);

/// Combines, in a fixed order, each of `values` over all threads whose numbers are equal
/// modulo `columns`, a power of two up to 32. All `threads` threads of the block, which are
/// whole warps, must execute this, and all get the results. Values are f32 or vectors, all of
/// one type.
llvm::SmallVector<mlir::Value> combineThreads(GpuKernel &kernel,
                                              llvm::ArrayRef<mlir::Value> values,
                                              int64_t threads, int64_t columns,
                                              Combine combine);

/// The same for only one of `values`: each thread chooses by `which` the number of the one
/// that it gets. The block must have several warps.
mlir::Value combineThreadsOf(GpuKernel &kernel, llvm::ArrayRef<mlir::Value> values,
                             mlir::Value which, int64_t threads, int64_t columns,
                             Combine combine);

/// Visits a thread's share of `count` elements, those whose number is `thread` modulo
/// `threads`, `unroll` at a time. `body` gets the number, whether there is such an element
/// (null if that is certain), which of the `unroll` it is, and the state to change. Returns
/// the final state. `sums` says how to combine the states of blocks.
llvm::SmallVector<mlir::Value>
forEachOfThread(mlir::ImplicitLocOpBuilder &builder, mlir::Value thread, int64_t threads,
                int64_t count, int64_t unroll, mlir::ValueRange inits,
                llvm::function_ref<void(mlir::Value number, mlir::Value inside, int64_t slot,
                                        llvm::MutableArrayRef<mlir::Value> state)>
                    body,
                const BlockSums &sums = {});

/// `combine` of some values, from the first to the last.
mlir::Value combineInOrder(llvm::ArrayRef<mlir::Value> values, Combine combine);

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_BLOCKREDUCTION_H
