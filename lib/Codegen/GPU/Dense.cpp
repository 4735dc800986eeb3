//===- Dense.cpp - Fully connected layers of few rows on a GPU ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The time is that of reading the weights once. A block of threads computes 16 outputs of up
// to eight rows. For every 64th input, a thread multiplies 16 bytes of weights, those of 4
// outputs; in f16, for every 128th input those of 8 outputs. So the block reads memory front
// to back, several KiB at a time. Then the sums of all threads are added in a fixed order.
//
//===----------------------------------------------------------------------===//

#include "BlockReduction.h"
#include "ConvEpilogue.h"

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// Outputs of a block of threads.
constexpr int64_t kOutputs = 16;

/// Writes the code of one thread.
class Dense {
public:
  Dense(GpuKernel &kernel, DenseOp op, int64_t rows)
      : kernel(kernel), b(kernel.b), rows(rows), operands(kernel, op),
        outputs(op.getLogicalFilterShape()[0]), depth(op.getLogicalFilterShape()[1]),
        lanes(getElementTypeOrSelf(op.getFilter()).isF16() ? 2 * kGpuQuad : kGpuQuad),
        columns(kOutputs / lanes), type(VectorType::get({lanes}, b.getF32Type())) {}

  void build() {
    thread = kernel.thread();
    column = affine(b, arith::RemUIOp::create(b, thread, indexConstant(b, columns)), lanes, 0);
    Value part = arith::DivUIOp::create(b, thread, indexConstant(b, columns));
    Value tileStart = affine(b, kernel.block(), depth, 0);

    // More rows mean more multiply-adds for each weight, and more registers.
    int64_t unroll = rows == 1 ? 8 : rows <= 4 ? 4 : 2;
    Values sums(rows, zeroVector(b, type));
    sums = forEachOfThread(
        b, part, kGpuBlockThreads / columns, depth, unroll, sums,
        [&](Value number, Value inside, int64_t, MutableArrayRef<Value> state) {
          Value from = add(b, affine(b, add(b, tileStart, number), kOutputs, 0), column);
          if (inside)
            from = arith::SelectOp::create(b, inside, from, column);
          Value weights = loadLanes(b, operands.filter, from, lanes);
          for (int64_t row = 0; row < rows; ++row) {
            Value x = loadElementsOr(b, operands.input, affine(b, number, 1, row * depth), 1,
                                     inside, zero());
            Value broadcast = vector::BroadcastOp::create(b, type, x);
            state[row] = vector::FMAOp::create(b, broadcast, weights, state[row]);
          }
        });
    // A thread finishes its lanes of one row. Threads beyond the rows combine the last row,
    // too, and do not store it.
    Value row = arith::MinUIOp::create(b, part, indexConstant(b, rows - 1));
    Value sum =
        combineThreadsOf(kernel, sums, row, kGpuBlockThreads, columns, [&](Value x, Value y) {
          return Value(arith::AddFOp::create(b, x, y));
        });
    kernel.when(emitIsInside(b, thread, rows * columns), [&] { finish(sum, part); });
  }

private:
  Value zero() { return emitConstant(b, b.getLoc(), b.getF32Type(), 0.0); }

  /// Stores some outputs of row `row`; rows are aligned to their elements only.
  void finish(Value value, Value row) {
    Value first = add(b, affine(b, kernel.block(), kOutputs, 0), column);
    if (operands.bias)
      value = arith::AddFOp::create(b, value, loadElements(b, operands.bias, first, lanes));
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value at = affine(b, first, 1, lane);
      kernel.when(outputs % kOutputs ? emitIsInside(b, at, outputs) : Value(), [&] {
        operands.store(b, vector::ExtractOp::create(b, value, lane), row, at);
      });
    }
  }

  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  int64_t rows;
  GpuConvOperands operands;
  int64_t outputs, depth;
  /// Outputs of a thread, and threads that share an input.
  int64_t lanes, columns;
  VectorType type;
  Value thread, column;
};

struct DenseFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::dense);
  }

  LogicalResult build(GpuKernels &kernels, Operation *operation, TargetAttr) const override {
    auto op = cast<DenseOp>(operation);
    DenseTile tile = getDenseTile(op);
    if (tile.tileLanes() != kOutputs)
      return op.emitError("has a tile of ")
             << tile.tileLanes() << " outputs, but a block of threads computes " << kOutputs;
    return kernels.add("dense", {tile.outputTiles}, {kGpuBlockThreads},
                       [&](GpuKernel &kernel) { Dense(kernel, op, tile.rows).build(); });
  }
};

} // namespace

void convoy::gpu::addDenseKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<DenseFamily>());
}
