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

/// What a block of threads computes, its shared memory, and where a thread is in it. The
/// sum goes in stages, of 64 bytes of a pixel's inputs each.
struct GemmBlock {
  /// Elements of padding after a row of filters.
  static constexpr int64_t kFilterPadding = 8;
  /// Asynchronous copies of a pixel's inputs in a stage.
  static constexpr int64_t kStageCopies = 4;

  /// `element` is the type of inputs and filters in shared memory. What is given must
  /// outlive this.
  GemmBlock(GpuKernel &kernel, const GemmProblem &problem, const GpuGemmPlan &plan,
            mlir::Type element);

  bool isHalf() const { return element.isF16(); }
  /// Elements of a copy, inputs of a stage, and the steps that these are.
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
  /// The first channel and pixel of the warp's tile in the block's.
  mlir::Value warpChannel, warpPixel;
  /// `[stage][pixel][input]` and `[stage][input][channel]`.
  mlir::Value inputs, filters;
};

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_GEMMBLOCK_H
