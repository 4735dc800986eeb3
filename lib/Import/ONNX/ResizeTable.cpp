//===- ResizeTable.cpp - The weights of a resize along a dimension --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResizeTable.h"

#include <algorithm>
#include <cmath>

using namespace convoy;
using namespace convoy::onnximport;

bool convoy::onnximport::isCoordinateMode(llvm::StringRef name) {
  return name == "tf_crop_and_resize" || cnn::symbolizeCoordinateMode(name);
}

/// The coordinate in the input of element `x` of the result.
static double mapCoordinate(llvm::StringRef mode, const ResizeExtent &extent, double x) {
  double last = double(extent.from - 1), length = extent.scale * double(extent.from);
  if (mode == "asymmetric")
    return x / extent.scale;
  // Scales that are no ratio of extents: the length counts that was not rounded yet.
  if (mode == "align_corners")
    return extent.to == 1 ? 0 : x * last / (length - 1);
  if (mode == "tf_crop_and_resize") {
    double begin = extent.roiBegin, end = extent.roiEnd;
    if (extent.to == 1)
      return (begin + end) * last / 2;
    return x * (end - begin) * last / (length - 1) + begin * last;
  }
  double centre = (x + 0.5) / extent.scale - 0.5;
  if (mode == "pytorch_half_pixel")
    return extent.to > 1 ? centre : 0;
  if (mode == "half_pixel_symmetric")
    return centre + double(extent.from) / 2 * (1 - double(extent.to) / length);
  return centre;
}

static double roundCoordinate(cnn::NearestMode mode, double x) {
  // A scale such as 19/14 is rounded, so a coordinate between two elements can come out beside
  // the middle. cnn.resize allows as much.
  constexpr double half = 0.5 + 1e-6;
  switch (mode) {
  case cnn::NearestMode::round_prefer_floor:
    return std::ceil(x - half);
  case cnn::NearestMode::round_prefer_ceil:
    return std::floor(x + half);
  case cnn::NearestMode::floor:
    return std::floor(x);
  case cnn::NearestMode::ceil:
    return std::ceil(x);
  }
  llvm_unreachable("unknown nearest mode");
}

/// The interpolating functions: the weight of an element at distance `x`.
static double getWeight(const ResizeMethod &method, double x) {
  x = std::abs(x);
  if (method.mode == Interpolation::Linear)
    return std::max(1 - x, 0.0);
  double a = method.cubicCoefficient;
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

ResizeTable convoy::onnximport::makeResizeTable(const ResizeMethod &method,
                                                const ResizeExtent &extent) {
  ResizeTable table;
  bool isNearest = method.mode == Interpolation::Nearest;
  int64_t reach = method.mode == Interpolation::Cubic ? 2 : 1, before = reach - 1;
  // When it shrinks, antialiasing stretches the function over the elements in between.
  double stretch = method.antialias ? std::min(extent.scale, 1.0) : 1.0;
  if (!isNearest) {
    before = -(int64_t(std::floor(-double(reach) / stretch)) + 1);
    table.taps = 2 * before + 2;
  }
  int64_t last = extent.from - 1;
  for (int64_t i = 0; i < extent.to; ++i) {
    double x = mapCoordinate(method.coordinates, extent, double(i));
    table.outside.push_back(method.coordinates == "tf_crop_and_resize" &&
                            (x < 0 || x > double(last)));
    // No element is further away than the table reaches, however wild a roi is.
    x = std::clamp(x, -double(table.taps) - 2, double(last + table.taps) + 2);
    if (isNearest) {
      x = roundCoordinate(method.nearest, x);
      table.index.push_back(int32_t(std::clamp<double>(x, 0, double(last))));
      table.weight.push_back(1);
      continue;
    }
    int64_t first = int64_t(std::floor(x)) - before;
    std::vector<double> weights;
    double sum = 0;
    for (int64_t t = 0; t < table.taps; ++t) {
      int64_t index = first + t;
      double weight = getWeight(method, stretch * (double(index) - x));
      if (method.excludeOutside && (index < 0 || index > last))
        weight = 0;
      sum += weight;
      weights.push_back(weight);
      table.index.push_back(int32_t(std::clamp<int64_t>(index, 0, last)));
    }
    for (double weight : weights)
      table.weight.push_back(sum == 0 ? weight : weight / sum);
  }
  return table;
}
