//===- MatmulShape.cpp - Extents of a matrix product ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/MatmulShape.h"

#include "convoy/Codegen/Common/LoopEmitter.h"

using namespace mlir;
using namespace convoy;

MatmulShape::MatmulShape(cnn::MatmulOp op) {
  ArrayRef<int64_t> lhs = cast<ShapedType>(op.getLhs().getType()).getShape();
  ArrayRef<int64_t> rhs = cast<ShapedType>(op.getRhs().getType()).getShape();
  ArrayRef<int64_t> output = cast<ShapedType>(op.getInit().getType()).getShape();
  batch = SmallVector<int64_t>(output.drop_back(2));
  lhsBatch = SmallVector<int64_t>(lhs.drop_back(2));
  rhsBatch = SmallVector<int64_t>(rhs.drop_back(2));
  rows = output[output.size() - 2];
  columns = output.back();
  depth = lhs.back();
}

Value convoy::broadcastBatch(ImplicitLocOpBuilder &b, ArrayRef<Value> indices,
                             ArrayRef<int64_t> batch) {
  indices = indices.take_back(batch.size());
  Value flat = indexConstant(b, 0);
  for (auto [index, extent] : llvm::zip(indices, batch))
    flat = add(b, affine(b, flat, extent, 0), extent == 1 ? indexConstant(b, 0) : index);
  return flat;
}
