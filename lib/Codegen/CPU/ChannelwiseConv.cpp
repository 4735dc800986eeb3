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
#include "convoy/Codegen/CPU/EpilogueRegion.h"
#include "convoy/Codegen/CPU/PixelTile.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <map>

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

/// The most multiply-adds of a kernel row that are written one after another, without a loop.
constexpr int64_t kUnrolledMultiplyAdds = 512;

/// Writes one task: a row of one channel block.
class ChannelwiseConv : ConvOperands {
public:
  ChannelwiseConv(ImplicitLocOpBuilder &builder, ConvOpInterface op, ValueRange operands)
      : ConvOperands(op, operands), b(builder), op(op), tile(getConvTile(op)),
        window(getConvWindow(op)), region(b, op, epilogueInputs),
        vectorType(VectorType::get({tile.lanes}, builder.getF32Type())) {}

  /// A task is a row of one channel block.
  static SmallVector<int64_t> getTaskExtents(ConvOpInterface op) {
    return SmallVector<int64_t>(op.getOutputType().getShape().drop_back(2));
  }

  void build(Value task) {
    SmallVector<Value> indices = delinearize(b, task, getTaskExtents(op));
    batch = indices[0];
    block = indices[1];
    outer.assign(indices.begin() + 2, indices.end());
    forEachPixelTile(b, window, tile.pixels, [&](PixelTile pixels) {
      store(pixels, sumUp(pixels, SmallVector<Value>(pixels.size, getStart())));
    });
  }

private:
  Value getStart() {
    if (!bias)
      return zeroVector(b, vectorType);
    return vector::LoadOp::create(b, vectorType, bias,
                                  ValueRange{affine(b, block, tile.lanes, 0)});
  }

  SmallVector<Value> sumUp(const PixelTile &pixels, ValueRange starts) {
    int64_t columns = window.kernel.back();
    if (columns * pixels.size * tile.inputChunk > kUnrolledMultiplyAdds)
      return emitKernelLoops(b, window, outer, pixels, starts,
                             [&](const KernelPosition &position, ValueRange sums) {
                               return addPosition(position, sums);
                             });
    SmallVector<Value> sums = emitKernelRowLoops(
        b, window, outer, starts, [&](const KernelPosition &position, ValueRange carried) {
          return addRow(pixels, position, carried);
        });
    // The code of one row is long enough without further unrolling.
    keepRolled(sums);
    return sums;
  }

  /// Adds the products of one position of the kernel.
  SmallVector<Value> addPosition(const KernelPosition &position, ValueRange sums) {
    SmallVector<Value> next(sums);
    for (int64_t k = 0; k < tile.inputChunk; ++k) {
      Value weights = loadFilter(position.kernel, k);
      for (auto [sum, column] : llvm::zip(next, position.columns))
        if (column)
          sum = vector::FMAOp::create(b, loadInput(position, column, k), weights, sum);
    }
    return next;
  }

  /// Adds the products of a row of the kernel. Its columns read the same inputs for different
  /// pixels: each input vector is loaded and shuffled once.
  SmallVector<Value> addRow(const PixelTile &pixels, const KernelPosition &row,
                            ValueRange sums) {
    SmallVector<Value> next(sums);
    Value first = affine(b, pixels.start, window.strides.back(), -window.padsBegin.back());
    // For each input column, counted from the tile's first one, the pixels and kernel columns
    // that read it.
    std::map<int64_t, SmallVector<std::pair<int64_t, int64_t>>> uses;
    for (int64_t column = 0; column < window.kernel.back(); ++column)
      for (int64_t pixel = 0; pixel < pixels.size; ++pixel)
        if (!pixels.staticStart || window.isInside(*pixels.staticStart + pixel, column))
          uses[pixel * window.strides.back() + column * window.dilations.back()].push_back(
              {pixel, column});
    for (int64_t k = 0; k < tile.inputChunk; ++k) {
      SmallVector<Value> weights;
      for (int64_t column = 0; column < window.kernel.back(); ++column) {
        SmallVector<Value> kernel(row.kernel);
        kernel.push_back(indexConstant(b, column));
        weights.push_back(loadFilter(kernel, k));
      }
      for (const auto &[offset, products] : uses) {
        Value lanes = loadInput(row, affine(b, first, 1, offset), k);
        for (auto [pixel, column] : products)
          next[pixel] = vector::FMAOp::create(b, lanes, weights[column], next[pixel]);
      }
    }
    return next;
  }

  Value loadFilter(ArrayRef<Value> kernel, int64_t k) {
    SmallVector<Value> indices = {block};
    llvm::append_range(indices, kernel);
    indices.append({indexConstant(b, k), indexConstant(b, 0)});
    return loadAs(b, vectorType, filter, indices);
  }

  /// The `k`-th channel of each lane's group.
  Value loadInput(const KernelPosition &position, Value column, int64_t k) {
    SmallVector<Value> indices = {batch, block};
    llvm::append_range(indices, position.outer);
    indices.append({column, indexConstant(b, 0)});
    Value loaded = loadAs(b, vectorType, input, indices);
    if (tile.inputChunk == 1)
      return loaded;
    SmallVector<int64_t> pattern;
    for (int64_t lane = 0; lane < tile.lanes; ++lane)
      pattern.push_back(lane / tile.inputChunk * tile.inputChunk + k);
    return vector::ShuffleOp::create(b, loaded, loaded, pattern);
  }

  /// Adds the residual, applies the activation, runs the epilogue's region and stores.
  void store(const PixelTile &pixels, ArrayRef<Value> sums) {
    region.forEachRow(sums, pixels.size, [&](Value pixel, ArrayRef<Value> values) {
      SmallVector<Value> indices = {batch, block};
      llvm::append_range(indices, outer);
      indices.append({add(b, pixels.start, pixel), indexConstant(b, 0)});
      ConvOperands::store(b, op, region, values.front(), indices);
    });
  }

  ImplicitLocOpBuilder &b;
  ConvOpInterface op;
  ConvTile tile;
  ConvWindow window;
  EpilogueRegion region;
  VectorType vectorType;
  Value batch, block;
  SmallVector<Value> outer;
};

struct ChannelwiseConvFamily : KernelFamily {
  StringRef getName() const override { return "group_conv"; }

  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::channelwise);
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    return llvm::product_of(ChannelwiseConv::getTaskExtents(cast<ConvOpInterface>(op)));
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr) const override {
    ChannelwiseConv(b, cast<ConvOpInterface>(op), operands).build(task);
    return success();
  }
};

} // namespace

void convoy::cpu::addChannelwiseConvKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<ChannelwiseConvFamily>());
}
