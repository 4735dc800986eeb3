//===- GpuWindow.h - Sliding windows of single threads ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A thread visits all kernel positions of its pixel, the same ones as its neighbours;
// positions outside of the input are not read. Loops over few positions are unrolled, so that
// many loads are under way at once.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_GPUWINDOW_H
#define CONVOY_LIB_CODEGEN_GPU_GPUWINDOW_H

#include "convoy/Codegen/Common/ConvWindow.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

namespace convoy::gpu {

/// An element of a plane: its number, and whether it exists; null if it always does.
struct PlanePosition {
  mlir::Value offset, inside;
};

/// The element that the window of pixel `output` reads at kernel position `kernel`. If
/// `kernel` has fewer dimensions than the window, only the first ones count.
PlanePosition locateInput(mlir::ImplicitLocOpBuilder &builder, const ConvWindow &window,
                          mlir::ValueRange output, mlir::ValueRange kernel);

/// Loops over up to so many positions are unrolled, unless a kernel decides otherwise.
inline constexpr int64_t kUnrolledPositions = 16;

/// Emits `body` for each position of a kernel of `extents`; it gets the position and the
/// carried values, and gives their next ones. Inner dimensions with up to `unrolled` positions
/// have no loops. `sums` says how to combine the values of blocks.
llvm::SmallVector<mlir::Value> forEachPosition(
    mlir::ImplicitLocOpBuilder &builder, llvm::ArrayRef<int64_t> extents,
    mlir::ValueRange inits,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange, mlir::ValueRange)>
        body,
    int64_t unrolled = kUnrolledPositions, const BlockSums &sums = {});

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_GPUWINDOW_H
