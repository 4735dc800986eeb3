//===- FieldExtent.h - Part of an image that an element sees ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Used by the methods of ReceptiveFieldOpInterface.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_FIELDEXTENT_H
#define CONVOY_DIALECT_CNN_IR_FIELDEXTENT_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

namespace convoy::cnn {

/// The receptive field of the elements of a value along one spatial dimension. The size and
/// the stride count elements of the model's input.
struct FieldExtent {
  /// The size of the window of the input that an element depends on, padding included.
  double size = 1;
  /// The distance of the windows of neighbouring elements; below 1 after upsampling.
  double stride = 1;
  /// The extent of the value itself.
  int64_t extent = 1;

  /// The size for an element that depends on all elements along the dimension.
  double getWholeSize() const { return size + double(extent - 1) * stride; }
  /// Lets every element depend on all elements along the dimension.
  void widen() { size = getWholeSize(); }
};

/// The receptive fields of the elements of a value that is computed from an image.
class ReceptiveField {
public:
  /// One entry for each spatial dimension of the image.
  llvm::SmallVector<FieldExtent, 3> dims;
  /// Whether the last dimensions of the value are the spatial ones. The elements of a
  /// flattened value still have receptive fields, but the value has no spatial dimensions.
  bool isSpatial = true;

  /// Lets every element depend on the whole image.
  void widenAll() {
    for (FieldExtent &dim : dims)
      dim.widen();
  }
  /// Lets every element of a value of this rank depend on all elements along dimension `axis`
  /// of the value, if that is a spatial one.
  void widenAxis(int64_t axis, int64_t rank) {
    if (int64_t first = rank - int64_t(dims.size()); axis >= first)
      dims[axis - first].widen();
  }
  /// Whether a window of this many dimensions slides over the spatial dimensions. If not, the
  /// value was flattened and reshaped: then its elements are taken to depend on the whole
  /// image.
  bool enterWindow(int64_t windowRank) {
    if (isSpatial && windowRank == int64_t(dims.size()))
      return true;
    widenAll();
    dims.assign(windowRank, FieldExtent(dims.front()));
    isSpatial = true;
    return false;
  }
  /// Widens the fields for the result of a convolution or a pool.
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
  /// Lets every element depend on the whole image, and drops the spatial dimensions.
  void join() {
    widenAll();
    for (FieldExtent &dim : dims)
      dim.extent = 1;
    isSpatial = false;
  }
};

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_FIELDEXTENT_H
