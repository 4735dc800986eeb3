//===- WarpgroupGemmPlan.cpp - Convolutions for Hopper's wgmma ------------===//
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

/// Cycles that a block of threads waits for its first data and needs to store its results.
static constexpr double kBlockCycles = 2000;
/// If fewer than one in this many multiprocessors gets a block of threads, a GpuGemmPlan that
/// splits sums between blocks is assumed to be faster.
static constexpr int64_t kIdleMultiprocessors = 4;
/// Bytes of a multiprocessor's shared memory for the driver and for barriers.
static constexpr int64_t kOtherSharedBytes = 4 * 1024;
/// The fewest output channels of a group: with fewer, a product would spend most of its time
/// on reading inputs. The most output channels of a block of threads.
static constexpr int64_t kMinChannels = 32, kMaxChannels = 256;
/// The most bytes of one row's inputs in a step, over all its blocks of channels: the width of
/// all banks of shared memory.
static constexpr int64_t kStepBytes = 128;
/// The largest stride and the largest extent of a box that a tensor map allows.
static constexpr int64_t kMaxStep = 8, kMaxBox = 256;

/// Whether the kernel supports the precision and the convolution's shapes and layouts.
static bool fits(ConvOpInterface op, Precision precision) {
  int64_t groups = op.getGroups();
  auto isStep = [](int64_t stride) { return stride <= kMaxStep; };
  int64_t row = WarpgroupGemmPlan::kRow, outputs = op.getOutputChannels() / groups;
  return precision != Precision::f32 && !op.isTransposed() && op.getSpatialRank() == 2 &&
         op.isInputBlocked() && op.isOutputBlocked() &&
         llvm::all_of(op.getWindow().getStrides(), isStep) &&
         op.getInputChannels() / groups % row == 0 && outputs >= kMinChannels &&
         (groups == 1 || outputs % row == 0);
}

/// The part of a plan that follows from the shapes and from the bytes of an element.
static WarpgroupGemmPlan describe(ConvOpInterface op, int64_t elementBytes) {
  WarpgroupGemmPlan plan;
  auto input = op.getInputType().getShape(), output = op.getOutputType().getShape();
  auto pair = [](llvm::ArrayRef<int64_t> values) {
    return std::array<int64_t, 2>{values[0], values[1]};
  };
  plan.input = pair(input.drop_front(2));
  WindowAttr window = op.getWindow();
  plan.kernel = pair(window.getKernel());
  plan.strides = pair(window.getStrides());
  plan.dilations = pair(window.getDilations());
  plan.padsBegin = pair(window.getPadsBegin());
  std::array<int64_t, 2> results = pair(output.drop_front(2));
  if (window.isPointwise()) {
    plan.input = {1, plan.input[0] * plan.input[1]};
    results = {1, results[0] * results[1]};
  }
  plan.results = {output[0], results[0], results[1]};
  plan.elementBytes = elementBytes;
  return plan;
}

/// The number of blocks of threads for one tile of output channels.
static int64_t countBlocks(const WarpgroupGemmPlan &plan) {
  int64_t blocks = 1;
  for (auto [extent, tile] : llvm::zip_equal(plan.results, plan.tile))
    blocks *= divideCeil(extent, tile);
  return blocks;
}

/// Chooses the tile of pixels that covers the results with the fewest blocks of threads; the
/// widest, if there are several.
static void chooseBox(WarpgroupGemmPlan &plan) {
  auto [images, height, width] = plan.results;
  WarpgroupGemmPlan tried = plan;
  int64_t best = 0;
  for (int64_t w = std::min({width, plan.rows(), kMaxBox / plan.strides[1]}); w > 0; --w) {
    int64_t h = std::min({height, plan.rows() / w, kMaxBox / plan.strides[0]});
    int64_t n = w == width && h == height ? std::min(images, plan.rows() / (w * h)) : 1;
    tried.tile = {n, h, w};
    int64_t blocks = countBlocks(tried);
    if (best && blocks >= best)
      continue;
    best = blocks;
    plan.tile = tried.tile;
  }
}

std::optional<WarpgroupGemmPlan> convoy::planWarpgroupGemm(ConvOpInterface op,
                                                           TargetAttr target) {
  GpuAttr gpuAttr = target.getGpu();
  if (!gpuAttr || !gpuAttr.getArchSpecific() || !fits(op, target.getPrecision()))
    return std::nullopt;
  const GpuDescription &gpu = describeGpu(gpuAttr);
  int64_t sharedBytes = gpu.sharedBytes - kOtherSharedBytes;
  // The data will have the type of the filter, which is f16 if the precision is.
  WarpgroupGemmPlan plan = describe(op, target.getPrecision() == Precision::f16 ? 2 : 4);
  WarpgroupGemmPlan best = plan;
  int64_t groups = op.getGroups(), outputs = op.getOutputChannels() / groups;
  int64_t blocks = op.getInputChannels() / groups / WarpgroupGemmPlan::kRow;
  plan.stepBlocks = kStepBytes / plan.rowBytes();
  while (blocks % plan.stepBlocks != 0)
    plan.stepBlocks /= 2;
  plan.steps = blocks / plan.stepBlocks * llvm::product_of(plan.kernel);

  auto countAll = [&](const WarpgroupGemmPlan &plan) {
    return countBlocks(plan) * int64_t(divideCeil(outputs, plan.channels)) * groups;
  };
  double bestCost = 0;
  for (plan.warpgroups = 2; plan.warpgroups > 0; --plan.warpgroups) {
    chooseBox(plan);
    for (int64_t tiles = divideCeil(outputs, kMaxChannels);; ++tiles) {
      plan.channels = llvm::alignTo(divideCeil(outputs, tiles), WarpgroupGemmPlan::kRow);
      bool isLarge = plan.warpgroups == 2 && plan.channels > 128;
      plan.stages = std::clamp<int64_t>(
          (isLarge ? sharedBytes : sharedBytes / 2) / plan.stageBytes(), 2, 6);
      double macs = double(plan.rows() * plan.channels * plan.stepBlocks * plan.kRow);
      double cycles = std::max(macs / (gpu.warpgroupMacs * 4 / double(plan.elementBytes)),
                               double(plan.stageBytes()) / gpu.warpgroupBytes);
      double load = divideCeil(countAll(plan), gpu.multiprocessors);
      double cost = load * (double(plan.steps) * cycles + kBlockCycles);
      if (!bestCost || cost < bestCost) {
        best = plan;
        bestCost = cost;
      }
      if (plan.channels <= 64)
        break;
    }
  }
  if (countAll(best) < gpu.multiprocessors / kIdleMultiprocessors &&
      planGpuGemm(op).splits > 1)
    return std::nullopt;
  return best;
}

WarpgroupGemmPlan convoy::getWarpgroupGemmPlan(ConvOpInterface op) {
  ScheduleAttr schedule = op.getScheduleAttr();
  FilterLayoutAttr filter = schedule.getFilter();
  WarpgroupGemmPlan plan = describe(op, filter.getType().getElementTypeBitWidth() / 8);
  llvm::copy(schedule.getBox(), plan.tile.begin());
  plan.warpgroups = schedule.getWarpgroups();
  plan.channels = schedule.getVectors() * schedule.getLanes();
  plan.stepBlocks = filter.getExtent(FilterDim::step_chunk);
  plan.steps = filter.getExtent(FilterDim::step) * llvm::product_of(plan.kernel);
  plan.stages = schedule.getStages();
  return plan;
}

std::string convoy::whyNotPlan(const WarpgroupGemmPlan &plan, const GpuDescription &gpu) {
  bool fits = plan.channels % WarpgroupGemmPlan::kRow == 0 && plan.channels <= kMaxChannels &&
              plan.warpgroups >= 1 && plan.warpgroups <= 2 && plan.stages >= 2 &&
              plan.tilePixels() <= plan.rows() &&
              plan.stages * plan.stageBytes() <= gpu.sharedBytes - kOtherSharedBytes &&
              plan.stepBlocks * plan.rowBytes() <= kStepBytes;
  for (int i = 0; i < 2; ++i)
    fits &= plan.tile[i + 1] * plan.strides[i] <= kMaxBox;
  return fits ? "" : "the box, the stages or the channels are more than warp groups can take";
}
