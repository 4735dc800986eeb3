//===- Pool.cpp - Max and average pooling on a GPU ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A thread computes four channels of a pixel of blocked data, or one element of plain data.
//
//===----------------------------------------------------------------------===//

#include "GpuWindow.h"

#include "convoy/Codegen/Common/Pooling.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

struct PoolFamily : GpuKernelFamily {
  static ShapedType getOutputType(Operation *op) {
    return cast<DestinationOpInterface>(op).getOutputType();
  }

  bool matches(Operation *op, TargetAttr) const override {
    return isa<PoolOpInterface>(op) && isGpuFloat(getOutputType(op).getElementType());
  }

  LogicalResult build(GpuKernels &kernels, Operation *operation, TargetAttr) const override {
    auto op = cast<PoolOpInterface>(operation);
    ConvWindow window = getConvWindow(op);
    ArrayRef<int64_t> shape = getOutputType(op).getShape();
    bool blocked = int64_t(shape.size()) == window.rank() + 3;
    int64_t block = blocked ? shape.back() : 1, lanes = blocked ? kGpuQuad : 1;
    // Images, planes, pixels, and parts of a block.
    SmallVector<int64_t> extents = {shape[0], shape[1]};
    llvm::append_range(extents, window.output);
    extents.push_back(block / lanes);
    return kernels.addThreads(
        "pool", llvm::product_of(extents), [&](GpuKernel &kernel, Value index) {
          ImplicitLocOpBuilder &b = kernel.b;
          Values at = delinearize(b, index, extents);
          ArrayRef<Value> pixel = ArrayRef(at).drop_front(2).drop_back();
          Value input = flatten(b, kernel.operands[0]);
          Value output = flatten(b, kernel.operands[1]);
          auto getImage = [&](Value buffer) {
            return affine(b, at.front(), getImageStride(buffer), 0);
          };
          Value image = getImage(kernel.operands[0]);
          Value plane = affine(b, at[1], llvm::product_of(window.input), 0);
          Value lane = affine(b, at.back(), lanes, 0);
          Type type = b.getF32Type();
          if (blocked)
            type = VectorType::get({lanes}, type);
          PoolCombiner combine(b, op.getPoolKind());
          Value start = combine.emitStart(type);
          auto accept = [&](ValueRange position, ValueRange carried) -> Values {
            auto [offset, inside] = locateInput(b, window, pixel, position);
            Value from = add(b, affine(b, add(b, plane, offset), block, 0), lane);
            from = add(b, image, from);
            Value value = loadElementsOr(b, input, from, lanes, inside, start);
            return {combine(carried[0], value)};
          };
          Value result = forEachPosition(b, window.kernel, start, accept, kUnrolledPositions,
                                         combine.getBlockSums(start))
                             .front();
          if (op.getPoolKind() == PoolKind::average)
            result = emitMean(b, result, emitPoolCount(b, op, window, pixel));
          else
            result = emitLargest(b, window, pixel, result);
          Value to = linearize(b, at[1], pixel, window.output);
          to = add(b, affine(b, to, block, 0), lane);
          storeElements(b, result, output, add(b, getImage(kernel.operands[1]), to));
        });
  }
};

} // namespace

void convoy::gpu::addPoolKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<PoolFamily>());
}
