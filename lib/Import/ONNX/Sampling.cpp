//===- Sampling.cpp - GridSample, AffineGrid and DeformConv ---------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementIndex.h"
#include "OpTable.h"
#include "TensorReader.h"
#include "Window.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;
using cnn::UnaryKind;

//===----------------------------------------------------------------------===//
// GridSample
//===----------------------------------------------------------------------===//

namespace {

enum class Padding { Zeros, Border, Reflection };
enum class Sampling { Nearest, Linear, Cubic };

/// Reads the picture between its elements. Everything is float until an element is loaded.
struct Sampler {
  ComputeBody &body;
  ArrayRef<int64_t> extents; // Of the spatial dimensions.
  Sampling mode;
  Padding padding;
  bool alignCorners;

  /// From [-1, 1] to positions in a dimension.
  Scalar denormalize(Scalar x, int64_t extent) const {
    if (alignCorners)
      return (x + 1) / 2 * (extent - 1);
    return ((x + 1) * extent - 1) / 2;
  }
  /// `x` inside of the dimension, if the padding says so.
  Scalar pad(Scalar x, int64_t extent) const {
    if (padding == Padding::Zeros)
      return x;
    if (padding == Padding::Reflection)
      x = reflect(x, extent);
    return x.clamp(x.constant(0), x.constant(double(extent - 1)));
  }
  Scalar sample(ArrayRef<Scalar> leading, ArrayRef<Scalar> position) const;

private:
  Scalar reflect(Scalar x, int64_t extent) const;
  SmallVector<Scalar> weigh(Scalar fraction) const;
};

} // namespace

/// Reflects at the first and last element, or at their outer borders.
Scalar Sampler::reflect(Scalar x, int64_t extent) const {
  double low = alignCorners ? 0 : -0.5, range = double(alignCorners ? extent - 1 : extent);
  if (range == 0)
    return x.constant(0);
  Scalar away = (x - low).apply(UnaryKind::abs);
  Scalar times = (away / range).apply(UnaryKind::floor);
  Scalar rest = away - times * range;
  Scalar isOdd = (times / 2).apply(UnaryKind::floor) * 2 != times;
  return isOdd.select(range - rest, rest) + low;
}

/// The weights of the elements around a position, which is `x` behind the middle one.
SmallVector<Scalar> Sampler::weigh(Scalar x) const {
  if (mode == Sampling::Nearest)
    return {x.constant(1)};
  if (mode == Sampling::Linear)
    return {1 - x, x};
  double a = -0.75;
  auto outer = [&](Scalar x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  auto inner = [&](Scalar x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  return {outer(x + 1), inner(x), inner(1 - x), outer(2 - x)};
}

Scalar Sampler::sample(ArrayRef<Scalar> leading, ArrayRef<Scalar> position) const {
  // Of each dimension: the index and the weight of each element, and whether it is inside.
  struct Taps {
    SmallVector<Scalar> index, weight, inside;
  };
  SmallVector<Taps> taps;
  for (auto [x, extent] : llvm::zip_equal(position, extents)) {
    // A NaN, and what no index can hold, is somewhere outside.
    Scalar at = x.constant(-8).max(x.constant(double(extent) + 8).min(x));
    at = (x == x).select(at, x.constant(-8));
    // Reflection needs the position itself.
    if (padding == Padding::Reflection)
      at = (x == x).select(x, x.constant(0)).clamp(x.constant(-1e30), x.constant(1e30));
    if (mode == Sampling::Nearest)
      at = at.apply(UnaryKind::round);
    // A cubic function is not moved as a whole, only the elements that it weighs are.
    if (mode != Sampling::Cubic)
      at = pad(at, extent);
    Scalar first = at.apply(mode == Sampling::Nearest ? UnaryKind::round : UnaryKind::floor);
    Taps found;
    found.weight = weigh(at - first);
    for (int64_t t = 0, e = found.weight.size(); t < e; ++t) {
      Scalar here = first + double(mode == Sampling::Cubic ? t - 1 : t);
      here = pad(here, extent);
      found.inside.push_back((here >= 0) & (here <= double(extent - 1)));
      found.index.push_back(
          here.clamp(here.constant(0), here.constant(double(extent - 1))).toIndex());
    }
    taps.push_back(std::move(found));
  }
  Scalars source(leading);
  std::function<Scalar(size_t, Scalar)> sum = [&](size_t dim, Scalar inside) -> Scalar {
    if (dim == extents.size()) {
      Scalar value = body.input(0).load(source);
      value = value.isFloat() ? value.to(position[0].getType()) : value;
      return padding == Padding::Zeros ? inside.select(value, value.constant(0)) : value;
    }
    Scalar total;
    for (auto [index, weight, within] :
         llvm::zip_equal(taps[dim].index, taps[dim].weight, taps[dim].inside)) {
      source.push_back(index);
      Scalar part = sum(dim + 1, inside & within);
      source.pop_back();
      if (mode == Sampling::Nearest)
        return part;
      part = part * weight;
      total = total ? total + part : part;
    }
    return total;
  };
  return sum(0, body.truth(true));
}

/// The type to compute positions in.
static Type getPositionType(Builder &b, Type type) {
  return type.isF64() ? type : b.getF32Type();
}

static LogicalResult importGridSample(NodeImporter &node) {
  Value input = node.getInput(0), grid = node.getInput(1);
  ArrayRef<int64_t> from = NodeImporter::getShape(input), places = node.getShape(1);
  auto mode = llvm::StringSwitch<std::optional<Sampling>>(node.getString("mode", "linear"))
                  .Case("nearest", Sampling::Nearest)
                  .Cases({"linear", "bilinear"}, Sampling::Linear)
                  .Cases({"cubic", "bicubic"}, Sampling::Cubic)
                  .Default(std::nullopt);
  auto padding =
      llvm::StringSwitch<std::optional<Padding>>(node.getString("padding_mode", "zeros"))
          .Case("zeros", Padding::Zeros)
          .Case("border", Padding::Border)
          .Case("reflection", Padding::Reflection)
          .Default(std::nullopt);
  bool alignCorners = node.getInt("align_corners", 0) != 0;
  if (!mode)
    return node.error("attribute 'mode' is '" + node.getString("mode", "") +
                      "', expected linear, nearest or cubic");
  if (!padding)
    return node.error("attribute 'padding_mode' is '" + node.getString("padding_mode", "") +
                      "', expected zeros, border or reflection");
  int64_t rank = int64_t(from.size()) - 2;
  if (rank < 1 || rank > 3 || places.size() != from.size() || places.back() != rank ||
      places[0] != from[0])
    return node.error("a grid of shape " + formatShape(places) +
                      " does not fit an input of shape " + formatShape(from));
  Type type = NodeImporter::getElementType(input);
  if (!isa<FloatType>(type) && *mode != Sampling::Nearest)
    return node.error(node.describeInput(0) + " has no floats, and the mode is not nearest");
  SmallVector<int64_t> shape(from.take_front(2));
  llvm::append_range(shape, places.drop_front().drop_back());
  if (llvm::product_of(from) == 0 && llvm::product_of(shape) != 0)
    return node.error("samples an input without elements");
  Type real = getPositionType(node.getBuilder(), NodeImporter::getElementType(grid));
  if (type.isF64())
    real = type;
  return node.setResult(node.computeElements(
      "grid_sample", {input, grid}, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Sampler sampler{body, from.drop_front(2), *mode, *padding, alignCorners};
        Scalars position;
        for (int64_t dim = 0; dim < rank; ++dim) {
          Scalars place = {at[0]};
          llvm::append_range(place, at.drop_front(2));
          place.push_back(body.index(rank - 1 - dim)); // x is first in the grid.
          Scalar x = body.input(1).load(place).to(real);
          position.push_back(sampler.denormalize(x, from[dim + 2]));
        }
        Scalar value = sampler.sample({at[0], at[1]}, position);
        return type.isF64() || !value.isFloat() ? value : value.to(body.b().getF32Type());
      }));
}

//===----------------------------------------------------------------------===//
// AffineGrid
//===----------------------------------------------------------------------===//

/// The positions of the elements of a picture, mapped by a matrix of each batch entry.
static LogicalResult importAffineGrid(NodeImporter &node) {
  Value theta = node.getInput(0);
  ArrayRef<int64_t> matrix = NodeImporter::getShape(theta);
  std::optional<SmallVector<int64_t>> size = node.getConstantInts(1);
  bool alignCorners = node.getInt("align_corners", 0) != 0;
  if (!size)
    return failure();
  int64_t rank = int64_t(size->size()) - 2;
  if ((rank != 2 && rank != 3) || matrix != ArrayRef<int64_t>({(*size)[0], rank, rank + 1}))
    return node.error("matrices of shape " + formatShape(matrix) + " do not fit the size " +
                      formatShape(*size));
  if (llvm::any_of(*size, [](int64_t extent) { return extent < 1; }))
    return node.error("has the size " + formatShape(*size));
  SmallVector<int64_t> shape = {(*size)[0]};
  llvm::append_range(shape, ArrayRef(*size).drop_front(2));
  shape.push_back(rank);
  Type type = NodeImporter::getElementType(theta);
  return node.setResult(node.computeElements(
      "affine_grid", theta, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar sum = body.input(0).load({at[0], at.back(), body.index(rank)});
        for (int64_t column = 0; column < rank; ++column) {
          int64_t dim = rank - column, extent = shape[dim]; // x is first in the matrix.
          Scalar place = at[dim].to(sum.getType());
          if (!alignCorners)
            place = (place * 2 + 1) / double(extent) - 1;
          else if (extent > 1)
            place = place * 2 / double(extent - 1) - 1;
          else
            place = place.constant(-1);
          sum = sum + body.input(0).load({at[0], at.back(), body.index(column)}) * place;
        }
        return sum;
      }));
}

//===----------------------------------------------------------------------===//
// DeformConv
//===----------------------------------------------------------------------===//

namespace {

/// A convolution whose window's elements are moved by offsets, and weighted by a mask.
struct DeformConv {
  Window window;
  int64_t group, offsetGroup;
  SmallVector<int64_t> shape; ///< of the result

  int64_t countTaps() const { return llvm::product_of(window.kernel); }
};

} // namespace

static LogicalResult checkShapes(NodeImporter &node, const DeformConv &conv) {
  ArrayRef<int64_t> from = node.getShape(0), filter = node.getShape(1);
  int64_t group = conv.group, offsetGroup = conv.offsetGroup;
  if (group < 1 || offsetGroup < 1 || filter[1] * group != from[1] || filter[0] % group != 0 ||
      from[1] % offsetGroup != 0)
    return node.error("a filter of shape " + formatShape(filter) + " in " + Twine(group) +
                      " groups, with " + Twine(offsetGroup) +
                      " groups of offsets, does not fit an input of shape " +
                      formatShape(from));
  auto check = [&](unsigned index, int64_t channels) -> LogicalResult {
    SmallVector<int64_t> expected = {from[0], channels};
    llvm::append_range(expected, ArrayRef(conv.shape).drop_front(2));
    if (!node.getInput(index) || node.getShape(index) == ArrayRef(expected))
      return success();
    return node.error(node.describeInput(index) + " has shape " +
                      formatShape(node.getShape(index)) + ", expected " +
                      formatShape(expected));
  };
  int64_t masks = offsetGroup * conv.countTaps(), rank = from.size() - 2;
  if (failed(check(2, masks * rank)) || failed(check(4, masks)))
    return failure();
  if (node.getInput(3) && node.getShape(3) != ArrayRef(filter[0]))
    return node.error(node.describeInput(3) + " has shape " + formatShape(node.getShape(3)) +
                      ", expected " + Twine(filter[0]));
  return success();
}

static FailureOr<DeformConv> readDeformConv(NodeImporter &node) {
  ArrayRef<int64_t> from = node.getShape(0), filter = node.getShape(1);
  if (from.size() < 3 || filter.size() != from.size())
    return node.error("input and filter have ranks " + Twine(from.size()) + " and " +
                      Twine(filter.size()));
  FailureOr<Window> window = readWindow(node, filter.drop_front(2));
  if (failed(window))
    return failure();
  DeformConv conv{
      *window, node.getInt("group", 1), node.getInt("offset_group", 1), {from[0], filter[0]}};
  for (size_t i = 0, rank = from.size() - 2; i < rank; ++i) {
    int64_t reach = (window->kernel[i] - 1) * window->dilations[i] + 1;
    int64_t room = from[i + 2] + window->pads[i] + window->pads[rank + i] - reach;
    if (room < 0 || from[i + 2] < 1 || window->kernel[i] < 1)
      return node.error("the kernel does not fit dimension " + Twine(i + 2));
    conv.shape.push_back(room / window->strides[i] + 1);
  }
  if (failed(checkShapes(node, conv)))
    return failure();
  return conv;
}

static LogicalResult importDeformConv(NodeImporter &node) {
  FailureOr<DeformConv> conv = readDeformConv(node);
  if (failed(conv))
    return failure();
  const Window &window = conv->window;
  ArrayRef<int64_t> from = node.getShape(0), filter = node.getShape(1);
  int64_t rank = from.size() - 2, taps = conv->countTaps();
  SmallVector<Value> operands(node.getInputs().take_front(3));
  Value bias = node.getInput(3), mask = node.getInput(4);
  if (mask)
    operands.push_back(mask);
  if (bias)
    operands.push_back(bias);
  Type type = NodeImporter::getElementType(operands[0]);
  return node.setResult(node.computeElements(
      "deform_conv", operands, conv->shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        ArrayRef<Scalar> pixel = at.drop_front(2);
        Sampler sampler{body, from.drop_front(2), Sampling::Linear, Padding::Zeros, true};
        auto atPixel = [&](unsigned input, Scalar channel) {
          Scalars place = {at[0], channel};
          llvm::append_range(place, pixel);
          return body.input(input).load(place);
        };
        Scalar first = at[1] / body.index(filter[0] / conv->group) * filter[1];
        Scalar start = bias ? body.input(mask ? 4 : 3).load({at[1]}) : body.number(type, 0);
        auto addTap = [&](Scalar channel, Scalar tap, Scalar sum) {
          Scalar groupTap =
              (first + channel) / body.index(from[1] / conv->offsetGroup) * taps + tap;
          Scalars weight = {at[1], channel}, position(rank), kernel(rank);
          Scalar rest = tap;
          for (int64_t i = rank - 1; i >= 0; --i) {
            kernel[i] = rest % body.index(window.kernel[i]);
            rest = rest / body.index(window.kernel[i]);
            Scalar place = pixel[i] * window.strides[i] + kernel[i] * window.dilations[i] -
                           window.pads[i];
            position[i] = place.to(sum.getType()) + atPixel(2, groupTap * rank + i);
          }
          llvm::append_range(weight, kernel);
          Scalar value = sampler.sample({at[0], first + channel}, position);
          value = value * body.input(1).load(weight);
          return sum + (mask ? value * atPixel(3, groupTap) : value);
        };
        return body
            .loop(filter[1], {start},
                  [&](Scalar channel, ArrayRef<Scalar> sums) {
                    return body.loop(taps, sums,
                                     [&](Scalar tap, ArrayRef<Scalar> sum) -> Scalars {
                                       return {addTap(channel, tap, sum[0])};
                                     });
                  })
            .front();
      }));
}

ArrayRef<OpEntry> convoy::onnximport::getSamplingOps() {
  static constexpr OpEntry ops[] = {
      {"AffineGrid", importAffineGrid, 2, 2, InputTypes(kFloat, kInteger), 20, kNoEnd,
       "the size must be constant"},
      {"DeformConv", importDeformConv, 3, 5, kFloat, 19, kNoEnd, "1 to 3 spatial dimensions"},
      {"GridSample", importGridSample, 2, 2, InputTypes(kNumber | kBool, kFloat), 16, kNoEnd,
       "1 to 3 spatial dimensions; integers and bool only in mode nearest"},
  };
  return ops;
}
