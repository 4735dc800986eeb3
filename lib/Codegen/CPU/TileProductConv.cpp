//===- TileProductConv.cpp - Convolution by products of tiles -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A task is a strip of rows of the output for one tile of output channels. Tasks of a strip
// follow each other, and the first that a thread runs copies the strip's input into scratch
// memory, so that the channels of a pixel are neighbours (see TileProductPlan):
//
//   [row][column][I]               for plain data, and kernels that move by one pixel
//   [output pixel][position][I]    with strides, and for 1x1 kernels
//
// TileRegisters.h says what a register tile is. Its sums go to memory, from where vectors of
// channels take the epilogue's way.
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/CPU/EpilogueRegion.h"
#include "convoy/Codegen/CPU/PixelTile.h"
#include "convoy/Codegen/CPU/TileRegisters.h"
#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Machine/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// Writes one task of a convolution by products of tiles.
class TileProductConv : ConvOperands {
public:
  TileProductConv(ImplicitLocOpBuilder &b, ConvOpInterface op, ValueRange operands,
                  TargetAttr target)
      : ConvOperands(op, operands), b(b), op(op), plan(op, op.getScheduleAttr()),
        tile(plan.channels), window(getConvWindow(op)), region(b, op, epilogueInputs),
        element(op.getScheduleAttr().getFilter().getType().getElementType()),
        registers(b, op, target, tile.blocks), elementBytes(registers.elementBytes()),
        l2Bytes(target.getL2()), scratch(operands.back()) {}

  static int64_t countTasks(ConvOpInterface op) {
    TileProductPlan plan(op, op.getScheduleAttr());
    return op.getOutputType().getDimSize(0) * plan.strips * plan.channels.groups *
           plan.channels.outputTiles;
  }

  void build(Value task) {
    Values indices = delinearize(
        b, task,
        {op.getOutputType().getDimSize(0), plan.strips, tile.groups, tile.outputTiles});
    batch = indices[0];
    firstRow = affine(b, indices[1], plan.stripRows, 0);
    group = indices[2];
    outputTile = indices[3];
    stripRows = arith::MinSIOp::create(
        b, indexConstant(b, plan.stripRows),
        arith::SubIOp::create(b, indexConstant(b, window.output[0]), firstRow));
    copy = memref::ViewOp::create(b, MemRefType::get({plan.copyBytes / elementBytes}, element),
                                  scratch, indexConstant(b, 0), ValueRange());
    sums = memref::ViewOp::create(b,
                                  MemRefType::get({2 * tile.pixels, tile.tileLanes()},
                                                  registers.getSumType().getElementType()),
                                  scratch, indexConstant(b, plan.copyBytes), ValueRange());
    emitIf(b, isFirstOfShared(b, task, outputTile),
           [&] { plan.shifts ? copyRows() : copyWindows(); });
    registers.configure(stepInputs());
    multiply();
    registers.release();
  }

private:
  //===--------------------------------------------------------------------===//
  // The copy
  //===--------------------------------------------------------------------===//

  void loop(int64_t count, llvm::function_ref<void(Value)> body) {
    loop(indexConstant(b, 0), indexConstant(b, count), body);
  }
  void loop(Value from, Value to, llvm::function_ref<void(Value)> body) {
    emitLoop(b, from, to, 1, {}, [&](Value index, ValueRange) {
      body(index);
      return Values();
    });
  }

  /// Whether `value` lies in `[0, extent)`.
  Value isInside(Value value, int64_t extent) {
    // A negative number is a large one without a sign.
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, value,
                                 indexConstant(b, extent));
  }

  /// The input with its padding.
  void copyRows() {
    int64_t left = window.padsBegin[1];
    int64_t begin = std::clamp<int64_t>(left, 0, plan.copyColumns);
    int64_t end = std::clamp<int64_t>(left + window.input[1], begin, plan.copyColumns);
    loop(plan.copyRows, [&](Value row) {
      Value y = affine(b, add(b, affine(b, firstRow, window.strides[0], 0), row), 1,
                       -window.padsBegin[0]);
      auto to = [&](Value column) {
        Value pixel = add(b, affine(b, row, plan.copyColumns, 0), column);
        return affine(b, pixel, plan.copyElements, 0);
      };
      auto clear = [&](int64_t from, int64_t until) {
        if (from < until)
          loop(indexConstant(b, from), indexConstant(b, until),
               [&](Value column) { clearPixel(to(column)); });
      };
      emitIfElse(b, isInside(y, window.input[0]), [&](bool isRow) {
        if (!isRow)
          return clear(0, plan.copyColumns);
        clear(0, begin);
        if (plan.isPlain)
          copyPlain(y, begin - left, end - left, to(indexConstant(b, left)));
        else
          loop(indexConstant(b, begin), indexConstant(b, end),
               [&](Value column) { copyPixel(y, affine(b, column, 1, -left), to(column)); });
        clear(end, plan.copyColumns);
      });
    });
  }

  /// Copies columns `from` up to `until` of a row of plain data, whose column 0 goes to `to`:
  /// a vector of each channel at a time, or single elements of a short row.
  void copyPlain(Value y, int64_t from, int64_t until, Value to) {
    int64_t width = until - from, channels = tile.groupInputs, all = plan.copyElements;
    if (width < tile.lanes) {
      Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
      loop(indexConstant(b, from), indexConstant(b, until), [&](Value x) {
        for (int64_t channel = 0; channel < all; ++channel) {
          Value value = zero;
          if (channel < channels)
            value = memref::LoadOp::create(b, input,
                                           ValueRange{batch, indexConstant(b, channel), y, x});
          memref::StoreOp::create(b, value, copy,
                                  ValueRange{add(b, to, affine(b, x, all, channel))});
        }
      });
      return;
    }
    auto type = VectorType::get({tile.lanes}, element);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    auto copyColumns = [&](Value x) {
      Values parts;
      for (int64_t channel = 0; channel < all; ++channel)
        parts.push_back(
            channel < channels
                ? vector::LoadOp::create(b, type, input,
                                         ValueRange{batch, indexConstant(b, channel), y, x})
                      .getResult()
                : zero);
      Value low = concat({parts[0], parts[1]}), high = concat({parts[2], parts[3]});
      SmallVector<int64_t> order;
      for (int64_t lane = 0; lane < tile.lanes; ++lane)
        for (int64_t channel = 0; channel < all; ++channel)
          order.push_back(channel * tile.lanes + lane);
      vector::StoreOp::create(b, vector::ShuffleOp::create(b, low, high, order), copy,
                              ValueRange{add(b, to, affine(b, x, all, 0))});
    };
    int64_t whole = width / tile.lanes * tile.lanes;
    emitLoop(b, indexConstant(b, from), indexConstant(b, from + whole), tile.lanes, {},
             [&](Value x, ValueRange) {
               copyColumns(x);
               return Values();
             });
    // The last vector copies some columns again.
    if (whole < width)
      copyColumns(indexConstant(b, until - tile.lanes));
  }

  /// The inputs of all positions of the kernel, for each output pixel.
  void copyWindows() {
    loop(indexConstant(b, 0), stripRows, [&](Value row) {
      loop(plan.columns, [&](Value column) {
        Value pixel = add(b, affine(b, row, plan.columns, 0), column);
        Value first = affine(b, pixel, plan.copyElements, 0);
        loop(window.kernel[0], [&](Value i) {
          loop(window.kernel[1], [&](Value j) {
            Value position = add(b, affine(b, i, window.kernel[1], 0), j);
            Value to = add(b, first, affine(b, position, plan.copiedChannels(), 0));
            Value y = locate(add(b, firstRow, row), i, 0), x = locate(column, j, 1);
            auto covers = [&](int64_t dim) {
              return window.padsBegin[dim] == 0 &&
                     window.lastPosition(dim) < window.input[dim];
            };
            if (covers(0) && covers(1))
              return copyPixel(y, x, to);
            Value isPixel = arith::AndIOp::create(b, isInside(y, window.input[0]),
                                                  isInside(x, window.input[1]));
            emitIfElse(b, isPixel,
                       [&](bool inside) { inside ? copyPixel(y, x, to) : clearPixel(to); });
          });
        });
      });
    });
  }

  /// The input coordinate that output `coordinate` reads at `position` of the kernel.
  Value locate(Value coordinate, Value position, int64_t dim) {
    Value first = affine(b, coordinate, window.strides[dim], -window.padsBegin[dim]);
    return add(b, first, affine(b, position, window.dilations[dim], 0));
  }

  /// Copies the channels of a pixel, a chunk at a time.
  void copyPixel(Value y, Value x, Value to) {
    int64_t blocks = llvm::divideCeil(tile.groupInputs, tile.lanes);
    int64_t chunkBlocks = tile.inputChunk / tile.lanes;
    // Lanes past the last channel may be anything, and in bf16 not even a number.
    int64_t last = element.isBF16() ? tile.groupInputs % tile.lanes : 0;
    auto type = VectorType::get({tile.lanes}, element);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    Value firstBlock = affine(b, group, blocks, 0);
    auto copyChunk = [&](Value chunk, int64_t present, bool isLast) {
      Values parts;
      for (int64_t i = 0; i < chunkBlocks; ++i) {
        if (i >= present) {
          parts.push_back(zero);
          continue;
        }
        Value block = add(b, firstBlock, affine(b, chunk, chunkBlocks, i));
        Values indices = {batch, block, y, x, indexConstant(b, 0)};
        Value part = vector::LoadOp::create(b, type, input, indices);
        if (isLast && last && i + 1 == present) {
          SmallVector<bool> bits(tile.lanes, false);
          std::fill_n(bits.begin(), last, true);
          Value mask = arith::ConstantOp::create(
              b, DenseElementsAttr::get(VectorType::get({tile.lanes}, b.getI1Type()), bits));
          part = arith::SelectOp::create(b, mask, part, zero);
        }
        parts.push_back(part);
      }
      vector::StoreOp::create(b, concat(parts), copy,
                              ValueRange{add(b, to, affine(b, chunk, tile.inputChunk, 0))});
    };
    int64_t partial = blocks % chunkBlocks;
    int64_t whole = (blocks - partial) / chunkBlocks - (last && !partial ? 1 : 0);
    if (whole > 0)
      loop(whole, [&](Value chunk) { copyChunk(chunk, chunkBlocks, false); });
    if (whole < tile.inputChunks)
      copyChunk(indexConstant(b, whole), partial ? partial : chunkBlocks, true);
  }

  void clearPixel(Value to) {
    auto type = VectorType::get({tile.inputChunk}, element);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    loop(tile.inputChunks, [&](Value chunk) {
      vector::StoreOp::create(b, zero, copy,
                              ValueRange{add(b, to, affine(b, chunk, tile.inputChunk, 0))});
    });
  }

  /// One vector of vectors that all have the same length.
  Value concat(Values parts) {
    while (parts.size() > 1) {
      Values pairs;
      for (size_t i = 0; i + 1 < parts.size(); i += 2) {
        int64_t lanes = cast<VectorType>(parts[i].getType()).getNumElements() +
                        cast<VectorType>(parts[i + 1].getType()).getNumElements();
        pairs.push_back(vector::ShuffleOp::create(
            b, parts[i], parts[i + 1], llvm::to_vector(llvm::seq<int64_t>(0, lanes))));
      }
      if (parts.size() % 2)
        pairs.push_back(parts.back());
      parts = pairs;
    }
    return parts.front();
  }

  //===--------------------------------------------------------------------===//
  // Tiles
  //===--------------------------------------------------------------------===//

  /// How many inputs of a pixel a step multiplies: a chunk, or a row of the kernel.
  int64_t stepInputs() const {
    return tile.inputChunk * (plan.isPlain ? window.kernel[1] : 1);
  }

  void multiply() {
    // The sums behind a row's last pixel are of no use; those behind the last row are left
    // out.
    int64_t unused = plan.columns - window.output[1];
    Value count = affine(b, stripRows, plan.columns, -unused);
    // The epilogue of a register tile comes after the next tile's products, which are computed
    // at the same time.
    Value end = affine(b, count, 1, tile.pixels), zero = indexConstant(b, 0);
    auto compare = [&](arith::CmpIPredicate predicate, Value lhs, Value rhs) {
      return arith::CmpIOp::create(b, predicate, lhs, rhs);
    };
    emitLoop(b, zero, end, tile.pixels, {}, [&](Value first, ValueRange) {
      Value left = arith::SubIOp::create(b, count, first);
      if (plan.isPlain) {
        // The columns that are left in the row.
        Value column = arith::RemUIOp::create(b, first, indexConstant(b, plan.columns));
        column = arith::SubIOp::create(b, indexConstant(b, window.output[1]), column);
        left = arith::SelectOp::create(b, compare(arith::CmpIPredicate::sgt, left, zero),
                                       column, left);
      }
      emitIf(b, compare(arith::CmpIPredicate::sgt, left, zero), [&] {
        Value isLong = compare(arith::CmpIPredicate::sgt, left, indexConstant(b, kTileRows));
        emitIfElse(b, isLong, [&](bool both) { multiplyTile(first, both ? 2 : 1); });
      });
      emitIf(b, compare(arith::CmpIPredicate::sgt, first, zero), [&] {
        Value before = affine(b, first, 1, -tile.pixels);
        store(before, arith::MinSIOp::create(b, arith::SubIOp::create(b, count, before),
                                             indexConstant(b, tile.pixels)));
      });
      return Values();
    });
  }

  /// The first row of the sums of the register tile at pixel `first` of the strip: tiles take
  /// turns in two places.
  Value sumRow(Value first) {
    return arith::AndIOp::create(b, first, indexConstant(b, tile.pixels));
  }

  /// Computes the sums of `tiles` tiles of pixels, from pixel `first` of the strip on.
  void multiplyTile(Value first, int64_t tiles) {
    Value channels = add(b, affine(b, group, tile.outputTiles, 0), outputTile);
    registers.start(tiles, bias ? add(b, registers.address(bias),
                                      affine(b, channels, tile.tileLanes() * 4, 0))
                                : Value());
    int64_t positions = llvm::product_of(window.kernel);
    int64_t pixelBytes = plan.sumElements * elementBytes;
    int64_t chunkBytes = tile.inputChunk * elementBytes;
    int64_t weightBytes = tile.inputChunk / registers.getDotInputs() * registers.weightBytes();
    Value place = affine(b, first, pixelBytes, 0);
    if (plan.isPlain) {
      Values position = delinearize(b, first, {plan.copyRows, plan.columns});
      int64_t rowBytes = plan.copyColumns * plan.copyElements * elementBytes;
      place = add(b, affine(b, position[0], window.strides[0] * rowBytes, 0),
                  affine(b, position[1], pixelBytes, 0));
    }
    Value inputs = add(b, registers.address(copy), place);
    Value weights = add(b, registers.address(filter),
                        affine(b, channels, tile.inputChunks * positions * weightBytes, 0));
    loop(tile.inputChunks, [&](Value chunk) {
      Value chunkInputs = add(b, inputs, affine(b, chunk, chunkBytes, 0));
      Value chunkWeights = add(b, weights, affine(b, chunk, positions * weightBytes, 0));
      loop(window.kernel[0], [&](Value i) {
        loop(plan.isPlain ? 1 : window.kernel[1], [&](Value j) {
          Value position = add(b, affine(b, i, window.kernel[1], 0), j);
          Value pixel = add(b, affine(b, i, plan.copyColumns * window.dilations[0], 0),
                            affine(b, j, window.dilations[1], 0));
          Value offset = plan.shifts
                             ? affine(b, pixel, plan.copyElements * elementBytes, 0)
                             : affine(b, position, plan.copiedChannels() * elementBytes, 0);
          Value from = add(b, chunkInputs, offset);
          Value with = add(b, chunkWeights, affine(b, position, weightBytes, 0));
          prefetch(first, add(b, affine(b, channels, tile.inputChunks, 0), chunk), position,
                   weightBytes);
          registers.multiply(tiles, from, indexConstant(b, pixelBytes), with);
        });
      });
    });
    registers.store(tiles, add(b, registers.address(sums),
                               affine(b, sumRow(first), tile.tileLanes() * 4, 0)));
  }

  /// Prefetches a share of what the next task loads in this step. Filters that do not stay in
  /// the L2 cache come from memory, and the tiles of sums of a small map would wait for them.
  void prefetch(Value first, Value chunk, Value position, int64_t weightBytes) {
    auto type = cast<MemRefType>(filter.getType());
    int64_t lines = weightBytes / kTileRowBytes, bytes = type.getNumElements() * elementBytes;
    int64_t sums = plan.stripRows * plan.columns;
    int64_t sharers = llvm::divideCeil(sums, tile.pixels);
    if (bytes < l2Bytes / 2 || sharers > lines)
      return;
    int64_t positions = llvm::product_of(window.kernel);
    Value step = add(b, affine(b, chunk, positions, 0), position);
    // Steps of the next tile of output channels.
    step = affine(b, step, weightBytes, tile.inputChunks * positions * weightBytes);
    int64_t share = llvm::divideCeil(lines, sharers);
    Value line = arith::DivUIOp::create(b, first, indexConstant(b, tile.pixels));
    Value from = add(b, step, affine(b, line, share * kTileRowBytes, 0));
    Value flat = reshapeBuffer(b, filter, {type.getNumElements()});
    for (int64_t i = 0; i < share; ++i) {
      Value byte = affine(b, from, 1, i * kTileRowBytes);
      Value index = arith::DivUIOp::create(b, byte, indexConstant(b, elementBytes));
      memref::PrefetchOp::create(b, flat, index, /*isWrite=*/false, /*localityHint=*/2,
                                 /*isDataCache=*/true);
    }
  }

  /// Runs the epilogue on the sums of `count` pixels from pixel `first` of the strip on.
  void store(Value first, Value count) {
    int64_t vectors = llvm::divideCeil(tile.groupOutputs, tile.lanes);
    Value firstVector = affine(b, outputTile, tile.blocks, 0), firstSums = sumRow(first);
    auto storeVector = [&](int64_t block, Value pixel, Value y, Value x) {
      Value vector = add(b, affine(b, group, vectors, block), firstVector);
      Value value = vector::LoadOp::create(
          b, registers.getSumType(), sums,
          ValueRange{add(b, firstSums, pixel), indexConstant(b, block * tile.lanes)});
      ConvOperands::store(b, op, region, value, {batch, vector, y, x, indexConstant(b, 0)});
    };
    loop(indexConstant(b, 0), count, [&](Value pixel) {
      Value place = add(b, first, pixel), columns = indexConstant(b, plan.columns);
      Value x = arith::RemUIOp::create(b, place, columns);
      Value y = add(b, firstRow, arith::DivUIOp::create(b, place, columns));
      auto storeAll = [&] {
        for (int64_t block = 0; block < tile.blocks; ++block) {
          if (vectors % tile.blocks == 0 || block < vectors % tile.blocks) {
            storeVector(block, pixel, y, x);
            continue;
          }
          // The last tile may have vectors that the output lacks.
          Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                               affine(b, firstVector, 1, block),
                                               indexConstant(b, vectors));
          emitIf(b, exists, [&] { storeVector(block, pixel, y, x); });
        }
      };
      if (plan.columns == window.output[1])
        return storeAll();
      emitIf(b, isInside(x, window.output[1]), storeAll);
    });
  }

  ImplicitLocOpBuilder &b;
  ConvOpInterface op;
  TileProductPlan plan;
  const ConvTile &tile;
  ConvWindow window;
  EpilogueRegion region;
  /// The type of inputs and weights.
  Type element;
  TileRegisters registers;
  int64_t elementBytes;
  int64_t l2Bytes;
  Value scratch, copy, sums;
  /// The first output row of the strip, and their number.
  Value batch, firstRow, stripRows, group, outputTile;
};

struct TileProductConvFamily : KernelFamily {
  StringRef getName() const override { return "tile_product_conv"; }
  bool matches(Operation *op, TargetAttr) const override {
    return isa<ConvOpInterface>(op) && isScheduledAs(op, Algorithm::tile_product);
  }
  int64_t countTasks(Operation *op, TargetAttr) const override {
    return TileProductConv::countTasks(cast<ConvOpInterface>(op));
  }
  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    TileProductConv(b, cast<ConvOpInterface>(op), operands, target).build(task);
    return success();
  }
};

} // namespace

void convoy::cpu::addTileProductConvKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<TileProductConvFamily>());
}
