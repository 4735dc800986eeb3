//===- RecurrencePlan.h - Tasks and scratch memory --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_CPU_RECURRENCEPLAN_H
#define CONVOY_LIB_CODEGEN_CPU_RECURRENCEPLAN_H

#include "convoy/Analysis/RecurrenceTile.h"

#include "llvm/Support/MathExtras.h"

namespace convoy::cpu {

/// The most tiles of sequences that a task runs, to read weights once for all of them.
inline constexpr int64_t kMaxTaskTiles = 4;

/// How a recurrence is cut into tasks, and its scratch memory.
struct RecurrencePlan {
  RecurrencePlan(cnn::RecurrenceOp op, cnn::TargetAttr target)
      : tile(getRecurrenceTile(op, target)),
        candidate(op.getCandidate() ? getCandidateTile(op, target) : tile),
        steps(op.getSteps()), batch(op.getBatch()), directions(op.getDirections()),
        hidden(op.getHidden()), units(std::max(tile.allUnits(), candidate.allUnits())),
        tiles(llvm::divideCeil(batch, tile.rows)) {
    // Weights that stay in the L2 cache need not be shared between tiles.
    int64_t weights = op.countMacs() / (steps * batch * directions) * int64_t(sizeof(float));
    int64_t reads = llvm::divideCeil(weights, std::max<int64_t>(target.getL2() / 2, 1));
    groups = llvm::divideCeil(tiles, std::min(reads, kMaxTaskTiles));
    // Quantised states have one scale for all sequences.
    if (op.getScales())
      groups = 1;
    taskTiles = llvm::divideCeil(tiles, groups);
    groups = llvm::divideCeil(tiles, taskTiles);
    // Two of `h`; and `c` (and `h` quantised), or `z` and `r . h`.
    buffers = 2 + (op.getCell() == cnn::CellKind::lstm ? 1 : 0) + (op.getCandidate() ? 2 : 0) +
              (op.getScales() ? 1 : 0);
    sums = rows() == 1 ? 0 : std::max(op.getWeightGates() * tile.units(), candidate.units());
    work = op.countMacs() / (tile.lanes * parts());
  }

  /// A part is the work of a task, if there are several.
  int64_t parts() const { return directions * groups; }
  int64_t rows() const { return taskTiles * tile.rows; }
  int64_t bufferBytes() const { return rows() * units * int64_t(sizeof(float)); }
  int64_t scratchBytes() const {
    return buffers * bufferBytes() + rows() * sums * int64_t(sizeof(float));
  }

  RecurrenceTile tile, candidate;
  int64_t steps, batch, directions, hidden;
  /// Units of a row of a state, of which `hidden` count.
  int64_t units;
  /// Tiles of sequences, those of a task, and groups of so many.
  int64_t tiles, taskTiles, groups;
  /// Buffers for states, and elements of each row in the buffer for sums.
  int64_t buffers, sums;
  int64_t work;
};

} // namespace convoy::cpu

#endif // CONVOY_LIB_CODEGEN_CPU_RECURRENCEPLAN_H
