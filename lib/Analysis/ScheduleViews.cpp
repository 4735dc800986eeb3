//===- ScheduleViews.cpp - Schedules as kernels see them ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/WinogradPlan.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace convoy;
using namespace convoy::cnn;

/// Floats of padding between planes of scratch memory, so that elements at the same place of
/// all planes do not compete for the same cache set.
static constexpr int64_t kPlanePadding = 5 * 16;

/// Sums begin at a cache line.
static constexpr int64_t kLineBytes = 64;

/// The parts of a GPU's scratch memory begin at multiples of this many bytes.
static constexpr int64_t kGpuScratchAlignment = 256;

ConvTile convoy::getConvTile(ConvOpInterface op, ScheduleAttr schedule) {
  FilterLayoutAttr filter = schedule.getFilter();
  ConvTile tile;
  tile.lanes = schedule.getLanes();
  tile.blocks = schedule.getVectors();
  tile.pixels = schedule.getPixels();
  tile.outputTiles = filter.getExtent(FilterDim::output_tile);
  tile.groups = op.getGroups();
  tile.groupInputs = op.getInputChannels() / tile.groups;
  tile.groupOutputs = op.getOutputChannels() / tile.groups;
  tile.inputChunk = filter.getChunkInputs();
  // Winograd's transforms read inputs one vector at a time. The filter's layout does not say
  // so.
  if (filter.getKind() == FilterLayout::winograd_products)
    tile.inputChunk = tile.lanes;
  else if (isWinograd(schedule.getAlgorithm()))
    tile.inputChunk = std::min(tile.lanes, tile.groupInputs);
  tile.inputChunks = llvm::divideCeil(tile.groupInputs, tile.inputChunk);
  return tile;
}

PrologueRuns::PrologueRuns(ConvOpInterface op, const ConvTile &tile) {
  llvm::ArrayRef<int64_t> shape = op.getInputType().getShape();
  int64_t map = llvm::product_of(shape.slice(2, op.getSpatialRank()));
  pixels = llvm::divideCeil(map, llvm::divideCeil(map, tile.pixels));
  count = llvm::divideCeil(map, pixels);
  lastPixels = map - (count - 1) * pixels;
  bytes = shape[1] * pixels * shape.back() * int64_t(sizeof(float));
}

TileProductPlan::TileProductPlan(ConvOpInterface op, ScheduleAttr schedule)
    : channels(getConvTile(op, schedule)), isPlain(!op.isInputBlocked()),
      stripRows(schedule.getStrip()) {
  WindowAttr window = op.getWindow();
  llvm::ArrayRef<int64_t> output = op.getOutputType().getShape(), kernel = window.getKernel();
  int64_t positions = llvm::product_of(kernel);
  shifts = isPlain || (positions > 1 && window.hasUnitStrides());
  strips = llvm::divideCeil(output[2], stripRows);
  auto inputExtent = [&](int64_t extent, int64_t dim) {
    return (extent - 1) * window.getStrides()[dim] +
           (kernel[dim] - 1) * window.getDilations()[dim] + 1;
  };
  copyRows = shifts ? inputExtent(stripRows, 0) : stripRows;
  copyColumns = shifts ? inputExtent(output[3], 1) : output[3];
  columns = isPlain ? int64_t(llvm::alignTo(output[3], channels.pixels)) : copyColumns;
  copyElements = copiedChannels() * (shifts ? 1 : positions);
  sumElements = copyElements * (isPlain ? window.getStrides()[1] : 1);
  int64_t bytes = schedule.getFilter().getType().getElementTypeBitWidth() / 8;
  // Register tiles read whole tiles of pixels, also behind the last one.
  copyBytes = llvm::alignTo((copyRows * copyColumns * copyElements +
                             channels.pixels * sumElements + kernel[1] * copyElements) *
                                bytes,
                            kLineBytes);
  sumBytes = 2 * channels.pixels * channels.tileLanes() * int64_t(sizeof(float));
}

DenseTile convoy::getDenseTile(DenseOp op) {
  ScheduleAttr schedule = op.getScheduleAttr();
  return {schedule.getLanes(), schedule.getVectors(), schedule.getPixels(),
          schedule.getFilter().getExtent(FilterDim::output_tile)};
}

WinogradPlan convoy::getWinogradPlan(ConvOpInterface op, ScheduleAttr schedule) {
  WinogradPlan plan;
  plan.outputs = getWinogradOutputs(schedule.getAlgorithm());
  plan.taps = op.getWindow().getKernel().front();
  plan.extent = plan.outputs + plan.taps - 1;
  plan.compact = schedule.getAlgorithm() == Algorithm::winograd_4x4_compact;
  plan.filterChunk = schedule.getChunk();
  auto output = op.getOutputType().getShape();
  plan.tileRows = llvm::divideCeil(output[2], plan.outputs);
  plan.tileColumns = llvm::divideCeil(output[3], plan.outputs);
  plan.tiles = output[0] * plan.tileRows * plan.tileColumns;
  plan.stripTiles = schedule.getStrip();
  plan.strips = llvm::divideCeil(plan.tiles, plan.stripTiles);
  plan.channels = getConvTile(op, schedule);
  return plan;
}

WinogradScratch::WinogradScratch(const WinogradPlan &plan)
    : inputPlane(plan.channels.inputChunks * plan.stripTiles * plan.channels.lanes +
                 kPlanePadding),
      productPlane(plan.channels.blocks * plan.stripTiles * plan.channels.lanes +
                   kPlanePadding),
      filterPlane(plan.products() * plan.channels.tileLanes() + plan.channels.lanes),
      input(plan.products() * inputPlane), product(plan.products() * productPlane),
      filter(plan.compact ? plan.filterChunk * plan.channels.inputChunk * filterPlane : 0) {}

GpuWinogradScratch::GpuWinogradScratch(const WinogradPlan &plan, const GpuGemmPlan &gemm) {
  const ConvTile &channels = plan.channels;
  int64_t groups = channels.groups * plan.products();
  int64_t matrices = groups * plan.stripTiles * channels.lanes;
  sumBytes = countPartialBytes(gemm, plan.stripTiles, groups, channels.outputTiles);
  partialBytes = llvm::alignTo(sumBytes, kGpuScratchAlignment);
  inputElements = matrices * channels.inputChunks;
  productElements = matrices * plan.outputBlocks();
  inputBytes = llvm::alignTo(inputElements * sizeof(float), kGpuScratchAlignment);
  productBytes = productElements * sizeof(float);
}
