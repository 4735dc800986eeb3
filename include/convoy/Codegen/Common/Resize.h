//===- Resize.h - What the elements of a resize read ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The coordinates of ONNX Resize, for tables that are made at compile time and for kernels
// that compute them: both in f32 and by the same operations, as ONNX Runtime does, so that
// roundings fall the same way.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_RESIZE_H
#define CONVOY_CODEGEN_COMMON_RESIZE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace convoy {

/// The extents of a resize in memref form. The dimensions after the last one that changes
/// are a row of contiguous elements, `inner` of them.
struct ResizeShape {
  explicit ResizeShape(cnn::ResizeOp op);

  /// Elements from an element to the next along a dimension.
  int64_t inputStride(int64_t dim) const;
  int64_t outputStride(int64_t dim) const;
  bool changes(int64_t dim) const { return llvm::is_contained(changing, dim); }

  llvm::ArrayRef<int64_t> from, to;
  /// The dimensions whose extent or scale changes.
  llvm::SmallVector<int64_t> changing;
  /// The last one of them, or the last dimension if none changes.
  int64_t last;
  int64_t inner;
  /// Elements from an image to the next.
  int64_t inputImage, outputImage;
};

/// Along one dimension, one of the elements that each element of the result is made of.
struct ResizeTable {
  /// Its index in the input.
  llvm::SmallVector<int64_t> indices;
  /// Empty where all weights are 1.
  llvm::SmallVector<float> weights;
};
/// The tables of dimension `dim`: one for `nearest`, the lower and the upper neighbour for
/// `linear`.
llvm::SmallVector<ResizeTable, 2> makeResizeTables(cnn::ResizeOp op, int64_t dim);

/// An element of the input: its offset and, without one for 1, its weight.
struct ResizeTap {
  mlir::Value offset, weight;
};

/// What makeResizeTables tells of element `index` of dimension `dim`, computed at run time.
llvm::SmallVector<ResizeTap, 2> emitResizeNeighbours(mlir::ImplicitLocOpBuilder &builder,
                                                     cnn::ResizeOp op, int64_t dim,
                                                     mlir::Value index, int64_t stride);

/// Each of `taps` with each of `neighbours` in one more dimension.
llvm::SmallVector<ResizeTap> spreadTaps(mlir::ImplicitLocOpBuilder &builder,
                                        llvm::ArrayRef<ResizeTap> taps,
                                        llvm::ArrayRef<ResizeTap> neighbours);

/// The weighted sum of what `load` gives for the taps' offsets, numbers or vectors.
mlir::Value emitTapSum(mlir::ImplicitLocOpBuilder &builder, llvm::ArrayRef<ResizeTap> taps,
                       llvm::function_ref<mlir::Value(mlir::Value)> load);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_RESIZE_H
