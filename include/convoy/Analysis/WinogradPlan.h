//===- WinogradPlan.h - How Winograd walks an output ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The tiles, strips and scratch memory of a Winograd convolution, which follow from the
// operation and its schedule.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_WINOGRADPLAN_H
#define CONVOY_ANALYSIS_WINOGRADPLAN_H

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Analysis/GpuGemmPlan.h"
#include "llvm/Support/MathExtras.h"

namespace convoy {

/// How a Winograd convolution walks its output: in tiles of `outputs x outputs` pixels,
/// numbered in row-major order through the images of the batch. Some consecutive tiles are a
/// strip, whose transformed input stays in the L2 cache.
struct WinogradPlan {
  /// m, r and n of F(m x m, r x r); n = m + r - 1.
  int64_t outputs, taps, extent;
  /// Whether filters are stored untransformed. Then each task transforms those that it needs,
  /// in chunks of `filterChunk` vectors of input channels, which stay in the L2 cache.
  bool compact;
  int64_t filterChunk;
  /// Number of tiles along the height and along the width of an image, and in all images.
  int64_t tileRows, tileColumns, tiles;
  /// Tiles of a strip, and number of strips; the last strip may have fewer tiles. On a GPU,
  /// kernels run once for each strip.
  int64_t stripTiles, strips;
  /// The channels, cut as for the direct kernel, or for a GPU's matrix product; `pixels`
  /// counts the output tiles of a register tile.
  ConvTile channels;

  /// Products for each tile and pair of channels.
  int64_t products() const { return extent * extent; }
  /// Vectors of output channels of a group, without those that only fill its last tile.
  int64_t outputBlocks() const {
    return llvm::divideCeil(channels.groupOutputs, channels.lanes);
  }
};

/// The plan of `op` with the schedule `schedule`; by default, its own schedule.
WinogradPlan getWinogradPlan(cnn::ConvOpInterface op, cnn::ScheduleAttr schedule);
inline WinogradPlan getWinogradPlan(cnn::ConvOpInterface op) {
  return getWinogradPlan(op, op.getScheduleAttr());
}

/// The scratch memory of a CPU thread: the transformed input of a strip and the results of a
/// task, with a plane for each of the `products()` products, and a chunk of transformed
/// filters.
struct WinogradScratch {
  explicit WinogradScratch(const WinogradPlan &plan);

  /// Floats of one plane of each kind, and of all planes of each kind. A plane of filters has
  /// all products of one input channel.
  int64_t inputPlane, productPlane, filterPlane, input, product, filter;
  int64_t bytes() const { return (input + product + filter) * int64_t(sizeof(float)); }
};

/// The scratch memory of a GPU's grid: partial sums, then the transformed input of a strip,
/// then its products.
struct GpuWinogradScratch {
  GpuWinogradScratch(const WinogradPlan &plan, const GpuGemmPlan &gemm);

  /// Bytes of the partial sums; then the bytes of each of the three parts, with padding up to
  /// the begin of the next part.
  int64_t sumBytes, partialBytes, inputBytes, productBytes;
  int64_t inputElements, productElements;
  int64_t bytes() const { return partialBytes + inputBytes + productBytes; }
};

} // namespace convoy

#endif // CONVOY_ANALYSIS_WINOGRADPLAN_H
