//===- PixelTile.h - Sliding windows over rows of pixels --------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Convolutions and pools share these loops: a row of the output is cut into tiles of pixels,
// and for each tile the positions of the kernel are visited. Padding is never stored. Rows of
// the kernel that are outside of the input are skipped by the loop bounds. In the last
// dimension, the few tiles that touch the border are unrolled over the kernel's columns, so
// that it is known at compile time which pixels are inside.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_PIXELTILE_H
#define CONVOY_CODEGEN_CPU_PIXELTILE_H

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Codegen/Common/ConvWindow.h"

namespace convoy::cpu {

class EpilogueRegion;

/// A run of neighbouring pixels in a row of the output.
struct PixelTile {
  /// The first pixel, an index value.
  mlir::Value start;
  /// The first pixel as a number, if it is known. It is for every tile that touches a border.
  std::optional<int64_t> staticStart;
  /// The number of pixels.
  int64_t size;
};

/// Cuts a row of `width` pixels into tiles of at most `limit` pixels: equal tiles in the
/// middle, and the rest shared by the first and the last tile. Returns the sizes in order.
llvm::SmallVector<int64_t> cutRow(int64_t width, int64_t limit);

/// Emits `body` for every tile of a row: a loop for a run of equal tiles that touch no border,
/// straight-line code for the other tiles.
void forEachPixelTile(mlir::ImplicitLocOpBuilder &builder, const ConvWindow &window,
                      int64_t limit, llvm::function_ref<void(PixelTile)> body);

/// One position of the kernel while its loops are emitted.
struct KernelPosition {
  /// Index of the position in each kernel dimension.
  llvm::SmallVector<mlir::Value> kernel;
  /// Input coordinate in each outer dimension.
  llvm::SmallVector<mlir::Value> outer;
  /// Input coordinate in the row for each pixel of the tile; null if it is outside of the
  /// input.
  llvm::SmallVector<mlir::Value> columns;
  /// `outer` for each pixel, if the pixels of a tile may be in several rows; otherwise empty.
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> pixelOuter;
};

/// Emits `body` for each tile of a row that is cut into tiles of `sizes`. Neighbours of one
/// size for which `mayLoop` is true are a loop, whose tiles have no known start.
void forEachTile(mlir::ImplicitLocOpBuilder &builder, llvm::ArrayRef<int64_t> sizes,
                 llvm::function_ref<bool(size_t tile, int64_t start)> mayLoop,
                 llvm::function_ref<void(size_t tile, PixelTile pixels)> body);

/// The operands of a convolution in memref form inside its kernel; null for those that it
/// lacks.
struct ConvOperands {
  ConvOperands(cnn::ConvOpInterface op, mlir::ValueRange operands);

  /// Adds the residual of blocked data to a vector of sums, applies the activation, runs the
  /// epilogue's region and stores the result at `indices`.
  void store(mlir::ImplicitLocOpBuilder &builder, cnn::ConvOpInterface op,
             EpilogueRegion &region, mlir::Value sums, mlir::ValueRange indices) const;

  mlir::Value input, filter, bias, residual, inputScale, inputOffset, output;
  /// What the region of the epilogue reads.
  mlir::ValueRange epilogueInputs;
};

/// Emits the loops over the positions of the kernel around `body`, which gets the carried
/// values and returns their next values. `outerOutput` are the output coordinates in the outer
/// dimensions. Returns the last carried values. `sums` says how to combine the values of
/// blocks of positions.
llvm::SmallVector<mlir::Value>
emitKernelLoops(mlir::ImplicitLocOpBuilder &builder, const ConvWindow &window,
                mlir::ValueRange outerOutput, const PixelTile &tile, mlir::ValueRange inits,
                llvm::function_ref<llvm::SmallVector<mlir::Value>(const KernelPosition &,
                                                                  mlir::ValueRange)>
                    body,
                const BlockSums &sums = {});

/// The same, for the rows of the kernel only: the positions that `body` gets have no columns
/// and no index in the kernel's last dimension.
llvm::SmallVector<mlir::Value>
emitKernelRowLoops(mlir::ImplicitLocOpBuilder &builder, const ConvWindow &window,
                   mlir::ValueRange outerOutput, mlir::ValueRange inits,
                   llvm::function_ref<llvm::SmallVector<mlir::Value>(const KernelPosition &,
                                                                     mlir::ValueRange)>
                       body);

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_PIXELTILE_H
