//===- Resize.cpp - Resize and Upsample -----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "ResizeTable.h"
#include "SizeRules.h"
#include "TensorReader.h"
#include <cmath>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

namespace {

/// The result's shape, and the scale of each dimension; how positions and values are found.
struct Resize {
  SmallVector<int64_t> shape;
  SmallVector<double> scales;
  ResizeMethod method;
  /// The part of each dimension that tf_crop_and_resize takes, and the value outside of it.
  SmallVector<double> roiBegin, roiEnd;
  double extrapolation = 0;
};

} // namespace

static LogicalResult readMode(NodeImporter &node, Resize &resize) {
  StringRef mode = node.getString("mode", "nearest");
  // Some files have "bilinear" in Upsample 7.
  if (mode == "linear" || mode == "bilinear")
    resize.method.mode = Interpolation::Linear;
  else if (mode == "cubic")
    resize.method.mode = Interpolation::Cubic;
  else if (mode != "nearest")
    return node.error("attribute 'mode' is '" + mode + "', expected nearest, linear or cubic");
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
  std::optional<double> common;
  for (auto [axis, size] : llvm::zip_equal(axes, sizes)) {
    bool isEmpty = resize.shape[axis] == 0;
    if (size < 0 || (isEmpty && size > 0) || (size == 0 && !isEmpty && policy != "stretch"))
      return node.error("resizes dimension " + Twine(axis) + " to " + Twine(size));
    double scale = double(size) / double(std::max<int64_t>(resize.shape[axis], 1));
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
        std::max<int64_t>(1, int64_t(std::floor(*common * double(resize.shape[axis]) + 0.5)));
  }
  return success();
}

/// Whether cnn.resize computes this.
static bool hasOperation(const Resize &resize, RankedTensorType from) {
  const ResizeMethod &method = resize.method;
  if (!cnn::symbolizeCoordinateMode(method.coordinates) || method.antialias)
    return false;
  if (method.coordinates == "align_corners")
    for (auto [extent, scale, to] : llvm::zip(from.getShape(), resize.scales, resize.shape))
      if (float(extent) * float(scale) != float(to))
        return false;
  return method.mode == Interpolation::Nearest ||
         (method.mode == Interpolation::Linear && isa<FloatType>(from.getElementType()) &&
          !from.getElementType().isF64());
}

/// One dimension by a table. `input` and the result have floats of type `type`, or, if only
/// elements are picked, any type.
static FailureOr<Value> resizeDimension(NodeImporter &node, const Resize &resize, Value input,
                                        int64_t dim, Type type) {
  SmallVector<int64_t> shape(NodeImporter::getShape(input));
  ResizeExtent extent{shape[dim], resize.shape[dim], resize.scales[dim], resize.roiBegin[dim],
                      resize.roiEnd[dim]};
  ResizeTable table = makeResizeTable(resize.method, extent);
  int64_t taps = table.taps;
  Builder &b = node.getBuilder();
  SmallVector<int64_t> tableShape = {extent.to, taps};
  auto tableOf = [&](Type element) { return RankedTensorType::get(tableShape, element); };
  bool extrapolates = llvm::is_contained(table.outside, 1);
  bool picks = resize.method.mode == Interpolation::Nearest;
  Value outside = node.constant(cnn::makeConstantFromBytes(
      RankedTensorType::get({extent.to}, b.getI1Type()),
      ArrayRef(reinterpret_cast<const char *>(table.outside.data()), table.outside.size())));
  Value indices =
      node.constant(cnn::makeConstant(tableOf(b.getI32Type()), std::move(table.index)));
  SmallVector<Value> operands = {input, indices, outside};
  if (!picks && type.isF64())
    operands.push_back(
        node.constant(cnn::makeConstant(tableOf(type), std::move(table.weight))));
  else if (!picks)
    operands.push_back(node.constant(
        cnn::makeFloats(node.getContext(), tableShape,
                        std::vector<float>(table.weight.begin(), table.weight.end()))));
  shape[dim] = extent.to;
  return node.computeElements(
      "resize", operands, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        auto tap = [&](Scalar t) {
          Scalars source(at);
          source[dim] = body.input(1).load({at[dim], t}).toIndex();
          return body.input(0).load(source);
        };
        Scalar result;
        if (picks)
          result = tap(body.index(0));
        else
          result = body.loop(taps, {body.number(type, 0)},
                             [&](Scalar t, ArrayRef<Scalar> sum) -> Scalars {
                               return {sum[0] + body.input(3).load({at[dim], t}) * tap(t)};
                             })
                       .front();
        if (!extrapolates)
          return result;
        Scalar otherwise = body.number(type, resize.extrapolation);
        return body.input(2).load({at[dim]}).select(otherwise, result);
      });
}

/// Resizes one dimension after the other. Integers are rounded in the end: to the nearest one,
/// and to the even one of two.
static FailureOr<Value> resizeByTables(NodeImporter &node, const Resize &resize) {
  FailureOr<Value> value = node.getInput(0);
  Type type = NodeImporter::getElementType(*value), between = type;
  Builder &b = node.getBuilder();
  auto cast = [&](Value from, Type to) {
    return node.computeElements("convert", from, NodeImporter::getShape(from), to,
                                [&](ComputeBody &body, ArrayRef<Scalar> at) {
                                  Scalar x = body.input(0).load(at);
                                  if (isa<IntegerType>(to)) {
                                    x = x.apply(cnn::UnaryKind::round);
                                    unsigned bits = to.getIntOrFloatBitWidth();
                                    bool isUnsigned = to.isUnsignedInteger();
                                    double high = std::ldexp(1.0, bits - !isUnsigned);
                                    // Of 64 bits, the largest is no f64.
                                    double top = bits > 32 ? high * (1 - 0x1p-53) : high - 1;
                                    x = x.clamp(x.constant(isUnsigned ? 0 : -high),
                                                x.constant(top));
                                  }
                                  return x.to(to);
                                });
  };
  if (resize.method.mode != Interpolation::Nearest && !type.isF64())
    between = isa<IntegerType>(type) && type.getIntOrFloatBitWidth() > 16 ? b.getF64Type()
                                                                          : b.getF32Type();
  if (isa<IntegerType>(type) && between != type)
    value = cast(*value, between);
  for (auto [dim, to] : llvm::enumerate(resize.shape)) {
    bool isSame = NodeImporter::getShape(*value)[dim] == to && resize.scales[dim] == 1 &&
                  resize.roiBegin[dim] == 0 && resize.roiEnd[dim] == 1;
    if (!isSame && succeeded(value))
      value = resizeDimension(node, resize, *value, dim, between);
    if (failed(value))
      return failure();
  }
  return between == type ? value : cast(*value, type);
}

static LogicalResult finish(NodeImporter &node, const Resize &resize) {
  Value input = node.getInput(0);
  RankedTensorType from = NodeImporter::getType(input);
  auto is = [](double value) { return [=](double other) { return value == other; }; };
  if (ArrayRef<int64_t>(resize.shape) == from.getShape() &&
      llvm::all_of(resize.scales, is(1)) && llvm::all_of(resize.roiBegin, is(0)) &&
      llvm::all_of(resize.roiEnd, is(1)))
    return node.setResult(input);
  if (failed(node.checkShape(resize.shape, from.getElementType())))
    return failure();
  auto type = RankedTensorType::get(resize.shape, from.getElementType());
  if (type.getNumElements() == 0)
    return node.setResult(node.zeros(type));
  if (!hasOperation(resize, from))
    return node.setResult(resizeByTables(node, resize));
  const ResizeMethod &method = resize.method;
  return node.setResult(node.create<cnn::ResizeOp>(
      input, resize.shape, SmallVector<float>(resize.scales.begin(), resize.scales.end()),
      method.mode == Interpolation::Linear ? cnn::ResizeMode::linear
                                           : cnn::ResizeMode::nearest,
      *cnn::symbolizeCoordinateMode(method.coordinates), method.nearest));
}

static Resize makeResize(NodeImporter &node) {
  Resize resize;
  resize.shape.assign(node.getShape(0).begin(), node.getShape(0).end());
  resize.scales.assign(resize.shape.size(), 1);
  resize.roiBegin.assign(resize.shape.size(), 0);
  resize.roiEnd.assign(resize.shape.size(), 1);
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
  if (resize.method.mode == Interpolation::Cubic)
    return node.error("attribute 'mode' is 'cubic': use Resize of opset 11 or later");
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
  resize.method.coordinates = "asymmetric";
  // Version 10 does not define the rounding; the reference implementations round up if
  // they shrink.
  bool shrinks = llvm::any_of(resize.scales, [](double scale) { return scale < 1; });
  bool grows = llvm::any_of(resize.scales, [](double scale) { return scale > 1; });
  if (shrinks && grows && resize.method.mode == Interpolation::Nearest)
    return node.error("shrinks one dimension and enlarges another: use opset 11 or later");
  resize.method.nearest = shrinks ? cnn::NearestMode::ceil : cnn::NearestMode::floor;
  return finish(node, resize);
}

/// The attributes that say how to interpolate.
static LogicalResult readMethod(NodeImporter &node, Resize &resize) {
  if (failed(readMode(node, resize)))
    return failure();
  ResizeMethod &method = resize.method;
  method.cubicCoefficient = node.getFloat("cubic_coeff_a", -0.75f);
  method.excludeOutside = node.getInt("exclude_outside", 0) != 0;
  resize.extrapolation = node.getFloat("extrapolation_value", 0);
  method.coordinates = node.getString("coordinate_transformation_mode", "half_pixel");
  StringRef nearest = node.getString("nearest_mode", "round_prefer_floor");
  std::optional<cnn::NearestMode> nearestMode = cnn::symbolizeNearestMode(nearest);
  if (!isCoordinateMode(method.coordinates))
    return node.error("attribute 'coordinate_transformation_mode' is '" + method.coordinates +
                      "', which is not supported");
  if (!nearestMode)
    return node.error("attribute 'nearest_mode' is '" + nearest + "', which is not supported");
  method.nearest = *nearestMode;
  if (node.getOpset() >= 18)
    method.antialias = node.getInt("antialias", 0) != 0;
  if (method.antialias && method.mode == Interpolation::Nearest)
    return node.error("has the attribute 'antialias', but the mode is nearest");
  return success();
}

/// Input 1: where the part of each axis begins that tf_crop_and_resize takes, and its ends.
static LogicalResult readRoi(NodeImporter &node, ArrayRef<int64_t> axes, Resize &resize) {
  if (!node.getInput(1))
    return node.error("has no roi, which tf_crop_and_resize needs");
  std::optional<SmallVector<float>> roi = node.getConstantFloats(1);
  if (!roi)
    return failure();
  if (roi->size() != 2 * axes.size() ||
      !llvm::all_of(*roi, [](float value) { return std::isfinite(value); }))
    return node.error(node.describeInput(1) + " is not " + Twine(2 * axes.size()) +
                      " finite numbers, a begin and an end of each axis");
  for (auto [i, axis] : llvm::enumerate(axes)) {
    resize.roiBegin[axis] = (*roi)[i];
    resize.roiEnd[axis] = (*roi)[axes.size() + i];
  }
  return success();
}

static LogicalResult importResize(NodeImporter &node) {
  Resize resize = makeResize(node);
  if (failed(readMethod(node, resize)))
    return failure();
  SmallVector<int64_t> axes = allAxes(node);
  StringRef policy = "stretch";
  if (node.getOpset() >= 18) {
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
  if (resize.method.coordinates == "tf_crop_and_resize" && failed(readRoi(node, axes, resize)))
    return failure();
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
      OpEntry{"Resize", importUpsample, 2, 2, InputTypes(kNumber, kFloat), 10, 10,
              "scales must be constant, all at most 1 or all at least 1; no bool"}
          .with(ruleOfBatches),
      OpEntry{"Resize", importResize, 1, 4, InputTypes(kNumber, kFloat, kFloat, kInteger), 11,
              kNoEnd, "scales, sizes and roi must be constant; no bool"}
          .with(ruleOfBatches),
      {"Upsample", importUpsample, 1, 1, kNumber, 1, 8, "no bool"},
      {"Upsample", importUpsample, 2, 2, InputTypes(kNumber, kFloat), 9, 9,
       "scales must be constant; no bool"},
  };
  return ops;
}
