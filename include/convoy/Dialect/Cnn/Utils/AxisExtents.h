//===- AxisExtents.h - A shape seen from one dimension ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_UTILS_AXISEXTENTS_H
#define CONVOY_DIALECT_CNN_UTILS_AXISEXTENTS_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/STLExtras.h"

namespace convoy::cnn {

/// A shape as `outer x extent x inner`: the product of the dimensions before `axis`, dimension
/// `axis`, and the product of those after it.
struct AxisExtents {
  AxisExtents(llvm::ArrayRef<int64_t> shape, int64_t axis)
      : outer(llvm::product_of(shape.take_front(axis))), extent(shape[axis]),
        inner(llvm::product_of(shape.drop_front(axis + 1))) {}

  int64_t outer, extent, inner;
};

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_UTILS_AXISEXTENTS_H
