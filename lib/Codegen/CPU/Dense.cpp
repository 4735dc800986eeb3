//===- Dense.cpp - Fully connected layers ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A task is one tile of outputs for all rows, which it computes in groups. For each group it
// reads its part of the packed filter once, front to back; with one row, that bounds the time.
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

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

struct DenseFamily : KernelFamily {
  StringRef getName() const override { return "dense"; }

  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::dense);
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    return getDenseTile(cast<DenseOp>(op)).outputTiles;
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *operation, ValueRange operands,
                          Value task, TargetAttr) const override {
    auto op = cast<DenseOp>(operation);
    DenseTile tile = getDenseTile(op);
    int64_t rows = cast<ShapedType>(op.getInput().getType()).getDimSize(0);
    // Full groups of rows, then the rest.
    int64_t whole = rows / tile.rows, rest = rows % tile.rows;
    if (whole > 0)
      emitLoop(b, whole, {}, [&](Value group, ValueRange) {
        buildRows(b, op, operands, task, tile, affine(b, group, tile.rows, 0), tile.rows);
        return SmallVector<Value>();
      });
    if (rest > 0)
      buildRows(b, op, operands, task, tile, indexConstant(b, whole * tile.rows), rest);
    return success();
  }

  static void buildRows(ImplicitLocOpBuilder &b, DenseOp op, ValueRange operands, Value task,
                        const DenseTile &tile, Value firstRow, int64_t rows) {
    SmallVector<int64_t> shape = op.getLogicalFilterShape();
    int64_t outputs = shape[0], depth = shape[1];
    Value input = operands[0], filter = operands[1], output = operands.back();
    Value bias = op.getBias() ? operands[2] : Value();
    auto vectorType = VectorType::get({tile.lanes}, b.getF32Type());
    Value first = affine(b, task, tile.tileLanes(), 0);

    SmallVector<Value> sums;
    for (int64_t block = 0; block < tile.blocks; ++block)
      sums.append(rows, bias ? Value(vector::LoadOp::create(
                                   b, vectorType, bias,
                                   ValueRange{affine(b, first, 1, block * tile.lanes)}))
                             : zeroVector(b, vectorType));
    sums = emitLoop(b, depth, sums, [&](Value k, ValueRange carried) {
      SmallVector<Value> next(carried), weights;
      for (int64_t block = 0; block < tile.blocks; ++block)
        weights.push_back(loadWeights(b, tile.lanes, filter,
                                      {task, k, indexConstant(b, block * tile.lanes)}));
      for (int64_t row = 0; row < rows; ++row) {
        Value element =
            memref::LoadOp::create(b, input, ValueRange{affine(b, firstRow, 1, row), k});
        Value broadcast = vector::BroadcastOp::create(b, vectorType, element);
        for (int64_t block = 0; block < tile.blocks; ++block) {
          Value &sum = next[block * rows + row];
          sum = vector::FMAOp::create(b, broadcast, weights[block], sum);
        }
      }
      return next;
    });

    for (int64_t block = 0; block < tile.blocks; ++block) {
      Value column = affine(b, first, 1, block * tile.lanes);
      for (int64_t row = 0; row < rows; ++row) {
        Value value = emitUnary(b, b.getLoc(), op.getActivation(), sums[block * rows + row]);
        SmallVector<Value> at = {affine(b, firstRow, 1, row), column};
        if (outputs % tile.tileLanes() == 0) {
          vector::StoreOp::create(b, value, output, at);
          continue;
        }
        // The last tile reaches past the row.
        Value left = arith::SubIOp::create(b, indexConstant(b, outputs), column);
        left = arith::MaxSIOp::create(b, left, indexConstant(b, 0));
        Value mask = vector::CreateMaskOp::create(
            b, VectorType::get({tile.lanes}, b.getI1Type()), ValueRange{left});
        vector::MaskedStoreOp::create(b, output, at, mask, value);
      }
    }
  }
};

} // namespace

void convoy::cpu::addDenseKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<DenseFamily>());
}
