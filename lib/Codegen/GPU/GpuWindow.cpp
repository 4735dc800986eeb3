//===- GpuWindow.cpp - Sliding windows of single threads ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuWindow.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

PlanePosition convoy::gpu::locateInput(ImplicitLocOpBuilder &b, const ConvWindow &window,
                                       ValueRange output, ValueRange kernel) {
  PlanePosition position{indexConstant(b, 0), Value()};
  for (size_t dim = 0; dim < kernel.size(); ++dim) {
    Value coordinate =
        add(b, affine(b, output[dim], window.strides[dim], -window.padsBegin[dim]),
            affine(b, kernel[dim], window.dilations[dim], 0));
    if (window.padsBegin[dim] > 0 || window.lastPosition(dim) >= window.input[dim])
      position.inside =
          emitBoth(b, position.inside, emitIsInside(b, coordinate, window.input[dim]));
    position.offset = add(b, affine(b, position.offset, window.input[dim], 0), coordinate);
  }
  return position;
}

SmallVector<Value> convoy::gpu::forEachPosition(
    ImplicitLocOpBuilder &b, ArrayRef<int64_t> extents, ValueRange inits,
    llvm::function_ref<SmallVector<Value>(ValueRange, ValueRange)> body, int64_t unrolled,
    const BlockSums &sums) {
  SmallVector<Value> position;
  std::function<SmallVector<Value>(ValueRange)> nest =
      [&](ValueRange carried) -> SmallVector<Value> {
    size_t dim = position.size();
    if (dim == extents.size())
      return body(position, carried);
    auto visit = [&](Value index, ValueRange values) {
      position.push_back(index);
      SmallVector<Value> next = nest(values);
      position.pop_back();
      return next;
    };
    if (int64_t(llvm::product_of(extents.drop_front(dim))) > unrolled) {
      int64_t inner = llvm::product_of(extents.drop_front(dim + 1));
      SmallVector<Value> results = emitSumLoop(b, extents[dim], carried, sums, visit,
                                               std::max<int64_t>(kSumBlock / inner, 1));
      keepRolled(results);
      return results;
    }
    SmallVector<Value> values(carried);
    for (int64_t i = 0; i < extents[dim]; ++i)
      values = visit(indexConstant(b, i), values);
    return values;
  };
  return nest(inits);
}
