//===- ConvRegisterTile.h - A register tile of a convolution ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// What direct and transposed convolutions share: a tile of `blocks` vectors of output
// channels for up to `pixels` pixels, its accumulators, one step of weights times
// broadcast input elements, and the epilogue.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_CONVREGISTERTILE_H
#define CONVOY_CODEGEN_CPU_CONVREGISTERTILE_H

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/CPU/PixelTile.h"
#include "convoy/Machine/Cpu.h"

namespace convoy::cpu {

/// Writes the register tiles of one task: a row of the output for one tile of output
/// channels. Input and output are each blocked or plain. Where the input does not fit the
/// L2 cache but the filters do, or is normalised first, all tiles of a row follow each other
/// and read it there; elsewhere all rows of a tile do, and its filters stay in the L1 cache.
class ConvRegisterTile : protected ConvOperands {
public:
  /// `operands` stand for the operands of `op`, which is in memref form.
  ConvRegisterTile(mlir::ImplicitLocOpBuilder &builder, cnn::ConvOpInterface op,
                   mlir::ValueRange operands, cnn::TargetAttr target);

  /// Tasks of a convolution whose rows are `outerOutput`.
  static int64_t countTasks(cnn::ConvOpInterface op, const ConvTile &tile,
                            llvm::ArrayRef<int64_t> outerOutput);

protected:
  /// The output column of a tile's pixel.
  using OutputColumn = llvm::function_ref<mlir::Value(mlir::Value pixel)>;
  /// Adds the products of some channels of one chunk of input channels.
  using ChunkBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value chunk, int64_t channels, mlir::ValueRange sums)>;

  /// Fetches what the next row of the output will read of a plain input in the columns of
  /// this tile: such an input is the network's and lies in no cache, and the hardware does
  /// not see where so many rows at a time go on.
  void prefetchNextRow(const PixelTile &pixels);

  /// Sets the position in the output from the task's index.
  void setTask(mlir::Value task, llvm::ArrayRef<int64_t> outerOutput);

  /// The bias or zero, for each vector of a tile: block by block, pixel by pixel.
  llvm::SmallVector<mlir::Value> initAccumulators(int64_t pixels);

  /// Whole chunks of input channels in a loop, then the partly filled one.
  llvm::SmallVector<mlir::Value> forEachChunk(llvm::SmallVector<mlir::Value> sums,
                                              ChunkBody body);

  /// All channels of a chunk at one kernel position, weights times broadcasts.
  llvm::SmallVector<mlir::Value> buildPosition(const KernelPosition &position,
                                               mlir::Value chunk, int64_t channels,
                                               mlir::ValueRange sums);

  /// Adds the residual, applies the activation and stores.
  void store(const PixelTile &pixels, llvm::ArrayRef<mlir::Value> sums, OutputColumn column);

  /// Where a vector of channels lies in blocked `data`: the block, and its first lane.
  std::pair<mlir::Value, mlir::Value> locateBlock(mlir::Value data, mlir::Value vector);

  mlir::ImplicitLocOpBuilder &b;
  cnn::ConvOpInterface op;
  ConvTile tile;
  ConvWindow window;
  bool inputBlocked, outputBlocked;
  /// The row of the output.
  llvm::SmallVector<mlir::Value> outer;
  mlir::Value batch, outputTile;
  /// The image that `input` is read at.
  mlir::Value inputImage;
  mlir::VectorType vectorType;
  /// Register tiles of a task that fetch the filters of the next one into the L2 cache, each
  /// its share of the lines, and the number of the one being built.
  int64_t prefetchShares = 0, prefetchShare = 0;

private:
  void prefetchNextTile(const KernelPosition &position, mlir::Value chunk, int64_t channels);
  llvm::SmallVector<mlir::Value> buildStep(const KernelPosition &position, mlir::Value chunk,
                                           mlir::Value channel, mlir::ValueRange sums);
  llvm::SmallVector<mlir::Value> inputIndices(const KernelPosition &position, int64_t pixel,
                                              mlir::Value chunk, mlir::Value channel);
  void storeBlocked(const PixelTile &pixels, llvm::ArrayRef<mlir::Value> sums,
                    OutputColumn column);
  void storePlain(const PixelTile &pixels, llvm::ArrayRef<mlir::Value> sums,
                  OutputColumn column);

  CpuDescription cpu;
  mlir::Value scratch, group, firstBlock;
};

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_CONVREGISTERTILE_H
