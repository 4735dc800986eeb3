//===- GemmStages.h - Copies into shared memory for a product ---*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_GEMMSTAGES_H
#define CONVOY_LIB_CODEGEN_GPU_GEMMSTAGES_H

#include "ConvEpilogue.h"
#include "GemmBlock.h"

namespace convoy::gpu {

/// Copies the inputs and filters of a block of threads into shared memory.
class GemmStages {
public:
  GemmStages(const GemmBlock &block, const GpuConvOperands &operands);

  /// Sets the end of this block's rows of the packed filter. Must be called before `start`.
  void setEnd(mlir::Value row) { endRow = row; }

  /// Starts the copies of the steps from `step` on into `stage`, and returns the token of
  /// their group. Past the end, zeros are copied.
  mlir::Value start(mlir::Value stage, mlir::Value step);
  /// Stores the inputs that the last `start` loaded into registers, if it did.
  void storeLoaded();

private:
  /// A pixel whose inputs this thread copies.
  struct CopiedPixel {
    /// The pixel's row in the tile, and the offset of its image in elements.
    mlir::Value row, image;
    /// The input coordinates that kernel position 0 reads, and whether the pixel exists; null
    /// if all do.
    llvm::SmallVector<mlir::Value> start;
    mlir::Value exists;
  };
  /// An input that is copied alone: its index, and whether it is inside of the image.
  struct SingleInput {
    mlir::Value index, inside;
  };
  /// Inputs in registers, and the indices in shared memory at which they are to be stored.
  struct LoadedInputs {
    mlir::Value elements;
    llvm::SmallVector<mlir::Value> at;
  };

  CopiedPixel preparePixel(mlir::Value row);
  std::pair<mlir::Value, mlir::Value> locate(const CopiedPixel &pixel, mlir::ValueRange at);
  void copy(mlir::Value to, mlir::ValueRange at, mlir::Value from, mlir::Value index,
            int64_t count, mlir::Value valid);
  mlir::Value countWhere(mlir::Value inside, int64_t count);
  mlir::Value countWhere(mlir::Value inside, mlir::Value count);
  mlir::Value isRow(mlir::Value row);
  void copyChunks(mlir::Value stage, mlir::Value step);
  SingleInput locateSingle(mlir::Value step, mlir::Value column);
  void copyPlanes(mlir::Value stage, mlir::Value step);
  void loadPlanes(mlir::Value stage, mlir::Value step);
  void copyFilters(mlir::Value stage, mlir::Value step);

  const GemmBlock &block;
  mlir::ImplicitLocOpBuilder &b;
  const GemmProblem &problem;
  const GpuGemmPlan &plan;
  const GpuConvOperands &operands;
  mlir::Value endRow;
  /// Which part of a pixel's inputs this thread copies.
  mlir::Value part;
  llvm::SmallVector<CopiedPixel> pixels;
  /// Tokens of the copies since the last group.
  llvm::SmallVector<mlir::Value> tokens;
  llvm::SmallVector<LoadedInputs> loaded;
};

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_GEMMSTAGES_H
