//===- ChannelwiseConv.cpp - Depthwise and small-group convolution on a GPU ===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Blocked data; a group's channels lie within one block. A thread computes four channels of
// some neighbouring pixels of a row, which share inputs and weights. Groups of eight channels
// read two quads (four channels each) of inputs, smaller groups one.
//
//===----------------------------------------------------------------------===//

#include "ConvEpilogue.h"
#include "ConvThreads.h"
#include "GpuWindow.h"

#include "convoy/Analysis/ConvTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// The most quads of inputs and weights for one pixel that a thread loads at once: few enough
/// to leave registers for other threads.
constexpr int64_t kQuadsUnderWay = 20;

/// How the work is cut into threads.
struct Plan {
  explicit Plan(ConvOpInterface op)
      : tile(getConvTile(op)), window(getConvWindow(op)),
        batch(op.getOutputType().getDimSize(0)), pixels(tile.pixels) {
    int64_t quads = tile.lanes / kGpuQuad;
    unrolled = std::max<int64_t>(1, kQuadsUnderWay / (tile.groupInputs + inputQuads()));
    extents = {batch, tile.outputTiles};
    llvm::append_range(extents, window.outerOutput());
    extents.push_back(llvm::divideCeil(window.output.back(), pixels));
    extents.push_back(quads);
  }

  /// Quads of inputs that a quad of outputs needs.
  int64_t inputQuads() const { return std::max<int64_t>(1, tile.groupInputs / kGpuQuad); }
  /// Whether a kernel row is unrolled.
  bool unrollsColumns() const { return window.kernel.back() <= unrolled; }

  ConvTile tile;
  ConvWindow window;
  int64_t batch;
  /// Neighbouring pixels per thread, and positions of the kernel that are unrolled.
  int64_t pixels, unrolled;
  /// The extents of the threads: batch, channel block, rows, pixels, quad.
  SmallVector<int64_t> extents;
};

/// Writes the code of one thread.
class ChannelwiseConv {
public:
  ChannelwiseConv(GpuKernel &kernel, ConvOpInterface op, const Plan &plan)
      : kernel(kernel), b(kernel.b), plan(plan), window(plan.window), operands(kernel, op),
        type(VectorType::get({kGpuQuad}, b.getF32Type())), zero(zeroVector(b, type)) {}

  void build(Value index) {
    int64_t rank = window.rank(), lanes = plan.tile.lanes;
    Values at = delinearize(b, index, plan.extents);
    quad = at.back();
    lane = affine(b, quad, kGpuQuad, 0);
    block = at[1];
    inputImage = affine(b, at[0], getImageStride(kernel.operands[0]), 0);
    inputPlane = affine(b, block, llvm::product_of(window.input), 0);
    firstPixel = affine(b, at[rank + 1], plan.pixels, 0);
    Values pixel(at.begin() + 2, at.begin() + 1 + rank);
    pixel.push_back(firstPixel);

    Value start = operands.startSum(b, add(b, affine(b, block, lanes, 0), lane), kGpuQuad);
    Values sums(plan.pixels, start);
    if (plan.unrollsColumns())
      sums = forEachPosition(
          b, ArrayRef(window.kernel).drop_back(), sums,
          [&](ValueRange position, ValueRange carried) {
            return addRow(pixel, position, carried);
          },
          plan.unrolled / window.kernel.back());
    else
      sums = forEachPosition(
          b, window.kernel, sums,
          [&](ValueRange position, ValueRange carried) {
            return addColumn(pixel, position, carried);
          },
          plan.unrolled);

    Value first = linearize(b, block, pixel, window.output);
    for (int64_t i = 0; i < plan.pixels; ++i) {
      Value exists;
      if (i > 0 && window.output.back() % plan.pixels != 0)
        exists = emitIsInside(b, affine(b, firstPixel, 1, i), window.output.back());
      kernel.when(exists, [&] {
        Value to = affine(b, affine(b, first, 1, i), lanes, 0);
        operands.store(b, sums[i], at[0], add(b, to, lane));
      });
    }
  }

private:
  /// Adds one kernel row: every input column is read once for all pixels.
  Values addRow(ValueRange pixel, ValueRange position, ValueRange carried) {
    int64_t columns = window.kernel.back(), stride = window.strides.back();
    int64_t dilation = window.dilations.back(), pad = window.padsBegin.back();
    auto [row, inside] = locateInput(b, window, pixel, position);
    row = affine(b, row, window.input.back(), 0);
    int64_t last = (llvm::alignTo(window.output.back(), plan.pixels) - 1) * stride - pad +
                   (columns - 1) * dilation;
    bool checks = pad > 0 || last >= window.input.back();
    Values kernelPosition(position), sums(carried);
    kernelPosition.push_back(Value());
    SmallVector<Values> weights;
    for (int64_t column = 0; column < columns; ++column) {
      kernelPosition.back() = indexConstant(b, column);
      weights.push_back(loadWeights(kernelPosition));
    }
    // In the order of memory, so that the registers of an input are soon free again.
    for (int64_t at = 0; at <= (plan.pixels - 1) * stride + (columns - 1) * dilation; ++at) {
      Values inputs;
      for (int64_t i = 0; i < plan.pixels; ++i) {
        int64_t distance = at - i * stride;
        if (distance < 0 || distance % dilation != 0 || distance / dilation >= columns)
          continue;
        if (inputs.empty()) {
          Value column = affine(b, firstPixel, stride, at - pad);
          Value exists = inside;
          if (checks)
            exists = emitBoth(b, exists, emitIsInside(b, column, window.input.back()));
          inputs = loadInputs(add(b, row, column), exists);
        }
        sums[i] = multiply(inputs, weights[distance / dilation], sums[i]);
      }
    }
    return sums;
  }

  /// Adds one position of the kernel.
  Values addColumn(ValueRange pixel, ValueRange position, ValueRange carried) {
    // A thread's last pixels may be outside of the output.
    ConvWindow whole = window;
    whole.output.back() = llvm::alignTo(window.output.back(), plan.pixels);
    Values weights = loadWeights(position), sums(carried), at(pixel);
    for (int64_t i = 0; i < plan.pixels; ++i) {
      at.back() = affine(b, firstPixel, 1, i);
      auto [offset, inside] = locateInput(b, whole, at, position);
      sums[i] = multiply(loadInputs(offset, inside), weights, sums[i]);
    }
    return sums;
  }

  /// A quad of weights for each input channel of a group.
  Values loadWeights(ValueRange position) {
    Value row = linearize(b, block, position, window.kernel);
    Values weights;
    for (int64_t channel = 0; channel < plan.tile.groupInputs; ++channel) {
      Value from = affine(b, row, plan.tile.groupInputs, channel);
      from = add(b, affine(b, from, plan.tile.lanes, 0), lane);
      weights.push_back(loadLanes(b, operands.filter, from, kGpuQuad));
    }
    return weights;
  }

  /// The quads of inputs at an offset in the plane; zeros if it is not inside.
  Values loadInputs(Value offset, Value inside) {
    int64_t quads = plan.inputQuads();
    Value first = affine(b, add(b, inputPlane, offset), plan.tile.lanes, 0);
    first = add(b, inputImage, first);
    if (quads == 1)
      return {loadElementsOr(b, operands.input, add(b, first, lane), kGpuQuad, inside, zero)};
    // All quads of the group that this one belongs to.
    Value group = arith::DivUIOp::create(b, quad, indexConstant(b, quads));
    first = add(b, first, affine(b, group, quads * kGpuQuad, 0));
    Values inputs;
    for (int64_t i = 0; i < quads; ++i)
      inputs.push_back(loadElementsOr(b, operands.input, affine(b, first, 1, i * kGpuQuad),
                                      kGpuQuad, inside, zero));
    return inputs;
  }

  /// Output lane l takes lane `l / size * size + k` of the inputs for channel k.
  Value multiply(ArrayRef<Value> inputs, ArrayRef<Value> weights, Value sum) {
    int64_t size = plan.tile.groupInputs;
    for (int64_t channel = 0; channel < size; ++channel) {
      Value factor = inputs[channel / kGpuQuad];
      if (size > 1) {
        SmallVector<int64_t> pattern;
        for (int64_t l = 0; l < kGpuQuad; ++l)
          pattern.push_back(size < kGpuQuad ? l / size * size + channel : channel % kGpuQuad);
        factor = vector::ShuffleOp::create(b, factor, factor, pattern);
      }
      sum = vector::FMAOp::create(b, factor, weights[channel], sum);
    }
    return sum;
  }

  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  const Plan &plan;
  const ConvWindow &window;
  GpuConvOperands operands;
  VectorType type;
  Value zero, quad, lane, block, inputImage, inputPlane, firstPixel;
};

using ChannelwiseConvFamily = ConvThreadsFamily<Algorithm::channelwise, Plan, ChannelwiseConv>;

} // namespace

void convoy::gpu::addChannelwiseConvKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<ChannelwiseConvFamily>("group_conv"));
}
