//===- Resize.cpp - Resize and Upsample -----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "TensorReader.h"
#include <cmath>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

namespace {

/// The result's shape, and the scale of each dimension; how positions and values are found.
struct Resize {
  SmallVector<int64_t> shape;
  SmallVector<float> scales;
  cnn::ResizeMode mode = cnn::ResizeMode::nearest;
  cnn::CoordinateMode coordinates = cnn::CoordinateMode::half_pixel;
  cnn::NearestMode nearest = cnn::NearestMode::round_prefer_floor;
};

} // namespace

static LogicalResult readMode(NodeImporter &node, Resize &resize) {
  StringRef mode = node.getString("mode", "nearest");
  // Some files have "bilinear" in Upsample 7.
  if (mode == "linear" || mode == "bilinear")
    resize.mode = cnn::ResizeMode::linear;
  else if (mode != "nearest")
    return node.error("attribute 'mode' is '" + mode +
                      "', which is not supported (nearest and linear are)");
  return success();
}

/// Extents from scales: floor(extent * scale), in single precision.
static LogicalResult applyScales(NodeImporter &node, ArrayRef<float> scales,
                                 ArrayRef<int64_t> axes, Resize &resize) {
  if (scales.size() != axes.size())
    return node.error("has " + Twine(scales.size()) + " scales for " + Twine(axes.size()) +
                      " dimensions");
  for (auto [axis, scale] : llvm::zip_equal(axes, scales)) {
    float extent = std::floor(float(resize.shape[axis]) * scale);
    if (!(scale > 0) || !(extent >= 0) || extent > 2147483648.0f)
      return node.error("scales dimension " + Twine(axis) + " of " +
                        Twine(resize.shape[axis]) + " elements by " +
                        Twine(std::to_string(scale)));
    resize.scales[axis] = scale;
    resize.shape[axis] = int64_t(extent);
  }
  return success();
}

/// Scales from extents, possibly corrected to keep the aspect ratio.
static LogicalResult applySizes(NodeImporter &node, ArrayRef<int64_t> sizes,
                                ArrayRef<int64_t> axes, StringRef policy, Resize &resize) {
  if (sizes.size() != axes.size())
    return node.error("has " + Twine(sizes.size()) + " sizes for " + Twine(axes.size()) +
                      " dimensions");
  std::optional<float> common;
  for (auto [axis, size] : llvm::zip_equal(axes, sizes)) {
    bool isEmpty = resize.shape[axis] == 0;
    if (size < 0 || (isEmpty && size > 0) || (size == 0 && !isEmpty && policy != "stretch"))
      return node.error("resizes dimension " + Twine(axis) + " to " + Twine(size));
    float scale = float(size) / float(std::max<int64_t>(resize.shape[axis], 1));
    resize.scales[axis] = scale;
    bool better = !common || (policy == "not_larger" ? scale < *common : scale > *common);
    if (better)
      common = scale;
  }
  for (auto [axis, size] : llvm::zip_equal(axes, sizes)) {
    if (policy == "stretch" || size == 0) {
      resize.shape[axis] = size;
      continue;
    }
    resize.scales[axis] = *common;
    resize.shape[axis] =
        std::max<int64_t>(1, int64_t(std::floor(*common * float(resize.shape[axis]) + 0.5f)));
  }
  return success();
}

static LogicalResult finish(NodeImporter &node, const Resize &resize) {
  Value input = node.getInput(0);
  if (ArrayRef<int64_t>(resize.shape) == NodeImporter::getShape(input) &&
      llvm::all_of(resize.scales, [](float scale) { return scale == 1.0f; }))
    return node.setResult(input);
  if (failed(node.checkShape(resize.shape, NodeImporter::getElementType(input))))
    return failure();
  auto type = RankedTensorType::get(resize.shape, NodeImporter::getElementType(input));
  if (type.getNumElements() == 0)
    return node.setResult(node.zeros(type));
  return node.setResult(node.create<cnn::ResizeOp>(
      input, resize.shape, resize.scales, resize.mode, resize.coordinates, resize.nearest));
}

static Resize makeResize(NodeImporter &node) {
  Resize resize;
  resize.shape.assign(node.getShape(0).begin(), node.getShape(0).end());
  resize.scales.assign(resize.shape.size(), 1.0f);
  return resize;
}

static SmallVector<int64_t> allAxes(NodeImporter &node) {
  return llvm::to_vector(llvm::seq<int64_t>(0, node.getShape(0).size()));
}

/// Upsample 1, 7 and 9, and Resize 10. They differ only in the place of the scales.
static LogicalResult importUpsample(NodeImporter &node) {
  Resize resize = makeResize(node);
  if (failed(readMode(node, resize)))
    return failure();
  std::optional<SmallVector<float>> scales;
  if (node.getOpset() < 7)
    scales = {1, 1, node.getFloat("height_scale", 0), node.getFloat("width_scale", 0)};
  else if (node.getOpset() < 9)
    scales = node.getFloats("scales");
  else if (node.getNumInputs() > 1)
    scales = node.getConstantFloats(1);
  if (!scales)
    return node.error("has no scales");
  if (failed(applyScales(node, *scales, allAxes(node), resize)))
    return failure();
  resize.coordinates = cnn::CoordinateMode::asymmetric;
  // Version 10 does not define the rounding; the reference implementations round up if
  // they shrink.
  bool shrinks = llvm::any_of(resize.scales, [](float scale) { return scale < 1; });
  bool grows = llvm::any_of(resize.scales, [](float scale) { return scale > 1; });
  if (shrinks && grows && resize.mode == cnn::ResizeMode::nearest)
    return node.error("shrinks one dimension and enlarges another: use opset 11 or later");
  resize.nearest = shrinks ? cnn::NearestMode::ceil : cnn::NearestMode::floor;
  return finish(node, resize);
}

static LogicalResult importResize(NodeImporter &node) {
  Resize resize = makeResize(node);
  if (failed(readMode(node, resize)))
    return failure();
  node.ignoreAttribute("cubic_coeff_a");
  node.ignoreAttribute("exclude_outside");
  node.ignoreAttribute("extrapolation_value");
  StringRef coordinates = node.getString("coordinate_transformation_mode", "half_pixel");
  StringRef nearest = node.getString("nearest_mode", "round_prefer_floor");
  std::optional<cnn::CoordinateMode> coordinateMode =
      cnn::symbolizeCoordinateMode(coordinates);
  std::optional<cnn::NearestMode> nearestMode = cnn::symbolizeNearestMode(nearest);
  if (!coordinateMode)
    return node.error("attribute 'coordinate_transformation_mode' is '" + coordinates +
                      "', which is not supported");
  if (!nearestMode)
    return node.error("attribute 'nearest_mode' is '" + nearest + "', which is not supported");
  resize.coordinates = *coordinateMode;
  resize.nearest = *nearestMode;

  SmallVector<int64_t> axes = allAxes(node);
  StringRef policy = "stretch";
  if (node.getOpset() >= 18) {
    bool shrinking = node.getInt("antialias", 0) != 0;
    if (shrinking)
      return node.error("attribute 'antialias' is 1, which is not supported");
    policy = node.getString("keep_aspect_ratio_policy", policy);
    if (!llvm::is_contained({"stretch", "not_larger", "not_smaller"}, policy))
      return node.error("attribute 'keep_aspect_ratio_policy' is '" + policy + "'");
    if (auto stated = node.getInts("axes")) {
      if (failed(node.normalizeAxes(*stated, axes.size())))
        return failure();
      int64_t rank = axes.size();
      axes.clear();
      for (int64_t axis : *stated)
        axes.push_back(axis < 0 ? axis + rank : axis);
    }
  }
  // An empty tensor stands for an input that is left out.
  auto isGiven = [&](unsigned index) {
    Value value = node.getInput(index);
    return value && NodeImporter::getType(value).getNumElements() != 0;
  };
  if (isGiven(2) && isGiven(3))
    return node.error("has both scales and sizes");
  if (isGiven(2)) {
    std::optional<SmallVector<float>> scales = node.getConstantFloats(2);
    if (!scales || failed(applyScales(node, *scales, axes, resize)))
      return failure();
  } else if (isGiven(3)) {
    std::optional<SmallVector<int64_t>> sizes = node.getConstantInts(3);
    if (!sizes || failed(applySizes(node, *sizes, axes, policy, resize)))
      return failure();
  } else {
    return node.error("has neither scales nor sizes");
  }
  return finish(node, resize);
}

ArrayRef<OpEntry> convoy::onnximport::getResizeOps() {
  static constexpr OpEntry ops[] = {
      {"Resize", importUpsample, 2, 2, InputTypes::Any, 10, 10},
      {"Resize", importResize, 1, 4, InputTypes::Any, 11},
      {"Upsample", importUpsample, 1, 1, InputTypes::Float, 1, 8},
      {"Upsample", importUpsample, 2, 2, InputTypes::Float, 9, 9},
  };
  return ops;
}
