//===- Resampling.cpp - Gather and resize on a GPU ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A thread makes an element of the output, or 4 or 8 neighbouring ones. It computes the
// coordinates of a resize itself.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/Gather.h"
#include "convoy/Codegen/Common/Resize.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

MemRefType getType(Value value) { return cast<MemRefType>(value.getType()); }

/// Elements that a thread moves at once, if `inner` elements are contiguous on both sides.
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
    GatherShape shape(op);
    int64_t lanes = getLanes(op, op.getInput(), 2, shape.inner);
    int64_t inner = shape.inner / lanes;
    return kernels.addThreads(
        "gather", shape.rows() * inner, [&](GpuKernel &kernel, Value index) {
          ImplicitLocOpBuilder &b = kernel.b;
          Values at = delinearize(b, index, {shape.outer, shape.indices, inner});
          Value input = flatten(b, kernel.operands[0]);
          Value output = flatten(b, kernel.operands[2]);
          Value row = emitGatheredRow(b, shape, at[0], flatten(b, kernel.operands[1]), at[1]);
          Value from = add(b, affine(b, row, inner, 0), at[2]);
          Value value = loadElements(b, input, affine(b, from, lanes, 0), lanes);
          storeElements(b, value, output, affine(b, index, lanes, 0));
        });
  }
};

//===----------------------------------------------------------------------===//
// cnn.resize
//===----------------------------------------------------------------------===//

/// Writes the code of one thread.
class Resize {
public:
  Resize(GpuKernel &kernel, ResizeOp op, const ResizeShape &shape, int64_t lanes)
      : b(kernel.b), op(op), shape(shape), lanes(lanes), input(flatten(b, kernel.operands[0])),
        output(flatten(b, kernel.operands[1])) {}

  void build(Value index) {
    SmallVector<int64_t> extents(shape.to.take_front(shape.last + 1));
    extents.push_back(shape.inner / lanes);
    Values at = delinearize(b, index, extents);
    Value result = affine(b, at.back(), lanes, 0);
    SmallVector<ResizeTap> taps = {{result, Value()}};
    for (int64_t dim = 0; dim <= shape.last; ++dim) {
      int64_t stride = shape.inputStride(dim);
      SmallVector<ResizeTap, 2> neighbours = {{Value(), Value()}};
      if (shape.changes(dim))
        neighbours = emitResizeNeighbours(b, op, dim, at[dim], stride);
      else
        neighbours.front().offset = affine(b, at[dim], stride, 0);
      taps = spreadTaps(b, taps, neighbours);
      result = add(b, result, affine(b, at[dim], shape.outputStride(dim), 0));
    }
    Value sum = emitTapSum(
        b, taps, [&](Value offset) { return loadElements(b, input, offset, lanes); });
    storeElements(b, sum, output, result);
  }

private:
  ImplicitLocOpBuilder &b;
  ResizeOp op;
  const ResizeShape &shape;
  int64_t lanes;
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
    ResizeShape shape(op);
    int64_t lanes = getLanes(op, op.getInput(), 1, shape.inner);
    return kernels.addThreads("resize", getType(op.getInit()).getNumElements() / lanes,
                              [&](GpuKernel &kernel, Value index) {
                                Resize(kernel, op, shape, lanes).build(index);
                              });
  }
};

} // namespace

void convoy::gpu::addResamplingKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<GatherFamily>());
  families.push_back(std::make_unique<ResizeFamily>());
}
