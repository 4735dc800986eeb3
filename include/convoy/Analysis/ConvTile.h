//===- ConvTile.h - Schedules as kernels see them ---------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// How the kernels of a layer cut channels and pixels. All of this follows from the operation
// and its schedule: nothing is decided here.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_CONVTILE_H
#define CONVOY_ANALYSIS_CONVTILE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

/// The register tiles of a convolution, or the tiles that a GPU's blocks of threads compute.
struct ConvTile {
  /// Lanes of a vector of channels; a block of channels may have several vectors. 1 if vectors
  /// hold pixels.
  int64_t lanes;
  /// Vectors of output channels in a register tile.
  int64_t blocks;
  /// The largest number of output pixels in a register tile; with Winograd, of output tiles.
  int64_t pixels;
  /// Number of tiles of output channels in a group; with channel-wise kernels, in all groups.
  int64_t outputTiles;
  /// Number of input channels of a group that are read together, a chunk, and number of chunks
  /// in a group. The last chunk may be partly filled.
  int64_t inputChunk, inputChunks;
  /// Input channels and output channels of a group.
  int64_t groupInputs, groupOutputs;
  int64_t groups;

  /// Vectors of output channels of a group, including those that only fill its last tile.
  int64_t outputBlocks() const { return outputTiles * blocks; }
  /// Output channels in a register tile.
  int64_t tileLanes() const { return blocks * lanes; }
};

/// The tiles of `op` with the schedule `schedule`; by default, its own schedule.
ConvTile getConvTile(cnn::ConvOpInterface op, cnn::ScheduleAttr schedule);
inline ConvTile getConvTile(cnn::ConvOpInterface op) {
  return getConvTile(op, op.getScheduleAttr());
}

/// The map of a convolution with a prologue is cut into runs of pixels, one register tile
/// each.
struct PrologueRuns {
  PrologueRuns(cnn::ConvOpInterface op, const ConvTile &tile);

  /// Number of runs.
  int64_t count;
  /// Pixels of a run, and of the last run, which may have fewer.
  int64_t pixels, lastPixels;
  /// Bytes of the input of a run after the prologue, for all channels.
  int64_t bytes;
};

/// How `tile_product` computes a convolution of two spatial dimensions: strips of rows of the
/// output, one after the other. Each thread copies the input of a strip so that the channels
/// of a pixel are neighbours. Then the product of a matrix of pixels by one of filters is a
/// convolution.
///
/// If the kernel moves by one pixel and is larger than one, the copy is the strip's input with
/// its padding, and each position of the kernel reads it from another pixel on. The pixels of
/// rows follow each other, so that some sums between the rows are of no use. Otherwise the
/// copy has for each output pixel the inputs of all positions.
///
/// A plain input has at most four channels. Its copy is the strip's input with its padding and
/// four channels, so that a row of the kernel is one run of elements, which a step multiplies
/// at once, whatever the stride. A register tile is part of one row then.
struct TileProductPlan {
  TileProductPlan(cnn::ConvOpInterface op, cnn::ScheduleAttr schedule);

  ConvTile channels;
  /// Whether the input is plain, and whether positions of the kernel read one copy of it.
  bool isPlain, shifts;
  /// Output rows of a strip, and number of strips of an image; the last may have fewer rows.
  int64_t stripRows, strips;
  /// Sums of a row, of which the first ones are output pixels.
  int64_t columns;
  /// Rows of the copy, and pixels in a row; elements of a pixel, and from the inputs of one
  /// sum to those of the next.
  int64_t copyRows, copyColumns, copyElements, sumElements;
  /// Channels of a position in the copy: whole chunks.
  int64_t copiedChannels() const { return channels.inputChunk * channels.inputChunks; }
  /// Scratch memory of a thread: bytes of the copy, and of the sums of two register tiles
  /// behind it.
  int64_t copyBytes, sumBytes;
  int64_t bytes() const { return copyBytes + sumBytes; }
};

/// The register tiles of a dense layer: `rows` rows of the input times `blocks` vectors of
/// outputs.
struct DenseTile {
  int64_t lanes, blocks, rows, outputTiles;
  int64_t tileLanes() const { return blocks * lanes; }
};
/// The tiles of `op`, which has a schedule.
DenseTile getDenseTile(cnn::DenseOp op);

} // namespace convoy

#endif // CONVOY_ANALYSIS_CONVTILE_H
