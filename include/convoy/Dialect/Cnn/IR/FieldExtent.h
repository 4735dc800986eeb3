//===- FieldExtent.h - Part of an image that an element sees ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// For methods of ReceptiveFieldOpInterface.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_FIELDEXTENT_H
#define CONVOY_DIALECT_CNN_IR_FIELDEXTENT_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

namespace convoy::cnn {

/// Along one spatial dimension, in elements of the model's input.
struct FieldExtent {
  /// How wide the window is that an element depends on, padding included.
  double size = 1;
  /// How far apart the windows of neighbouring elements are; below 1 after upsampling.
  double stride = 1;
  /// The value's own extent.
  int64_t extent = 1;

  /// The size for an element that depends on all elements along the dimension.
  double getWholeSize() const { return size + double(extent - 1) * stride; }
  /// Lets every element depend on the whole.
  void widen() { size = getWholeSize(); }
};

/// The receptive field of each element of a value that an image reaches.
class ReceptiveField {
public:
  llvm::SmallVector<FieldExtent, 3> dims;
  /// Whether `dims` are the last dimensions of the value. A flattened value still has fields,
  /// but no dimension along which they are arranged.
  bool isSpatial = true;

  /// Lets every element depend on the whole image.
  void widenAll() {
    for (FieldExtent &dim : dims)
      dim.widen();
  }
  /// Lets every element of a value of this rank depend on the whole along `axis`.
  void widenAxis(int64_t axis, int64_t rank) {
    if (int64_t first = rank - int64_t(dims.size()); axis >= first)
      dims[axis - first].widen();
  }
  /// Whether windows of this rank slide over the image. Those over values that were
  /// flattened and cut anew see all of it.
  bool enterWindow(int64_t windowRank) {
    if (isSpatial && windowRank == int64_t(dims.size()))
      return true;
    widenAll();
    dims.assign(windowRank, FieldExtent(dims.front()));
    isSpatial = true;
    return false;
  }
  /// Of a window that slides over the image, or transposed.
  void slide(WindowAttr window, bool isTransposed = false) {
    if (!enterWindow(window.getRank()))
      return;
    for (auto [i, dim] : llvm::enumerate(dims)) {
      int64_t reach = window.getReach(i), stride = window.getStrides()[i];
      if (isTransposed) {
        dim.size += double(llvm::divideCeil(reach, stride) - 1) * dim.stride;
        dim.stride /= double(stride);
      } else {
        dim.size += double(reach - 1) * dim.stride;
        dim.stride *= double(stride);
      }
    }
  }
  /// Lets the one element of the result depend on everything.
  void join() {
    widenAll();
    for (FieldExtent &dim : dims)
      dim.extent = 1;
    isSpatial = false;
  }
};

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_FIELDEXTENT_H
