//===- GpuGemmPlan.h - How a matrix product is cut for a GPU ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// On a GPU, convolutions and dense layers are matrix products: pixels (or rows of a batch)
// times output channels, summed over steps of 16 inputs each. The schedule says how the
// product is cut into tiles.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_GPUGEMMPLAN_H
#define CONVOY_ANALYSIS_GPUGEMMPLAN_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

struct GpuGemmPlan {
  /// Number of inputs that one step sums over.
  static constexpr int64_t kStep = 16;
  /// Pixels that a warp computes, for up to 64 output channels of the tile.
  static constexpr int64_t kWarpPixels = 32;

  /// A block of threads computes `pixels x channels` results.
  int64_t pixels, channels;
  /// Into how many parts the steps of a result are cut, for a block of threads each. If there
  /// are several parts, a second kernel adds their sums.
  int64_t splits;
  /// Number of stages whose data are in shared memory at a time. A stage is one step, or two
  /// in f16.
  int64_t stages;
  /// The estimated time, in multiply-adds of a multiprocessor at its peak.
  double cost = 0;

  /// Output channels that a warp computes.
  int64_t warpChannels() const { return std::min<int64_t>(64, channels); }
  int64_t warpsOfPixels() const { return pixels / kWarpPixels; }
  int64_t threads() const { return 32 * warpsOfPixels() * (channels / warpChannels()); }
};

/// The plan in a schedule, without a cost.
GpuGemmPlan getGpuGemmPlan(cnn::ScheduleAttr schedule);

/// Bytes of the partial sums, [split][pixel][group][output tile][channel of the tile]; 0 if
/// sums are not split.
int64_t countPartialBytes(const GpuGemmPlan &plan, int64_t pixels, int64_t groups,
                          int64_t outputTiles);

} // namespace convoy

#endif // CONVOY_ANALYSIS_GPUGEMMPLAN_H
