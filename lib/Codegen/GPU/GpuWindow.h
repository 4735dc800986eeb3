//===- GpuWindow.h - Sliding windows of single threads ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A thread visits all kernel positions of its pixel, the same ones as its neighbours;
// what lies outside of the input is not read. Up to some positions there are no loops,
// so that many loads are under way at once.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_GPUWINDOW_H
#define CONVOY_LIB_CODEGEN_GPU_GPUWINDOW_H

#include "convoy/Codegen/Common/ConvWindow.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

namespace convoy::gpu {

/// An element of a plane: its number, and whether it exists; null where it always does.
struct PlanePosition {
  mlir::Value offset, inside;
};

/// What the window of pixel `output` reads at position `kernel`, in the window's first
/// dimensions, as many as `kernel` has.
PlanePosition locateInput(mlir::ImplicitLocOpBuilder &builder, const ConvWindow &window,
                          mlir::ValueRange output, mlir::ValueRange kernel);

/// Positions up to which a kernel is unrolled, usually.
inline constexpr int64_t kUnrolledPositions = 16;

/// Emits `body` for each position of a kernel of `extents`; it gets the carried values and
/// gives their next ones. Up to `unrolled` positions there is no loop.
llvm::SmallVector<mlir::Value> forEachPosition(
    mlir::ImplicitLocOpBuilder &builder, llvm::ArrayRef<int64_t> extents,
    mlir::ValueRange inits,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange, mlir::ValueRange)>
        body,
    int64_t unrolled = kUnrolledPositions);

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_GPUWINDOW_H
