//===- ResizeTable.h - The weights of a resize along a dimension -*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_RESIZETABLE_H
#define CONVOY_LIB_IMPORT_ONNX_RESIZETABLE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include <vector>

namespace convoy::onnximport {

enum class Interpolation { Nearest, Linear, Cubic };

/// How a resize finds positions and weights; the same for all dimensions.
struct ResizeMethod {
  Interpolation mode = Interpolation::Nearest;
  cnn::NearestMode nearest = cnn::NearestMode::round_prefer_floor;
  /// ONNX's coordinate_transformation_mode, one that isCoordinateMode knows.
  llvm::StringRef coordinates = "half_pixel";
  double cubicCoefficient = -0.75;
  bool antialias = false, excludeOutside = false;
};

bool isCoordinateMode(llvm::StringRef name);

/// One dimension that is resized. `scale * from` may be no whole number.
struct ResizeExtent {
  int64_t from, to;
  double scale;
  /// The part that tf_crop_and_resize takes, relative to the dimension.
  double roiBegin = 0, roiEnd = 1;
};

/// Element i of the result is the sum over t of weight[i * taps + t] times element
/// index[i * taps + t] of the input.
struct ResizeTable {
  int64_t taps = 1;
  std::vector<int32_t> index;
  std::vector<double> weight;
  /// Elements that lie outside of the input, and so have the extrapolation value.
  std::vector<uint8_t> outside;
};

ResizeTable makeResizeTable(const ResizeMethod &method, const ResizeExtent &extent);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_RESIZETABLE_H
