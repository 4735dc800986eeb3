//===- Slice.h - A part of one dimension of a tensor ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_UTILS_SLICE_H
#define CONVOY_TRANSFORMS_UTILS_SLICE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace convoy::cnn {

/// The slice `[begin, begin + size)` of dimension `dim` of a tensor, with all other dimensions
/// whole.
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

#endif // CONVOY_TRANSFORMS_UTILS_SLICE_H
