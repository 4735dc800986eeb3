//===- ConvAlgorithm.cpp - Which way a convolution is computed ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvAlgorithm.h"

#include "convoy/Analysis/GpuConvCost.h"
#include "convoy/Machine/Cpu.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace convoy;
using namespace convoy::cnn;

/// Tiles that are one strip; above, strips of about `kStripTiles`.
static constexpr int64_t kSingleStrip = 56;
static constexpr int64_t kStripTiles = 28;

/// Input channels whose filters a task transforms at a time: few, so that they stay in the
/// L2 cache, but enough that the sums in memory are a small part of the work.
static constexpr int64_t kFilterChunk = 128;

/// Transformed filters that no cache keeps until the next run are worth some time. Half of
/// the price comes back, since fewer bytes are read.
static constexpr double kCompactPrice = 1.3;

/// The cost model is off by less than this.
static constexpr double kTopCandidates = 1.6;

static int64_t getOutputs(ConvAlgorithm algorithm) {
  bool isLarge = algorithm == ConvAlgorithm::winograd_4x4 ||
                 algorithm == ConvAlgorithm::winograd_4x4_compact;
  return isLarge ? 4 : 2;
}

std::string convoy::whyNotAlgorithm(ConvOpInterface op, ConvAlgorithm algorithm,
                                    TargetAttr target) {
  if (algorithm == ConvAlgorithm::direct)
    return "";
  if (GpuAttr gpu = target.getGpu()) {
    if (gpu.getPrecision() != GpuPrecision::f32)
      return "Winograd needs f32: tensor cores compute convolutions directly";
    if (algorithm == ConvAlgorithm::winograd_4x4_compact)
      return "on a GPU, Winograd's filters are transformed when the model is compiled";
  }
  if (op.isTransposed() || op.getSpatialRank() != 2)
    return "Winograd needs a convolution of two spatial dimensions";
  auto isOne = [](int64_t value) { return value == 1; };
  WindowAttr window = op.getWindow();
  if (!window.hasUnitStrides() || !llvm::all_of(window.getDilations(), isOne))
    return "Winograd needs strides and dilations of 1";
  llvm::ArrayRef<int64_t> kernel = window.getKernel();
  int64_t extent = getOutputs(algorithm) + kernel[0] - 1;
  if (kernel[0] != kernel[1] || (kernel[0] != 3 && kernel[0] != 5) || extent > 6)
    return "Winograd computes 3x3 kernels in tiles of 2x2 or 4x4 and 5x5 ones in tiles of 2x2";
  if (!op.isInputBlocked() || !op.isOutputBlocked())
    return "Winograd needs blocked data";
  int64_t groups = op.getGroups(), lanes = target.getVectorLanes();
  if (groups > 1 && (op.getInputChannels() / groups % lanes != 0 ||
                     op.getOutputChannels() / groups % lanes != 0))
    return "Winograd needs groups that fill their blocks of channels";
  return "";
}

WinogradPlan convoy::planWinograd(ConvOpInterface op, ConvAlgorithm algorithm,
                                  TargetAttr target) {
  WinogradPlan plan;
  plan.outputs = getOutputs(algorithm);
  plan.taps = op.getWindow().getKernel().front();
  plan.extent = plan.outputs + plan.taps - 1;
  auto output = op.getOutputType().getShape();
  plan.tileRows = llvm::divideCeil(output[2], plan.outputs);
  plan.tileColumns = llvm::divideCeil(output[3], plan.outputs);
  plan.tiles = output[0] * plan.tileRows * plan.tileColumns;
  plan.channels = selectConvTile(op, target);
  plan.compact = algorithm == ConvAlgorithm::winograd_4x4_compact;
  int64_t chunks = llvm::divideCeil(plan.channels.groupInputs, kFilterChunk);
  plan.filterChunk = llvm::divideCeil(plan.channels.inputChunks, chunks);
  plan.productMajor = bool(target.getGpu());
  if (GpuAttr gpu = target.getGpu()) {
    cutForGpu(plan, describeGpu(gpu));
    return plan;
  }
  plan.strips =
      plan.tiles <= kSingleStrip ? 1 : int64_t(llvm::divideCeil(plan.tiles, kStripTiles));
  plan.stripTiles = llvm::divideCeil(plan.tiles, plan.strips);
  plan.strips = llvm::divideCeil(plan.tiles, plan.stripTiles);
  return plan;
}

double convoy::estimateConvCost(ConvOpInterface op, ConvAlgorithm algorithm,
                                TargetAttr target) {
  if (target.getGpu())
    return estimateGpuConvCost(op, algorithm, target);
  CpuDescription cpu = getCpu(target);
  ConvTile tile = selectConvTile(op, target);
  double groups = tile.groups, inputs = tile.groupInputs;
  double outputs = tile.outputTiles * tile.tileLanes();
  double filters = groups * inputs * outputs;
  double positions = double(llvm::product_of(op.getWindow().getKernel()));
  if (algorithm == ConvAlgorithm::direct) {
    auto output = op.getOutputType().getShape();
    double pixels = double(output[0] * llvm::product_of(output.slice(2, op.getSpatialRank())));
    return std::max(2.0 * filters * positions * pixels,
                    cpu.flopsPerByte * sizeof(float) * filters * positions);
  }
  WinogradPlan plan = planWinograd(op, algorithm, target);
  double products = double(plan.products());
  double product = 2.0 * filters * products * double(plan.tiles);
  double weights =
      cpu.flopsPerByte * sizeof(float) * filters * (plan.compact ? positions : products);
  if (plan.compact)
    product += cpu.flopsPerFilterValue * filters * products * double(plan.strips);
  // Each dimension takes about 2.3 operations a vector; a load and a store besides.
  double vectors = 6.6 * products * double(plan.tiles) * groups *
                   double(tile.inputChunks + tile.outputBlocks());
  return std::max(product, weights) + vectors * 2.0 * double(tile.lanes);
}

/// Whether the transformed filters of `op` are so large that storing them as they are may
/// be worth the time of transforming them in each run.
static bool hasLargeFilters(ConvOpInterface op, TargetAttr target) {
  WinogradPlan plan = planWinograd(op, ConvAlgorithm::winograd_4x4, target);
  return llvm::product_of(getWinogradFilterShape(plan)) * int64_t(sizeof(float)) >=
         getCpu(target).keptBytes;
}

/// What `tile_blocks` may be for an algorithm, presumably best first.
static llvm::SmallVector<int64_t> orderTileBlocks(ConvOpInterface op, ConvAlgorithm algorithm,
                                                  TargetAttr target) {
  llvm::SmallVector<int64_t> blocks = listTileBlocks(op, target);
  if (algorithm == ConvAlgorithm::direct)
    return blocks;
  // A single register tile of a layer with few Winograd tiles reads its weights once.
  WinogradPlan plan = planWinograd(op, algorithm, target);
  int64_t single = plan.channels.pixels * plan.channels.blocks;
  if (plan.stripTiles == plan.tiles && plan.tiles > plan.channels.pixels &&
      plan.tiles <= single)
    llvm::stable_sort(blocks,
                      [](int64_t left, int64_t right) { return left == 1 && right != 1; });
  return blocks;
}

std::string ConvSchedule::str() const {
  return (stringifyConvAlgorithm(algorithm) + "/" + llvm::Twine(tileBlocks)).str();
}

std::optional<ConvSchedule> ConvSchedule::parse(llvm::StringRef text) {
  auto [name, blocks] = text.split('/');
  std::optional<ConvAlgorithm> algorithm = symbolizeConvAlgorithm(name);
  ConvSchedule schedule;
  if (!algorithm || blocks.getAsInteger(10, schedule.tileBlocks) || schedule.tileBlocks < 1)
    return std::nullopt;
  schedule.algorithm = *algorithm;
  return schedule;
}

llvm::SmallVector<ConvSchedule> convoy::listConvSchedules(ConvOpInterface op,
                                                          TargetAttr target) {
  struct Candidate {
    ConvAlgorithm algorithm;
    double cost;
  };
  llvm::SmallVector<Candidate> candidates;
  for (ConvAlgorithm algorithm :
       {ConvAlgorithm::direct, ConvAlgorithm::winograd_2x2, ConvAlgorithm::winograd_4x4,
        ConvAlgorithm::winograd_4x4_compact}) {
    bool isAllowed = whyNotAlgorithm(op, algorithm, target).empty();
    if (op.hasConvAlgorithm())
      isAllowed &= op.getConvAlgorithm() == algorithm;
    else if (isAllowed && algorithm == ConvAlgorithm::winograd_4x4_compact)
      isAllowed = hasLargeFilters(op, target);
    if (isAllowed)
      candidates.push_back({algorithm, estimateConvCost(op, algorithm, target)});
  }
  llvm::stable_sort(candidates, [](const Candidate &left, const Candidate &right) {
    return left.cost < right.cost;
  });
  double cheapest = candidates.front().cost;
  // Room is worth some time.
  auto compact = llvm::find_if(candidates, [](const Candidate &candidate) {
    return candidate.algorithm == ConvAlgorithm::winograd_4x4_compact;
  });
  if (candidates.front().algorithm == ConvAlgorithm::winograd_4x4 &&
      compact != candidates.end() && compact->cost <= kCompactPrice * cheapest)
    std::rotate(candidates.begin(), compact, compact + 1);
  llvm::SmallVector<ConvSchedule> schedules;
  for (const Candidate &candidate : candidates) {
    if (candidate.cost > kTopCandidates * cheapest)
      continue;
    for (int64_t blocks : orderTileBlocks(op, candidate.algorithm, target))
      schedules.push_back({candidate.algorithm, blocks});
  }
  return schedules;
}

llvm::SmallVector<int64_t> convoy::getWinogradFilterShape(const WinogradPlan &plan) {
  const ConvTile &channels = plan.channels;
  if (plan.compact)
    return {channels.groups, channels.outputTiles, channels.groupInputs, plan.taps * plan.taps,
            channels.tileLanes()};
  if (plan.productMajor)
    return {channels.groups, plan.products(), channels.outputTiles, channels.groupInputs,
            channels.tileLanes()};
  return {channels.groups, channels.outputTiles, plan.products(), channels.groupInputs,
          channels.tileLanes()};
}
