//===- Dense.cpp - Fully connected layers ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Rows are computed in groups that fill the registers. A group reads the packed filter front
// to back; with few rows that bounds the time, and a task is one tile of outputs.
//
// With more groups, a task is some groups for some tiles. It adds up a chunk of the inputs for
// all of them before the next chunk: so the chunk's filters stay in the cache for all groups,
// and a group's inputs for all tiles. Between chunks the sums are in the output; their terms
// have the same order as without chunks.
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/CPU/EpilogueRegion.h"
#include "convoy/Codegen/CPU/LayerProduct.h"
#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"
#include "convoy/Machine/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// Tasks that are enough to spread over the cores of one machine.
constexpr int64_t kEnoughTasks = 32;

/// How a layer is cut into tasks, each with `groups` groups of rows and `tiles` tiles of
/// outputs, and its inputs into chunks.
struct DensePlan {
  DensePlan(DenseOp op, TargetAttr target) : tile(getDenseTile(op)) {
    SmallVector<int64_t> shape = op.getLogicalFilterShape();
    outputs = shape[0];
    int64_t stepInputs = cast<ScheduledOpInterface>(*op).getStepInputs();
    depth = shape[1] / stepInputs;
    chunk = op.getScheduleAttr().getChunk() / stepInputs;
    rows = cast<ShapedType>(op.getInput().getType()).getDimSize(0);
    allGroups = groups = llvm::divideCeil(rows, tile.rows);
    if (chunk == 0) {
      chunk = depth;
      return;
    }
    // The inputs are read once for each block of tiles, the filters for each block of groups.
    FilterLayoutAttr filter = op.getScheduleAttr().getFilter();
    int64_t tileBytes =
        chunk * tile.tileLanes() * stepInputs * filter.getType().getElementTypeBitWidth() / 8;
    int64_t most = std::max<int64_t>(1, getCpu(target).l2Bytes / 4 / tileBytes);
    int64_t least = std::numeric_limits<int64_t>::max();
    int64_t wanted = std::min(kEnoughTasks, allGroups * tile.outputTiles);
    for (int64_t some = 1; some <= std::min(most, tile.outputTiles); ++some) {
      int64_t tileBlocks = llvm::divideCeil(tile.outputTiles, some);
      int64_t rowBlocks =
          std::min<int64_t>(allGroups, llvm::divideCeil(kEnoughTasks, tileBlocks));
      int64_t reads = rows * tileBlocks + outputs * rowBlocks;
      if (reads >= least || tileBlocks * rowBlocks < wanted)
        continue;
      least = reads;
      tiles = some;
      groups = llvm::divideCeil(allGroups, rowBlocks);
    }
  }

  int64_t rowBlocks() const { return llvm::divideCeil(allGroups, groups); }
  int64_t tileBlocks() const { return llvm::divideCeil(tile.outputTiles, tiles); }

  DenseTile tile;
  /// `depth` and `chunk` count steps, which multiply one input or a dot (see LayerProduct).
  int64_t outputs, depth, rows, allGroups, groups, tiles = 1, chunk;
};

/// Writes one task of a dense layer.
class DenseEmitter {
public:
  DenseEmitter(ImplicitLocOpBuilder &b, DenseOp op, ValueRange operands, const DensePlan &plan,
               TargetAttr target)
      : b(b), op(op), plan(plan), tile(plan.tile), input(operands[0]), filter(operands[1]),
        bias(op.getBias() ? operands[2] : Value()),
        count(op.getRows() ? operands[op.getBias() ? 3 : 2] : Value()),
        output(operands.back()), product(b, op, target, tile.lanes),
        vectorType(product.getSumType()),
        region(
            b, op,
            operands.slice((bias ? 3 : 2) + (count ? 1 : 0), op.getEpilogueInputs().size())) {
    filter = product.flattenFilter(filter);
  }

  void build(Value task) {
    // Neighbouring tasks share filters.
    Values at = delinearize(b, task, {plan.tileBlocks(), plan.rowBlocks()});
    if (count) {
      count = memref::LoadOp::create(b, count, ValueRange());
      count = arith::IndexCastOp::create(b, b.getIndexType(), count);
    }
    int64_t chunks = llvm::divideCeil(plan.depth, plan.chunk);
    emitLoop(b, chunks, {}, [&](Value number, ValueRange) {
      Chunk chunk;
      chunk.isFirst = isEqual(number, 0);
      chunk.isLast = isLast(b, number, chunks);
      chunk.begin = affine(b, number, plan.chunk, 0);
      chunk.end = getEnd(chunk.begin, plan.chunk, plan.depth);
      buildGroups(at[0], at[1], chunk);
      return Values();
    });
  }

private:
  /// The inputs from `begin` up to `end`.
  struct Chunk {
    Value begin, end, isFirst, isLast;
  };

  Value isEqual(Value value, int64_t number) {
    if (std::optional<int64_t> known = getConstantIntValue(value))
      return arith::ConstantOp::create(b, b.getBoolAttr(*known == number));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, value, indexConstant(b, number));
  }
  /// The end of a block of `size` that begins at `begin`, of `extent` in all.
  Value getEnd(Value begin, int64_t size, int64_t extent) {
    if (size >= extent)
      return indexConstant(b, extent);
    Value end = affine(b, begin, 1, size);
    if (extent % size == 0)
      return end;
    return arith::MinSIOp::create(b, end, indexConstant(b, extent));
  }

  /// Full groups of rows, then the rest.
  void buildGroups(Value tileBlock, Value rowBlock, const Chunk &chunk) {
    int64_t whole = plan.rows / tile.rows, rest = plan.rows % tile.rows;
    auto buildTiles = [&](Value firstRow, int64_t rows) {
      Value lower = affine(b, tileBlock, plan.tiles, 0);
      if (plan.tiles == 1)
        return buildTile(lower, firstRow, rows, chunk);
      Value upper = getEnd(lower, plan.tiles, tile.outputTiles);
      emitLoop(b, lower, upper, 1, {}, [&](Value outputTile, ValueRange) {
        buildTile(outputTile, firstRow, rows, chunk);
        return Values();
      });
    };
    auto buildGroup = [&](Value group, ValueRange) {
      buildTiles(affine(b, group, tile.rows, 0), tile.rows);
      return Values();
    };
    if (!count && plan.rowBlocks() == 1 && whole > 0) {
      emitLoop(b, whole, {}, buildGroup);
    } else if (whole > 0) {
      Value lower = affine(b, rowBlock, plan.groups, 0);
      Value upper = affine(b, lower, 1, plan.groups);
      upper = arith::MinSIOp::create(b, upper, indexConstant(b, whole));
      if (count) {
        Value size = indexConstant(b, tile.rows);
        upper = arith::MinSIOp::create(b, upper, arith::CeilDivSIOp::create(b, count, size));
      }
      emitLoop(b, lower, upper, 1, {}, buildGroup);
    }
    if (rest == 0)
      return;
    Value begin = indexConstant(b, whole * tile.rows);
    Value isHere = isLast(b, rowBlock, plan.rowBlocks());
    if (count)
      isHere = arith::AndIOp::create(
          b, isHere, arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, count, begin));
    emitIfElse(b, isHere, [&](bool is) {
      if (is)
        buildTiles(begin, rest);
    });
  }

  /// The values of `yes` if the condition holds, otherwise those of `no`.
  Values choose(Value condition, llvm::function_ref<Values()> yes,
                llvm::function_ref<Values()> no) {
    if (std::optional<int64_t> known = getConstantIntValue(condition))
      return *known ? yes() : no();
    auto yield = [&](llvm::function_ref<Values()> make) {
      return [&, make](OpBuilder &, Location) { scf::YieldOp::create(b, make()); };
    };
    return Values(scf::IfOp::create(b, condition, yield(yes), yield(no)).getResults());
  }

  /// The mask of the lanes from `column` on; none if all tiles are full.
  Value emitMask(Value column) {
    if (plan.outputs % tile.tileLanes() == 0)
      return Value();
    // The last tile reaches past the row.
    Value left = arith::SubIOp::create(b, indexConstant(b, plan.outputs), column);
    left = arith::MaxSIOp::create(b, left, indexConstant(b, 0));
    return vector::CreateMaskOp::create(b, VectorType::get({tile.lanes}, b.getI1Type()),
                                        ValueRange{left});
  }

  /// Adds up a chunk for one tile of a group.
  void buildTile(Value outputTile, Value firstRow, int64_t rows, const Chunk &chunk) {
    Value first = affine(b, outputTile, tile.tileLanes(), 0);
    Values columns, masks;
    for (int64_t block = 0; block < tile.blocks; ++block) {
      columns.push_back(affine(b, first, 1, block * tile.lanes));
      masks.push_back(emitMask(columns.back()));
    }
    auto rowOf = [&](int64_t row) { return affine(b, firstRow, 1, row); };
    Values sums = choose(
        chunk.isFirst, [&] { return startSums(columns, rows); },
        [&] {
          Values loaded;
          for (auto [column, mask] : llvm::zip_equal(columns, masks))
            for (int64_t row = 0; row < rows; ++row) {
              Values at = {rowOf(row), column};
              if (!mask)
                loaded.push_back(vector::LoadOp::create(b, vectorType, output, at));
              else
                loaded.push_back(vector::MaskedLoadOp::create(b, vectorType, output, at, mask,
                                                              zeroVector(b, vectorType)));
            }
          return loaded;
        });
    sums = emitLoop(b, chunk.begin, chunk.end, 1, sums, [&](Value k, ValueRange carried) {
      Values next(carried), weights;
      for (int64_t block = 0; block < tile.blocks; ++block) {
        weights.push_back(product.loadWeights(
            filter, {outputTile, k, indexConstant(b, block * tile.lanes)}));
      }
      Value first = affine(b, k, product.getInputs(), 0);
      for (int64_t row = 0; row < rows; ++row) {
        Value inputs = product.broadcast(input, {rowOf(row), first});
        for (int64_t block = 0; block < tile.blocks; ++block) {
          Value &sum = next[block * rows + row];
          sum = product.add(sum, inputs, weights[block]);
        }
      }
      return next;
    });
    if (!op.getActivation().isIdentity())
      sums = choose(
          chunk.isLast,
          [&] {
            Values results;
            for (Value sum : sums)
              results.push_back(emitUnary(b, b.getLoc(), op.getActivation(), sum));
            return results;
          },
          [&] { return sums; });
    auto store = [&](bool isMasked) {
      region.forEachRow(sums, rows, [&](Value row, ArrayRef<Value> values) {
        for (auto [value, column, mask] : llvm::zip_equal(values, columns, masks)) {
          Values at = {add(b, firstRow, row), column};
          Value result = roundFor(b, output, region.emit(value, at));
          if (isMasked)
            vector::MaskedStoreOp::create(b, output, at, mask, result);
          else
            vector::StoreOp::create(b, result, output, at);
        }
      });
    };
    // A masked store takes many times as long as another on some CPUs.
    if (masks.front())
      emitIfElse(b, isLast(b, outputTile, tile.outputTiles), store);
    else
      store(false);
  }

  /// The sums of no inputs.
  Values startSums(ValueRange columns, int64_t rows) {
    Values sums;
    for (Value column : columns)
      sums.append(rows, bias ? Value(vector::LoadOp::create(b, vectorType, bias, column))
                             : zeroVector(b, vectorType));
    return sums;
  }

  ImplicitLocOpBuilder &b;
  DenseOp op;
  const DensePlan &plan;
  const DenseTile &tile;
  Value input, filter, bias, count, output;
  LayerProduct product;
  /// A vector of sums.
  VectorType vectorType;
  EpilogueRegion region;
};

struct DenseFamily : KernelFamily {
  StringRef getName() const override { return "dense"; }

  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::dense);
  }

  int64_t countTasks(Operation *op, TargetAttr target) const override {
    DensePlan plan(cast<DenseOp>(op), target);
    return plan.tileBlocks() * plan.rowBlocks();
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *operation, ValueRange operands,
                          Value task, TargetAttr target) const override {
    auto op = cast<DenseOp>(operation);
    DensePlan plan(op, target);
    DenseEmitter(b, op, operands, plan, target).build(task);
    return success();
  }
};

} // namespace

void convoy::cpu::addDenseKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<DenseFamily>());
}
