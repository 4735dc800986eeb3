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

  /// The row of the packed filter after this block's last one; before the first stage.
  void setEnd(mlir::Value row) { endRow = row; }

  /// Starts the copies from `step` on into `stage`, as a group, whose token this is; past
  /// the end, of zeros.
  mlir::Value start(mlir::Value stage, mlir::Value step);
  /// Stores what the last start loaded into registers, if there is something.
  void storeLoaded();

private:
  /// A pixel whose inputs this thread copies.
  struct CopiedPixel {
    /// In the tile, and elements in front of its image.
    mlir::Value row, image;
    /// The input coordinates that kernel position 0 reads, and whether the pixel exists;
    /// null where all do.
    llvm::SmallVector<mlir::Value> start;
    mlir::Value exists;
  };
  /// An input that is copied alone.
  struct SingleInput {
    mlir::Value index, inside;
  };
  /// Inputs on their way through registers, and where in shared memory they go.
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
  /// Of copies since the last group.
  llvm::SmallVector<mlir::Value> tokens;
  llvm::SmallVector<LoadedInputs> loaded;
};

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_GEMMSTAGES_H
