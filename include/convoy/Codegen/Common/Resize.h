//===- Resize.h - What the elements of a resize read ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The coordinates of ONNX Resize: in tables that are made at compile time, or computed by
// kernels at run time. Both use f32 and the same operations as ONNX Runtime, so that they
// round to the same numbers.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_RESIZE_H
#define CONVOY_CODEGEN_COMMON_RESIZE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace convoy {

/// The extents of a resize in memref form. The dimensions after the last one that changes are
/// together a row of `inner` contiguous elements.
struct ResizeShape {
  explicit ResizeShape(cnn::ResizeOp op);

  /// The stride of a dimension, in elements.
  int64_t inputStride(int64_t dim) const;
  int64_t outputStride(int64_t dim) const;
  bool changes(int64_t dim) const { return llvm::is_contained(changing, dim); }

  /// The shapes of the input and of the result.
  llvm::ArrayRef<int64_t> from, to;
  /// The dimensions whose extent or scale changes.
  llvm::SmallVector<int64_t> changing;
  /// The last of `changing`, or the last dimension if none changes.
  int64_t last;
  int64_t inner;
  /// Elements from the start of an image to the start of the next.
  int64_t inputImage, outputImage;
};

/// For each index of the result along one dimension, a neighbour: an index of the input from
/// which it is computed.
struct ResizeTable {
  /// The index of the neighbour in the input.
  llvm::SmallVector<int64_t> indices;
  /// The weight of the neighbour; empty if all weights are 1.
  llvm::SmallVector<float> weights;
};
/// The tables of dimension `dim`: one for `nearest`; for `linear` two, of the lower and the
/// upper neighbours.
llvm::SmallVector<ResizeTable, 2> makeResizeTables(cnn::ResizeOp op, int64_t dim);

/// An element of the input that an element of the result reads: its offset, and its weight,
/// which is null for 1.
struct ResizeTap {
  mlir::Value offset, weight;
};

/// The neighbours of element `index` of dimension `dim`, as in makeResizeTables, but computed
/// at run time. `stride` is the input's in that dimension.
llvm::SmallVector<ResizeTap, 2> emitResizeNeighbours(mlir::ImplicitLocOpBuilder &builder,
                                                     cnn::ResizeOp op, int64_t dim,
                                                     mlir::Value index, int64_t stride);

/// Combines each of `taps` with each of the neighbours in one more dimension: offsets are
/// added and weights multiplied.
llvm::SmallVector<ResizeTap> spreadTaps(mlir::ImplicitLocOpBuilder &builder,
                                        llvm::ArrayRef<ResizeTap> taps,
                                        llvm::ArrayRef<ResizeTap> neighbours);

/// The weighted sum of the numbers or vectors that `load` returns for the offsets of `taps`.
mlir::Value emitTapSum(mlir::ImplicitLocOpBuilder &builder, llvm::ArrayRef<ResizeTap> taps,
                       llvm::function_ref<mlir::Value(mlir::Value)> load);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_RESIZE_H
