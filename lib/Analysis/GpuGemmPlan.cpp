//===- GpuGemmPlan.cpp - How a matrix product is cut for a GPU ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decisions.h"

#include "convoy/Machine/Gpu.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace convoy;
using namespace convoy::cnn;
using llvm::divideCeil;

/// Warps that a multiprocessor needs to hide the latency of shared memory and arithmetic.
static constexpr int64_t kResidentWarps = 8;
/// The time that starting and ending a block of threads takes, in steps.
static constexpr int64_t kBlockOverhead = 6;
/// The least number of steps of a block for which it is worth splitting sums between blocks.
static constexpr int64_t kMinSplitSteps = 8;

/// The tiles that kernels can have. `efficiency` is the multiply-add rate that a tile's ratio
/// of arithmetic to loads allows, relative to the largest tile.
static constexpr struct {
  int64_t pixels, channels;
  double efficiency;
} kTiles[] = {
    {128, 128, 1.0}, {128, 64, 0.95}, {64, 64, 0.85}, {128, 32, 0.75}, {64, 32, 0.7}};

/// Bytes of shared memory for a stage, which is one step or, in f16, two. Rows are padded
/// against bank conflicts, as in the kernel.
static int64_t getStageBytes(int64_t pixels, int64_t channels) {
  return (pixels * (GpuGemmPlan::kStep + 4) + GpuGemmPlan::kStep * (channels + 8)) * 4;
}

GpuGemmPlan convoy::planGpuGemm(int64_t pixels, int64_t groups, int64_t outputs,
                                int64_t steps) {
  const GpuDescription &gpu = describePortableGpu();
  GpuGemmPlan best = {};
  for (const auto &tile : kTiles) {
    GpuGemmPlan plan{tile.pixels, tile.channels, 1, 1};
    int64_t blocks =
        divideCeil(pixels, plan.pixels) * divideCeil(outputs, plan.channels) * groups;
    int64_t warps = plan.threads() / 32;
    for (plan.splits = 1; plan.splits <= 32; plan.splits *= 2) {
      if (plan.splits > 1 && steps / plan.splits < kMinSplitSteps)
        break;
      // Blocks of the busiest multiprocessor. With too few warps it cannot hide latency.
      double load = divideCeil(blocks * plan.splits, gpu.multiprocessors);
      double busy = std::min(1.0, load * double(warps) / kResidentWarps);
      double perBlock = double(divideCeil(steps, plan.splits) + kBlockOverhead) *
                        double(plan.pixels * plan.channels * GpuGemmPlan::kStep) /
                        tile.efficiency;
      plan.cost = load * perBlock / busy;
      // Partial sums are written to memory and read by another kernel.
      if (plan.splits > 1)
        plan.cost += gpu.getMacsPerFloat() *
                         double(pixels * outputs * groups * 2 * plan.splits) /
                         double(gpu.multiprocessors) +
                     double(kBlockOverhead * 4096 * GpuGemmPlan::kStep);
      if (!best.pixels || plan.cost < best.cost)
        best = plan;
    }
  }
  best.stages = std::clamp<int64_t>(
      kGpuStaticSharedBytes / getStageBytes(best.pixels, best.channels), 2, 3);
  return best;
}

GpuGemmPlan convoy::planGpuGemm(ConvOpInterface op) {
  auto output = op.getOutputType().getShape();
  int64_t pixels = output[0] * llvm::product_of(output.slice(2, op.getSpatialRank()));
  int64_t inputs = op.getInputChannels() / op.getGroups();
  int64_t positions = llvm::product_of(op.getWindow().getKernel());
  int64_t steps = op.isInputBlocked() ? divideCeil(inputs, GpuGemmPlan::kStep) * positions
                                      : divideCeil(inputs * positions, GpuGemmPlan::kStep);
  return planGpuGemm(pixels, op.getGroups(), op.getOutputChannels() / op.getGroups(), steps);
}

GpuGemmPlan convoy::planGpuGemm(DenseOp op) {
  auto shape = op.getLogicalFilterShape();
  int64_t rows = llvm::cast<mlir::ShapedType>(op.getInput().getType()).getDimSize(0);
  return planGpuGemm(rows, 1, shape[0], divideCeil(shape[1], GpuGemmPlan::kStep));
}

bool convoy::isGpuGemmTile(int64_t pixels, int64_t channels) {
  return llvm::any_of(kTiles, [&](const auto &tile) {
    return tile.pixels == pixels && tile.channels == channels;
  });
}

GpuGemmPlan convoy::getGpuGemmPlan(ScheduleAttr schedule) {
  return {schedule.getPixels(), schedule.getVectors() * schedule.getLanes(),
          schedule.getSplits(), schedule.getStages()};
}

int64_t convoy::countPartialBytes(const GpuGemmPlan &plan, int64_t pixels, int64_t groups,
                                  int64_t outputTiles) {
  if (plan.splits == 1)
    return 0;
  return plan.splits * pixels * groups * outputTiles * plan.channels * int64_t(sizeof(float));
}
