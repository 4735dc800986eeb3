//===- PixelwiseConv.cpp - 1x1 convolution of plain data ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Groups that do not fill vectors of channels keep plain data, in which the pixels of a
// channel are contiguous: vectors hold pixels. A task is a run of pixels, usually two vectors,
// for all output channels of one group. A register tile is the run for `blocks` output
// channels; each step loads the run from an input channel and broadcasts a weight for each
// output channel.
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/CPU/PixelTile.h"
#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// Writes one task of a pixelwise convolution.
class PixelwiseConv : ConvOperands {
public:
  PixelwiseConv(ImplicitLocOpBuilder &b, ConvOpInterface op, ValueRange operands,
                TargetAttr target)
      : ConvOperands(op, operands), b(b), op(op), tile(getConvTile(op)),
        lanes(target.getVectorLanes()), pixels(countPixels(op)),
        vectorType(VectorType::get({lanes}, b.getF32Type())) {
    int64_t batch = op.getOutputType().getDimSize(0);
    SmallVector<int64_t> inputShape = {batch, op.getInputChannels(), pixels};
    SmallVector<int64_t> outputShape = {batch, op.getOutputChannels(), pixels};
    input = reshapeBuffer(b, input, inputShape);
    filter = reshapeBuffer(b, filter,
                           {tile.groups, tile.outputTiles, tile.groupInputs, tile.blocks});
    if (residual)
      residual = reshapeBuffer(b, residual, outputShape);
    output = reshapeBuffer(b, output, outputShape);
  }

  static int64_t countTasks(ConvOpInterface op) {
    return op.getOutputType().getDimSize(0) * op.getGroups() * countRuns(op);
  }

  void build(Value task) {
    int64_t runs = countRuns(op);
    Values indices =
        delinearize(b, task, {op.getOutputType().getDimSize(0), tile.groups, runs});
    batch = indices[0];
    group = indices[1];
    start = affine(b, indices[2], tile.pixels, 0);
    int64_t rest = pixels - (runs - 1) * tile.pixels;
    if (rest == tile.pixels)
      return buildRun(rest);
    emitIfElse(b, isLast(b, indices[2], runs),
               [&](bool last) { buildRun(last ? rest : tile.pixels); });
  }

private:
  static int64_t countPixels(ConvOpInterface op) {
    return llvm::product_of(op.getOutputType().getShape().drop_front(2));
  }
  /// The number of runs of pixels, each as long as a register tile.
  static int64_t countRuns(ConvOpInterface op) {
    return llvm::divideCeil(countPixels(op), op.getScheduleAttr().getPixels());
  }

  /// Computes all output channels of the group for the first `count` pixels of the run.
  void buildRun(int64_t count) {
    int64_t last = tile.groupOutputs - (tile.outputTiles - 1) * tile.blocks;
    int64_t whole = tile.outputTiles - (last < tile.blocks ? 1 : 0);
    if (whole > 0)
      emitLoop(b, whole, {}, [&](Value outputTile, ValueRange) {
        buildTile(outputTile, tile.blocks, count);
        return Values();
      });
    if (last < tile.blocks)
      buildTile(indexConstant(b, whole), last, count);
  }

  /// The number of pixels in vector `vector` of a run of `count` pixels.
  int64_t lanesOf(int64_t vector, int64_t count) const {
    return std::min(lanes, count - vector * lanes);
  }

  void buildTile(Value outputTile, int64_t outputs, int64_t count) {
    int64_t vectors = llvm::divideCeil(count, lanes);
    Value firstOutput = affine(b, outputTile, tile.blocks, 0);
    Values sums;
    for (int64_t i = 0; i < outputs; ++i) {
      Value sum = zeroVector(b, vectorType);
      if (bias) {
        Value index = add(b, affine(b, group, tile.outputTiles * tile.blocks, 0),
                          affine(b, firstOutput, 1, i));
        sum = vector::BroadcastOp::create(b, vectorType,
                                          memref::LoadOp::create(b, bias, ValueRange{index}));
      }
      sums.append(vectors, sum);
    }
    Value firstInput = affine(b, group, tile.groupInputs, 0);
    sums = emitLoop(b, tile.groupInputs, sums, [&](Value channel, ValueRange carried) {
      Values data, next(carried);
      for (int64_t v = 0; v < vectors; ++v)
        data.push_back(
            loadLanes(b, vectorType, input,
                      {batch, add(b, firstInput, channel), affine(b, start, 1, v * lanes)},
                      lanesOf(v, count)));
      for (int64_t i = 0; i < outputs; ++i) {
        Value weight = loadAs(b, b.getF32Type(), filter,
                              {group, outputTile, channel, indexConstant(b, i)});
        Value broadcast = vector::BroadcastOp::create(b, vectorType, weight);
        for (int64_t v = 0; v < vectors; ++v) {
          Value &sum = next[i * vectors + v];
          sum = vector::FMAOp::create(b, data[v], broadcast, sum);
        }
      }
      return next;
    });
    // A tile fills the registers. If LLVM unrolled the loop, it would hoist loads and spill.
    keepRolled(sums);
    Value firstChannel = add(b, affine(b, group, tile.groupOutputs, 0), firstOutput);
    for (int64_t i = 0; i < outputs; ++i)
      for (int64_t v = 0; v < vectors; ++v) {
        Values indices = {batch, affine(b, firstChannel, 1, i),
                          affine(b, start, 1, v * lanes)};
        Value value = sums[i * vectors + v];
        if (residual)
          value = arith::AddFOp::create(
              b, value, loadLanes(b, vectorType, residual, indices, lanesOf(v, count)));
        value = emitUnary(b, b.getLoc(), op.getActivation(), value);
        storeLanes(b, value, output, indices, lanesOf(v, count));
      }
  }

  ImplicitLocOpBuilder &b;
  ConvOpInterface op;
  ConvTile tile;
  int64_t lanes, pixels;
  VectorType vectorType;
  Value batch, group, start;
};

struct PixelwiseConvFamily : KernelFamily {
  StringRef getName() const override { return "pixelwise_conv"; }
  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::pixelwise);
  }
  int64_t countTasks(Operation *op, TargetAttr) const override {
    return PixelwiseConv::countTasks(cast<ConvOpInterface>(op));
  }
  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    PixelwiseConv(b, cast<ConvOpInterface>(op), operands, target).build(task);
    return success();
  }
};

} // namespace

void convoy::cpu::addPixelwiseConvKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<PixelwiseConvFamily>());
}
