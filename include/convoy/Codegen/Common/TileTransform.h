//===- TileTransform.h - Transforms of Winograd's tiles ---------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_TILETRANSFORM_H
#define CONVOY_CODEGEN_COMMON_TILETRANSFORM_H

#include "convoy/Analysis/WinogradTransform.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace convoy {

/// Emits `matrix * tile * transpose(matrix)` for a square tile whose elements are vectors of
/// `type`: floats, or integers if the matrix consists of 0, 1 and -1. `read` returns the
/// tile's element in a row and column, and `write` stores an element of the result.
void emitTileTransform(mlir::ImplicitLocOpBuilder &builder, mlir::VectorType type,
                       const Matrix &matrix,
                       llvm::function_ref<mlir::Value(int64_t, int64_t)> read,
                       llvm::function_ref<void(int64_t, int64_t, mlir::Value)> write);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_TILETRANSFORM_H
