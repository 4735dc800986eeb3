//===- ChannelwiseConv.cpp - Depthwise and small-group convolution --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Blocked data; a group's channels lie within one vector. Output lane l needs the
// input lanes of its own group only: lane `l / size * size + k` for the k-th channel
// of the group, which is one shuffle of the input vector (none when depthwise).
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/CPU/PixelTile.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

struct ChannelwiseConvFamily : KernelFamily {
  StringRef getName() const override { return "group_conv"; }

  bool matches(Operation *op, TargetAttr target) const override {
    auto conv = dyn_cast<ConvOpInterface>(op);
    return conv && !conv.isTransposed() && selectConvTile(conv, target).channelwise;
  }

  /// A task is a row of one channel block.
  static SmallVector<int64_t> getTaskExtents(ConvOpInterface op) {
    ShapedType type = op.getOutputType();
    return SmallVector<int64_t>(type.getShape().drop_back(2));
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    int64_t tasks = 1;
    for (int64_t extent : getTaskExtents(cast<ConvOpInterface>(op)))
      tasks *= extent;
    return tasks;
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *operation, ValueRange operands,
                          Value task, TargetAttr target) const override {
    auto op = cast<ConvOpInterface>(operation);
    ConvTile tile = selectConvTile(op, target);
    ConvWindow window = getConvWindow(op);
    auto vectorType = VectorType::get({tile.lanes}, b.getF32Type());
    Value input = operands[0], filter = operands[1], output = operands.back();
    Value bias = op.getBias() ? operands[2] : Value();
    Value residual = op.getResidual() ? operands[op.getBias() ? 3 : 2] : Value();
    Value zero = indexConstant(b, 0);

    SmallVector<Value> indices = delinearize(b, task, getTaskExtents(op));
    Value batch = indices[0], block = indices[1];
    ArrayRef<Value> outer = ArrayRef<Value>(indices).drop_front(2);

    forEachPixelTile(b, window, tile.pixels, [&](PixelTile pixels) {
      Value start =
          bias ? Value(vector::LoadOp::create(b, vectorType, bias,
                                              ValueRange{affine(b, block, tile.lanes, 0)}))
               : zeroVector(b, vectorType);
      SmallVector<Value> sums(pixels.size, start);
      sums = emitKernelLoops(
          b, window, outer, pixels, sums,
          [&](const KernelPosition &position, ValueRange carried) {
            SmallVector<Value> next(carried);
            SmallVector<Value> weights;
            for (int64_t k = 0; k < tile.inputChunk; ++k) {
              SmallVector<Value> weightIndices = {block};
              llvm::append_range(weightIndices, position.kernel);
              weightIndices.append({indexConstant(b, k), zero});
              weights.push_back(loadWeights(b, tile.lanes, filter, weightIndices));
            }
            for (auto [sum, column] : llvm::zip(next, position.columns)) {
              if (!column)
                continue;
              SmallVector<Value> inputIndices = {batch, block};
              llvm::append_range(inputIndices, position.outer);
              inputIndices.append({column, zero});
              Value loaded = vector::LoadOp::create(b, vectorType, input, inputIndices);
              for (int64_t k = 0; k < tile.inputChunk; ++k) {
                Value lanes = loaded;
                if (tile.inputChunk > 1) {
                  SmallVector<int64_t> pattern;
                  for (int64_t lane = 0; lane < tile.lanes; ++lane)
                    pattern.push_back(lane / tile.inputChunk * tile.inputChunk + k);
                  lanes = vector::ShuffleOp::create(b, loaded, loaded, pattern);
                }
                sum = vector::FMAOp::create(b, lanes, weights[k], sum);
              }
            }
            return next;
          });
      for (auto [pixel, sum] : llvm::enumerate(sums)) {
        SmallVector<Value> outputIndices = {batch, block};
        llvm::append_range(outputIndices, outer);
        outputIndices.append({affine(b, pixels.start, 1, pixel), zero});
        Value value = sum;
        if (residual)
          value = arith::AddFOp::create(
              b, value, vector::LoadOp::create(b, vectorType, residual, outputIndices));
        value = emitUnary(b, b.getLoc(), op.getActivation(), value);
        vector::StoreOp::create(b, value, output, outputIndices);
      }
    });
    return success();
  }
};

} // namespace

void convoy::addChannelwiseConvKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<ChannelwiseConvFamily>());
}
