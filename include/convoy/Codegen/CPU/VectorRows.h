//===- VectorRows.h - Rows of elements in vectors and pieces ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Kernels outside convolution work on rows: runs of contiguous elements, which are
// read a few vectors at a time. Extents are static, so that the end of a row that
// does not fill a vector is a masked access with a constant mask.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_VECTORROWS_H
#define CONVOY_CODEGEN_CPU_VECTORROWS_H

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"

namespace convoy::cpu {

/// The product of `extents`, 1 for none.
int64_t countElements(llvm::ArrayRef<int64_t> extents);

/// `buffer` with another shape of as many elements. Only the first dimension, which then
/// stays, may have a stride of its own.
mlir::Value reshapeBuffer(mlir::ImplicitLocOpBuilder &builder, mlir::Value buffer,
                          llvm::ArrayRef<int64_t> shape);

/// The first `count` elements of a vector of `type`; the other lanes are not read
/// and are those of `padding`, or zeros.
mlir::Value loadLanes(mlir::ImplicitLocOpBuilder &builder, mlir::VectorType type,
                      mlir::Value buffer, mlir::ValueRange indices, int64_t count,
                      mlir::Value padding = {});
void storeLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::Value buffer,
                mlir::ValueRange indices, int64_t count);

using Combine = llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>;

/// `combine` of all lanes of a vector, as a scalar, in a fixed tree.
mlir::Value combineLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value vector,
                         Combine combine);
/// `combine` of some values, pairwise.
mlir::Value combineAll(llvm::ArrayRef<mlir::Value> values, Combine combine);

/// Work is cut into units; small work is one task over all units, so that threads
/// are not woken for it, other work a task for each unit. `work` counts elements
/// moved by one unit; what costs more counts them several times.
int64_t countUnitTasks(int64_t units, int64_t work);
/// Emits `body` for the units of `task`.
void forEachUnit(mlir::ImplicitLocOpBuilder &builder, mlir::Value task, int64_t units,
                 int64_t tasks, llvm::function_ref<void(mlir::Value)> body);

/// How many pieces a row of `extent` elements is cut into, in steps of `width`, so
/// that `rows` such rows are enough tasks. `work` is what one element costs.
int64_t selectPieces(int64_t rows, int64_t extent, int64_t width, int64_t work);
/// Walks piece `piece` of a row in steps of `width`: `body` gets the first element
/// of a step and the number of elements, which is below `width` for the last one.
void forEachStep(mlir::ImplicitLocOpBuilder &builder, int64_t extent, int64_t width,
                 mlir::Value piece, int64_t pieces,
                 llvm::function_ref<void(mlir::Value, int64_t)> body);

/// Emits `body(true)` where `condition` holds and `body(false)` elsewhere.
void emitIfElse(mlir::ImplicitLocOpBuilder &builder, mlir::Value condition,
                llvm::function_ref<void(bool)> body);
/// Whether `value` is the last of `count`; a constant where `count` is 1.
mlir::Value isLast(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, int64_t count);

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_VECTORROWS_H
