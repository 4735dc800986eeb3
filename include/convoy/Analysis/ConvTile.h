//===- ConvTile.h - Register tiles and packed filter layouts ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// One place decides how a filter is cut into register tiles, read by the pass that
// packs weights and by the kernels.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_CONVTILE_H
#define CONVOY_ANALYSIS_CONVTILE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

/// How a convolution's filter is packed:
/// `[group][O tile][I chunk][kernel...][I in chunk][lanes of the tile]`.
/// Channel-wise convolutions (depthwise, and groups of a few channels that
/// divide the vector) have `[channel block][kernel...][channel in group][lanes]`.
/// Pixelwise convolutions have vectors of pixels: `lanes` is 1 in the layout above.
/// Those of WarpgroupGemmPlan have rows of inputs, with several chunks a step of the sum:
/// `[group][O tile][chunks' step][kernel...][chunk][lanes of the tile][I in chunk]`.
struct ConvTile {
  /// Lanes of a vector of channels; a block of blocked data may be several of them.
  int64_t lanes;
  /// Vectors of output channels in a register tile.
  int64_t blocks;
  /// Output pixels in a register tile, at most.
  int64_t pixels;
  /// Tiles of output channels in a group.
  int64_t outputTiles;
  /// Input channels of a group that are contiguous in the packed filter, and
  /// how many such chunks there are; the last one may be partly filled.
  int64_t inputChunk, inputChunks;
  /// Input channels and output channels of a group.
  int64_t groupInputs, groupOutputs;
  int64_t groups;
  /// Whether the channel-wise layout applies.
  bool channelwise;
  /// Whether vectors hold pixels: 1x1 kernels on plain data, where groups of channels
  /// fill vectors worse than the pixels of a map.
  bool pixelwise;
  /// Chunks of inputs in a step of a warp group's sum; 0 in other layouts.
  int64_t stepChunks = 0;

  /// Channel blocks of a group's output.
  int64_t outputBlocks() const { return outputTiles * blocks; }
  int64_t tileLanes() const { return blocks * lanes; }
};

/// The tile for a convolution on blocked or plain data. The fused multiply-add
/// chains of a tile hide the latency; see performance.md for the measurements.
ConvTile selectConvTile(cnn::ConvOpInterface op, cnn::TargetAttr target);

/// What `tile_blocks` of `op` may be, the usual choice first.
llvm::SmallVector<int64_t> listTileBlocks(cnn::ConvOpInterface op, cnn::TargetAttr target);

/// The shape of the packed filter and of the padded bias.
llvm::SmallVector<int64_t> getPackedFilterShape(cnn::ConvOpInterface op, const ConvTile &tile);
int64_t getPackedBiasSize(const ConvTile &tile);

/// A dense layer: `[tile of N][K][lanes of the tile]`.
struct DenseTile {
  int64_t lanes, blocks, rows, outputTiles;
  int64_t tileLanes() const { return blocks * lanes; }
};
DenseTile selectDenseTile(cnn::DenseOp op, cnn::TargetAttr target);

} // namespace convoy

#endif // CONVOY_ANALYSIS_CONVTILE_H
