//===- WarpgroupGemmPlan.h - Convolutions for Hopper's wgmma ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// GPUs of compute capability 9.0 can multiply with a group of four warps (wgmma), out of
// shared memory that their tensor memory accelerator fills. One copy brings a box of pixels
// for one block of channels. Like GpuGemmPlan, this plan follows from the operation and its
// schedule.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_WARPGROUPGEMMPLAN_H
#define CONVOY_ANALYSIS_WARPGROUPGEMMPLAN_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include <array>
#include <optional>

namespace convoy {

struct WarpgroupGemmPlan {
  /// Number of inputs in a row of shared memory: a block of channels.
  static constexpr int64_t kRow = 16;
  /// Pixels that a group of four warps multiplies at a time.
  static constexpr int64_t kGroupPixels = 64;

  /// The window, as height and width. For a 1x1 kernel without strides, all pixels of an image
  /// count as one row.
  std::array<int64_t, 2> input, kernel, strides, dilations, padsBegin;
  /// The extents of the results, images x height x width, and those of the box of results that
  /// a block of threads computes.
  std::array<int64_t, 3> results, tile;
  int64_t elementBytes;
  /// Groups of four warps that multiply. One more warp copies.
  int64_t warpgroups;
  /// Output channels that a block of threads computes, a multiple of 16 up to 256.
  int64_t channels;
  /// How many blocks of input channels a step sums over, at one position of the kernel; how
  /// many steps there are; and how many steps have their data in shared memory at a time.
  int64_t stepBlocks, steps, stages;

  int64_t rowBytes() const { return kRow * elementBytes; }
  /// Rows of inputs in shared memory, one for each pixel. A tile may have fewer pixels.
  int64_t rows() const { return warpgroups * kGroupPixels; }
  int64_t tilePixels() const { return tile[0] * tile[1] * tile[2]; }
  int64_t stageBytes() const { return stepBlocks * (rows() + channels) * rowBytes(); }
  int64_t threads() const { return warpgroups * 128 + 32; }
};

/// The plan of `op`, whose schedule says that warp groups compute it.
WarpgroupGemmPlan getWarpgroupGemmPlan(cnn::ConvOpInterface op);

} // namespace convoy

#endif // CONVOY_ANALYSIS_WARPGROUPGEMMPLAN_H
