//===- WinogradPlan.h - How Winograd walks an output ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A Winograd convolution as kernels see it: its tiles, strips and working memory, which
// follow from the operation and its schedule.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_WINOGRADPLAN_H
#define CONVOY_ANALYSIS_WINOGRADPLAN_H

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Analysis/GpuGemmPlan.h"
#include "llvm/Support/MathExtras.h"

namespace convoy {

/// How a Winograd convolution walks its output: in tiles of `outputs x outputs` pixels,
/// counted row-major through the images of the batch, and in strips of such tiles whose
/// transformed input stays in the L2 cache.
struct WinogradPlan {
  /// m, r and n of F(m x m, r x r); n = m + r - 1.
  int64_t outputs, taps, extent;
  /// Whether filters are stored as they are, and each task transforms its own, in chunks
  /// of `filterChunk` blocks of input channels that stay in the L2 cache.
  bool compact;
  int64_t filterChunk;
  /// Tiles of an image's rows and columns, and of all images.
  int64_t tileRows, tileColumns, tiles;
  /// Tiles of a strip; the last strip may have fewer. On a GPU, kernels run strip by strip.
  int64_t stripTiles, strips;
  /// Channels as the direct kernel cuts them, or a GPU's matrix product; `pixels` are tiles
  /// of a register tile.
  ConvTile channels;

  int64_t products() const { return extent * extent; }
  /// Channel blocks of a group's output, without those that fill its last tile.
  int64_t outputBlocks() const {
    return llvm::divideCeil(channels.groupOutputs, channels.lanes);
  }
};

/// The plan of `op` as `schedule` has it; by default, its own.
WinogradPlan getWinogradPlan(cnn::ConvOpInterface op, cnn::ScheduleAttr schedule);
inline WinogradPlan getWinogradPlan(cnn::ConvOpInterface op) {
  return getWinogradPlan(op, op.getScheduleAttr());
}

/// A CPU thread's working memory, in floats: planes of the transformed input and of the
/// products, one for each product, and a chunk of transformed filters.
struct WinogradScratch {
  explicit WinogradScratch(const WinogradPlan &plan);

  int64_t inputPlane, productPlane, filterPlane, input, product, filter;
  int64_t bytes() const { return (input + product + filter) * int64_t(sizeof(float)); }
};

/// A GPU's working memory: partial sums, the transformed input of a strip, and its products.
struct GpuWinogradScratch {
  GpuWinogradScratch(const WinogradPlan &plan, const GpuGemmPlan &gemm);

  /// Bytes of partial sums as they are, and of each part up to where the next begins.
  int64_t sumBytes, partialBytes, inputBytes, productBytes;
  int64_t inputElements, productElements;
  int64_t bytes() const { return partialBytes + inputBytes + productBytes; }
};

} // namespace convoy

#endif // CONVOY_ANALYSIS_WINOGRADPLAN_H
