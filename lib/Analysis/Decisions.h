//===- Decisions.h - What the cost model chooses ----------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Private to the cost model, which chooses the sizes of tiles and strips and estimates their
// cost. All other code reads schedules.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_ANALYSIS_DECISIONS_H
#define CONVOY_LIB_ANALYSIS_DECISIONS_H

#include "convoy/Analysis/WarpgroupGemmPlan.h"
#include "convoy/Analysis/WinogradPlan.h"
#include "convoy/Machine/Cpu.h"
#include "convoy/Machine/Gpu.h"

namespace convoy {

/// How a layer is computed without Winograd's algorithms. The schedule has its algorithm and
/// its tile, but not yet its filter.
struct TileChoice {
  cnn::Schedule schedule;
  ConvTile tile;
  /// Chunks of input channels in one step of a warp group's sum
  /// (WarpgroupGemmPlan::stepBlocks).
  int64_t stepChunks = 0;
};

/// The usual choice for a convolution or, with `blocks`, a choice with that many vectors of
/// output channels in a tile. A tile has as many independent sums as are needed to hide the
/// latency of a multiply-add.
TileChoice chooseTile(cnn::ConvOpInterface op, cnn::TargetAttr target,
                      std::optional<int64_t> blocks = {});
TileChoice chooseTile(cnn::DenseOp op, cnn::TargetAttr target);
/// The same without matrix tiles, which Winograd's algorithms do not use.
TileChoice chooseVectorTile(cnn::ConvOpInterface op, cnn::TargetAttr target,
                            std::optional<int64_t> blocks = {});

/// Whether sums of a dense layer may be in its output between chunks of inputs. In bf16 they
/// would be rounded there.
bool mayCutInputs(cnn::DenseOp op, cnn::TargetAttr target);

/// How a direct convolution or a dense layer multiplies dots: of its integers, or of bf16 if
/// that is the target's precision. Null if it multiplies single inputs.
const DotInstruction *findDot(cnn::ScheduledOpInterface op, cnn::TargetAttr target);

/// The target's instruction that multiplies tiles of the dots of `op`; null if there is none,
/// or if no kernel computes `op` so.
const TileInstruction *findTileProduct(cnn::ConvOpInterface op, cnn::TargetAttr target);

/// The same for a dense layer, whose rows must be a register tile or more.
const TileInstruction *findTileProduct(cnn::DenseOp op, cnn::TargetAttr target);
/// How many channels of a position of the kernel a step of a product of tiles multiplies.
int64_t getTileChunk(cnn::ConvOpInterface op, int64_t lanes);
/// How `op` multiplies dots by an algorithm; null if it multiplies single inputs. Winograd's
/// transformed floats stay f32.
const DotInstruction *findDot(cnn::ScheduledOpInterface op, cnn::Algorithm algorithm,
                              cnn::TargetAttr target);

/// The numbers of vectors of output channels that a tile of `op` without matrix tiles may
/// have, the usual choice first.
llvm::SmallVector<int64_t> listTileBlocks(cnn::ConvOpInterface op, cnn::TargetAttr target);

/// Why `op` cannot be computed by `algorithm`; empty if it can.
std::string whyNotAlgorithm(cnn::ConvOpInterface op, cnn::Algorithm algorithm,
                            cnn::TargetAttr target);
/// Why `algorithm`, which is not one of Winograd's, cannot compute `op`; empty if it can.
std::string whyNotTile(cnn::ConvOpInterface op, cnn::Algorithm algorithm,
                       cnn::TargetAttr target);
/// Whether a GPU's matrix product has such a tile.
bool isGpuGemmTile(int64_t pixels, int64_t channels);

/// The plan for a Winograd algorithm that `op` allows.
WinogradPlan planWinograd(cnn::ConvOpInterface op, cnn::Algorithm algorithm,
                          cnn::TargetAttr target, std::optional<int64_t> blocks = {});

/// The plan of a matrix product with the lowest estimated cost on describePortableGpu(). For
/// each of `groups` groups it computes `pixels` x `outputs` sums of `steps` steps each.
GpuGemmPlan planGpuGemm(int64_t pixels, int64_t groups, int64_t outputs, int64_t steps);
GpuGemmPlan planGpuGemm(cnn::ConvOpInterface op);
GpuGemmPlan planGpuGemm(cnn::DenseOp op);
/// The plan for the products of one strip of Winograd tiles.
GpuGemmPlan planGpuGemm(const WinogradPlan &plan);

/// The most rows of a dense layer for which a GPU has a kernel that reads each weight once,
/// the threads of a warp side by side. With more rows the layer is a matrix product.
inline constexpr int64_t kGpuDenseRows = 8;

/// The plan for a convolution that warp groups compute. This needs a target that is specific
/// to a GPU with wgmma, a precision below f32, and a convolution whose shapes fit and that
/// makes enough blocks of threads. Otherwise nothing: a GpuGemmPlan is used.
std::optional<WarpgroupGemmPlan> planWarpgroupGemm(cnn::ConvOpInterface op,
                                                   cnn::TargetAttr target);

/// Why no kernel can follow a plan for warp groups; empty if one can.
std::string whyNotPlan(const WarpgroupGemmPlan &plan, const GpuDescription &gpu);

/// Chooses the strips of `plan` and its tiles of output channels. The numbers of its Winograd
/// tiles and channels are known.
void cutForGpu(WinogradPlan &plan, const GpuDescription &gpu);

/// The estimated time of `op`, in floating-point operations at the target's peak. A byte of
/// weights from memory costs as many operations as the target does in the time of reading it.
/// All algorithms except Winograd's have the cost of the direct one.
double estimateConvCost(cnn::ConvOpInterface op, cnn::Algorithm algorithm,
                        cnn::TargetAttr target);
/// The same for a GPU. The cost of Winograd's algorithms is a little more than the estimate,
/// so that they are chosen only if they promise some gain.
double estimateGpuConvCost(cnn::ConvOpInterface op, cnn::Algorithm algorithm,
                           cnn::TargetAttr target);

} // namespace convoy

#endif // CONVOY_LIB_ANALYSIS_DECISIONS_H
