//===- Decisions.h - What the cost model chooses ----------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Private to the cost model: others read schedules. Sizes of tiles and strips, and estimates
// of what they cost.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_ANALYSIS_DECISIONS_H
#define CONVOY_LIB_ANALYSIS_DECISIONS_H

#include "convoy/Analysis/WarpgroupGemmPlan.h"
#include "convoy/Analysis/WinogradPlan.h"
#include "convoy/Machine/Gpu.h"

namespace convoy {

/// How `op` is computed but for Winograd's filtering: the algorithm and the tile of a
/// schedule, its filter not yet.
struct TileChoice {
  cnn::Schedule schedule;
  ConvTile tile;
  /// Chunks of inputs in a step of a warp group's sum.
  int64_t stepChunks = 0;
};

/// The usual choice for a convolution on blocked or plain data, or one of so many vectors of
/// output channels. The sums of a tile are as many chains of multiply-adds as hide the latency
/// of one.
TileChoice chooseTile(cnn::ConvOpInterface op, cnn::TargetAttr target,
                      std::optional<int64_t> blocks = {});
TileChoice chooseTile(cnn::DenseOp op, cnn::TargetAttr target);

/// How many vectors of output channels a tile of `op` may have, the usual choice first.
llvm::SmallVector<int64_t> listTileBlocks(cnn::ConvOpInterface op, cnn::TargetAttr target);

/// Why a kernel that is not Winograd's cannot compute `op`; empty if it can.
std::string whyNotTile(cnn::ConvOpInterface op, cnn::Algorithm algorithm,
                       cnn::TargetAttr target);
/// Whether a GPU's matrix product has such a tile.
bool isGpuGemmTile(int64_t pixels, int64_t channels);

/// The plan for a Winograd algorithm that `op` allows.
WinogradPlan planWinograd(cnn::ConvOpInterface op, cnn::Algorithm algorithm,
                          cnn::TargetAttr target, std::optional<int64_t> blocks = {});

/// The plan of a matrix product that an estimate finds cheapest, on describePortableGpu(),
/// for `pixels` results of `groups` times `outputs` channels each.
GpuGemmPlan planGpuGemm(int64_t pixels, int64_t groups, int64_t outputs, int64_t steps);
GpuGemmPlan planGpuGemm(cnn::ConvOpInterface op);
GpuGemmPlan planGpuGemm(cnn::DenseOp op);
/// The plan of the products of a strip.
GpuGemmPlan planGpuGemm(const WinogradPlan &plan);

/// Rows up to which a dense layer reads weights once, a warp's threads side by side,
/// instead of being a matrix product.
inline constexpr int64_t kGpuDenseRows = 8;

/// The plan for a convolution that warp groups are to compute: the target is specific to a
/// GPU that has wgmma and multiplies less than f32, and the convolution fits. Everything
/// else, and that for which there were too few blocks of threads, is left to GpuGemmPlan.
std::optional<WarpgroupGemmPlan> planWarpgroupGemm(cnn::ConvOpInterface op,
                                                   cnn::TargetAttr target);

/// Why no kernel follows a warp group's plan; empty if one does.
std::string whyNotPlan(const WarpgroupGemmPlan &plan, const GpuDescription &gpu);

/// Cuts `plan`, whose tiles and channels are counted, into strips and tiles of channels.
void cutForGpu(WinogradPlan &plan, const GpuDescription &gpu);

/// The time of `op` in floating-point operations at the target's peak; a byte of weights
/// from memory costs as much as the operations that the target does meanwhile. Every
/// algorithm that is not Winograd's counts as direct.
double estimateConvCost(cnn::ConvOpInterface op, cnn::Algorithm algorithm,
                        cnn::TargetAttr target);
/// The same for a GPU. Winograd's is a little more than the estimate, so that it must
/// promise some gain to be chosen.
double estimateGpuConvCost(cnn::ConvOpInterface op, cnn::Algorithm algorithm,
                           cnn::TargetAttr target);

} // namespace convoy

#endif // CONVOY_LIB_ANALYSIS_DECISIONS_H
