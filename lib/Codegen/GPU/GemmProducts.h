//===- GemmProducts.h - Products of tiles in shared memory ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_GEMMPRODUCTS_H
#define CONVOY_LIB_CODEGEN_GPU_GEMMPRODUCTS_H

#include "GemmBlock.h"

namespace convoy::gpu {

/// Multiplies the stages in shared memory: a warp computes 32 pixels by 64 channels (32 in
/// narrow tiles), each thread 8 x 8 (8 x 4) in registers, with multiply-adds in f32 or with
/// tensor cores.
class GemmProducts {
public:
  GemmProducts(const GemmBlock &block, cnn::Precision precision)
      : block(block), b(block.b), plan(block.plan), precision(precision),
        quadType(mlir::VectorType::get({kGpuQuad}, b.getF32Type())) {}

  /// The thread's sums, in registers: zeros.
  llvm::SmallVector<mlir::Value> emitZeros();
  /// Adds the products of a stage.
  llvm::SmallVector<mlir::Value> multiply(mlir::Value stage, mlir::ValueRange sums);

  /// Receives sums of neighbouring channels, from channel `channel` of the tile on.
  using Finish = llvm::function_ref<void(mlir::Value channel, mlir::Value sums)>;
  /// Gets a row of the tile, which is a pixel, and a function that passes all the thread's
  /// sums of that pixel to a `Finish`.
  using WritePixel =
      llvm::function_ref<void(mlir::Value row, llvm::function_ref<void(Finish)> giveSums)>;
  /// Calls `writePixel` for each of the thread's pixels.
  void write(mlir::ValueRange sums, WritePixel writePixel);

private:
  bool usesTensorCores() const { return block.isHalf() || precision == cnn::Precision::tf32; }
  int64_t channelQuads() const { return plan.warpChannels() / 32; }
  /// Tiles of 16 pixels and of 8 channels that a warp computes with tensor cores.
  int64_t tileRows() const { return GpuGemmPlan::kWarpPixels / 16; }
  int64_t tileColumns() const { return plan.warpChannels() / 8; }

  mlir::Value threadPixel(int64_t i);
  mlir::Value threadChannel(int64_t quadNumber);
  mlir::Value loadShared(mlir::Value buffer, mlir::ValueRange indices);
  llvm::SmallVector<mlir::Value> multiplyQuads(mlir::Value stage, mlir::ValueRange carried);
  void writeQuads(mlir::ValueRange sums, WritePixel writePixel);

  mlir::Value groupId();
  mlir::Value groupLane();
  mlir::Value roundToTf32(mlir::Value value);
  void multiplyTiles(llvm::ArrayRef<mlir::Value> left, llvm::ArrayRef<mlir::Value> right,
                     int64_t depth, llvm::MutableArrayRef<mlir::Value> sums);
  mlir::Value makeFragment(int64_t registers, llvm::function_ref<mlir::Value(int64_t)> read);
  llvm::SmallVector<mlir::Value> multiplyTf32(mlir::Value stage, mlir::ValueRange carried);
  mlir::Value loadMatrices(mlir::Value buffer, mlir::Value stage, mlir::Value row,
                           mlir::Value column, bool transposed);
  llvm::SmallVector<mlir::Value> multiplyHalves(mlir::Value stage, mlir::ValueRange carried);
  void writeTiles(mlir::ValueRange sums, WritePixel writePixel);

  const GemmBlock &block;
  mlir::ImplicitLocOpBuilder &b;
  const GpuGemmPlan &plan;
  cnn::Precision precision;
  mlir::VectorType quadType;
};

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_GEMMPRODUCTS_H
