//===- ConvRegisterTile.h - A register tile of a convolution ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Shared by direct and transposed convolutions: a register tile of `blocks` vectors of output
// channels for up to `pixels` pixels, its accumulators, one step that adds weights times
// broadcast input elements, and the epilogue.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_CONVREGISTERTILE_H
#define CONVOY_CODEGEN_CPU_CONVREGISTERTILE_H

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/CPU/EpilogueRegion.h"
#include "convoy/Codegen/CPU/LayerProduct.h"
#include "convoy/Codegen/CPU/PixelTile.h"
#include "convoy/Machine/Cpu.h"

namespace convoy::cpu {

/// Writes the register tiles of one task: a row of the output for one tile of output channels.
/// Input and output are each blocked or plain. The schedule's `order` gives the order of the
/// tasks. With `pixels`, the tasks of a row follow each other and find its input in the L2
/// cache: for inputs that do not fit there while the filters do, and for prologues. With
/// `channels`, the tasks of a tile of output channels follow each other, and its filters stay
/// in the L1 cache.
class ConvRegisterTile : protected ConvOperands {
public:
  /// `operands` are the operands of `op`, which is in memref form, inside the kernel.
  ConvRegisterTile(mlir::ImplicitLocOpBuilder &builder, cnn::ConvOpInterface op,
                   mlir::ValueRange operands, cnn::TargetAttr target);

  /// Number of tasks of a convolution whose output has the extents `outerOutput` besides that
  /// of a row.
  static int64_t countTasks(cnn::ConvOpInterface op, const ConvTile &tile,
                            llvm::ArrayRef<int64_t> outerOutput);

protected:
  /// Returns the output column of a tile's pixel.
  using OutputColumn = llvm::function_ref<mlir::Value(mlir::Value pixel)>;
  /// Adds the products of some channels of one chunk of input channels.
  using ChunkBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value chunk, int64_t channels, mlir::ValueRange sums)>;

  /// Prefetches the elements of a plain input that the next row of the output will read in the
  /// columns of this tile. A plain input is the network's, which is in no cache, and the
  /// hardware's prefetcher does not follow so many rows at the same time.
  void prefetchNextRow(const PixelTile &pixels);

  /// Computes the position in the output (`batch`, `outer`, `outputTile`) from the number of
  /// the task.
  void setTask(mlir::Value task, llvm::ArrayRef<int64_t> outerOutput);

  /// The bias or zero for each vector of a tile, in the order [block][pixel].
  llvm::SmallVector<mlir::Value> initAccumulators(int64_t pixels);

  /// Emits `body` for each chunk of input channels: a loop over the full chunks, then the
  /// chunk that is partly filled, if there is one.
  llvm::SmallVector<mlir::Value> forEachChunk(llvm::SmallVector<mlir::Value> sums,
                                              ChunkBody body);

  /// Adds the products of all channels of a chunk at one position of the kernel: weights times
  /// broadcast inputs.
  llvm::SmallVector<mlir::Value> buildPosition(const KernelPosition &position,
                                               mlir::Value chunk, int64_t channels,
                                               mlir::ValueRange sums);

  /// Adds the residual, applies the activation, runs the epilogue's region and stores.
  void store(const PixelTile &pixels, llvm::ArrayRef<mlir::Value> sums, OutputColumn column);

  /// The place of vector number `vector` of channels in blocked `data`: the block, and the
  /// lane at which the vector begins.
  std::pair<mlir::Value, mlir::Value> locateBlock(mlir::Value data, mlir::Value vector);

  mlir::ImplicitLocOpBuilder &b;
  cnn::ConvOpInterface op;
  ConvTile tile;
  ConvWindow window;
  bool inputBlocked, outputBlocked;
  CpuDescription cpu;
  LayerProduct product;
  EpilogueRegion region;
  /// The row of the output: its coordinates in all spatial dimensions but the last.
  llvm::SmallVector<mlir::Value> outer;
  mlir::Value batch, outputTile;
  /// The index in dimension 0 at which `input` is read.
  mlir::Value inputImage;
  /// A vector of sums.
  mlir::VectorType vectorType;
  /// How many register tiles of a task prefetch the filters of the next task into the L2
  /// cache, each one an equal share of the cache lines; and the number of the share for the
  /// register tile that is built.
  int64_t prefetchShares = 0, prefetchShare = 0;
  /// Whether the code around loops over a few channels lets them be unrolled.
  bool mayUnrollChannels = true;

private:
  void prefetchNextTile(const KernelPosition &position, mlir::Value chunk, int64_t steps);
  llvm::SmallVector<mlir::Value> buildStep(const KernelPosition &position, mlir::Value chunk,
                                           mlir::Value step, mlir::ValueRange sums);
  llvm::SmallVector<mlir::Value> inputIndices(const KernelPosition &position, int64_t pixel,
                                              mlir::Value chunk, mlir::Value channel);
  void storeBlocked(const PixelTile &pixels, llvm::ArrayRef<mlir::Value> sums,
                    OutputColumn column);
  void storePlain(const PixelTile &pixels, llvm::ArrayRef<mlir::Value> sums,
                  OutputColumn column);

  mlir::Value scratch, group, firstBlock;
};

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_CONVREGISTERTILE_H
