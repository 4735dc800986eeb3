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

template <typename Number> struct ResizeExtent;

/// Element i of the result is the sum over t of weight[i * taps + t] times element
/// index[i * taps + t] of the input.
struct ResizeTable {
  int64_t taps = 1;
  std::vector<int32_t> index;
  std::vector<double> weight;
  /// Elements that lie outside of the input, and so have the extrapolation value.
  std::vector<uint8_t> outside;
};

/// How many elements of the input count before the one below a coordinate. As many do after
/// it, apart from the next one.
int64_t countBefore(const ResizeMethod &method, double scale);

ResizeTable makeResizeTable(const ResizeMethod &method, const ResizeExtent<double> &extent);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_RESIZETABLE_H
