//===- ConvAlgorithm.h - Which way a convolution is computed ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_CONVALGORITHM_H
#define CONVOY_ANALYSIS_CONVALGORITHM_H

#include "convoy/Analysis/ConvTile.h"

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
  /// Tiles of a strip; the last strip may have fewer. On a GPU, kernels run strip by strip,
  /// see GpuConvCost.h.
  int64_t stripTiles, strips;
  /// Channels as the direct kernel cuts them, or a GPU's matrix product; `pixels` are tiles
  /// of a register tile.
  ConvTile channels;
  /// Whether a product's filters lie together, for a GPU, or an output tile's.
  bool productMajor;

  int64_t products() const { return extent * extent; }
};

/// Why `op` cannot be computed by `algorithm`; empty if it can.
std::string whyNotAlgorithm(cnn::ConvOpInterface op, cnn::ConvAlgorithm algorithm,
                            cnn::TargetAttr target);

/// The plan for a Winograd algorithm that `op` allows.
WinogradPlan planWinograd(cnn::ConvOpInterface op, cnn::ConvAlgorithm algorithm,
                          cnn::TargetAttr target);

/// The time of `op` in floating-point operations at the target's peak; a byte of weights
/// from memory costs as much as the operations that the target does meanwhile. For a GPU
/// see GpuConvCost.h.
double estimateConvCost(cnn::ConvOpInterface op, cnn::ConvAlgorithm algorithm,
                        cnn::TargetAttr target);

/// A way to compute a convolution.
struct ConvSchedule {
  cnn::ConvAlgorithm algorithm = cnn::ConvAlgorithm::direct;
  /// Vectors of output channels in a register tile.
  int64_t tileBlocks = 1;

  bool operator==(const ConvSchedule &other) const {
    return algorithm == other.algorithm && tileBlocks == other.tileBlocks;
  }
  /// "winograd_4x4/2".
  std::string str() const;
  static std::optional<ConvSchedule> parse(llvm::StringRef text);
};

/// Schedules of `op` that may be the fastest: first what the cost model chooses, then by
/// rising cost; those it finds much more expensive are left out. Where transformed filters
/// are large, it chooses compact ones at a small price. Where `op` has an `algorithm` that
/// it allows, they have that.
llvm::SmallVector<ConvSchedule> listConvSchedules(cnn::ConvOpInterface op,
                                                  cnn::TargetAttr target);

/// `[group][O tile][product][I][lanes of the tile]`: transformed filters, for a GPU
/// `[group][product][O tile][I][lanes of the tile]`; compact ones are
/// `[group][O tile][I][position in the kernel][lanes of the tile]`.
llvm::SmallVector<int64_t> getWinogradFilterShape(const WinogradPlan &plan);

} // namespace convoy

#endif // CONVOY_ANALYSIS_CONVALGORITHM_H
