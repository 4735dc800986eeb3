//===- SmallGroupConv.cpp - Groups of few channels of plain data on a GPU -===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// If a group has few output channels, a matrix product would leave most of its tile empty:
// here a thread computes one element instead. Depthwise convolutions of one or three spatial
// dimensions are of this kind, and those whose groups cross channel blocks.
//
//===----------------------------------------------------------------------===//

#include "ConvEpilogue.h"
#include "GpuWindow.h"

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

void buildElement(GpuKernel &kernel, Value index, ConvOpInterface op, const ConvTile &tile) {
  ImplicitLocOpBuilder &b = kernel.b;
  GpuConvOperands operands(kernel, op);
  ConvWindow window = getConvWindow(op);
  int64_t rank = window.rank();
  SmallVector<int64_t> extents = {op.getOutputType().getDimSize(0), tile.groups,
                                  tile.groupOutputs};
  llvm::append_range(extents, window.output);
  Values at = delinearize(b, index, extents);
  Value group = at[1], output = at[2];
  ArrayRef<Value> pixel = ArrayRef(at).take_back(rank);
  Values parts = delinearize(b, output, {tile.outputTiles, tile.tileLanes()});
  Value outputTile = add(b, affine(b, group, tile.outputTiles, 0), parts[0]);
  Value image = affine(b, at[0], getImageStride(kernel.operands[0]), 0);
  Value firstPlane = affine(b, group, tile.groupInputs, 0);

  Value zero = emitConstant(b, b.getLoc(), b.getF32Type(), 0.0);
  Value start =
      operands.startSum(b, add(b, affine(b, outputTile, tile.tileLanes(), 0), parts[1]), 1);
  auto accept = [&](Value channel, ValueRange position, ValueRange carried) -> Values {
    auto [offset, inside] = locateInput(b, window, pixel, position);
    Value plane = add(b, firstPlane, channel);
    Value from = add(b, affine(b, plane, llvm::product_of(window.input), 0), offset);
    from = add(b, image, from);
    Value x = loadElementsOr(b, operands.input, from, 1, inside, zero);
    // The packed filter is [group][O tile][kernel][I in group][lanes].
    Value row = linearize(b, outputTile, position, window.kernel);
    row = add(b, affine(b, row, tile.groupInputs, 0), channel);
    Value weight = loadElements(b, operands.filter,
                                add(b, affine(b, row, tile.tileLanes(), 0), parts[1]), 1);
    return {math::FmaOp::create(b, x, weight, carried[0])};
  };
  Values sum = emitLoop(b, tile.groupInputs, start, [&](Value channel, ValueRange carried) {
    return forEachPosition(b, window.kernel, carried,
                           [&](ValueRange position, ValueRange values) {
                             return accept(channel, position, values);
                           });
  });
  Value to = add(b, affine(b, group, tile.groupOutputs, 0), output);
  operands.store(b, sum.front(), at[0], linearize(b, to, pixel, window.output));
}

struct SmallGroupConvFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::small_groups);
  }

  LogicalResult build(GpuKernels &kernels, Operation *operation, TargetAttr) const override {
    auto op = cast<ConvOpInterface>(operation);
    ConvTile tile = getConvTile(op);
    return kernels.addThreads(
        "group_conv", op.getOutputType().getNumElements(),
        [&](GpuKernel &kernel, Value index) { buildElement(kernel, index, op, tile); });
  }
};

} // namespace

void convoy::gpu::addSmallGroupConvKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<SmallGroupConvFamily>());
}
