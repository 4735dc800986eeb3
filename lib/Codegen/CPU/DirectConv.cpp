//===- DirectConv.cpp - Direct convolution in register tiles --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A task is one row of the output for one tile of output channels. A register tile
// holds `blocks` vectors of output channels for up to `pixels` pixels; each step
// loads `blocks` vectors of weights and broadcasts one input element per pixel.
// Input and output are each blocked or plain, so the same code serves 1x1, strided,
// grouped and first-layer convolutions of one to three dimensions.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/ConvRegisterTile.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// Writes one task of a direct convolution.
class DirectConv : ConvRegisterTile {
public:
  DirectConv(ImplicitLocOpBuilder &b, ConvOpInterface op, ValueRange operands,
             TargetAttr target)
      : ConvRegisterTile(b, op, operands, target) {
    if (flattens(window, tile))
      flatten();
  }

  static int64_t countTasks(ConvOpInterface op, TargetAttr target) {
    ConvWindow window = getConvWindow(op);
    ConvTile tile = selectConvTile(op, target);
    if (flattens(window, tile))
      window.flattenPointwise();
    return ConvRegisterTile::countTasks(op, tile, window.outerOutput());
  }

  void build(Value task) {
    setTask(task, window.outerOutput());
    forEachPixelTile(b, window, tile.pixels, [&](PixelTile pixels) { buildTile(pixels); });
  }

private:
  /// Small maps of a 1x1 convolution do not fill a tile row by row.
  static bool flattens(const ConvWindow &window, const ConvTile &tile) {
    return window.isPointwise() && window.rank() > 1 && window.output.back() < tile.pixels;
  }

  /// Makes one row of all pixels, in the window and in the buffers.
  void flatten() {
    window.flattenPointwise();
    auto reshape = [&](Value buffer, bool blocked) -> Value {
      if (!buffer)
        return buffer;
      auto type = cast<MemRefType>(buffer.getType());
      SmallVector<int64_t> shape(type.getShape().take_front(2));
      llvm::append_range(shape, window.input);
      if (blocked)
        shape.push_back(type.getShape().back());
      SmallVector<int64_t> strides(shape.size(), 1);
      for (int64_t i = int64_t(shape.size()) - 2; i >= 0; --i)
        strides[i] = strides[i + 1] * shape[i + 1];
      return memref::ReinterpretCastOp::create(b,
                                               MemRefType::get(shape, type.getElementType()),
                                               buffer, /*offset=*/0, shape, strides);
    };
    input = reshape(input, inputBlocked);
    output = reshape(output, outputBlocked);
    residual = reshape(residual, outputBlocked);
  }

  void buildTile(const PixelTile &pixels) {
    auto buildChunk = [&](Value chunk, int64_t channels, ValueRange values) {
      return emitKernelLoops(b, window, outer, pixels, values,
                             [&](const KernelPosition &position, ValueRange carried) {
                               return buildPosition(position, chunk, channels, carried);
                             });
    };
    SmallVector<Value> sums = forEachChunk(initAccumulators(pixels.size), buildChunk);
    store(pixels, sums, [](Value pixel) { return pixel; });
  }
};

struct DirectConvFamily : KernelFamily {
  StringRef getName() const override { return "conv"; }
  bool matches(Operation *op, TargetAttr target) const override {
    auto conv = dyn_cast<ConvOpInterface>(op);
    if (!conv || conv.isTransposed())
      return false;
    ConvTile tile = selectConvTile(conv, target);
    // A blocked group must begin and end at a vector.
    return !tile.channelwise &&
           (conv.getGroups() == 1 ||
            ((!conv.isInputBlocked() || tile.groupInputs % tile.lanes == 0) &&
             (!conv.isOutputBlocked() || tile.groupOutputs % tile.lanes == 0)));
  }
  int64_t countTasks(Operation *op, TargetAttr target) const override {
    return DirectConv::countTasks(cast<ConvOpInterface>(op), target);
  }
  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    DirectConv(b, cast<ConvOpInterface>(op), operands, target).build(task);
    return success();
  }
};

} // namespace

void convoy::addDirectConvKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<DirectConvFamily>());
}
