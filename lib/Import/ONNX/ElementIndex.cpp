//===- ElementIndex.cpp - Indices that are data --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementIndex.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

// The number is clamped before it becomes an index, which has fewer bits on some targets.
Scalar convoy::onnximport::toElementIndex(Scalar number, int64_t extent) {
  number = (number < 0).select(number + number.integer(extent), number);
  return number.clamp(number.integer(0), number.integer(extent - 1)).toIndex();
}

Scalar convoy::onnximport::loadInside(ComputeBody &body, unsigned number,
                                      ArrayRef<Scalar> indices, Scalar otherwise) {
  ArrayRef<int64_t> shape = body.input(number).getShape();
  Scalar inside = body.truth(true);
  Scalars safe;
  for (auto [index, extent] : llvm::zip_equal(indices, shape)) {
    inside = inside & (index >= 0) & (index < extent);
    safe.push_back(index.clamp(body.index(0), body.index(extent - 1)));
  }
  return inside.select(body.input(number).load(safe), otherwise);
}
