//===- GpuGemmPlan.h - How a matrix product is cut for a GPU ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Convolutions and dense layers are matrix products on a GPU: pixels (or rows of a
// batch) times output channels, summed over `steps` steps of 16 inputs each. A schedule
// says how.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_GPUGEMMPLAN_H
#define CONVOY_ANALYSIS_GPUGEMMPLAN_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

struct GpuGemmPlan {
  /// Inputs that one step sums over.
  static constexpr int64_t kStep = 16;
  /// Pixels that a warp computes; it computes all output channels of a tile, or 64.
  static constexpr int64_t kWarpPixels = 32;

  /// A block of threads computes `pixels x channels` results.
  int64_t pixels, channels;
  /// Blocks that share the steps of a result; their sums are added by a second kernel.
  int64_t splits;
  /// Stages whose data are in shared memory at a time: a step each, or in f16 two.
  int64_t stages;
  /// The estimated time, in multiply-adds of a multiprocessor at its peak.
  double cost = 0;

  int64_t warpChannels() const { return std::min<int64_t>(64, channels); }
  int64_t warpsOfPixels() const { return pixels / kWarpPixels; }
  int64_t threads() const { return 32 * warpsOfPixels() * (channels / warpChannels()); }
};

/// The plan that a schedule states, without its cost.
GpuGemmPlan getGpuGemmPlan(cnn::ScheduleAttr schedule);

/// Bytes of partial sums: [split][pixel][group][output tile][channel of the tile].
int64_t countPartialBytes(const GpuGemmPlan &plan, int64_t pixels, int64_t groups,
                          int64_t outputTiles);

} // namespace convoy

#endif // CONVOY_ANALYSIS_GPUGEMMPLAN_H
