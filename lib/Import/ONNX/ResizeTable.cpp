//===- ResizeTable.cpp - The weights of a resize along a dimension --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResizeFormulas.h"

#include <algorithm>

using namespace convoy;
using namespace convoy::onnximport;

bool convoy::onnximport::isCoordinateMode(llvm::StringRef name) {
  return name == "tf_crop_and_resize" || cnn::symbolizeCoordinateMode(name);
}

/// When it shrinks, antialiasing stretches the function over the elements in between.
static double findStretch(const ResizeMethod &method, double scale) {
  return method.antialias ? std::min(scale, 1.0) : 1.0;
}

int64_t convoy::onnximport::countBefore(const ResizeMethod &method, double scale) {
  double reach = method.mode == Interpolation::Cubic ? 2 : 1;
  return -(int64_t(std::floor(-reach / findStretch(method, scale))) + 1);
}

ResizeTable convoy::onnximport::makeResizeTable(const ResizeMethod &method,
                                                const ResizeExtent<double> &extent) {
  ResizeTable table;
  bool isNearest = method.mode == Interpolation::Nearest;
  double stretch = findStretch(method, extent.scale);
  int64_t before = countBefore(method, extent.scale), last = int64_t(extent.from) - 1;
  if (!isNearest)
    table.taps = 2 * before + 2;
  for (int64_t i = 0; i < int64_t(extent.to); ++i) {
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
