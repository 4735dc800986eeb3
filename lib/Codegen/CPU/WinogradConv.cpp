//===- WinogradConv.cpp - Convolution by minimal filtering ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A task is one strip of output tiles for one tile of output channels. Tasks of a strip
// follow each other, and the first that a thread runs transforms the strip's input into
// scratch memory:
//
//   V [product][I block][tile][lane]     the transformed input of a strip
//   M [product][O block][tile][lane]     the products of one task
//
// Then each product is a matrix product of filters (U) and V in register tiles, and the
// output transform, with the epilogue, reads M while it is in cache. See
// convoy/Analysis/WinogradTransform.h for the transforms.
//
// For integers, V and U are i16, and M is i32. The matrix product multiplies pairs of input
// channels (see LayerProduct), and a shift divides the results by four.
//
// If filters are stored compactly, a task transforms them itself, some blocks of input
// channels at a time, into
//
//   U [I of the chunk][block of the tile][product][lane]
//
// and adds the products of each such chunk to M.
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/WinogradPlan.h"
#include "convoy/Analysis/WinogradTransform.h"
#include "convoy/Codegen/CPU/EpilogueRegion.h"
#include "convoy/Codegen/CPU/LayerProduct.h"
#include "convoy/Codegen/CPU/PixelTile.h"
#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Codegen/Common/TileTransform.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

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

/// Writes one task of a Winograd convolution.
class WinogradConv : ConvOperands {
public:
  WinogradConv(ImplicitLocOpBuilder &b, ConvOpInterface op, ValueRange operands,
               TargetAttr target)
      : ConvOperands(op, operands), b(b), op(op), plan(getWinogradPlan(op)),
        tile(plan.channels),
        transform(op.isInteger() ? getIntegerWinogradTransform()
                                 : getWinogradTransform(plan.outputs, plan.taps)),
        layout(plan), step(b, op, target, tile.lanes), region(b, op, epilogueInputs),
        vectorType(step.getSumType()),
        inputType(op.isInteger() ? vectorType.clone(op.getInputType().getElementType())
                                 : vectorType),
        scratch(operands.back()) {
    filter = step.flattenFilter(filter);
  }

  static int64_t countTasks(const WinogradPlan &plan) {
    return plan.strips * plan.channels.groups * plan.channels.outputTiles;
  }

  void build(Value task) {
    Values indices = delinearize(b, task, {plan.strips, tile.groups, tile.outputTiles});
    strip = indices[0];
    group = indices[1];
    outputTile = indices[2];
    transformed = viewScratch(0, plan.products(), layout.inputPlane, inputType);
    products = viewScratch(layout.input, plan.products(), layout.productPlane, vectorType);
    emitIfElse(b, isFirstOfShared(b, task, outputTile), [&](bool taken) {
      if (taken)
        forStripTiles([&](int64_t count) { transformInput(count); });
    });
    forStripTiles([&](int64_t count) {
      if (plan.compact)
        multiplyChunks(count);
      else
        multiply(count, {indexConstant(b, 0), wholeBlocks(), partialChannels(), false});
    });
    forStripTiles([&](int64_t count) { transformOutput(count); });
  }

private:
  /// Scratch memory for planes of elements of vectors of `vector`, from the float at `offset`
  /// on.
  Value viewScratch(int64_t offset, int64_t planes, int64_t plane, VectorType vector) {
    auto type = MemRefType::get({planes, plane}, vector.getElementType());
    return memref::ViewOp::create(
        b, type, scratch, indexConstant(b, offset * int64_t(sizeof(float))), ValueRange());
  }

  /// Emits `body` for the number of tiles of the strip: the last strip may have fewer.
  void forStripTiles(llvm::function_ref<void(int64_t)> body) {
    int64_t last = plan.tiles - (plan.strips - 1) * plan.stripTiles;
    if (last == plan.stripTiles)
      return body(last);
    emitIfElse(b, isLast(b, strip, plan.strips),
               [&](bool isShort) { body(isShort ? last : plan.stripTiles); });
  }

  struct Position {
    Value image, row, column;
  };
  /// The image, and the first output row and column, of a tile of the strip.
  Position locate(Value stripTile) {
    Value index = add(b, affine(b, strip, plan.stripTiles, 0), stripTile);
    Values indices = delinearize(
        b, index,
        {plan.tiles / (plan.tileRows * plan.tileColumns), plan.tileRows, plan.tileColumns});
    return {indices[0], affine(b, indices[1], plan.outputs, 0),
            affine(b, indices[2], plan.outputs, 0)};
  }

  Value both(Value lhs, Value rhs) { return arith::AndIOp::create(b, lhs, rhs); }
  Value isAtLeast(Value value, int64_t bound) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::sge, value, indexConstant(b, bound));
  }
  Value isAtMost(Value value, int64_t bound) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::sle, value, indexConstant(b, bound));
  }
  /// Whether `[value, value + count)` lies in `[0, extent)`.
  Value isInside(Value value, int64_t count, int64_t extent) {
    return both(isAtLeast(value, 0), isAtMost(value, extent - count));
  }

  void loop(int64_t count, llvm::function_ref<void(Value)> body) {
    emitLoop(b, count, {}, [&](Value index, ValueRange) {
      body(index);
      return Values();
    });
  }

  /// Integers keep their type, floats become f32.
  Value load(Value buffer, ValueRange indices) {
    Type element = cast<MemRefType>(buffer.getType()).getElementType();
    return loadAs(b, isComputedInF32(element) ? vectorType : vectorType.clone(element), buffer,
                  indices);
  }

  Value tileBuffer(int64_t extent, VectorType vector) {
    return emitScratch(b,
                       MemRefType::get({extent, extent, tile.lanes}, vector.getElementType()));
  }

  void transformInput(int64_t count) {
    ArrayRef<int64_t> extents = op.getInputType().getShape();
    Value zero = indexConstant(b, 0);
    Value border = tileBuffer(plan.extent, inputType);
    loop(tile.inputChunks, [&](Value chunk) {
      Value channelBlock = add(b, affine(b, group, tile.inputChunks, 0), chunk);
      loop(count, [&](Value stripTile) {
        Position position = locate(stripTile);
        Value row = affine(b, position.row, 1, -op.getWindow().getPadsBegin()[0]);
        Value column = affine(b, position.column, 1, -op.getWindow().getPadsBegin()[1]);
        Value to =
            affine(b, add(b, affine(b, chunk, plan.stripTiles, 0), stripTile), tile.lanes, 0);
        auto write = [&](int64_t i, int64_t j, Value value) {
          vector::StoreOp::create(b, value, transformed,
                                  ValueRange{indexConstant(b, i * plan.extent + j), to});
        };
        Value inside = both(isInside(row, plan.extent, extents[2]),
                            isInside(column, plan.extent, extents[3]));
        emitIfElse(b, inside, [&](bool isInterior) {
          if (isInterior)
            return emitTileTransform(
                b, inputType, transform.input,
                [&](int64_t i, int64_t j) {
                  return load(input, {position.image, channelBlock, affine(b, row, 1, i),
                                      affine(b, column, 1, j), zero});
                },
                write);
          loop(plan.extent, [&](Value i) {
            loop(plan.extent, [&](Value j) {
              Value y = add(b, row, i), x = add(b, column, j);
              auto read = scf::IfOp::create(
                  b, both(isInside(y, 1, extents[2]), isInside(x, 1, extents[3])),
                  [&](OpBuilder &, Location) {
                    scf::YieldOp::create(
                        b, load(input, {position.image, channelBlock, y, x, zero}));
                  },
                  [&](OpBuilder &, Location) {
                    scf::YieldOp::create(b, zeroVector(b, inputType));
                  });
              vector::StoreOp::create(b, read.getResult(0), border, ValueRange{i, j, zero});
            });
          });
          emitTileTransform(
              b, inputType, transform.input,
              [&](int64_t i, int64_t j) {
                return load(border, {indexConstant(b, i), indexConstant(b, j), zero});
              },
              write);
        });
      });
    });
  }

  /// Blocks of input channels whose products are computed at a time.
  struct InputBlocks {
    Value first;
    /// The number of full blocks, and of channels in one more block that is not full.
    int64_t whole, partial;
    /// Whether M already has the products of the blocks before.
    bool adds;
  };

  /// The number of full blocks of input channels, and of channels in the one that is not full.
  int64_t wholeBlocks() const { return tile.inputChunks - (partialChannels() ? 1 : 0); }
  int64_t partialChannels() const { return tile.groupInputs % tile.inputChunk; }

  /// Transforms filters, one chunk of input channels at a time, and sums up the products in M.
  void multiplyChunks(int64_t count) {
    filters = viewScratch(layout.input + layout.product, plan.filterChunk * tile.inputChunk,
                          layout.filterPlane, vectorType);
    auto multiplyChunk = [&](const InputBlocks &inputs) {
      transformFilters(affine(b, inputs.first, tile.inputChunk, 0),
                       inputs.whole * tile.inputChunk + inputs.partial);
      multiply(count, inputs);
    };
    int64_t size = plan.filterChunk, chunks = wholeBlocks() / size;
    if (chunks > 0)
      multiplyChunk({indexConstant(b, 0), size, 0, /*adds=*/false});
    if (chunks > 1)
      loop(chunks - 1, [&](Value chunk) {
        multiplyChunk({affine(b, chunk, size, size), size, 0, /*adds=*/true});
      });
    int64_t done = chunks * size;
    if (done * tile.inputChunk < tile.groupInputs)
      multiplyChunk({indexConstant(b, done), wholeBlocks() - done, partialChannels(),
                     /*adds=*/done > 0});
  }

  /// Writes U for `channels` input channels from `first` on.
  void transformFilters(Value first, int64_t channels) {
    loop(channels, [&](Value channel) {
      loop(tile.blocks, [&](Value block) {
        Value lane = affine(b, block, tile.lanes, 0);
        Value to = affine(b, block, plan.products() * tile.lanes, 0);
        emitTileTransform(
            b, vectorType, transform.filter,
            [&](int64_t i, int64_t j) {
              return loadAs(b, vectorType, filter,
                            {group, outputTile, add(b, first, channel),
                             indexConstant(b, i * plan.taps + j), lane});
            },
            [&](int64_t i, int64_t j, Value value) {
              vector::StoreOp::create(
                  b, value, filters,
                  ValueRange{channel, affine(b, to, 1, (i * plan.extent + j) * tile.lanes)});
            });
      });
    });
  }

  void multiply(int64_t count, const InputBlocks &inputs) {
    // Register tiles of almost equal size, since a small one is slow.
    int64_t tiles = llvm::divideCeil(count, tile.pixels);
    int64_t size = count / tiles, larger = count % tiles;
    registerTiles = tiles;
    loop(plan.products(), [&](Value product) {
      multiplyTiles(inputs, product, 0, larger, size + 1, 0);
      multiplyTiles(inputs, product, larger * (size + 1), tiles - larger, size, larger);
    });
  }

  /// Multiplies `count` register tiles of `size` Winograd tiles each, from tile `start` of the
  /// strip on. `before` register tiles of the strip precede them.
  void multiplyTiles(const InputBlocks &inputs, Value product, int64_t start, int64_t count,
                     int64_t size, int64_t before) {
    if (count == 0)
      return;
    loop(count, [&](Value index) {
      Value first = affine(b, affine(b, index, size, start), tile.lanes, 0);
      auto place = [&](int64_t block, int64_t i) {
        return Values{product,
                      affine(b, first, 1, (block * plan.stripTiles + i) * tile.lanes)};
      };
      Values sums(tile.blocks * size, zeroVector(b, vectorType));
      if (inputs.adds)
        for (int64_t block = 0; block < tile.blocks; ++block)
          for (int64_t i = 0; i < size; ++i)
            sums[block * size + i] = load(products, place(block, i));
      Values prefetched = prefetchedElements(product, affine(b, index, 1, before));
      auto body = [&](Value chunk, int64_t channels, ValueRange carried) {
        Value from = add(
            b, affine(b, add(b, inputs.first, chunk), plan.stripTiles * tile.lanes, 0), first);
        Value first = affine(b, chunk, tile.inputChunk / step.getInputs(), 0);
        int64_t steps = llvm::divideCeil(channels, step.getInputs());
        Values next = emitLoop(b, steps, carried, [&](Value index, ValueRange values) {
          Value lane = affine(b, index, step.getInputs(), 0);
          return buildStep(inputs, product, add(b, first, index), add(b, from, lane), size,
                           prefetched, values);
        });
        keepRolled(next);
        return next;
      };
      if (inputs.whole > 0)
        sums = emitLoop(b, inputs.whole, sums, [&](Value chunk, ValueRange carried) {
          return body(chunk, tile.inputChunk, carried);
        });
      if (inputs.partial)
        sums = body(indexConstant(b, inputs.whole), inputs.partial, sums);
      for (int64_t block = 0; block < tile.blocks; ++block)
        for (int64_t i = 0; i < size; ++i)
          vector::StoreOp::create(b, sums[block * size + i], products, place(block, i));
    });
  }

  /// Which elements of the filters a register tile prefetches with each step: some of the
  /// step's row in the next product or, with compact filters, of the same channel in the next
  /// chunk. The cache lines are shared out among the register tiles and, with compact
  /// filters, among all products of the chunk.
  Values prefetchedElements(Value product, Value registerTile) {
    auto type = cast<MemRefType>(filter.getType());
    int64_t line = 64 * 8 / type.getElementTypeBitWidth();
    int64_t rows = plan.compact ? plan.taps * plan.taps : 1;
    int64_t lines = llvm::divideCeil(rows * tile.tileLanes() * step.getInputs(), line);
    int64_t sharers = registerTiles * (plan.compact ? plan.products() : 1);
    if (plan.compact)
      registerTile = add(b, affine(b, product, registerTiles, 0), registerTile);
    int64_t share = llvm::divideCeil(lines, sharers);
    Values elements;
    for (int64_t i = 0; i < share; ++i)
      elements.push_back(affine(b,
                                arith::RemUIOp::create(b, affine(b, registerTile, share, i),
                                                       indexConstant(b, lines)),
                                line, 0));
    return elements;
  }

  /// Adds the products of step `channel`, which is one input channel or a dot: `blocks`
  /// vectors of filters times a broadcast for each tile.
  Values buildStep(const InputBlocks &inputs, Value product, Value channel, Value from,
                   int64_t size, ArrayRef<Value> prefetched, ValueRange sums) {
    Values weights;
    for (int64_t block = 0; block < tile.blocks; ++block) {
      weights.push_back(
          plan.compact ? load(filters, {channel, affine(b, product, tile.lanes,
                                                        block * plan.products() * tile.lanes)})
                       : step.loadWeights(filter, {group, outputTile, product, channel,
                                                   indexConstant(b, block * tile.lanes)}));
    }
    for (Value element : prefetched) {
      Values indices = {group, outputTile, affine(b, product, 1, 1), channel, element};
      if (plan.compact) {
        Value next =
            affine(b, inputs.first, tile.inputChunk, plan.filterChunk * tile.inputChunk);
        indices = {group, outputTile, add(b, next, channel), indexConstant(b, 0), element};
      }
      memref::PrefetchOp::create(b, filter, indices, /*isWrite=*/false, /*localityHint=*/2,
                                 /*isDataCache=*/true);
    }
    Values next(sums);
    for (int64_t i = 0; i < size; ++i) {
      Value element =
          step.broadcast(transformed, {product, affine(b, from, 1, i * tile.lanes)});
      for (int64_t block = 0; block < tile.blocks; ++block) {
        Value &sum = next[block * size + i];
        sum = step.add(sum, element, weights[block]);
      }
    }
    return next;
  }

  void transformOutput(int64_t count) {
    ArrayRef<int64_t> extents = op.getOutputType().getShape();
    bool always = extents[2] % plan.outputs == 0 && extents[3] % plan.outputs == 0;
    // The code of a region is written once, in a loop over the tile's pixels.
    bool loops = region.exists();
    Value border = always && !loops ? Value() : tileBuffer(plan.outputs, vectorType);
    Value zero = indexConstant(b, 0);
    Value firstBlock = add(b, affine(b, group, tile.outputBlocks(), 0),
                           affine(b, outputTile, tile.blocks, 0));
    loop(tile.blocks, [&](Value block) {
      Value channelBlock = add(b, firstBlock, block);
      Value start = bias ? load(bias, {affine(b, channelBlock, tile.lanes, 0)}) : Value();
      loop(count, [&](Value stripTile) {
        Position position = locate(stripTile);
        Value from =
            affine(b, add(b, affine(b, block, plan.stripTiles, 0), stripTile), tile.lanes, 0);
        auto read = [&](int64_t i, int64_t j) {
          return load(products, {indexConstant(b, i * plan.extent + j), from});
        };
        auto transformTile = [&](llvm::function_ref<void(int64_t, int64_t, Value)> write) {
          emitTileTransform(b, vectorType, transform.output, read, write);
        };
        auto store = [&](Value i, Value j, Value value) {
          Values indices = {position.image, channelBlock, add(b, position.row, i),
                            add(b, position.column, j), zero};
          ConvOperands::store(b, op, region, finish(value, start), indices);
        };
        auto storeAll = [&] {
          transformTile([&](int64_t i, int64_t j, Value value) {
            store(indexConstant(b, i), indexConstant(b, j), value);
          });
        };
        auto storeInLoops = [&](Value rows, Value columns) {
          transformTile([&](int64_t i, int64_t j, Value value) {
            vector::StoreOp::create(
                b, value, border, ValueRange{indexConstant(b, i), indexConstant(b, j), zero});
          });
          emitLoop(b, zero, rows, 1, {}, [&](Value i, ValueRange) {
            emitLoop(b, zero, columns, 1, {}, [&](Value j, ValueRange) {
              store(i, j, load(border, {i, j, zero}));
              return Values();
            });
            return Values();
          });
        };
        if (always && !loops)
          return storeAll();
        if (always)
          return storeInLoops(indexConstant(b, plan.outputs), indexConstant(b, plan.outputs));
        auto left = [&](Value first, int64_t extent) {
          return Value(arith::MinSIOp::create(
              b, indexConstant(b, plan.outputs),
              arith::SubIOp::create(b, indexConstant(b, extent), first)));
        };
        Value rows = left(position.row, extents[2]),
              columns = left(position.column, extents[3]);
        if (loops)
          return storeInLoops(rows, columns);
        Value whole = both(isAtMost(position.row, extents[2] - plan.outputs),
                           isAtMost(position.column, extents[3] - plan.outputs));
        emitIfElse(b, whole, [&](bool isWhole) {
          if (isWhole)
            storeAll();
          else
            storeInLoops(rows, columns);
        });
      });
    });
  }

  /// The sum of a pixel, from the result of the transform, and the bias.
  Value finish(Value value, Value start) {
    if (!op.isInteger())
      return start ? arith::AddFOp::create(b, value, start).getResult() : value;
    Value two = arith::ConstantOp::create(
        b, DenseElementsAttr::get(vectorType, b.getI32IntegerAttr(2)));
    value = arith::ShRSIOp::create(b, value, two);
    return start ? arith::AddIOp::create(b, value, start).getResult() : value;
  }

  ImplicitLocOpBuilder &b;
  ConvOpInterface op;
  WinogradPlan plan;
  const ConvTile &tile;
  WinogradTransform transform;
  WinogradScratch layout;
  LayerProduct step;
  EpilogueRegion region;
  /// Vectors of sums and of inputs.
  VectorType vectorType, inputType;
  /// Register tiles of the strip, for one output tile and product.
  int64_t registerTiles = 0;
  Value scratch, strip, group, outputTile, transformed, products, filters;
};

struct WinogradConvFamily : KernelFamily {
  StringRef getName() const override { return "winograd_conv"; }
  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::winograd_2x2) ||
           isScheduledAs(op, Algorithm::winograd_4x4) ||
           isScheduledAs(op, Algorithm::winograd_4x4_compact);
  }
  int64_t countTasks(Operation *op, TargetAttr) const override {
    return WinogradConv::countTasks(getWinogradPlan(cast<ConvOpInterface>(op)));
  }
  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    WinogradConv(b, cast<ConvOpInterface>(op), operands, target).build(task);
    return success();
  }
};

} // namespace

void convoy::cpu::addWinogradConvKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<WinogradConvFamily>());
}
