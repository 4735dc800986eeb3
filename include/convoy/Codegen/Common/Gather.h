//===- Gather.h - Which row an index picks ----------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_GATHER_H
#define CONVOY_CODEGEN_COMMON_GATHER_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/AxisExtents.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace convoy {

/// The extents of a gather: the input is `outer x extent x inner`, the result
/// `outer x indices x inner`.
struct GatherShape : cnn::AxisExtents {
  explicit GatherShape(cnn::GatherOp op);

  /// Number of rows of the result, of `inner` elements each.
  int64_t rows() const { return outer * indices; }

  /// Number of indices.
  int64_t indices;
};

/// The row of the input that index number `at` picks in part `outer`. `indices` is a buffer of
/// rank 1. A negative index counts from the end; an index that is outside even so picks the
/// nearest row that exists, so that no data makes a kernel read outside of its buffers.
mlir::Value emitGatheredRow(mlir::ImplicitLocOpBuilder &builder, const GatherShape &shape,
                            mlir::Value outer, mlir::Value indices, mlir::Value at);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_GATHER_H
