//===- WarpgroupGemmPlan.h - Convolutions for Hopper's wgmma ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A GPU that has them multiplies with a group of four warps, out of shared memory that
// its tensor memory accelerator fills: a box of pixels times one block of channels a copy.
// As GpuGemmPlan, this follows from the operation and its schedule.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_WARPGROUPGEMMPLAN_H
#define CONVOY_ANALYSIS_WARPGROUPGEMMPLAN_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include <array>
#include <optional>

namespace convoy {

struct WarpgroupGemmPlan {
  /// Inputs of a row in shared memory: a block of channels.
  static constexpr int64_t kRow = 16;
  /// Pixels that a group of four warps multiplies at a time.
  static constexpr int64_t kGroupPixels = 64;

  /// The window, height and width; a 1x1 kernel without strides has all pixels of an image
  /// side by side.
  std::array<int64_t, 2> input, kernel, strides, dilations, padsBegin;
  /// Results: images, height, width; and how many of each a block of threads computes.
  std::array<int64_t, 3> results, tile;
  int64_t elementBytes;
  /// Groups of warps that multiply; one warp more copies.
  int64_t warpgroups;
  /// Output channels of a block of threads, a multiple of 16 up to 256.
  int64_t channels;
  /// Blocks of input channels that a step sums over at one position of the kernel, how
  /// many steps there are, and how many have their data in shared memory at a time.
  int64_t runs, steps, stages;

  int64_t rowBytes() const { return kRow * elementBytes; }
  /// Rows of inputs in shared memory, some of which a tile may leave.
  int64_t rows() const { return warpgroups * kGroupPixels; }
  int64_t tilePixels() const { return tile[0] * tile[1] * tile[2]; }
  int64_t stageBytes() const { return runs * (rows() + channels) * rowBytes(); }
  int64_t threads() const { return warpgroups * 128 + 32; }
};

/// The plan of `op`, whose schedule says that warp groups compute it.
WarpgroupGemmPlan getWarpgroupGemmPlan(cnn::ConvOpInterface op);

} // namespace convoy

#endif // CONVOY_ANALYSIS_WARPGROUPGEMMPLAN_H
