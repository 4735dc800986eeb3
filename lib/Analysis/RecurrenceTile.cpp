//===- RecurrenceTile.cpp - Register tiles of recurrences -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/RecurrenceTile.h"
#include "convoy/Machine/Cpu.h"

#include "llvm/Support/MathExtras.h"

using namespace convoy;
using namespace convoy::cnn;

/// Independent multiply-adds that hide the latency of each other.
static constexpr int64_t kIndependent = 8;
/// More sums, vectors or rows make the code long and gain nothing.
static constexpr int64_t kMaxSums = 16, kMaxVectors = 8, kMaxRows = 8;

/// Quarters of a cycle of a step of the sum: of its multiply-adds, of its loads, and of the
/// weights' way from the L2 cache; two more for the loop.
static int64_t costOfStep(int64_t gates, int64_t vectors, int64_t rows) {
  int64_t weights = gates * vectors;
  return std::max({2 * weights * rows, 2 * (weights + rows), 3 * weights}) + 2;
}

/// The cheapest tile. `vectors` and `rows` are given if they are not 0.
static RecurrenceTile selectTile(RecurrenceOp op, TargetAttr target, int64_t gates,
                                 int64_t vectors, int64_t rows) {
  int64_t lanes = target.getVectorLanes();
  int64_t sums = std::min(getCpu(target).vectors->convSums, kMaxSums);
  int64_t batch = op.getBatch(), all = llvm::divideCeil(op.getHidden(), lanes);
  RecurrenceTile best{lanes, std::max<int64_t>(vectors, 1), std::max<int64_t>(rows, 1), 1, 0};
  // A larger tile has longer code: it must be cheaper by a twentieth.
  int64_t limit = std::numeric_limits<int64_t>::max();
  for (int64_t v = 1; v <= std::min(kMaxVectors, all); ++v)
    for (int64_t r = 1; r <= std::min(kMaxRows, batch); ++r) {
      if ((vectors && v != vectors) || (rows && r != rows) || gates * v * r > sums)
        continue;
      int64_t tiles = llvm::divideCeil(all, v) * llvm::divideCeil(batch, r);
      if (int64_t cost = tiles * costOfStep(gates, v, r); cost < limit) {
        limit = cost - cost / 20;
        best.vectors = v;
        best.rows = r;
      }
    }
  int64_t tileSums = gates * best.vectors * best.rows;
  while (tileSums * best.splits < kIndependent && 2 * tileSums * best.splits <= sums)
    best.splits *= 2;
  best.blocks = llvm::divideCeil(op.getHidden(), best.units());
  return best;
}

/// The vectors of a block of packed weights; 0 if they are not packed.
static int64_t getPackedVectors(mlir::Value weights, TargetAttr target) {
  if (!RecurrenceOp::isPacked(weights))
    return 0;
  auto shape = mlir::cast<mlir::ShapedType>(weights.getType()).getShape();
  return std::max<int64_t>(shape.back() / target.getVectorLanes(), 1);
}

RecurrenceTile convoy::getRecurrenceTile(RecurrenceOp op, TargetAttr target) {
  return selectTile(op, target, op.getWeightGates(), getPackedVectors(op.getWeights(), target),
                    /*rows=*/0);
}

RecurrenceTile convoy::getCandidateTile(RecurrenceOp op, TargetAttr target) {
  return selectTile(op, target, /*gates=*/1, getPackedVectors(op.getCandidate(), target),
                    getRecurrenceTile(op, target).rows);
}
