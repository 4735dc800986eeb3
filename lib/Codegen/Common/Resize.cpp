//===- Resize.cpp - What the elements of a resize read --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/Resize.h"

#include "convoy/Codegen/Common/LoopEmitter.h"
#include "convoy/Dialect/Cnn/IR/Arithmetic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Coordinates
//===----------------------------------------------------------------------===//

namespace {

/// One dimension of a resize.
struct ResizeAxis {
  ResizeAxis(ResizeOp op, int64_t dim)
      : mode(op.getMode()), coordinates(op.getCoordinates()), nearest(op.getNearest()),
        from(cast<ShapedType>(op.getInput().getType()).getDimSize(dim)),
        to(op.getShape()[dim]), scale(op.getScales()[dim]) {}

  ResizeMode mode;
  CoordinateMode coordinates;
  NearestMode nearest;
  int64_t from, to;
  float scale;
};

/// Adds indices to the arithmetic of the host.
struct HostCoordinates : HostFloats<float> {
  using Index = int64_t;
  Number toNumber(Index index) { return Number(index); }
  Index toIndex(Number x) { return Index(x); }
  Index next(Index index, Index last) { return std::min(index + 1, last); }
};

/// Adds indices to the arithmetic that is emitted as code. They are converted by way of i32:
/// an index has 32 bits in a GPU's kernels.
struct EmittedCoordinates : EmittedArithmetic {
  using Index = Value;
  explicit EmittedCoordinates(ImplicitLocOpBuilder &b)
      : EmittedArithmetic(b, b.getLoc(), b.getF32Type()), b(b) {}

  Number toNumber(Index index) {
    index = arith::IndexCastOp::create(b, b.getI32Type(), index);
    return arith::SIToFPOp::create(b, b.getF32Type(), index);
  }
  Index toIndex(Number x) {
    x = arith::FPToSIOp::create(b, b.getI32Type(), x);
    return arith::IndexCastOp::create(b, b.getIndexType(), x);
  }
  Index next(Index index, int64_t last) {
    return arith::MinSIOp::create(b, affine(b, index, 1, 1), indexConstant(b, last));
  }

  ImplicitLocOpBuilder &b;
};

/// An element of the input, and its weight in an element of the result.
template <typename Arithmetic> struct Neighbour {
  typename Arithmetic::Index index;
  typename Arithmetic::Number weight;
};

} // namespace

/// The coordinate in the input of element `x` of the result.
template <typename Arithmetic>
static typename Arithmetic::Number mapCoordinate(Arithmetic &a, const ResizeAxis &axis,
                                                 typename Arithmetic::Number x) {
  auto scaledCentre = [&] {
    auto centre = a.add(x, a.constant(0.5));
    return a.div(centre, a.constant(axis.scale));
  };
  auto fromCentre = [&](auto centre) { return a.sub(centre, a.constant(0.5)); };
  switch (axis.coordinates) {
  case CoordinateMode::half_pixel:
    return fromCentre(scaledCentre());
  case CoordinateMode::pytorch_half_pixel:
    return axis.to > 1 ? fromCentre(scaledCentre()) : a.constant(0);
  case CoordinateMode::align_corners: {
    if (axis.to == 1)
      return a.constant(0);
    auto product = a.mul(x, a.constant(float(axis.from - 1)));
    return a.div(product, a.constant(float(axis.to - 1)));
  }
  case CoordinateMode::asymmetric:
    return a.div(x, a.constant(axis.scale));
  case CoordinateMode::half_pixel_symmetric: {
    // `scale * from` is the extent of the result before it was rounded.
    float adjustment = float(axis.to) / (axis.scale * float(axis.from));
    float middle = float(axis.from) / 2;
    auto shift = a.constant(middle * (1 - adjustment));
    return fromCentre(a.add(shift, scaledCentre()));
  }
  }
  llvm_unreachable("unknown coordinate mode");
}

template <typename Arithmetic>
static typename Arithmetic::Number roundCoordinate(Arithmetic &a, NearestMode mode,
                                                   typename Arithmetic::Number x) {
  // A scale such as 19/14 is rounded, so a coordinate between two elements can come out beside
  // the middle. ONNX Runtime allows as much.
  constexpr double half = 0.5 + 1e-6;
  switch (mode) {
  case NearestMode::round_prefer_floor:
    return a.ceil(a.sub(x, a.constant(half)));
  case NearestMode::round_prefer_ceil:
    return a.floor(a.add(x, a.constant(half)));
  case NearestMode::floor:
    return a.floor(x);
  case NearestMode::ceil:
    return a.ceil(x);
  }
  llvm_unreachable("unknown nearest mode");
}

/// The elements of the input that element `index` of the result is made of; one without a
/// weight has weight 1.
template <typename Arithmetic>
static SmallVector<Neighbour<Arithmetic>, 2>
findNeighbours(Arithmetic &a, const ResizeAxis &axis, typename Arithmetic::Index index) {
  auto x = mapCoordinate(a, axis, a.toNumber(index));
  auto toPicture = [&](auto x) {
    return a.min(a.max(x, a.constant(0)), a.constant(float(axis.from - 1)));
  };
  if (axis.mode == ResizeMode::nearest)
    return {{a.toIndex(toPicture(roundCoordinate(a, axis.nearest, x))), {}}};
  x = toPicture(x);
  auto lower = a.toIndex(x), upper = a.next(lower, axis.from - 1);
  auto weight = a.sub(x, a.toNumber(lower));
  return {{lower, a.sub(a.constant(1), weight)}, {upper, weight}};
}

//===----------------------------------------------------------------------===//
// Extents, tables and taps
//===----------------------------------------------------------------------===//

ResizeShape::ResizeShape(ResizeOp op)
    : from(cast<ShapedType>(op.getInput().getType()).getShape()), to(op.getShape()),
      inputImage(getImageStride(cast<MemRefType>(op.getInput().getType()))),
      outputImage(getImageStride(cast<MemRefType>(op.getInit().getType()))) {
  for (int64_t dim = 0; dim < int64_t(to.size()); ++dim)
    if (from[dim] != to[dim] || op.getScales()[dim] != 1.0f)
      changing.push_back(dim);
  last = changing.empty() ? int64_t(to.size()) - 1 : changing.back();
  inner = llvm::product_of(to.drop_front(last + 1));
}

int64_t ResizeShape::inputStride(int64_t dim) const {
  return dim == 0 ? inputImage : int64_t(llvm::product_of(from.drop_front(dim + 1)));
}

int64_t ResizeShape::outputStride(int64_t dim) const {
  return dim == 0 ? outputImage : int64_t(llvm::product_of(to.drop_front(dim + 1)));
}

SmallVector<ResizeTable, 2> convoy::makeResizeTables(ResizeOp op, int64_t dim) {
  ResizeAxis axis(op, dim);
  HostCoordinates a;
  SmallVector<ResizeTable, 2> tables(axis.mode == ResizeMode::nearest ? 1 : 2);
  for (int64_t i = 0; i < axis.to; ++i)
    for (auto [table, neighbour] : llvm::zip_equal(tables, findNeighbours(a, axis, i))) {
      table.indices.push_back(neighbour.index);
      if (axis.mode == ResizeMode::linear)
        table.weights.push_back(neighbour.weight);
    }
  return tables;
}

SmallVector<ResizeTap, 2> convoy::emitResizeNeighbours(ImplicitLocOpBuilder &b, ResizeOp op,
                                                       int64_t dim, Value index,
                                                       int64_t stride) {
  EmittedCoordinates a(b);
  SmallVector<ResizeTap, 2> taps;
  for (auto [position, weight] : findNeighbours(a, ResizeAxis(op, dim), index))
    taps.push_back({affine(b, position, stride, 0), weight});
  return taps;
}

/// The product of two factors, either of which may be null for 1.
static Value multiply(ImplicitLocOpBuilder &b, Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  return arith::MulFOp::create(b, x, y);
}

SmallVector<ResizeTap> convoy::spreadTaps(ImplicitLocOpBuilder &b, ArrayRef<ResizeTap> taps,
                                          ArrayRef<ResizeTap> neighbours) {
  SmallVector<ResizeTap> spread;
  for (const ResizeTap &neighbour : neighbours)
    for (const ResizeTap &tap : taps)
      spread.push_back(
          {add(b, tap.offset, neighbour.offset), multiply(b, tap.weight, neighbour.weight)});
  return spread;
}

Value convoy::emitTapSum(ImplicitLocOpBuilder &b, ArrayRef<ResizeTap> taps,
                         llvm::function_ref<Value(Value)> load) {
  Value sum;
  for (const ResizeTap &tap : taps) {
    Value value = load(tap.offset), weight = tap.weight;
    if (weight && isa<VectorType>(value.getType()))
      weight = vector::BroadcastOp::create(b, value.getType(), weight);
    value = multiply(b, value, weight);
    sum = sum ? Value(arith::AddFOp::create(b, sum, value)) : value;
  }
  return sum;
}
