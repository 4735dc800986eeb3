//===- Resize.cpp - Resize and Upsample -----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "ResizeFormulas.h"
#include "SizeRules.h"
#include "TensorReader.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

namespace {

/// The extents of the operand and of the result, and the scale of each dimension; how
/// positions and values are found.
struct Resize {
  SmallVector<DimSize> from, to;
  /// The scale of a dimension is `to / from` if it is computed at run time and not stated.
  SmallVector<double> scales;
  bool hasScales = false;
  ResizeMethod method;
  /// The part of each dimension that tf_crop_and_resize takes, and the value outside of it.
  SmallVector<double> roiBegin, roiEnd;
  double extrapolation = 0;

  /// Whether the positions along a dimension are computed at run time.
  bool isSized(int64_t dim) const {
    return (from[dim].size || to[dim].size) && !(from[dim] == to[dim]);
  }
  /// Whether a dimension stays as it is.
  bool isSame(int64_t dim) const {
    return !isSized(dim) && from[dim].bound == to[dim].bound && scales[dim] == 1 &&
           roiBegin[dim] == 0 && roiEnd[dim] == 1;
  }
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

/// floor(extent * scale), in single precision.
static FailureOr<DimSize> scaleExtent(NodeImporter &node, DimSize extent, float scale) {
  int64_t bound = int64_t(std::floor(float(extent.bound) * scale));
  if (extent.isConstant() || scale == 1)
    return DimSize(bound, extent.size);
  Type i64 = node.getBuilder().getI64Type();
  FailureOr<Value> size = node.computeElements(
      "scale_size", extent.size, {}, i64, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar number = body.input(0).load({}).to(body.b().getF32Type());
        return (number * double(scale)).apply(cnn::UnaryKind::floor).to(i64);
      });
  if (failed(size))
    return failure();
  return node.declareSize(*size, bound);
}

/// Extents from scales.
static LogicalResult applyScales(NodeImporter &node, ArrayRef<float> scales,
                                 ArrayRef<int64_t> axes, Resize &resize) {
  if (scales.size() != axes.size())
    return node.error("has " + Twine(scales.size()) + " scales for " + Twine(axes.size()) +
                      " dimensions");
  resize.hasScales = true;
  for (auto [axis, scale] : llvm::zip_equal(axes, scales)) {
    float extent = std::floor(float(resize.from[axis].bound) * scale);
    if (!(scale > 0) || !(extent >= 0) || extent > 2147483648.0f)
      return node.error("scales dimension " + Twine(axis) + " of " +
                        Twine(resize.from[axis].bound) + " elements by " +
                        Twine(std::to_string(scale)));
    resize.scales[axis] = scale;
    FailureOr<DimSize> scaled = scaleExtent(node, resize.from[axis], scale);
    if (failed(scaled))
      return failure();
    resize.to[axis] = *scaled;
  }
  return success();
}

/// Scales from extents, possibly corrected to keep the aspect ratio.
static LogicalResult applySizes(NodeImporter &node, ArrayRef<DimSize> sizes,
                                ArrayRef<int64_t> axes, StringRef policy, Resize &resize) {
  if (sizes.size() != axes.size())
    return node.error("has " + Twine(sizes.size()) + " sizes for " + Twine(axes.size()) +
                      " dimensions");
  std::optional<double> common;
  for (auto [axis, size] : llvm::zip_equal(axes, sizes)) {
    int64_t extent = resize.from[axis].bound;
    resize.to[axis] = size;
    bool isEmpty = extent == 0;
    if (size.bound < 0 || (isEmpty && size.bound > 0) ||
        (size.bound == 0 && !isEmpty && policy != "stretch"))
      return node.error("resizes dimension " + Twine(axis) + " to " + Twine(size.bound));
    if (resize.isSized(axis) && policy != "stretch")
      return node.error("has the attribute 'keep_aspect_ratio_policy' = '" + policy +
                        "', for which the sizes must be constant");
    if (size.size && size == resize.from[axis])
      continue;
    double scale = double(size.bound) / double(std::max<int64_t>(extent, 1));
    resize.scales[axis] = scale;
    bool better = !common || (policy == "not_larger" ? scale < *common : scale > *common);
    if (better)
      common = scale;
  }
  if (policy == "stretch")
    return success();
  for (int64_t axis : axes) {
    DimSize &extent = resize.to[axis];
    if (extent.size || extent.bound == 0)
      continue;
    double scaled = *common * double(resize.from[axis].bound);
    resize.scales[axis] = *common;
    extent = std::max<int64_t>(1, int64_t(std::floor(scaled + 0.5)));
  }
  return success();
}

/// Whether cnn.resize computes this.
static bool hasOperation(const Resize &resize, RankedTensorType from) {
  const ResizeMethod &method = resize.method;
  if (!cnn::symbolizeCoordinateMode(method.coordinates) || method.antialias)
    return false;
  for (auto [dim, extent] : llvm::enumerate(from.getShape())) {
    if (resize.isSized(dim))
      return false;
    if (method.coordinates == "align_corners" &&
        float(extent) * float(resize.scales[dim]) != float(resize.to[dim].bound))
      return false;
  }
  return method.mode == Interpolation::Nearest ||
         (method.mode == Interpolation::Linear && isa<FloatType>(from.getElementType()) &&
          !from.getElementType().isF64());
}

namespace {

/// A ResizeTable in the program.
struct TableValues {
  int64_t taps;
  Value indices;
  Value weights; ///< of the type that is computed with; null if elements are only picked
  Value outside; ///< null if no element lies outside of the input
};

} // namespace

static TableValues makeTable(NodeImporter &node, const Resize &resize, int64_t dim,
                             Type type) {
  int64_t to = resize.to[dim].bound;
  ResizeTable table = makeResizeTable(
      resize.method, {double(resize.from[dim].bound), double(to), resize.scales[dim],
                      resize.roiBegin[dim], resize.roiEnd[dim]});
  Builder &b = node.getBuilder();
  SmallVector<int64_t> shape = {to, table.taps};
  TableValues values{table.taps, {}, {}, {}};
  values.indices = node.constant(
      cnn::makeConstant(RankedTensorType::get(shape, b.getI32Type()), std::move(table.index)));
  if (resize.method.mode != Interpolation::Nearest)
    values.weights = node.constant(
        type.isF64()
            ? cnn::makeConstant(RankedTensorType::get(shape, type), std::move(table.weight))
            : cnn::makeFloats(node.getContext(), shape,
                              std::vector<float>(table.weight.begin(), table.weight.end())));
  if (llvm::is_contained(table.outside, 1))
    values.outside = node.constant(cnn::makeConstantFromBytes(
        RankedTensorType::get({to}, b.getI1Type()),
        ArrayRef(reinterpret_cast<const char *>(table.outside.data()), table.outside.size())));
  return values;
}

/// The weights of all taps around coordinate `x`, of which `first` is the index of the first.
static Scalars makeWeights(const ResizeMethod &method, Scalar x, Scalar first, Scalar last,
                           int64_t taps) {
  Scalars weights;
  Scalar sum = first.constant(0), zero = sum;
  for (int64_t t = 0; t < taps; ++t) {
    Scalar index = first + double(t);
    Scalar weight = getWeight(method, index - x);
    if (method.excludeOutside)
      weight = ((index < 0.0) | (index > last)).select(zero, weight);
    sum = sum + weight;
    weights.push_back(weight);
  }
  for (Scalar &weight : weights)
    weight = (sum == 0.0).select(weight, weight / sum);
  return weights;
}

/// The same table, computed at run time from the extents of the operand and of the result.
static FailureOr<TableValues> computeTable(NodeImporter &node, const Resize &resize,
                                           int64_t dim, Type type) {
  const ResizeMethod &method = resize.method;
  bool isNearest = method.mode == Interpolation::Nearest;
  if (method.antialias)
    return node.error("has the attribute 'antialias', for which the sizes must be constant");
  Builder &b = node.getBuilder();
  Type f64 = b.getF64Type();
  int64_t to = resize.to[dim].bound, before = countBefore(method, 1);
  TableValues table{isNearest ? 1 : 2 * before + 2, {}, {}, {}};
  SmallVector<Value> extents = {node.materialize(resize.from[dim]),
                                node.materialize(resize.to[dim])};
  auto findCoordinate = [&](ComputeBody &body, Scalar place, Scalar &last) {
    ResizeExtent<Scalar> extent{body.input(0).load({}).to(f64), body.input(1).load({}).to(f64),
                                body.number(f64, resize.scales[dim]), resize.roiBegin[dim],
                                resize.roiEnd[dim]};
    if (!resize.hasScales)
      extent.scale = extent.to / extent.from.max(extent.from.constant(1));
    last = (extent.from - 1.0).max(extent.from.constant(0));
    return mapCoordinate(method.coordinates, extent, place.to(f64));
  };
  FailureOr<Value> places = node.computeElements(
      "resize_places", extents, {to}, f64, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar last, x = findCoordinate(body, at[0], last);
        // No element is further away than the taps reach, and NaN is no index.
        double reach = double(table.taps) + 2;
        return x.clamp(x.constant(-reach), last + reach);
      });
  if (failed(places))
    return failure();
  SmallVector<int64_t> shape = {to, table.taps};
  auto findFirst = [&](Scalar x) {
    return isNearest ? roundCoordinate(method.nearest, x) : roundDown(x) - double(before);
  };
  auto findLast = [&](ComputeBody &body) {
    Scalar from = body.input(1).load({}).to(f64);
    return (from - 1.0).max(from.constant(0));
  };
  FailureOr<Value> indices = node.computeElements(
      "resize_indices", {*places, extents[0]}, shape, b.getI32Type(),
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar index = findFirst(body.input(0).load({at[0]})) + at[1].to(f64);
        return index.clamp(index.constant(0), findLast(body)).to(b.getI32Type());
      });
  FailureOr<Value> weights = Value(), outside = Value();
  if (!isNearest)
    weights = node.compute(
        "resize_weights", {to}, {*places, extents[0]}, shape, type, [&](ComputeBody &body) {
          Scalar x = body.input(0).load({body.at(0)});
          Scalars all = makeWeights(method, x, findFirst(x), findLast(body), table.taps);
          for (auto [t, weight] : llvm::enumerate(all))
            body.output().store(weight.to(type), {body.at(0), body.index(t)});
        });
  if (method.coordinates == "tf_crop_and_resize")
    outside = node.computeElements("resize_outside", extents, {to}, b.getI1Type(),
                                   [&](ComputeBody &body, ArrayRef<Scalar> at) {
                                     Scalar last, x = findCoordinate(body, at[0], last);
                                     return (x < 0.0) | (x > last);
                                   });
  if (failed(indices) || failed(weights) || failed(outside))
    return failure();
  table.indices = *indices;
  table.weights = *weights;
  table.outside = *outside;
  return table;
}

/// One dimension by a table. `input` and the result have floats of type `type`, or, if only
/// elements are picked, any type.
static FailureOr<Value> resizeDimension(NodeImporter &node, const Resize &resize, Value input,
                                        int64_t dim, Type type) {
  FailureOr<TableValues> table = resize.isSized(dim) ? computeTable(node, resize, dim, type)
                                                     : makeTable(node, resize, dim, type);
  if (failed(table))
    return failure();
  SmallVector<Value> operands = {input, table->indices};
  auto add = [&](Value value) {
    operands.push_back(value);
    return operands.size() - 1;
  };
  unsigned weights = table->weights ? add(table->weights) : 0;
  unsigned outside = table->outside ? add(table->outside) : 0;
  // Elements that do not exist cost nothing.
  SmallVector<std::pair<int64_t, unsigned>> sized;
  SmallVector<int64_t> shape(NodeImporter::getShape(input));
  shape[dim] = resize.to[dim].bound;
  for (int64_t i = 0; i < int64_t(shape.size()); ++i)
    if (Value size = (i <= dim ? resize.to : resize.from)[i].size)
      sized.push_back({i, add(size)});
  return node.computeElements(
      "resize", operands, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        auto tap = [&](Scalar t) {
          Scalars source(at);
          source[dim] = body.input(1).load({at[dim], t}).toIndex();
          return body.input(0).load(source);
        };
        auto find = [&]() -> Scalars {
          if (!weights)
            return {tap(body.index(0))};
          return body.loop(table->taps, {body.number(type, 0)},
                           [&](Scalar t, ArrayRef<Scalar> sum) -> Scalars {
                             Scalar weight = body.input(weights).load({at[dim], t});
                             return {sum[0] + weight * tap(t)};
                           });
        };
        Scalar exists = body.truth(true), result;
        for (auto [i, number] : sized)
          exists = exists & (at[i] < body.input(number).load({}).toIndex());
        if (sized.empty())
          result = find().front();
        else
          result =
              body.choose(exists, find, [&]() -> Scalars { return {body.number(type, 0)}; })
                  .front();
        if (!outside)
          return result;
        Scalar otherwise = body.number(type, resize.extrapolation);
        return body.input(outside).load({at[dim]}).select(otherwise, result);
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
  for (int64_t dim = 0; dim < int64_t(resize.to.size()); ++dim) {
    if (!resize.isSame(dim) && succeeded(value))
      value = resizeDimension(node, resize, *value, dim, between);
    if (failed(value))
      return failure();
  }
  return between == type ? value : cast(*value, type);
}

static LogicalResult finish(NodeImporter &node, const Resize &resize) {
  Value input = node.getInput(0);
  RankedTensorType from = NodeImporter::getType(input);
  if (llvm::all_of(llvm::seq<int64_t>(0, resize.to.size()),
                   [&](int64_t dim) { return resize.isSame(dim); }))
    return node.setResult(input, resize.to);
  SmallVector<int64_t> shape = getBounds(resize.to);
  if (failed(node.checkShape(shape, from.getElementType())))
    return failure();
  auto type = RankedTensorType::get(shape, from.getElementType());
  if (type.getNumElements() == 0)
    return node.setResult(node.zeros(type), resize.to);
  if (!hasOperation(resize, from))
    return node.setResult(resizeByTables(node, resize), resize.to);
  const ResizeMethod &method = resize.method;
  FailureOr<Value> result = node.create<cnn::ResizeOp>(
      input, shape, SmallVector<float>(resize.scales.begin(), resize.scales.end()),
      method.mode == Interpolation::Linear ? cnn::ResizeMode::linear
                                           : cnn::ResizeMode::nearest,
      *cnn::symbolizeCoordinateMode(method.coordinates), method.nearest);
  return node.setResult(result, resize.to);
}

static Resize makeResize(NodeImporter &node) {
  Resize resize;
  resize.from = resize.to = node.getExtents(0);
  resize.scales.assign(resize.from.size(), 1);
  resize.roiBegin.assign(resize.from.size(), 0);
  resize.roiEnd.assign(resize.from.size(), 1);
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
    if (node.hasSizes(3))
      return node.error(node.describeInput(3) + " has a length that depends on data");
    std::optional<SmallVector<DimSize>> sizes = node.readExtents(3);
    if (!sizes || failed(applySizes(node, *sizes, axes, policy, resize)))
      return failure();
  } else {
    return node.error("has neither scales nor sizes");
  }
  return finish(node, resize);
}

ArrayRef<OpEntry> convoy::onnximport::getResizeOps() {
  static constexpr OpEntry plain[] = {
      {"Resize", importUpsample, 2, 2, InputTypes(kNumber, kFloat), 10, 10,
       "scales must be constant, all at most 1 or all at least 1; no bool"},
      {"Resize", importResize, 1, 4, InputTypes(kNumber, kFloat, kFloat, kInteger), 11, kNoEnd,
       "scales and roi must be constant, sizes, too, or computed from numbers whose largest "
       "value is known; no bool"},
      {"Upsample", importUpsample, 1, 1, kNumber, 1, 8, "no bool"},
      {"Upsample", importUpsample, 2, 2, InputTypes(kNumber, kFloat), 9, 9,
       "scales must be constant; no bool"},
  };
  static constexpr auto ops = withRule(plain, ruleOfItself);
  return ops;
}
