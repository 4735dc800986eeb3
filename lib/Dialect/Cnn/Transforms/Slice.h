//===- Slice.h - A part of one dimension of a tensor ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DIALECT_CNN_TRANSFORMS_SLICE_H
#define CONVOY_LIB_DIALECT_CNN_TRANSFORMS_SLICE_H

#include "convoy/Machine/Gpu.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace convoy::cnn {

/// Bytes on whose multiples buffers and parts of buffers begin: what a thread of a GPU moves
/// at a time.
inline int64_t getPartAlignment(mlir::Operation *op) {
  return getTarget(op).getGpu() ? kGpuAccessBytes : 1;
}

/// Whether code generation reads strides of the first dimension from the types of `op`, or
/// makes copies of it.
inline bool takesImageSlices(mlir::Operation *op) {
  return op->hasTrait<TakesImageSlices>() ||
         mlir::isa<mlir::linalg::LinalgOp, mlir::memref::CopyOp, ConcatOp>(op);
}

/// `[begin, begin + size)` of dimension `dim`, and all of the others.
inline mlir::Value createSlice(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                               int64_t dim, int64_t begin, int64_t size) {
  auto type = mlir::cast<mlir::RankedTensorType>(value.getType());
  llvm::SmallVector<mlir::OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0)),
      strides(type.getRank(), builder.getIndexAttr(1)), sizes;
  for (int64_t extent : type.getShape())
    sizes.push_back(builder.getIndexAttr(extent));
  offsets[dim] = builder.getIndexAttr(begin);
  sizes[dim] = builder.getIndexAttr(size);
  return mlir::tensor::ExtractSliceOp::create(builder, loc, value, offsets, sizes, strides);
}

} // namespace convoy::cnn

#endif // CONVOY_LIB_DIALECT_CNN_TRANSFORMS_SLICE_H
