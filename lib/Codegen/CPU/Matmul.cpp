//===- Matmul.cpp - Matrix product of computed operands -------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A register tile is some rows by some vectors of columns; each step of the sum loads the
// vectors from a row of the right operand and broadcasts one element of each row of the left
// one. The right operand changes from run to run, so it is read in place and not packed.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Codegen/Common/MatmulShape.h"
#include "convoy/Machine/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

/// The product's extents and tile.
struct Product : MatmulShape {
  Product(MatmulOp op, TargetAttr target) : MatmulShape(op), lanes(target.getVectorLanes()) {
    int64_t accumulators = getCpu(target).vectors->matmulSums;
    int64_t vectors = llvm::divideCeil(columns, lanes);
    // With two vectors, each broadcast feeds two multiply-adds. Few rows need more vectors, to
    // hide the latency of the additions.
    tileVectors = std::min(vectors, std::clamp<int64_t>(accumulators / rows, 2, 8));
    int64_t most = std::min(rows, accumulators / tileVectors);
    rowTiles = llvm::divideCeil(rows, most);
    tileRows = llvm::divideCeil(rows, rowTiles);
    rowTiles = llvm::divideCeil(rows, tileRows);
    columnTiles = llvm::divideCeil(columns, tileVectors * lanes);
  }

  int64_t batches() const { return llvm::product_of(batch); }
  int64_t units() const { return batches() * columnTiles * rowTiles; }
  /// A multiply-add of vectors takes about as long as the copy of an element.
  int64_t work() const { return depth * tileRows * tileVectors; }
  /// Rows and columns in the last tiles.
  int64_t lastRows() const { return rows - (rowTiles - 1) * tileRows; }
  int64_t lastColumns() const { return columns - (columnTiles - 1) * tileVectors * lanes; }

  int64_t lanes, tileVectors, tileRows, rowTiles, columnTiles;
};

struct MatmulFamily : KernelFamily {
  StringRef getName() const override { return "matmul"; }

  bool matches(Operation *op, TargetAttr) const override {
    auto matmul = dyn_cast<MatmulOp>(op);
    return matmul &&
           isComputedInF32(cast<ShapedType>(matmul.getLhs().getType()).getElementType());
  }

  int64_t countTasks(Operation *op, TargetAttr target) const override {
    Product product(cast<MatmulOp>(op), target);
    return countUnitTasks(product.units(), product.work());
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    Product product(cast<MatmulOp>(op), target);
    Value lhs = reshapeBuffer(
        b, operands[0], {llvm::product_of(product.lhsBatch), product.rows, product.depth});
    Value rhs = reshapeBuffer(
        b, operands[1], {llvm::product_of(product.rhsBatch), product.depth, product.columns});
    Value output =
        reshapeBuffer(b, operands[2], {product.batches(), product.rows, product.columns});
    SmallVector<int64_t> extents(product.batch);
    // Neighbouring tasks share columns of the right operand.
    extents.append({product.columnTiles, product.rowTiles});
    forEachUnit(b, task, product.units(), countTasks(op, target), [&](Value unit) {
      SmallVector<Value> indices = delinearize(b, unit, extents);
      Value rowTile = indices.pop_back_val(), columnTile = indices.pop_back_val();
      Tile tile;
      tile.lhs = lhs;
      tile.rhs = rhs;
      tile.output = output;
      tile.lhsBatch = broadcastBatch(b, indices, product.lhsBatch);
      tile.rhsBatch = broadcastBatch(b, indices, product.rhsBatch);
      tile.outputBatch = broadcastBatch(b, indices, product.batch);
      tile.firstRow = affine(b, rowTile, product.tileRows, 0);
      tile.firstColumn = affine(b, columnTile, product.tileVectors * product.lanes, 0);
      // The last tiles are smaller, which is known when the code is written.
      auto forLast = [&](Value index, int64_t count, int64_t size, int64_t last,
                         llvm::function_ref<void(int64_t)> body) {
        if (size == last)
          return body(size);
        emitIfElse(b, isLast(b, index, count), [&](bool l) { body(l ? last : size); });
      };
      forLast(rowTile, product.rowTiles, product.tileRows, product.lastRows(),
              [&](int64_t rows) {
                forLast(columnTile, product.columnTiles, product.tileVectors * product.lanes,
                        product.lastColumns(),
                        [&](int64_t columns) { buildTile(b, product, tile, rows, columns); });
              });
    });
    return success();
  }

  struct Tile {
    Value lhs, rhs, output, lhsBatch, rhsBatch, outputBatch, firstRow, firstColumn;
  };

  static void buildTile(ImplicitLocOpBuilder &b, const Product &product, const Tile &tile,
                        int64_t rows, int64_t columns) {
    int64_t lanes = product.lanes, vectors = llvm::divideCeil(columns, lanes);
    auto type = VectorType::get({lanes}, b.getF32Type());
    auto lanesOf = [&](int64_t v) { return std::min(lanes, columns - v * lanes); };
    auto columnOf = [&](int64_t v) { return affine(b, tile.firstColumn, 1, v * lanes); };
    auto rowOf = [&](int64_t r) { return affine(b, tile.firstRow, 1, r); };
    SmallVector<Value> sums(rows * vectors, zeroVector(b, type));
    sums = emitLoop(b, product.depth, sums, [&](Value k, ValueRange carried) {
      SmallVector<Value> next(carried), loaded;
      for (int64_t v = 0; v < vectors; ++v)
        loaded.push_back(
            loadLanes(b, type, tile.rhs, {tile.rhsBatch, k, columnOf(v)}, lanesOf(v)));
      for (int64_t r = 0; r < rows; ++r) {
        Value element = loadAs(b, b.getF32Type(), tile.lhs, {tile.lhsBatch, rowOf(r), k});
        Value broadcast = vector::BroadcastOp::create(b, type, element);
        for (int64_t v = 0; v < vectors; ++v) {
          Value &sum = next[r * vectors + v];
          sum = vector::FMAOp::create(b, broadcast, loaded[v], sum);
        }
      }
      return next;
    });
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t v = 0; v < vectors; ++v)
        storeLanes(b, sums[r * vectors + v], tile.output,
                   {tile.outputBatch, rowOf(r), columnOf(v)}, lanesOf(v));
  }
};

} // namespace

void convoy::cpu::addMatmulKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<MatmulFamily>());
}
