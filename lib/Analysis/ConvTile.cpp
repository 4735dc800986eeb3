//===- ConvTile.cpp - Register tiles and packed filter layouts ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTile.h"

#include "convoy/Analysis/GpuGemmPlan.h"
#include "convoy/Analysis/WarpgroupGemmPlan.h"
#include "convoy/Machine/Cpu.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace convoy;
using namespace convoy::cnn;

/// Accumulators that leave room for a tile's weights and one broadcast.
static int64_t getAccumulators(TargetAttr target) { return getCpu(target).vectors->convSums; }

/// Vectors of output channels in a tile, best first: two where they divide evenly, since
/// each broadcast then feeds two multiply-adds.
static llvm::SmallVector<int64_t> listBlocks(int64_t blocks) {
  llvm::SmallVector<int64_t> list;
  for (int64_t candidate : {2, 3, 1})
    if (blocks % candidate == 0)
      list.push_back(candidate);
  return list;
}

/// Whether a 1x1 convolution on plain data fills more lanes with pixels than with the
/// output channels of a group.
static bool prefersPixels(ConvOpInterface op, int64_t groupOutputs, int64_t lanes) {
  if (op.isInputBlocked() || op.isOutputBlocked() || !op.isPointwise())
    return false;
  int64_t pixels = llvm::product_of(op.getOutputType().getShape().drop_front(2));
  auto filled = [&](int64_t extent) {
    return double(extent) / double(llvm::alignTo(extent, lanes));
  };
  return filled(pixels) >= filled(groupOutputs);
}

/// Whether groups of a few channels lie side by side in vectors.
static bool isChannelwise(ConvOpInterface op, const ConvTile &tile) {
  return op.isInputBlocked() && op.isOutputBlocked() && !op.isTransposed() &&
         tile.groups > 1 && tile.groupInputs == tile.groupOutputs &&
         tile.groupInputs < tile.lanes && tile.lanes % tile.groupInputs == 0;
}

/// The layout that a GPU's kernels read: tiles as the matrix product has them, and whole
/// steps of blocked input channels.
static ConvTile selectGpuTile(ConvOpInterface op, TargetAttr target, ConvTile tile) {
  tile.channelwise = isChannelwise(op, tile);
  tile.pixelwise = false;
  tile.pixels = 1;
  tile.inputChunks = 1;
  tile.inputChunk = tile.groupInputs;
  tile.blocks = 1;
  if (tile.channelwise) {
    tile.outputTiles = llvm::divideCeil(op.getOutputChannels(), tile.lanes);
    return tile;
  }
  if (auto plan = planWarpgroupGemm(op, target)) {
    tile.blocks = plan->channels / tile.lanes;
    tile.pixels = plan->tilePixels();
    tile.stepChunks = plan->runs;
  } else if (!op.isTransposed()) {
    GpuGemmPlan plan = planGpuGemm(op);
    tile.blocks = plan.channels / tile.lanes;
    tile.pixels = plan.pixels;
  }
  if (op.isInputBlocked()) {
    tile.inputChunk = tile.lanes;
    tile.inputChunks = llvm::divideCeil(tile.groupInputs, tile.inputChunk);
  }
  tile.outputTiles = llvm::divideCeil(tile.groupOutputs, tile.tileLanes());
  return tile;
}

ConvTile convoy::selectConvTile(ConvOpInterface op, TargetAttr target) {
  ConvTile tile;
  tile.lanes = target.getVectorLanes();
  tile.groups = op.getGroups();
  tile.groupInputs = op.getInputChannels() / tile.groups;
  tile.groupOutputs = op.getOutputChannels() / tile.groups;
  if (target.getGpu())
    return selectGpuTile(op, target, tile);
  bool blocked = op.isInputBlocked() && op.isOutputBlocked();
  // With strides, groups of half a 512-bit vector are convolutions of their own in 256-bit
  // vectors: channel-wise code would shuffle almost as often as it multiplies.
  if (blocked && !op.isTransposed() && tile.groups > 1 && tile.lanes == 16 &&
      tile.groupInputs == 8 && tile.groupOutputs == 8 &&
      op.getWindow().getStrides().back() > 1)
    tile.lanes = 8;
  tile.channelwise = isChannelwise(op, tile);
  tile.pixelwise = prefersPixels(op, tile.groupOutputs, tile.lanes);
  if (tile.pixelwise) {
    // Two vectors of pixels for each output channel.
    tile.lanes = 1;
    tile.pixels = 2 * target.getVectorLanes();
    tile.outputTiles = llvm::divideCeil(tile.groupOutputs, getAccumulators(target) / 2);
    tile.blocks = llvm::divideCeil(tile.groupOutputs, tile.outputTiles);
    tile.outputTiles = llvm::divideCeil(tile.groupOutputs, tile.blocks);
    tile.inputChunk = tile.groupInputs;
    tile.inputChunks = 1;
    return tile;
  }
  if (tile.channelwise) {
    tile.blocks = 1;
    const VectorUnit &vectors = *getCpu(target).vectors;
    tile.pixels = tile.groupInputs > 1 ? vectors.groupPixels : vectors.depthwisePixels;
    tile.outputTiles = llvm::divideCeil(op.getOutputChannels(), tile.lanes);
    tile.inputChunk = tile.groupInputs;
    tile.inputChunks = 1;
    return tile;
  }
  int64_t blocks = llvm::divideCeil(tile.groupOutputs, tile.lanes);
  tile.blocks = op.getTileBlocks().value_or(listBlocks(blocks).front());
  tile.outputTiles = blocks / tile.blocks;
  tile.pixels = getAccumulators(target) / tile.blocks;
  // A blocked input is read a channel block at a time, a plain one in one go.
  tile.inputChunk =
      op.isInputBlocked() ? std::min(tile.lanes, tile.groupInputs) : tile.groupInputs;
  tile.inputChunks = llvm::divideCeil(tile.groupInputs, tile.inputChunk);
  return tile;
}

llvm::SmallVector<int64_t> convoy::listTileBlocks(ConvOpInterface op, TargetAttr target) {
  ConvTile tile = selectConvTile(op, target);
  if (tile.channelwise || tile.pixelwise || target.getGpu())
    return {tile.blocks};
  return listBlocks(llvm::divideCeil(tile.groupOutputs, tile.lanes));
}

llvm::SmallVector<int64_t> convoy::getPackedFilterShape(ConvOpInterface op,
                                                        const ConvTile &tile) {
  llvm::SmallVector<int64_t> shape;
  if (tile.channelwise)
    shape = {tile.outputTiles};
  else
    shape = {tile.groups, tile.outputTiles,
             tile.inputChunks / std::max<int64_t>(1, tile.stepChunks)};
  llvm::append_range(shape, op.getWindow().getKernel());
  if (tile.stepChunks) {
    shape.append({tile.stepChunks, tile.tileLanes(), tile.inputChunk});
    return shape;
  }
  shape.push_back(tile.inputChunk);
  shape.push_back(tile.tileLanes());
  return shape;
}

int64_t convoy::getPackedBiasSize(const ConvTile &tile) {
  return (tile.channelwise ? 1 : tile.groups) * tile.outputTiles * tile.tileLanes();
}

DenseTile convoy::selectDenseTile(DenseOp op, TargetAttr target) {
  DenseTile tile;
  tile.lanes = target.getVectorLanes();
  int64_t rows = llvm::cast<mlir::ShapedType>(op.getInput().getType()).getDimSize(0);
  int64_t blocks = llvm::divideCeil(op.getLogicalFilterShape()[0], tile.lanes);
  if (target.getGpu()) {
    tile.rows = rows;
    tile.blocks = rows <= kGpuDenseRows ? 1 : planGpuGemm(op).channels / tile.lanes;
    tile.outputTiles = llvm::divideCeil(blocks, tile.blocks);
    return tile;
  }
  // One row is bound by memory: four streams of weights in flight.
  tile.blocks = rows == 1 ? std::min<int64_t>(4, blocks) : std::min<int64_t>(2, blocks);
  tile.rows = std::min(rows, getAccumulators(target) / tile.blocks);
  tile.outputTiles = llvm::divideCeil(blocks, tile.blocks);
  return tile;
}
