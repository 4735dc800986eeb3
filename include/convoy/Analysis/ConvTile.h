//===- ConvTile.h - Schedules as kernels see them ---------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// How a layer and its schedule cut channels and pixels. All of it follows from the
// operation and the attribute: nothing is decided here.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_CONVTILE_H
#define CONVOY_ANALYSIS_CONVTILE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

/// The register tiles of a convolution, or of a GPU's block of threads.
struct ConvTile {
  /// Lanes of a vector of channels; a block of blocked data may be several of them. 1 where
  /// vectors hold pixels.
  int64_t lanes;
  /// Vectors of output channels in a register tile.
  int64_t blocks;
  /// Output pixels in a register tile, at most; of Winograd, output tiles.
  int64_t pixels;
  /// Tiles of output channels in a group; of channel-wise convolutions, of all channels.
  int64_t outputTiles;
  /// Input channels of a group that are read together, and how many such chunks there are;
  /// the last one may be partly filled.
  int64_t inputChunk, inputChunks;
  /// Input channels and output channels of a group.
  int64_t groupInputs, groupOutputs;
  int64_t groups;

  /// Channel blocks of a group's output.
  int64_t outputBlocks() const { return outputTiles * blocks; }
  int64_t tileLanes() const { return blocks * lanes; }
};

/// The tiles of `op` as `schedule` has them; by default, its own.
ConvTile getConvTile(cnn::ConvOpInterface op, cnn::ScheduleAttr schedule);
inline ConvTile getConvTile(cnn::ConvOpInterface op) {
  return getConvTile(op, op.getScheduleAttr());
}

/// How a map is cut whose input has a prologue: into runs of pixels, a register tile each.
struct PrologueRuns {
  PrologueRuns(cnn::ConvOpInterface op, const ConvTile &tile);

  int64_t count;
  /// Pixels of a run, and of the last one, which may have fewer.
  int64_t pixels, lastPixels;
  /// Bytes of a run's normalised input.
  int64_t bytes;
};

/// The register tiles of a dense layer: `rows` of the input times `blocks` vectors.
struct DenseTile {
  int64_t lanes, blocks, rows, outputTiles;
  int64_t tileLanes() const { return blocks * lanes; }
};
/// The tiles of `op`, which has a schedule.
DenseTile getDenseTile(cnn::DenseOp op);

} // namespace convoy

#endif // CONVOY_ANALYSIS_CONVTILE_H
