//===- Program.h - The operations of a program ------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_UTILS_PROGRAM_H
#define CONVOY_DIALECT_CNN_UTILS_PROGRAM_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SetVector.h"

namespace convoy::cnn {

/// The operands of `op`, and the values from outside that its regions use.
llvm::SetVector<mlir::Value> getUsedValues(mlir::Operation *op);

/// Whether the operation is in a branch of `region`'s operation, or deeper in it.
bool isInside(mlir::Operation *op, mlir::Region *region);

/// The innermost loop of the program whose body the operation is in; null if it is in none.
mlir::scf::WhileOp getLoop(mlir::Operation *op);

/// Whether two operations are in different branches of one `scf.if`, so that a run executes at
/// most one of them.
bool areAlternatives(mlir::Operation *a, mlir::Operation *b);

/// Visits the operations of a program in order: those of its block and, after an `scf.if` or
/// `scf.while`, those of its regions. The bodies of linalg operations and of cnn.compute are
/// not visited. `visit` may erase the operation. Fails if `visit` interrupts the walk.
llvm::LogicalResult walkProgram(mlir::func::FuncOp program,
                                llvm::function_ref<mlir::WalkResult(mlir::Operation *)> visit);

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_UTILS_PROGRAM_H
