//===- EpilogueRegion.h - The region of a layer's epilogue ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A layer's kernel runs the region on vectors of its sums before it stores them. See
// EpilogueRegionOpInterface.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_EPILOGUEREGION_H
#define CONVOY_CODEGEN_CPU_EPILOGUEREGION_H

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/IR/IRMapping.h"

namespace convoy::cpu {

/// Emits the region of a layer, which may have none.
class EpilogueRegion {
public:
  /// `inputs` are the region's inputs inside the kernel. Clones the constants that the region
  /// uses to the builder's place.
  EpilogueRegion(mlir::ImplicitLocOpBuilder &builder, mlir::Operation *layer,
                 mlir::ValueRange inputs);

  bool exists() const { return region != nullptr; }

  /// Says that the kernel counts the result's spatial dimensions in another way: `extents` are
  /// as many elements.
  void reshapeSpatial(llvm::ArrayRef<int64_t> extents);

  /// What the kernel stores at `indices` of the result: the region's element for each lane of
  /// `sum`. Without a region, `sum`.
  mlir::Value emit(mlir::Value sum, mlir::ValueRange indices);

  /// Stores the sums of a register tile: `store` stores those of one row of the tile, one
  /// vector for each block, and runs the region on them. `sums` has the order [block][row].
  /// The code of a long region is written once, in a loop over the rows.
  void forEachRow(
      llvm::ArrayRef<mlir::Value> sums, int64_t rows,
      llvm::function_ref<void(mlir::Value row, llvm::ArrayRef<mlir::Value> sums)> store);

private:
  mlir::ImplicitLocOpBuilder &b;
  mlir::Region *region = nullptr;
  llvm::SmallVector<mlir::Value> inputs;
  llvm::SmallVector<mlir::AffineMap> maps;
  /// Constants from outside of the region.
  mlir::IRMapping captured;
  /// Memory for the sums of a tile.
  mlir::Value scratch;
};

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_EPILOGUEREGION_H
