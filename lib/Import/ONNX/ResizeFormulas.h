//===- ResizeFormulas.h - Positions and weights of a resize -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// `Number` is double for what is computed while compiling, or a Scalar of f64 for what the
// program computes.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_RESIZEFORMULAS_H
#define CONVOY_LIB_IMPORT_ONNX_RESIZEFORMULAS_H

#include "ResizeTable.h"
#include "convoy/Dialect/Cnn/IR/ComputeBody.h"
#include <cmath>

namespace convoy::onnximport {

inline double choose(bool condition, double yes, double no) { return condition ? yes : no; }
inline cnn::Scalar choose(cnn::Scalar condition, cnn::Scalar yes, cnn::Scalar no) {
  return condition.select(yes, no);
}
inline double roundDown(double x) { return std::floor(x); }
inline cnn::Scalar roundDown(cnn::Scalar x) { return x.apply(cnn::UnaryKind::floor); }
inline double roundUp(double x) { return std::ceil(x); }
inline cnn::Scalar roundUp(cnn::Scalar x) { return x.apply(cnn::UnaryKind::ceil); }

/// One dimension that is resized. `scale * from` may be no whole number.
template <typename Number> struct ResizeExtent {
  Number from, to, scale;
  /// The part that tf_crop_and_resize takes, relative to the dimension.
  double roiBegin = 0, roiEnd = 1;
};

/// The coordinate in the input of element `x` of the result.
template <typename Number>
Number mapCoordinate(llvm::StringRef mode, const ResizeExtent<Number> &extent, Number x) {
  Number last = extent.from - 1.0, length = extent.scale * extent.from;
  if (mode == "asymmetric")
    return x / extent.scale;
  // Scales that are no ratio of extents: the length counts that was not rounded yet.
  if (mode == "align_corners")
    return choose(extent.to == 1.0, x * 0.0, x * last / (length - 1.0));
  if (mode == "tf_crop_and_resize") {
    double begin = extent.roiBegin, end = extent.roiEnd;
    return choose(extent.to == 1.0, last * ((begin + end) / 2),
                  x * (end - begin) * last / (length - 1.0) + last * begin);
  }
  Number centre = (x + 0.5) / extent.scale - 0.5;
  if (mode == "pytorch_half_pixel")
    return choose(extent.to > 1.0, centre, x * 0.0);
  if (mode == "half_pixel_symmetric")
    return centre + extent.from / 2.0 * (1.0 - extent.to / length);
  return centre;
}

template <typename Number> Number roundCoordinate(cnn::NearestMode mode, Number x) {
  // A scale such as 19/14 is rounded, so a coordinate between two elements can come out beside
  // the middle. cnn.resize allows as much.
  constexpr double half = 0.5 + 1e-6;
  switch (mode) {
  case cnn::NearestMode::round_prefer_floor:
    return roundUp(x - half);
  case cnn::NearestMode::round_prefer_ceil:
    return roundDown(x + half);
  case cnn::NearestMode::floor:
    return roundDown(x);
  case cnn::NearestMode::ceil:
    return roundUp(x);
  }
  llvm_unreachable("unknown nearest mode");
}

/// The interpolating functions: the weight of an element at distance `x`.
template <typename Number> Number getWeight(const ResizeMethod &method, Number x) {
  x = choose(x < 0.0, x * -1.0, x);
  if (method.mode == Interpolation::Linear)
    return choose(x < 1.0, 1.0 - x, x * 0.0);
  double a = method.cubicCoefficient;
  Number inner = ((a + 2) * x - (a + 3)) * x * x + 1.0;
  Number outer = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return choose(x <= 1.0, inner, choose(x < 2.0, outer, x * 0.0));
}

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_RESIZEFORMULAS_H
