//===- Dense.cpp - Fully connected layers of few rows on a GPU ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The time is that of reading the weights once. A block of threads computes 16 outputs of
// up to eight rows: a thread multiplies a quad of outputs' weights with every 64th input,
// so that the block reads memory front to back, several KiB at a time; then all threads'
// sums are added in a fixed order.
//
//===----------------------------------------------------------------------===//

#include "BlockReduction.h"

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Analysis/GpuGemmPlan.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// Outputs of a block of threads, and the quads of threads that share their inputs.
constexpr int64_t kOutputs = 16;
constexpr int64_t kQuads = kOutputs / kGpuQuad;
constexpr int64_t kInputThreads = kGpuBlockThreads / kQuads;

/// Writes the code of one thread.
class Dense {
public:
  Dense(GpuKernel &kernel, DenseOp op, const DenseTile &tile)
      : kernel(kernel), b(kernel.b), op(op), tile(tile), input(flatten(b, kernel.operands[0])),
        filter(flatten(b, kernel.operands[1])),
        bias(op.getBias() ? flatten(b, kernel.operands[2]) : Value()),
        output(flatten(b, kernel.operands.back())), outputs(op.getLogicalFilterShape()[0]),
        depth(op.getLogicalFilterShape()[1]),
        type(VectorType::get({kGpuQuad}, b.getF32Type())) {}

  /// `count` rows from `firstRow` on.
  void build(Value firstRow, int64_t count) {
    thread = kernel.thread();
    Value quad = arith::RemUIOp::create(b, thread, indexConstant(b, kQuads));
    Value part = arith::DivUIOp::create(b, thread, indexConstant(b, kQuads));
    // The 16 outputs may be some of a wider tile of the packed filter.
    Values at =
        delinearize(b, kernel.block(), {tile.outputTiles, tile.tileLanes() / kOutputs});
    Value column = add(b, affine(b, at[1], kOutputs, 0), affine(b, quad, kGpuQuad, 0));
    Value tileStart = affine(b, at[0], depth, 0);

    // More rows have more multiply-adds to do for each weight, and need more registers.
    int64_t unroll = count == 1 ? 8 : count <= 4 ? 4 : 2;
    Values sums(count, zeroVector(b, type));
    sums = forEachOfThread(
        b, part, kInputThreads, depth, unroll, sums,
        [&](Value number, Value inside, int64_t, MutableArrayRef<Value> state) {
          Value row = add(b, tileStart, number);
          Value from = add(b, affine(b, row, tile.tileLanes(), 0), column);
          if (inside)
            from = arith::SelectOp::create(b, inside, from, column);
          Value weights = loadLanes(b, filter, from, kGpuQuad);
          for (int64_t i = 0; i < count; ++i) {
            Value rowStart = affine(b, affine(b, firstRow, 1, i), depth, 0);
            Value x = loadElementsOr(b, input, add(b, rowStart, number), 1, inside, zero());
            Value broadcast = vector::BroadcastOp::create(b, type, x);
            state[i] = vector::FMAOp::create(b, broadcast, weights, state[i]);
          }
        });
    sums = combineThreads(kernel, sums, kGpuBlockThreads, kQuads, [&](Value x, Value y) {
      return Value(arith::AddFOp::create(b, x, y));
    });
    kernel.when(emitIsInside(b, thread, count * kQuads),
                [&] { finish(sums, firstRow, part, quad); });
  }

private:
  Value zero() { return emitConstant(b, b.getLoc(), b.getF32Type(), 0.0); }

  /// Stores the thread's quad of outputs of row `row`, of which every thread has all sums.
  /// Rows are aligned to their elements only.
  void finish(ArrayRef<Value> sums, Value firstRow, Value row, Value quad) {
    Value value = sums[0];
    for (size_t i = 1; i < sums.size(); ++i) {
      Value isMine =
          arith::CmpIOp::create(b, arith::CmpIPredicate::eq, row, indexConstant(b, i));
      value = arith::SelectOp::create(b, isMine, sums[i], value);
    }
    Value first = add(b, affine(b, kernel.block(), kOutputs, 0), affine(b, quad, kGpuQuad, 0));
    if (bias)
      value = arith::AddFOp::create(b, value, loadElements(b, bias, first, kGpuQuad));
    value = emitUnary(b, b.getLoc(), op.getActivation(), value);
    Value start = affine(b, add(b, firstRow, row), outputs, 0);
    for (int64_t lane = 0; lane < kGpuQuad; ++lane) {
      Value at = affine(b, first, 1, lane);
      auto store = [&] {
        storeElements(b, vector::ExtractOp::create(b, value, lane), output, add(b, start, at));
      };
      if (outputs % kOutputs == 0)
        store();
      else
        kernel.when(emitIsInside(b, at, outputs), store);
    }
  }

  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  DenseOp op;
  const DenseTile &tile;
  Value input, filter, bias, output;
  int64_t outputs, depth;
  VectorType type;
  Value thread;
};

struct DenseFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    auto dense = dyn_cast<DenseOp>(op);
    return dense && dense.getFilterShape();
  }

  LogicalResult build(GpuKernels &kernels, Operation *operation,
                      TargetAttr target) const override {
    auto op = cast<DenseOp>(operation);
    DenseTile tile = selectDenseTile(op, target);
    int64_t blocks = tile.outputTiles * tile.tileLanes() / kOutputs;
    // Whole groups of rows, then the rest.
    int64_t whole = tile.rows / kGpuDenseRows, rest = tile.rows % kGpuDenseRows;
    if (whole > 0 && failed(kernels.add(
                         "dense", {blocks, whole}, {kGpuBlockThreads}, [&](GpuKernel &kernel) {
                           Value row = affine(kernel.b, kernel.block(1), kGpuDenseRows, 0);
                           Dense(kernel, op, tile).build(row, kGpuDenseRows);
                         })))
      return failure();
    if (rest == 0)
      return success();
    return kernels.add("dense", {blocks}, {kGpuBlockThreads}, [&](GpuKernel &kernel) {
      Value row = indexConstant(kernel.b, whole * kGpuDenseRows);
      Dense(kernel, op, tile).build(row, rest);
    });
  }
};

} // namespace

void convoy::addDenseKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<DenseFamily>());
}
