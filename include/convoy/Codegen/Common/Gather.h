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

  /// Rows of the result, of `inner` elements each.
  int64_t rows() const { return outer * indices; }

  int64_t indices;
};

/// The row of the input that index number `at` picks in part `outer`; `indices` are flat.
/// An index counts from the end where it is negative, and what is outside even so is the
/// nearest row that exists, whatever the data says.
mlir::Value emitGatheredRow(mlir::ImplicitLocOpBuilder &builder, const GatherShape &shape,
                            mlir::Value outer, mlir::Value indices, mlir::Value at);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_GATHER_H
