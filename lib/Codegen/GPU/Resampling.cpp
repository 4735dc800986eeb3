//===- Resampling.cpp - Gather and resize on a GPU ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A thread makes an element of the output, or four. Coordinates of a resize are computed
// there, with the same f32 operations as the CPU's tables, so that roundings fall the
// same way.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/GPU/GpuKernelBuilder.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

MemRefType getType(Value value) { return cast<MemRefType>(value.getType()); }

/// Elements that a thread moves at once where `inner` are contiguous on both sides.
int64_t getLanes(Operation *op, Value input, unsigned output, int64_t inner) {
  if (!isAligned(op, 0) || !isAligned(op, output))
    return 1;
  MemRefType result = getType(op->getOperand(output));
  return getAccessLanes({getType(input).getElementType(), result.getElementType()},
                        result.getNumElements(), [&](int64_t lanes) {
                          return inner % lanes == 0 && getImageStride(input) % lanes == 0 &&
                                 cnn::getImageStride(result) % lanes == 0;
                        });
}

//===----------------------------------------------------------------------===//
// cnn.gather
//===----------------------------------------------------------------------===//

struct GatherFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    auto gather = dyn_cast<GatherOp>(op);
    return gather && getType(gather.getIndices()).getElementType().isSignlessInteger();
  }

  LogicalResult build(GpuKernels &kernels, Operation *operation, TargetAttr) const override {
    auto op = cast<GatherOp>(operation);
    ArrayRef<int64_t> shape = getType(op.getInput()).getShape();
    int64_t axis = op.getAxis(), extent = shape[axis];
    int64_t outer = llvm::product_of(shape.take_front(axis));
    int64_t inner = llvm::product_of(shape.drop_front(axis + 1));
    int64_t indices = getType(op.getIndices()).getNumElements();
    int64_t lanes = getLanes(op, op.getInput(), 2, inner);
    inner /= lanes;
    return kernels.addThreads(
        "gather", outer * indices * inner, [&](GpuKernel &kernel, Value index) {
          ImplicitLocOpBuilder &b = kernel.b;
          Values at = delinearize(b, index, {outer, indices, inner});
          Value input = flatten(b, kernel.operands[0]);
          Value output = flatten(b, kernel.operands[2]);
          Value number = memref::LoadOp::create(b, flatten(b, kernel.operands[1]), at[1]);
          Value row = add(b, affine(b, at[0], extent, 0), clamp(b, number, extent));
          Value from = add(b, affine(b, row, inner, 0), at[2]);
          Value value = loadElements(b, input, affine(b, from, lanes, 0), lanes);
          storeElements(b, value, output, affine(b, index, lanes, 0));
        });
  }

  /// Counted from the end where negative; never outside, whatever the data says.
  static Value clamp(ImplicitLocOpBuilder &b, Value number, int64_t extent) {
    // Before it becomes an index, which has fewer bits.
    Type type = b.getI64Type();
    if (number.getType() != type)
      number = arith::ExtSIOp::create(b, type, number);
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(b, type, value);
    };
    Value isNegative =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, constant(0));
    number = arith::SelectOp::create(
        b, isNegative, arith::AddIOp::create(b, number, constant(extent)), number);
    number = arith::MaxSIOp::create(b, number, constant(0));
    number = arith::MinSIOp::create(b, number, constant(extent - 1));
    return arith::IndexCastOp::create(b, b.getIndexType(), number);
  }
};

//===----------------------------------------------------------------------===//
// cnn.resize
//===----------------------------------------------------------------------===//

/// Writes the code of one thread.
class Resize {
public:
  Resize(GpuKernel &kernel, ResizeOp op, int64_t lanes)
      : b(kernel.b), op(op), from(getType(op.getInput()).getShape()), to(op.getShape()),
        lanes(lanes), inputImage(getImageStride(kernel.operands[0])),
        outputImage(getImageStride(kernel.operands[1])), input(flatten(b, kernel.operands[0])),
        output(flatten(b, kernel.operands[1])) {}

  static bool changes(ResizeOp op, int64_t dim) {
    return getType(op.getInput()).getDimSize(dim) != op.getShape()[dim] ||
           op.getScales()[dim] != 1.0f;
  }

  /// Dimensions up to the last one that changes; elements behind are contiguous.
  static int64_t countOuter(ResizeOp op) {
    int64_t dims = op.getShape().size();
    while (dims > 0 && !changes(op, dims - 1))
      --dims;
    return dims;
  }
  static int64_t countInner(ResizeOp op) {
    return llvm::product_of(op.getShape().drop_front(countOuter(op)));
  }

  void build(Value index) {
    SmallVector<int64_t> extents(to.take_front(countOuter(op)));
    extents.push_back(countInner(op) / lanes);
    Values at = delinearize(b, index, extents);
    Value result = affine(b, at.back(), lanes, 0);
    SmallVector<Tap> taps = {{result, Value()}};
    for (int64_t dim = 0; dim + 1 < int64_t(at.size()); ++dim) {
      taps = spread(taps, dim, at[dim]);
      int64_t stride = dim == 0 ? outputImage : llvm::product_of(to.drop_front(dim + 1));
      result = add(b, result, affine(b, at[dim], stride, 0));
    }
    Value sum;
    for (const Tap &tap : taps) {
      Value value = loadElements(b, input, tap.offset, lanes);
      if (tap.weight)
        value = multiply(value, lanes == 1 ? tap.weight
                                           : Value(vector::BroadcastOp::create(
                                                 b, value.getType(), tap.weight)));
      sum = sum ? Value(arith::AddFOp::create(b, sum, value)) : value;
    }
    storeElements(b, sum, output, result);
  }

private:
  /// One neighbour: its offset in the input and, without one for 1, its weight.
  struct Tap {
    Value offset, weight;
  };

  Value constant(float value) { return emitConstant(b, b.getLoc(), b.getF32Type(), value); }
  Value multiply(Value x, Value y) {
    if (!x || !y)
      return x ? x : y;
    return arith::MulFOp::create(b, x, y);
  }

  /// `taps`, each replaced by its neighbours along `dim` at `index`.
  SmallVector<Tap> spread(ArrayRef<Tap> taps, int64_t dim, Value index) {
    int64_t stride = dim == 0 ? inputImage : llvm::product_of(from.drop_front(dim + 1));
    auto move = [&](Value position, Value weight, SmallVector<Tap> &moved) {
      for (const Tap &tap : taps)
        moved.push_back({add(b, tap.offset, affine(b, position, stride, 0)),
                         multiply(tap.weight, weight)});
    };
    SmallVector<Tap> result;
    if (!changes(op, dim)) {
      move(index, Value(), result);
      return result;
    }
    Value x = mapCoordinate(dim, index);
    if (op.getMode() == ResizeMode::nearest) {
      move(toIndex(clamp(round(x), from[dim])), Value(), result);
      return result;
    }
    x = clamp(x, from[dim]);
    Value lower = toIndex(x);
    Value upper =
        arith::MinSIOp::create(b, affine(b, lower, 1, 1), indexConstant(b, from[dim] - 1));
    Value floor = arith::IndexCastOp::create(b, b.getI32Type(), lower);
    floor = arith::SIToFPOp::create(b, b.getF32Type(), floor);
    Value weight = arith::SubFOp::create(b, x, floor);
    move(lower, arith::SubFOp::create(b, constant(1.0f), weight), result);
    move(upper, weight, result);
    return result;
  }

  Value mapCoordinate(int64_t dim, Value index) {
    float scale = op.getScales()[dim];
    Value x = arith::IndexCastOp::create(b, b.getI32Type(), index);
    x = arith::SIToFPOp::create(b, b.getF32Type(), x);
    auto scaledCentre = [&]() -> Value {
      Value centre = arith::AddFOp::create(b, x, constant(0.5f));
      return arith::DivFOp::create(b, centre, constant(scale));
    };
    auto halfPixel = [&](Value centre) -> Value {
      return arith::SubFOp::create(b, centre, constant(0.5f));
    };
    switch (op.getCoordinates()) {
    case CoordinateMode::half_pixel:
      return halfPixel(scaledCentre());
    case CoordinateMode::pytorch_half_pixel:
      return to[dim] > 1 ? halfPixel(scaledCentre()) : constant(0.0f);
    case CoordinateMode::align_corners: {
      if (to[dim] == 1)
        return constant(0.0f);
      Value product = arith::MulFOp::create(b, x, constant(float(from[dim] - 1)));
      return arith::DivFOp::create(b, product, constant(float(to[dim] - 1)));
    }
    case CoordinateMode::asymmetric:
      return arith::DivFOp::create(b, x, constant(scale));
    case CoordinateMode::half_pixel_symmetric: {
      // `scale * from` is what the extent was before it was rounded.
      float adjustment = float(to[dim]) / (scale * float(from[dim]));
      float centre = float(from[dim]) / 2;
      return halfPixel(
          arith::AddFOp::create(b, constant(centre * (1 - adjustment)), scaledCentre()));
    }
    }
    llvm_unreachable("unknown coordinate mode");
  }

  Value round(Value x) {
    switch (op.getNearest()) {
    case NearestMode::round_prefer_floor:
      return math::CeilOp::create(b, arith::SubFOp::create(b, x, constant(0.5f)));
    case NearestMode::round_prefer_ceil:
      return math::FloorOp::create(b, arith::AddFOp::create(b, x, constant(0.5f)));
    case NearestMode::floor:
      return math::FloorOp::create(b, x);
    case NearestMode::ceil:
      return math::CeilOp::create(b, x);
    }
    llvm_unreachable("unknown nearest mode");
  }

  Value clamp(Value x, int64_t extent) {
    x = emitMax(b, b.getLoc(), x, constant(0.0f));
    return emitMin(b, b.getLoc(), x, constant(float(extent - 1)));
  }
  Value toIndex(Value x) {
    x = arith::FPToSIOp::create(b, b.getI32Type(), x);
    return arith::IndexCastOp::create(b, b.getIndexType(), x);
  }

  ImplicitLocOpBuilder &b;
  ResizeOp op;
  ArrayRef<int64_t> from, to;
  int64_t lanes;
  /// Elements from an image to the next.
  int64_t inputImage, outputImage;
  Value input, output;
};

struct ResizeFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    auto resize = dyn_cast<ResizeOp>(op);
    return resize && (resize.getMode() == ResizeMode::nearest ||
                      isGpuFloat(getType(resize.getInput()).getElementType()));
  }

  LogicalResult build(GpuKernels &kernels, Operation *operation, TargetAttr) const override {
    auto op = cast<ResizeOp>(operation);
    int64_t lanes = getLanes(op, op.getInput(), 1, Resize::countInner(op));
    return kernels.addThreads(
        "resize", getType(op.getInit()).getNumElements() / lanes,
        [&](GpuKernel &kernel, Value index) { Resize(kernel, op, lanes).build(index); });
  }
};

} // namespace

void convoy::gpu::addResamplingKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<GatherFamily>());
  families.push_back(std::make_unique<ResizeFamily>());
}
