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
// Rows of small maps do not fill register tiles. For such maps a task is all pixels of a map,
// and a register tile is any run of these pixels, which may cross rows: the coordinates of
// each pixel are known at compile time.
//
// If the convolution has a prologue, a task is a run of the map's pixels for one tile of
// output channels. Tasks of a run follow each other, and all of them read the run's input from
// scratch memory. The first of them that a thread runs applies the prologue and writes:
//
//   [I block][pixel of the run][lane]
//
// It does so a block at a time, just before the products of that block, so that loads and
// stores run while the processor still multiplies the block before.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/ConvRegisterTile.h"

#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

/// Writes one task of a direct convolution.
class DirectConv : ConvRegisterTile {
public:
  DirectConv(ImplicitLocOpBuilder &b, ConvOpInterface op, ValueRange operands,
             TargetAttr target)
      : ConvRegisterTile(b, op, operands, target), span(op.getScheduleAttr().getSpan()) {
    if (inputScale)
      normalized = operands.back();
    if (span == PixelSpan::plane) {
      window.flattenPointwise();
      input = reshape(input, inputBlocked, window.input);
      reshapeOutput(window.output);
    }
  }

  static int64_t countTasks(ConvOpInterface op) {
    ConvTile tile = getConvTile(op);
    if (op.getInputScale())
      return ConvRegisterTile::countTasks(op, tile, PrologueRuns(op, tile).count);
    ConvWindow window = getConvWindow(op);
    switch (op.getScheduleAttr().getSpan()) {
    case PixelSpan::map:
      return ConvRegisterTile::countTasks(op, tile, {});
    case PixelSpan::plane:
      window.flattenPointwise();
      break;
    case PixelSpan::row:
      break;
    }
    return ConvRegisterTile::countTasks(op, tile, window.outerOutput());
  }

  void build(Value task) {
    if (inputScale)
      return buildRun(task);
    if (span == PixelSpan::map)
      return buildMap(task);
    setTask(task, window.outerOutput());
    forEachPixelTile(b, window, tile.pixels, [&](PixelTile pixels) {
      buildTile(pixels, [](Value pixel) { return pixel; });
    });
  }

private:
  /// `buffer` with other extents of as many pixels.
  Value reshape(Value buffer, bool blocked, ArrayRef<int64_t> extents) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<int64_t> shape(type.getShape().take_front(2));
    llvm::append_range(shape, extents);
    if (blocked)
      shape.push_back(type.getShape().back());
    return reshapeBuffer(b, buffer, shape);
  }

  void reshapeOutput(ArrayRef<int64_t> extents) {
    output = reshape(output, outputBlocked, extents);
    if (residual)
      residual = reshape(residual, outputBlocked, extents);
    region.reshapeSpatial(extents);
  }

  /// Says which part of the next task's filters register tile `i` prefetches. A small map is
  /// done with its filters so soon that it would wait for those of the next output tile, so
  /// the last two register tiles prefetch them. Prefetching in the first ones, too, was
  /// slower: measured at 7x7.
  void setPrefetch(int64_t i, int64_t tiles) {
    prefetchShares = i < tiles - 2 ? 0 : std::min<int64_t>(tiles, 2);
    prefetchShare = tiles - 1 - i;
  }

  /// The map of a 1x1 convolution: tiles of the same size are a loop, but for the last two.
  void buildPointwiseMap(Value task) {
    window.flattenPointwise();
    input = reshape(input, inputBlocked, window.input);
    reshapeOutput(window.output);
    setTask(task, {});
    outer.assign(window.rank() - 1, indexConstant(b, 0));
    int64_t pixels = window.output.back(), tiles = llvm::divideCeil(pixels, tile.pixels);
    SmallVector<int64_t> sizes(tiles, pixels / tiles);
    for (int64_t &size : MutableArrayRef(sizes).take_back(pixels % tiles))
      ++size;
    forEachTile(
        b, sizes, [&](size_t i, int64_t) { return int64_t(i) < tiles - 2; },
        [&](size_t i, PixelTile tile) {
          setPrefetch(i, tiles);
          buildTile(tile, [](Value pixel) { return pixel; });
        });
  }

  /// All pixels of a map as one row of the output, in tiles of about the same size.
  void buildMap(Value task) {
    if (window.isPointwise())
      return buildPointwiseMap(task);
    setTask(task, {});
    outer.assign(window.rank() - 1, indexConstant(b, 0));
    SmallVector<int64_t> row(window.rank(), 1);
    row.back() = llvm::product_of(window.output);
    reshapeOutput(row);
    int64_t tiles = llvm::divideCeil(row.back(), tile.pixels), start = 0;
    // The code of all positions of the kernel must stay in the instruction cache.
    mayUnrollChannels = llvm::product_of(window.kernel) == 1;
    for (int64_t i = 0; i < tiles; ++i) {
      int64_t end = row.back() * (i + 1) / tiles;
      PixelTile pixels = {indexConstant(b, start), start, end - start};
      setPrefetch(i, tiles);
      auto buildChunk = [&](Value chunk, int64_t channels, ValueRange values) {
        SmallVector<Value> next(values);
        for (int64_t k = 0; k < llvm::product_of(window.kernel); ++k)
          if (std::optional<KernelPosition> position = locate(pixels, k))
            next = buildPosition(*position, chunk, channels, next);
        return next;
      };
      SmallVector<Value> sums = forEachChunk(initAccumulators(pixels.size), buildChunk);
      store(pixels, sums, [](Value pixel) { return pixel; });
      start = end;
    }
  }

  /// The input coordinates that the pixels of a map's tile read at one position of the kernel;
  /// none if all of them read padding.
  std::optional<KernelPosition> locate(const PixelTile &pixels, int64_t kernelIndex) {
    auto split = [](int64_t index, ArrayRef<int64_t> extents) {
      SmallVector<int64_t> parts(extents.size());
      for (int64_t dim = int64_t(extents.size()) - 1; dim >= 0; --dim) {
        parts[dim] = index % extents[dim];
        index /= extents[dim];
      }
      return parts;
    };
    SmallVector<int64_t> kernel = split(kernelIndex, window.kernel);
    KernelPosition position;
    for (int64_t k : kernel)
      position.kernel.push_back(indexConstant(b, k));
    bool any = false;
    for (int64_t pixel = 0; pixel < pixels.size; ++pixel) {
      SmallVector<Value> coordinates;
      bool isInside = true;
      for (auto [dim, at] :
           llvm::enumerate(split(*pixels.staticStart + pixel, window.output))) {
        int64_t coordinate = at * window.strides[dim] + kernel[dim] * window.dilations[dim] -
                             window.padsBegin[dim];
        isInside &= coordinate >= 0 && coordinate < window.input[dim];
        coordinates.push_back(indexConstant(b, coordinate));
      }
      position.columns.push_back(isInside ? coordinates.pop_back_val() : Value());
      position.pixelOuter.push_back(coordinates);
      any |= isInside;
    }
    return any ? std::optional(position) : std::nullopt;
  }

  /// Writes one register tile. `prepare` is emitted before the products of each chunk of input
  /// channels.
  void buildTile(const PixelTile &pixels, OutputColumn column,
                 llvm::function_ref<void(Value chunk)> prepare = nullptr) {
    prefetchNextRow(pixels);
    // Other work in the loop over chunks would make LLVM spill.
    mayUnrollChannels = !prepare;
    auto buildChunk = [&](Value chunk, int64_t channels, ValueRange values) {
      if (prepare)
        prepare(chunk);
      return emitKernelLoops(b, window, outer, pixels, values,
                             [&](const KernelPosition &position, ValueRange carried) {
                               return buildPosition(position, chunk, channels, carried);
                             });
    };
    SmallVector<Value> sums = forEachChunk(initAccumulators(pixels.size), buildChunk);
    store(pixels, sums, column);
  }

  /// Writes the task of a convolution with a prologue: a run of a map's pixels, whose input is
  /// read from scratch memory.
  void buildRun(Value task) {
    PrologueRuns runs(op, tile);
    setTask(task, runs.count);
    Value run = outer.back(), start = affine(b, run, runs.pixels, 0);
    Value zero = indexConstant(b, 0), source = input;
    outer.assign(window.rank() - 1, zero);
    SmallVector<int64_t> shape(cast<MemRefType>(source.getType()).getShape());
    shape.front() = 1;
    shape[shape.size() - 2] = runs.pixels;
    input = memref::ViewOp::create(b, MemRefType::get(shape, product.getInputType()),
                                   normalized, zero, ValueRange());
    inputImage = zero;
    auto build = [&](int64_t count) {
      PixelTile pixels = {zero, 0, count};
      auto column = [&](Value pixel) { return add(b, start, pixel); };
      emitIfElse(b, isFirstOfShared(b, task, outputTile), [&](bool isFirst) {
        if (!isFirst)
          return buildTile(pixels, column);
        buildTile(pixels, column,
                  [&](Value chunk) { normalize(source, start, count, chunk); });
      });
    };
    if (runs.lastPixels == runs.pixels)
      return build(runs.pixels);
    emitIfElse(b, isLast(b, run, runs.count),
               [&](bool last) { build(last ? runs.lastPixels : runs.pixels); });
  }

  /// Applies the prologue to a chunk of channels of `count` pixels of `source`, from pixel
  /// `start` on, and writes the result to `input`, which is scratch memory here.
  void normalize(Value source, Value start, int64_t count, Value chunk) {
    auto load = [&](Value from, ValueRange indices) {
      return loadAs(b, vectorType, from, indices);
    };
    auto [block, lane] = locateBlock(source, chunk);
    auto indicesOf = [&, block = block, lane = lane](Value image, Value pixel) {
      SmallVector<Value> indices = {image, block};
      llvm::append_range(indices, outer);
      indices.append({pixel, lane});
      return indices;
    };
    Value scale = load(inputScale, {block, lane}), offset = load(inputOffset, {block, lane});
    for (int64_t i = 0; i < count; ++i) {
      Value value = load(source, indicesOf(batch, affine(b, start, 1, i)));
      value = math::FmaOp::create(b, value, scale, offset);
      value = emitUnary(b, b.getLoc(), op.getInputActivation(), value);
      storeAs(b, value, input, indicesOf(inputImage, indexConstant(b, i)));
    }
  }

  PixelSpan span;
  /// The thread's scratch memory, if the convolution has a prologue.
  Value normalized;
};

struct DirectConvFamily : KernelFamily {
  StringRef getName() const override { return "conv"; }
  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::direct);
  }
  int64_t countTasks(Operation *op, TargetAttr) const override {
    return DirectConv::countTasks(cast<ConvOpInterface>(op));
  }
  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    DirectConv(b, cast<ConvOpInterface>(op), operands, target).build(task);
    return success();
  }
};

} // namespace

void convoy::cpu::addDirectConvKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<DirectConvFamily>());
}
