//===- VectorRows.h - Rows of elements in vectors and pieces ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Most kernels that are no convolutions work on rows: runs of contiguous elements, which are
// read a few vectors at a time. Extents are static, so that the end of a row that does not
// fill a vector is accessed with a constant mask.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_VECTORROWS_H
#define CONVOY_CODEGEN_CPU_VECTORROWS_H

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"

namespace convoy::cpu {

/// `buffer` with another shape of as many elements. If there are gaps between the images of
/// the buffer, the first dimension must stay.
mlir::Value reshapeBuffer(mlir::ImplicitLocOpBuilder &builder, mlir::Value buffer,
                          llvm::ArrayRef<int64_t> shape);

/// How many lanes a vector has that copies elements of this type; 1 if an element does not
/// take a whole number of bytes in a vector, so that only scalar accesses are possible.
int64_t getCopyLanes(mlir::Type element, cnn::TargetAttr target);

/// The type in which elements are moved from one buffer to another: f32 if the floats of one
/// are narrower.
mlir::Type getMovedType(mlir::Value from, mlir::Value to);

/// Loads (stores) the first `count` elements of a vector of `type`, as loadAs and storeAs do.
/// The other lanes are not accessed; in a loaded vector they have the values of `padding`, or
/// zeros.
mlir::Value loadLanes(mlir::ImplicitLocOpBuilder &builder, mlir::VectorType type,
                      mlir::Value buffer, mlir::ValueRange indices, int64_t count,
                      mlir::Value padding = {});
void storeLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::Value buffer,
                mlir::ValueRange indices, int64_t count);

using Combine = llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>;

/// Combines all lanes of a vector into a scalar, always in the same order.
mlir::Value combineLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value vector,
                         Combine combine);
/// Combines values pairwise until one is left.
mlir::Value combineAll(llvm::ArrayRef<mlir::Value> values, Combine combine);

/// The number of tasks of a kernel whose work is cut into `units`: one task per unit, or a
/// single task if all of the work is small, so that no threads are woken for it. `work` is the
/// number of elements that one unit moves; a kernel that does more with an element counts it
/// several times.
int64_t countUnitTasks(int64_t units, int64_t work);
/// Emits `body` for each unit of `task`; `tasks` is what countUnitTasks returned.
void forEachUnit(mlir::ImplicitLocOpBuilder &builder, mlir::Value task, int64_t units,
                 int64_t tasks, llvm::function_ref<void(mlir::Value)> body);

/// Into how many pieces to cut each of `rows` rows of `extent` elements, so that all pieces
/// are enough tasks. Pieces are cut between steps of `width` elements. `work` is what one
/// element costs, as in countUnitTasks.
int64_t selectPieces(int64_t rows, int64_t extent, int64_t width, int64_t work);
/// Emits `body` for each step of piece number `piece` of a row, out of `pieces`. `body` gets
/// the first element of the step and the number of elements: `width`, or less for the last
/// step.
void forEachStep(mlir::ImplicitLocOpBuilder &builder, int64_t extent, int64_t width,
                 mlir::Value piece, int64_t pieces,
                 llvm::function_ref<void(mlir::Value, int64_t)> body);

/// Emits a branch: `body(true)` if `condition` is true, `body(false)` if not.
void emitIfElse(mlir::ImplicitLocOpBuilder &builder, mlir::Value condition,
                llvm::function_ref<void(bool)> body);
/// Whether `value` is the last of `count` indices, as i1; a constant if `count` is 1.
mlir::Value isLast(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, int64_t count);

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_VECTORROWS_H
