//===- TileProductDense.cpp - Dense layers by products of tiles -----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A task is a tile of outputs for a block of rows, which are whole register tiles of 32 rows.
// The last register tile of a layer begins at the 32nd row from the end, and stores what the
// tile before has left.
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/CPU/EpilogueRegion.h"
#include "convoy/Codegen/CPU/TileRegisters.h"
#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
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

/// How a layer is cut into tasks.
struct Plan {
  explicit Plan(DenseOp op) : tile(getDenseTile(op)) {
    rows = cast<ShapedType>(op.getInput().getType()).getDimSize(0);
    rowTiles = llvm::divideCeil(rows, tile.rows);
    int64_t wanted = llvm::divideCeil(kEnoughTasks, tile.outputTiles);
    blockTiles = llvm::divideCeil(rowTiles, std::min(rowTiles, wanted));
    rowBlocks = llvm::divideCeil(rowTiles, blockTiles);
  }

  DenseTile tile;
  /// Register tiles of a block of rows, and of all rows; number of blocks.
  int64_t rows, rowTiles, blockTiles, rowBlocks;
};

/// Writes one task.
class TileProductDense {
public:
  TileProductDense(ImplicitLocOpBuilder &b, DenseOp op, ValueRange operands, TargetAttr target)
      : b(b), op(op), plan(op), tile(plan.tile), shape(op.getLogicalFilterShape()),
        input(operands[0]), filter(operands[1]), bias(op.getBias() ? operands[2] : Value()),
        output(operands[operands.size() - 2]), scratch(operands.back()),
        tiles(b, cast<ScheduledOpInterface>(*op), target, tile.blocks),
        region(b, op, operands.slice(bias ? 3 : 2, op.getEpilogueInputs().size())) {}

  void build(Value task) {
    Values at = delinearize(b, task, {tile.outputTiles, plan.rowBlocks});
    outputTile = at[0];
    sums = memref::ViewOp::create(
        b, MemRefType::get({tile.rows, tile.tileLanes()}, tiles.getSumType().getElementType()),
        scratch, indexConstant(b, 0), ValueRange());
    tiles.configure(stepInputs());
    Value lower = affine(b, at[1], plan.blockTiles, 0);
    Value upper = arith::MinSIOp::create(b, affine(b, lower, 1, plan.blockTiles),
                                         indexConstant(b, plan.rowTiles));
    emitLoop(b, lower, upper, 1, {}, [&](Value rowTile, ValueRange) {
      Value from = affine(b, rowTile, tile.rows, 0);
      Value first = arith::MinSIOp::create(b, from, indexConstant(b, plan.rows - tile.rows));
      multiply(first);
      store(first, from);
      return Values();
    });
    tiles.release();
  }

private:
  /// How many inputs a step multiplies.
  int64_t stepInputs() const { return kTileRowBytes / tiles.elementBytes(); }

  void multiply(Value first) {
    int64_t rowTiles = tile.rows / kTileRows, bytes = tiles.elementBytes();
    Value start =
        bias ? add(b, tiles.address(bias), affine(b, outputTile, tile.tileLanes() * 4, 0))
             : Value();
    tiles.start(rowTiles, start);
    SmallVector<int64_t> strides;
    int64_t offset;
    [[maybe_unused]] LogicalResult known =
        cast<MemRefType>(input.getType()).getStridesAndOffset(strides, offset);
    assert(succeeded(known) && strides[1] == 1 && "rows of a dense layer are whole");
    int64_t steps = shape[1] / stepInputs();
    int64_t stepBytes = kTileRows * tiles.weightBytes();
    Value inputs = add(b, tiles.address(input), affine(b, first, strides[0] * bytes, 0));
    Value weights = add(b, tiles.address(filter), affine(b, outputTile, steps * stepBytes, 0));
    emitLoop(b, steps, {}, [&](Value step, ValueRange) {
      tiles.multiply(rowTiles, add(b, inputs, affine(b, step, kTileRowBytes, 0)),
                     indexConstant(b, strides[0] * bytes),
                     add(b, weights, affine(b, step, stepBytes, 0)));
      return Values();
    });
    tiles.store(rowTiles, tiles.address(sums));
  }

  /// Runs the epilogue on the rows from `from` on. The sums begin at row `first`.
  void store(Value first, Value from) {
    bool isFull = shape[0] % tile.tileLanes() == 0;
    Value firstLane = affine(b, outputTile, tile.tileLanes(), 0);
    Value end = affine(b, first, 1, tile.rows);
    auto storeRows = [&](bool isMasked) {
      emitLoop(b, from, end, 1, {}, [&](Value row, ValueRange) {
        Value place = arith::SubIOp::create(b, row, first);
        for (int64_t block = 0; block < tile.blocks; ++block) {
          Value sum =
              vector::LoadOp::create(b, tiles.getSumType(), sums,
                                     ValueRange{place, indexConstant(b, block * tile.lanes)});
          Value column = affine(b, firstLane, 1, block * tile.lanes);
          Value value = emitUnary(b, b.getLoc(), op.getActivation(), sum);
          value = roundFor(b, output, region.emit(value, {row, column}));
          if (!isMasked) {
            vector::StoreOp::create(b, value, output, ValueRange{row, column});
            continue;
          }
          Value left = arith::SubIOp::create(b, indexConstant(b, shape[0]), column);
          left = arith::MaxSIOp::create(b, left, indexConstant(b, 0));
          Value mask = vector::CreateMaskOp::create(
              b, VectorType::get({tile.lanes}, b.getI1Type()), ValueRange{left});
          vector::MaskedStoreOp::create(b, output, ValueRange{row, column}, mask, value);
        }
        return Values();
      });
    };
    if (isFull)
      storeRows(false);
    else
      emitIfElse(b, isLast(b, outputTile, tile.outputTiles), storeRows);
  }

  ImplicitLocOpBuilder &b;
  DenseOp op;
  Plan plan;
  const DenseTile &tile;
  /// Outputs and inputs.
  SmallVector<int64_t> shape;
  Value input, filter, bias, output, scratch, outputTile, sums;
  TileRegisters tiles;
  EpilogueRegion region;
};

struct TileProductDenseFamily : KernelFamily {
  StringRef getName() const override { return "tile_product_dense"; }
  bool matches(Operation *op, TargetAttr) const override {
    return isa<DenseOp>(op) && isScheduledAs(op, Algorithm::tile_product);
  }
  int64_t countTasks(Operation *op, TargetAttr) const override {
    Plan plan(cast<DenseOp>(op));
    return plan.tile.outputTiles * plan.rowBlocks;
  }
  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    TileProductDense(b, cast<DenseOp>(op), operands, target).build(task);
    return success();
  }
};

} // namespace

void convoy::cpu::addTileProductDenseKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<TileProductDenseFamily>());
}
