//===- PixelTile.h - Sliding windows over rows of pixels --------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Convolutions and pools walk the same way: a row of the output is cut into tiles
// of pixels, and for each tile the kernel's positions are visited. Padding is never
// stored. Kernel rows outside the input are skipped by the loop bounds; in the
// last dimension the few tiles that touch the border are unrolled over the kernel's
// columns, where it is known at compile time which pixels are inside.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_PIXELTILE_H
#define CONVOY_CODEGEN_CPU_PIXELTILE_H

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Codegen/Common/ConvWindow.h"

namespace convoy::cpu {

/// A run of pixels in a row.
struct PixelTile {
  /// The first pixel, an index value.
  mlir::Value start;
  /// Its value where it is known, which it is for every tile that touches a border.
  std::optional<int64_t> staticStart;
  int64_t size;
};

/// Cuts a row of `width` pixels into tiles of at most `limit`, as even as can be
/// with equal ones in the middle. Returns their sizes in order.
llvm::SmallVector<int64_t> cutRow(int64_t width, int64_t limit);

/// Emits `body` for every tile of a row: a loop for runs of equal tiles away from
/// the borders, straight code for the others.
void forEachPixelTile(mlir::ImplicitLocOpBuilder &builder, const ConvWindow &window,
                      int64_t limit, llvm::function_ref<void(PixelTile)> body);

/// One position of the kernel while its loops are emitted.
struct KernelPosition {
  /// Index of the position in each kernel dimension.
  llvm::SmallVector<mlir::Value> kernel;
  /// Input coordinate in each outer dimension.
  llvm::SmallVector<mlir::Value> outer;
  /// Input coordinate in the row of each pixel of the tile; null where outside.
  llvm::SmallVector<mlir::Value> columns;
  /// `outer` of each pixel, where a tile's pixels lie in several rows; empty elsewhere.
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> pixelOuter;
};

/// The operands of a convolution in memref form inside its kernel; null where it has none.
struct ConvOperands {
  ConvOperands(cnn::ConvOpInterface op, mlir::ValueRange operands);

  mlir::Value input, filter, bias, residual, inputScale, inputOffset, output;
};

/// Emits the loops over the kernel's positions around `body`, which gets the
/// carried values and gives their next ones. `outerOutput` are the output
/// coordinates in the outer dimensions.
llvm::SmallVector<mlir::Value>
emitKernelLoops(mlir::ImplicitLocOpBuilder &builder, const ConvWindow &window,
                mlir::ValueRange outerOutput, const PixelTile &tile, mlir::ValueRange inits,
                llvm::function_ref<llvm::SmallVector<mlir::Value>(const KernelPosition &,
                                                                  mlir::ValueRange)>
                    body);

/// The same for the rows of the kernel: the positions have no columns, and no index in the
/// kernel's last dimension.
llvm::SmallVector<mlir::Value>
emitKernelRowLoops(mlir::ImplicitLocOpBuilder &builder, const ConvWindow &window,
                   mlir::ValueRange outerOutput, mlir::ValueRange inits,
                   llvm::function_ref<llvm::SmallVector<mlir::Value>(const KernelPosition &,
                                                                     mlir::ValueRange)>
                       body);

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_PIXELTILE_H
