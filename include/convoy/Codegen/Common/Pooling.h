//===- Pooling.h - Largest values and means of windows ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_POOLING_H
#define CONVOY_CODEGEN_COMMON_POOLING_H

#include "convoy/Codegen/Common/ConvWindow.h"

namespace convoy {

/// How a pool combines elements, numbers or vectors: into their largest, or their sum.
class PoolCombiner {
public:
  PoolCombiner(mlir::ImplicitLocOpBuilder &builder, cnn::PoolKind kind)
      : b(builder), kind(kind) {}

  /// What changes no element that it is combined with, as a constant of `type`.
  mlir::Value emitStart(mlir::Type type) const;
  mlir::Value operator()(mlir::Value x, mlir::Value y) const;

private:
  mlir::ImplicitLocOpBuilder &b;
  cnn::PoolKind kind;
};

/// The extent that a mean divides by in dimension `dim`: the window as far as it lies
/// inside the input, or inside the padded input with count_include_pad.
mlir::Value emitPoolExtent(mlir::ImplicitLocOpBuilder &builder, cnn::PoolOpInterface op,
                           const ConvWindow &window, int64_t dim, mlir::Value position);
/// The product of these extents in the first dimensions, as many as `position` has.
mlir::Value emitPoolCount(mlir::ImplicitLocOpBuilder &builder, cnn::PoolOpInterface op,
                          const ConvWindow &window, mlir::ValueRange position);
/// `sum`, a number or a vector of f32, divided by `count`, an index.
mlir::Value emitMean(mlir::ImplicitLocOpBuilder &builder, mlir::Value sum, mlir::Value count);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_POOLING_H
