//===- RecurrenceTile.h - Register tiles of recurrences ---------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_RECURRENCETILE_H
#define CONVOY_ANALYSIS_RECURRENCETILE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

/// The register tile of one of a recurrence's products: for `rows` sequences, all gates of
/// `vectors` vectors of hidden units, a block.
struct RecurrenceTile {
  int64_t lanes, vectors, rows;
  /// Into how many sums each sum is split, so that enough additions are independent.
  int64_t splits;
  /// Blocks of hidden units; the last may have units past the last one.
  int64_t blocks;

  /// Hidden units of a block, and of all blocks.
  int64_t units() const { return vectors * lanes; }
  int64_t allUnits() const { return blocks * units(); }
};

/// The tile of the product with `weights`. If they are packed, its vectors are as they say.
RecurrenceTile getRecurrenceTile(cnn::RecurrenceOp op, cnn::TargetAttr target);
/// The tile of the product with `candidate`. It has as many rows.
RecurrenceTile getCandidateTile(cnn::RecurrenceOp op, cnn::TargetAttr target);

} // namespace convoy

#endif // CONVOY_ANALYSIS_RECURRENCETILE_H
