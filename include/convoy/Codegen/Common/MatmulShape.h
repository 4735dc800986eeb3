//===- MatmulShape.h - Extents of a matrix product --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_MATMULSHAPE_H
#define CONVOY_CODEGEN_COMMON_MATMULSHAPE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace convoy {

/// The extents of a matrix product in memref form: `rows x depth` times `depth x columns`, for
/// each index of the batch dimensions of the result (`batch`), to which those of the operands
/// (`lhsBatch`, `rhsBatch`) broadcast.
struct MatmulShape {
  explicit MatmulShape(cnn::MatmulOp op);

  llvm::SmallVector<int64_t> batch, lhsBatch, rhsBatch;
  int64_t rows, columns, depth;
};

/// The flat batch index in an operand with the batch dimensions `batch`, for the batch indices
/// of the result.
mlir::Value broadcastBatch(mlir::ImplicitLocOpBuilder &builder,
                           llvm::ArrayRef<mlir::Value> indices, llvm::ArrayRef<int64_t> batch);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_MATMULSHAPE_H
