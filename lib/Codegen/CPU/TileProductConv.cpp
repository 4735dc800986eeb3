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
//   [row][column][I]               if positions of the kernel shift the copy
//   [output pixel][position][I]    otherwise
//
// A register tile is 32 pixels by up to 32 output channels: up to four tiles of sums. A step
// loads two tiles of inputs, with a pixel in each row, and two of weights, and multiplies each
// pair. The sums go to memory, from where vectors of channels take the epilogue's way.
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/CPU/EpilogueRegion.h"
#include "convoy/Codegen/CPU/PixelTile.h"
#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Machine/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// The numbers of the tile registers: sums [pixels][channels], inputs and weights.
constexpr int64_t kSums = 0, kInputs = 4, kWeights = 6, kTiles = 8;

/// Writes one task of a convolution by products of tiles.
class TileProductConv : ConvOperands {
public:
  TileProductConv(ImplicitLocOpBuilder &b, ConvOpInterface op, ValueRange operands,
                  TargetAttr target)
      : ConvOperands(op, operands), b(b), op(op), plan(op, op.getScheduleAttr()),
        tile(plan.channels), window(getConvWindow(op)), region(b, op, epilogueInputs),
        element(op.getScheduleAttr().getFilter().getType().getElementType()),
        elementBytes(element.getIntOrFloatBitWidth() / 8), dotInputs(op.getStepInputs()),
        sumType(VectorType::get({tile.lanes},
                                op.isInteger() ? Type(b.getI32Type()) : Type(b.getF32Type()))),
        product(findTileInstruction(target, op.isInteger() ? DotType::u8 : DotType::bf16)),
        scratch(operands.back()) {
    assert(product && "a schedule that no kernel follows");
  }

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
    sums = memref::ViewOp::create(
        b, MemRefType::get({2 * tile.pixels, tile.tileLanes()}, sumType.getElementType()),
        scratch, indexConstant(b, plan.copyBytes), ValueRange());
    emitIf(b, isFirstOfShared(b, task, outputTile),
           [&] { plan.shifts ? copyRows() : copyWindows(); });
    configure();
    multiply();
    call(kTileRelease, {});
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
    int64_t begin = std::clamp<int64_t>(left, 0, plan.columns);
    int64_t end = std::clamp<int64_t>(left + window.input[1], begin, plan.columns);
    loop(plan.rows, [&](Value row) {
      Value y = affine(b, add(b, firstRow, row), 1, -window.padsBegin[0]);
      auto to = [&](Value column) {
        Value pixel = add(b, affine(b, row, plan.columns, 0), column);
        return affine(b, pixel, plan.pixelElements, 0);
      };
      auto clear = [&](int64_t from, int64_t until) {
        if (from < until)
          loop(indexConstant(b, from), indexConstant(b, until),
               [&](Value column) { clearPixel(to(column)); });
      };
      emitIfElse(b, isInside(y, window.input[0]), [&](bool isRow) {
        if (!isRow)
          return clear(0, plan.columns);
        clear(0, begin);
        loop(indexConstant(b, begin), indexConstant(b, end),
             [&](Value column) { copyPixel(y, affine(b, column, 1, -left), to(column)); });
        clear(end, plan.columns);
      });
    });
  }

  /// The inputs of all positions of the kernel, for each output pixel.
  void copyWindows() {
    loop(indexConstant(b, 0), stripRows, [&](Value row) {
      loop(plan.columns, [&](Value column) {
        Value pixel = add(b, affine(b, row, plan.columns, 0), column);
        Value first = affine(b, pixel, plan.pixelElements, 0);
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

  void call(StringRef intrinsic, ValueRange operands) {
    LLVM::CallIntrinsicOp::create(b, b.getStringAttr(intrinsic), operands);
  }
  Value number(int64_t tileRegister) {
    return LLVM::ConstantOp::create(b, b.getI8Type(), b.getI8IntegerAttr(tileRegister));
  }
  /// The address of a buffer's first element.
  Value address(Value buffer) {
    return memref::ExtractAlignedPointerAsIndexOp::create(b, buffer);
  }
  Value pointer(Value address) {
    Value integer = arith::IndexCastOp::create(b, b.getI64Type(), address);
    return LLVM::IntToPtrOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), integer);
  }
  Value stride(int64_t bytes) {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(bytes));
  }
  void load(int64_t tileRegister, Value from, int64_t strideBytes) {
    call(kTileLoad, {number(tileRegister), pointer(from), stride(strideBytes)});
  }

  /// Says how many rows and bytes tiles have.
  void configure() {
    SmallVector<int8_t> bytes(64, 0);
    bytes[0] = 1; // The palette.
    for (int64_t i = 0; i < kTiles; ++i) {
      bool hasInputs = i >= kInputs && i < kWeights;
      // Two bytes for the bytes of a row, from byte 16 on; one for the rows, from byte 48 on.
      bytes[16 + 2 * i] = int8_t(hasInputs ? tile.inputChunk * elementBytes : kTileRowBytes);
      bytes[48 + i] = int8_t(i >= kWeights ? tile.inputChunk / dotInputs : kTileRows);
    }
    auto type = VectorType::get({64}, b.getI8Type());
    Value config = emitScratch(b, MemRefType::get({64}, b.getI8Type()));
    Value constant =
        arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<int8_t>(bytes)));
    vector::StoreOp::create(b, constant, config, ValueRange{indexConstant(b, 0)});
    call(kTileConfigure, {pointer(address(config))});
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
      emitIf(b, compare(arith::CmpIPredicate::sgt, left, zero), [&] {
        Value isLong = compare(arith::CmpIPredicate::sgt, left, indexConstant(b, kTileRows));
        emitIfElse(b, isLong, [&](bool both) { multiplyTile(first, both ? 2 : 1); });
      });
      emitIf(b, compare(arith::CmpIPredicate::sgt, first, zero), [&] {
        Value rows = arith::MinSIOp::create(b, affine(b, left, 1, tile.pixels),
                                            indexConstant(b, tile.pixels));
        store(affine(b, first, 1, -tile.pixels), rows);
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
    auto forEachSum = [&](llvm::function_ref<void(int64_t, int64_t, int64_t)> body) {
      for (int64_t i = 0; i < tiles; ++i)
        for (int64_t block = 0; block < tile.blocks; ++block)
          body(kSums + i * tile.blocks + block, i, block);
    };
    Value firstLane = affine(b, add(b, affine(b, group, tile.outputTiles, 0), outputTile),
                             tile.tileLanes() * 4, 0);
    forEachSum([&](int64_t sum, int64_t, int64_t block) {
      // All rows are the bias.
      if (bias)
        load(sum, affine(b, add(b, address(bias), firstLane), 1, block * kTileRowBytes), 0);
      else
        call(kTileClear, {number(sum)});
    });
    int64_t positions = llvm::product_of(window.kernel);
    int64_t pixelBytes = plan.pixelElements * elementBytes;
    int64_t chunkBytes = tile.inputChunk * elementBytes;
    int64_t weightRow = tile.tileLanes() * dotInputs * elementBytes;
    int64_t weightBytes = tile.inputChunk / dotInputs * weightRow;
    Value inputs = add(b, address(copy), affine(b, first, pixelBytes, 0));
    Value channels = add(b, affine(b, group, tile.outputTiles, 0), outputTile);
    Value weights = add(b, address(filter),
                        affine(b, channels, tile.inputChunks * positions * weightBytes, 0));
    loop(tile.inputChunks, [&](Value chunk) {
      Value chunkInputs = add(b, inputs, affine(b, chunk, chunkBytes, 0));
      Value chunkWeights = add(b, weights, affine(b, chunk, positions * weightBytes, 0));
      loop(window.kernel[0], [&](Value i) {
        loop(window.kernel[1], [&](Value j) {
          Value position = add(b, affine(b, i, window.kernel[1], 0), j);
          Value pixel = add(b, affine(b, i, plan.columns * window.dilations[0], 0),
                            affine(b, j, window.dilations[1], 0));
          Value offset = plan.shifts
                             ? affine(b, pixel, pixelBytes, 0)
                             : affine(b, position, plan.copiedChannels() * elementBytes, 0);
          Value from = add(b, chunkInputs, offset);
          Value with = add(b, chunkWeights, affine(b, position, weightBytes, 0));
          for (int64_t block = 0; block < tile.blocks; ++block)
            load(kWeights + block, affine(b, with, 1, block * kTileRowBytes), weightRow);
          for (int64_t tileOfPixels = 0; tileOfPixels < tiles; ++tileOfPixels)
            load(kInputs + tileOfPixels,
                 affine(b, from, 1, tileOfPixels * kTileRows * pixelBytes), pixelBytes);
          forEachSum([&](int64_t sum, int64_t tileOfPixels, int64_t block) {
            call(product->intrinsic,
                 {number(sum), number(kInputs + tileOfPixels), number(kWeights + block)});
          });
        });
      });
    });
    int64_t row = tile.tileLanes() * 4;
    Value base = add(b, address(sums), affine(b, sumRow(first), row, 0));
    forEachSum([&](int64_t sum, int64_t tileOfPixels, int64_t block) {
      Value to = affine(b, base, 1, tileOfPixels * kTileRows * row + block * kTileRowBytes);
      call(kTileStore, {number(sum), pointer(to), stride(row)});
    });
  }

  /// Runs the epilogue on the sums of `count` pixels from pixel `first` of the strip on.
  void store(Value first, Value count) {
    int64_t vectors = llvm::divideCeil(tile.groupOutputs, tile.lanes);
    Value firstVector = affine(b, outputTile, tile.blocks, 0), firstSums = sumRow(first);
    auto storeVector = [&](int64_t block, Value pixel, Value y, Value x) {
      Value vector = add(b, affine(b, group, vectors, block), firstVector);
      Value value = vector::LoadOp::create(
          b, sumType, sums,
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
  int64_t elementBytes, dotInputs;
  VectorType sumType;
  const TileInstruction *product;
  Value scratch, copy, sums;
  /// The first output row of the strip, and their number.
  Value batch, firstRow, stripRows, group, outputTile;
};

struct TileProductConvFamily : KernelFamily {
  StringRef getName() const override { return "tile_product_conv"; }
  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::tile_product);
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
