//===- ConvWindow.h - Sliding windows ---------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_CONVWINDOW_H
#define CONVOY_CODEGEN_COMMON_CONVWINDOW_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace convoy {

/// A sliding window over `rank` spatial dimensions. The last dimension is called "the row".
struct ConvWindow {
  llvm::SmallVector<int64_t> input, output, kernel, strides, dilations, padsBegin;

  int64_t rank() const { return input.size(); }
  /// The output's extents without the last.
  llvm::ArrayRef<int64_t> outerOutput() const {
    return llvm::ArrayRef<int64_t>(output).drop_back();
  }
  /// Whether output pixel `pixel` of a row reads inside the input at the kernel's column
  /// `column`.
  bool isInside(int64_t pixel, int64_t column) const {
    int64_t position = pixel * strides.back() + column * dilations.back() - padsBegin.back();
    return position >= 0 && position < input.back();
  }
  /// The largest input coordinate that a window reads in dimension `dim`, padding after the
  /// input included.
  int64_t lastPosition(int64_t dim) const {
    return (output[dim] - 1) * strides[dim] - padsBegin[dim] +
           (kernel[dim] - 1) * dilations[dim];
  }
  /// Whether some output reads no input, only padding, in dimension `dim`.
  bool hasEmptyRange(int64_t dim) const;
  /// Treats all pixels as one row, so that small maps fill the tiles. The window must be a
  /// single pixel that moves by one (see isPointwise).
  void flattenPointwise();
  bool isPointwise() const;
};

/// The window of a convolution or a pool.
ConvWindow getConvWindow(cnn::WindowOpInterface op);

/// The range of kernel positions that read inside the input, in dimension `dim` for the output
/// coordinate `position`: the first position, and the one after the last.
std::pair<mlir::Value, mlir::Value> emitKernelRange(mlir::ImplicitLocOpBuilder &builder,
                                                    const ConvWindow &window, int64_t dim,
                                                    mlir::Value position);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_CONVWINDOW_H
