//===- Pooling.h - Largest values and means of windows ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_POOLING_H
#define CONVOY_CODEGEN_COMMON_POOLING_H

#include "convoy/Codegen/Common/ConvWindow.h"
#include "convoy/Codegen/Common/LoopEmitter.h"

namespace convoy {

/// Combines the elements of a pool's window, which are numbers or vectors: into their largest,
/// or, for a mean, into their sum.
class PoolCombiner {
public:
  /// x86 needs three instructions for the larger of two values that may be NaN. A quick
  /// combiner needs one, but takes the largest of nothing but NaNs for -inf.
  PoolCombiner(mlir::ImplicitLocOpBuilder &builder, cnn::PoolKind kind, bool isQuick = false)
      : b(builder), kind(kind), isQuick(isQuick) {}

  /// The neutral element, as a constant of `type`.
  mlir::Value emitStart(mlir::Type type) const;
  /// `x` is what was combined so far, `y` an element or a combination of others.
  mlir::Value operator()(mlir::Value x, mlir::Value y) const;
  /// How loops combine values that begin at `starts`; without blocks for the largest.
  BlockSums getBlockSums(mlir::ValueRange starts) const {
    return kind == cnn::PoolKind::average ? BlockSums(starts, *this) : BlockSums();
  }

private:
  mlir::ImplicitLocOpBuilder &b;
  cnn::PoolKind kind;
  bool isQuick;
};

/// Whether a quick combiner may have taken NaNs for -inf, if `result` is the least of its
/// results.
mlir::Value emitMayBeWrong(mlir::ImplicitLocOpBuilder &builder, mlir::Value result);
/// The result of a window whose largest number is `largest`: -inf if it has only padding.
mlir::Value emitLargest(mlir::ImplicitLocOpBuilder &builder, const ConvWindow &window,
                        mlir::ValueRange position, mlir::Value largest);

/// The number of window positions in dimension `dim` that a mean counts, for the output
/// coordinate `position`: those inside the input, or with `count_include_pad` inside the
/// padded input.
mlir::Value emitPoolExtent(mlir::ImplicitLocOpBuilder &builder, cnn::PoolOpInterface op,
                           const ConvWindow &window, int64_t dim, mlir::Value position);
/// The product of these numbers in the first dimensions, as many as `position` has
/// coordinates.
mlir::Value emitPoolCount(mlir::ImplicitLocOpBuilder &builder, cnn::PoolOpInterface op,
                          const ConvWindow &window, mlir::ValueRange position);
/// `sum`, a number or a vector of f32, divided by `count`, an index.
mlir::Value emitMean(mlir::ImplicitLocOpBuilder &builder, mlir::Value sum, mlir::Value count);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_POOLING_H
