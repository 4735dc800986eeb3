//===- Lrn.cpp - Local response normalisation on a GPU --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A thread normalises four channels of a pixel of blocked data, for which it reads the
// neighbouring quads of channels too, or one element of plain data.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/Lrn.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// Writes the code of one thread.
class Lrn {
public:
  Lrn(GpuKernel &kernel, LrnOp op)
      : b(kernel.b), op(op), window(op),
        shape(cast<ShapedType>(op.getInput().getType()).getShape()),
        inputStride(getImageStride(kernel.operands[0])),
        outputStride(getImageStride(kernel.operands[1])),
        input(flatten(b, kernel.operands[0])), output(flatten(b, kernel.operands[1])) {}

  static int64_t countThreads(LrnOp op) {
    int64_t elements = cast<ShapedType>(op.getInput().getType()).getNumElements();
    return op.getBlocked() ? elements / kGpuQuad : elements;
  }

  void buildPlain(Value index) {
    int64_t plane = llvm::product_of(shape.drop_front(2));
    Values at = delinearize(b, index, {shape[0], shape[1], plane});
    Value channel = at[1], inImage = add(b, affine(b, channel, plane, 0), at[2]);
    Value from = add(b, affine(b, at[0], inputStride, 0), inImage);
    Value zero = emitConstant(b, b.getLoc(), b.getF32Type(), 0.0);
    Value x = loadElements(b, input, from, 1), sum = zero;
    for (int64_t distance = -window.down; distance <= window.up; ++distance) {
      Value inside = isInside(channel, distance, shape[1]);
      Value neighbour =
          loadElementsOr(b, input, affine(b, from, 1, distance * plane), 1, inside, zero);
      sum = math::FmaOp::create(b, neighbour, neighbour, sum);
    }
    storeElements(b, emitLrn(b, op, x, sum), output,
                  add(b, affine(b, at[0], outputStride, 0), inImage));
  }

  void buildBlocked(Value index) {
    int64_t quads = shape.back() / kGpuQuad, blocks = shape[1];
    int64_t plane = llvm::product_of(shape.drop_front(2)) / shape.back();
    Values at = delinearize(b, index, {shape[0], blocks, plane, quads});
    Value channel = add(b, affine(b, at[1], quads, 0), at[3]);
    auto type = VectorType::get({kGpuQuad}, b.getF32Type());
    Value zero = zeroVector(b, type), x;
    auto locate = [&](Value block, Value part) {
      Value pixel = add(b, affine(b, block, plane, 0), at[2]);
      return affine(b, add(b, affine(b, pixel, quads, 0), part), kGpuQuad, 0);
    };
    Value image = affine(b, at[0], inputStride, 0);
    // The squares of the channels of the window, in quads from `firstQuad` to `lastQuad`.
    int64_t firstQuad = llvm::divideFloorSigned(-window.down, kGpuQuad);
    int64_t lastQuad = (kGpuQuad - 1 + window.up) / kGpuQuad;
    Values squares;
    for (int64_t distance = firstQuad; distance <= lastQuad; ++distance) {
      Value inside = isInside(channel, distance, blocks * quads);
      Value quad = affine(b, channel, 1, distance);
      Values parts = delinearize(b, quad, {blocks, quads});
      Value from = add(b, image, locate(parts[0], parts[1]));
      Value neighbour = loadElementsOr(b, input, from, kGpuQuad, inside, zero);
      if (distance == 0)
        x = neighbour;
      Value square = arith::MulFOp::create(b, neighbour, neighbour);
      for (int64_t lane = 0; lane < kGpuQuad; ++lane)
        squares.push_back(vector::ExtractOp::create(b, square, lane));
    }
    Values sums;
    for (int64_t lane = 0; lane < kGpuQuad; ++lane) {
      Value sum;
      for (int64_t distance = -window.down; distance <= window.up; ++distance) {
        Value square = squares[lane + distance - firstQuad * kGpuQuad];
        sum = sum ? Value(arith::AddFOp::create(b, sum, square)) : square;
      }
      sums.push_back(sum);
    }
    Value sum = vector::FromElementsOp::create(b, type, sums);
    storeElements(b, emitLrn(b, op, x, sum), output,
                  add(b, affine(b, at[0], outputStride, 0), locate(at[1], at[3])));
  }

private:
  /// Whether `index + distance` is one of `count`; null if that is certain.
  Value isInside(Value index, int64_t distance, int64_t count) {
    if (distance == 0)
      return Value();
    return emitIsInside(b, affine(b, index, 1, distance), count);
  }

  ImplicitLocOpBuilder &b;
  LrnOp op;
  LrnWindow window;
  ArrayRef<int64_t> shape;
  int64_t inputStride, outputStride;
  Value input, output;
};

struct LrnFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    auto lrn = dyn_cast<LrnOp>(op);
    return lrn && isGpuFloat(getElementTypeOrSelf(lrn.getInput()));
  }

  LogicalResult build(GpuKernels &kernels, Operation *operation, TargetAttr) const override {
    auto op = cast<LrnOp>(operation);
    return kernels.addThreads("lrn", Lrn::countThreads(op),
                              [&](GpuKernel &kernel, Value index) {
                                Lrn lrn(kernel, op);
                                if (op.getBlocked())
                                  lrn.buildBlocked(index);
                                else
                                  lrn.buildPlain(index);
                              });
  }
};

} // namespace

void convoy::gpu::addLrnKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<LrnFamily>());
}
