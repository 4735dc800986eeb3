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

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/CPU/ConvWindow.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// Writes one task of a direct convolution.
class DirectConv {
public:
  DirectConv(ImplicitLocOpBuilder &b, ConvOpInterface op, ValueRange operands,
             TargetAttr target)
      : b(b), op(op), tile(selectConvTile(op, target)), window(getConvWindow(op)),
        inputBlocked(op.isInputBlocked()), outputBlocked(op.isOutputBlocked()),
        vectorType(VectorType::get({tile.lanes}, b.getF32Type())) {
    auto next = operands.begin();
    input = *next++;
    filter = *next++;
    if (op.getBias())
      bias = *next++;
    if (op.getResidual())
      residual = *next++;
    output = *next++;
    if (flattens(window, tile))
      flatten();
  }

  /// Small maps of a 1x1 convolution do not fill a tile row by row.
  static bool flattens(const ConvWindow &window, const ConvTile &tile) {
    return window.isPointwise() && window.rank() > 1 && window.output.back() < tile.pixels;
  }

  void build(Value task) {
    SmallVector<int64_t> extents = {op.getOutputType().getDimSize(0), tile.groups,
                                    tile.outputTiles};
    llvm::append_range(extents, window.outerOutput());
    SmallVector<Value> indices = delinearize(b, task, extents);
    batch = indices[0];
    group = indices[1];
    outputTile = indices[2];
    outer.assign(indices.begin() + 3, indices.end());
    // The first channel block of this tile, counted through all groups.
    firstBlock = add(b, affine(b, group, tile.outputBlocks(), 0),
                     affine(b, outputTile, tile.blocks, 0));
    forEachPixelTile(b, window, tile.pixels, [&](PixelTile pixels) { buildTile(pixels); });
  }

private:
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
      return memref::ReinterpretCastOp::create(
          b, MemRefType::get(shape, type.getElementType()), buffer, /*offset=*/0, shape,
          strides);
    };
    input = reshape(input, inputBlocked);
    output = reshape(output, outputBlocked);
    residual = reshape(residual, outputBlocked);
  }

  void buildTile(const PixelTile &pixels) {
    SmallVector<Value> accumulators;
    for (int64_t block = 0; block < tile.blocks; ++block) {
      Value start;
      if (bias)
        start = vector::LoadOp::create(
            b, vectorType, bias,
            ValueRange{affine(b, affine(b, firstBlock, 1, block), tile.lanes, 0)});
      else
        start = zeroVector(b, vectorType);
      accumulators.append(pixels.size, start);
    }
    // Whole chunks of input channels, then the partly filled one.
    int64_t partial = tile.groupInputs % tile.inputChunk;
    int64_t whole = tile.inputChunks - (partial ? 1 : 0);
    if (whole > 0)
      accumulators = emitLoop(b, whole, accumulators, [&](Value chunk, ValueRange values) {
        return buildChunk(pixels, chunk, tile.inputChunk, values);
      });
    if (partial)
      accumulators = buildChunk(pixels, indexConstant(b, whole), partial, accumulators);
    if (outputBlocked)
      storeBlocked(pixels, accumulators);
    else
      storePlain(pixels, accumulators);
  }

  SmallVector<Value> buildChunk(const PixelTile &pixels, Value chunk, int64_t channels,
                                ValueRange values) {
    return emitKernelLoops(
        b, window, outer, pixels, values,
        [&](const KernelPosition &position, ValueRange carried) {
          SmallVector<Value> next =
              emitLoop(b, channels, carried, [&](Value channel, ValueRange sums) {
                return buildStep(position, chunk, channel, sums);
              });
          // At a border the kernel's columns are straight code.
          if (window.kernel.back() > 1 && getConstantIntValue(position.kernel.back()))
            keepRolled(next);
          return next;
        });
  }

  /// One input channel at one kernel position: weights times broadcasts.
  SmallVector<Value> buildStep(const KernelPosition &position, Value chunk, Value channel,
                               ValueRange sums) {
    SmallVector<Value> weightIndices = {group, outputTile, chunk};
    llvm::append_range(weightIndices, position.kernel);
    weightIndices.push_back(channel);
    weightIndices.push_back(Value());
    SmallVector<Value> weights;
    for (int64_t block = 0; block < tile.blocks; ++block) {
      weightIndices.back() = indexConstant(b, block * tile.lanes);
      weights.push_back(vector::LoadOp::create(b, vectorType, filter, weightIndices));
    }
    SmallVector<Value> next(sums);
    int64_t pixels = position.columns.size();
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      if (!position.columns[pixel])
        continue;
      Value element = memref::LoadOp::create(
          b, input, inputIndices(position, pixel, chunk, channel));
      Value broadcast = vector::BroadcastOp::create(b, vectorType, element);
      for (int64_t block = 0; block < tile.blocks; ++block) {
        Value &sum = next[block * pixels + pixel];
        sum = vector::FMAOp::create(b, broadcast, weights[block], sum);
      }
    }
    return next;
  }

  SmallVector<Value> inputIndices(const KernelPosition &position, int64_t pixel, Value chunk,
                                  Value channel) {
    SmallVector<Value> indices = {batch};
    if (inputBlocked)
      indices.push_back(add(b, affine(b, group, tile.inputChunks, 0), chunk));
    else
      indices.push_back(add(b, affine(b, group, tile.groupInputs, 0), channel));
    llvm::append_range(indices, position.outer);
    indices.push_back(position.columns[pixel]);
    if (inputBlocked)
      indices.push_back(channel);
    return indices;
  }

  void storeBlocked(const PixelTile &pixels, ArrayRef<Value> sums) {
    for (int64_t block = 0; block < tile.blocks; ++block)
      for (int64_t pixel = 0; pixel < pixels.size; ++pixel) {
        SmallVector<Value> indices = {batch, affine(b, firstBlock, 1, block)};
        llvm::append_range(indices, outer);
        indices.push_back(affine(b, pixels.start, 1, pixel));
        indices.push_back(indexConstant(b, 0));
        Value value = sums[block * pixels.size + pixel];
        if (residual)
          value = arith::AddFOp::create(
              b, value, vector::LoadOp::create(b, vectorType, residual, indices));
        value = emitUnary(b, b.getLoc(), op.getActivation(), value);
        vector::StoreOp::create(b, value, output, indices);
      }
  }

  /// Through a scratch tile, since the lanes of a vector lie a plane apart.
  void storePlain(const PixelTile &pixels, ArrayRef<Value> sums) {
    auto scratchType =
        MemRefType::get({tile.blocks, tile.pixels, tile.lanes}, b.getF32Type());
    if (!scratch)
      scratch = emitScratch(b, scratchType);
    for (int64_t block = 0; block < tile.blocks; ++block)
      for (int64_t pixel = 0; pixel < pixels.size; ++pixel)
        vector::StoreOp::create(b, sums[block * pixels.size + pixel], scratch,
                                ValueRange{indexConstant(b, block), indexConstant(b, pixel),
                                           indexConstant(b, 0)});
    // Channels of this tile that exist in the group.
    Value first = affine(b, outputTile, tile.tileLanes(), 0);
    Value left = arith::SubIOp::create(b, indexConstant(b, tile.groupOutputs), first);
    Value count = arith::MinSIOp::create(b, left, indexConstant(b, tile.tileLanes()));
    Value lanes = indexConstant(b, tile.lanes);
    auto copyChannel = [&](Value lane, ValueRange) {
      Value block = arith::DivUIOp::create(b, lane, lanes);
      Value inBlock = arith::RemUIOp::create(b, lane, lanes);
      Value channel = add(b, affine(b, group, tile.groupOutputs, 0), add(b, first, lane));
      emitLoop(b, pixels.size, {}, [&](Value pixel, ValueRange) {
        SmallVector<Value> indices = {batch, channel};
        llvm::append_range(indices, outer);
        indices.push_back(add(b, pixels.start, pixel));
        Value value = memref::LoadOp::create(b, scratch, ValueRange{block, pixel, inBlock});
        if (residual)
          value = arith::AddFOp::create(b, value,
                                        memref::LoadOp::create(b, residual, indices));
        value = emitUnary(b, b.getLoc(), op.getActivation(), value);
        memref::StoreOp::create(b, value, output, indices);
        return SmallVector<Value>();
      });
      return SmallVector<Value>();
    };
    emitLoop(b, indexConstant(b, 0), count, 1, {}, copyChannel);
  }

  ImplicitLocOpBuilder &b;
  ConvOpInterface op;
  ConvTile tile;
  ConvWindow window;
  bool inputBlocked, outputBlocked;
  VectorType vectorType;
  Value input, filter, bias, residual, output, scratch;
  Value batch, group, outputTile, firstBlock;
  SmallVector<Value> outer;
};

struct DirectConvFamily : KernelFamily {
  StringRef getName() const override { return "conv"; }
  bool matches(Operation *op, TargetAttr target) const override {
    auto conv = dyn_cast<ConvOpInterface>(op);
    return conv && !conv.isTransposed() && !selectConvTile(conv, target).channelwise &&
           // A blocked group must begin and end at a block.
           (conv.getGroups() == 1 ||
            ((!conv.isInputBlocked() ||
              conv.getInputChannels() / conv.getGroups() % target.getVectorLanes() == 0) &&
             (!conv.isOutputBlocked() ||
              conv.getOutputChannels() / conv.getGroups() % target.getVectorLanes() == 0)));
  }
  int64_t countTasks(Operation *op, TargetAttr target) const override {
    ConvWindow window = getConvWindow(cast<ConvOpInterface>(op));
    ConvTile tile = selectConvTile(cast<ConvOpInterface>(op), target);
    int64_t tasks = cast<DestinationOpInterface>(op).getOutputType().getDimSize(0) *
                    tile.groups * tile.outputTiles;
    if (DirectConv::flattens(window, tile))
      return tasks;
    for (int64_t extent : window.outerOutput())
      tasks *= extent;
    return tasks;
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
