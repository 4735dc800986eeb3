//===- GemmBlock.h - A block of threads of a matrix product -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_GEMMBLOCK_H
#define CONVOY_LIB_CODEGEN_GPU_GEMMBLOCK_H

#include "GemmProblem.h"

#include "convoy/Analysis/GpuGemmPlan.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

namespace convoy::gpu {

/// The part of a matrix product that a block of threads computes, its shared memory, and the
/// place of a thread in it. The sum is computed in stages, each of 64 bytes of inputs per
/// pixel.
struct GemmBlock {
  /// Elements of padding after a row of filters.
  static constexpr int64_t kFilterPadding = 8;
  /// Asynchronous copies per pixel that bring a stage's inputs.
  static constexpr int64_t kStageCopies = 4;

  /// `element` is the type of inputs and filters in shared memory. All references must outlive
  /// this object.
  GemmBlock(GpuKernel &kernel, const GemmProblem &problem, const GpuGemmPlan &plan,
            mlir::Type element);

  bool isHalf() const { return element.isF16(); }
  /// Elements per copy, inputs per stage, and steps per stage.
  int64_t copied() const { return kCopyBytes / (element.getIntOrFloatBitWidth() / 8); }
  int64_t stageDepth() const { return kStageCopies * copied(); }
  int64_t stageSteps() const { return stageDepth() / GpuGemmPlan::kStep; }

  GpuKernel &kernel;
  mlir::ImplicitLocOpBuilder &b;
  const GemmProblem &problem;
  const GpuGemmPlan &plan;
  mlir::Type element;
  /// The thread's number in the block, and in its warp.
  mlir::Value thread, lane;
  /// The block's first pixel, group, and tile of the group's output channels.
  mlir::Value firstPixel, group, outputTile;
  /// The first channel and pixel of the warp's tile, within the block's tile.
  mlir::Value warpChannel, warpPixel;
  /// Buffers in shared memory: `[stage][pixel][input]` and `[stage][input][channel]`.
  mlir::Value inputs, filters;
};

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_GEMMBLOCK_H
