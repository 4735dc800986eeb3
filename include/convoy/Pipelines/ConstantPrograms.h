//===- ConstantPrograms.h - Values that depend on constants alone *- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Evaluates values while compiling, by running the code that the phases make for them. So no
// operation needs a second implementation. (The evaluator of ConstantEvaluator.h is for shape
// arithmetic, where compiling would take too long.)
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_PIPELINES_CONSTANTPROGRAMS_H
#define CONVOY_PIPELINES_CONSTANTPROGRAMS_H

#include "convoy/Pipelines/Pipelines.h"

#include "mlir/IR/Block.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Value.h"

namespace convoy {

/// The values to evaluate before the operations of `block` are compiled: those that depend on
/// constants alone, and that an operation reads which does not.
llvm::SmallVector<mlir::Value> findConstantResults(mlir::Block &block);

/// The elements of `values`. Null for a value that depends on an argument, that would take far
/// more memory than the constants from which it is computed, or that cannot be computed on
/// this machine. Emits a remark at the operation of each value that is computed, and no other
/// diagnostics. Changes no IR. Thread-safe, if threads use different contexts.
/// `first` is the first phase that has not run on the operations.
llvm::SmallVector<mlir::ElementsAttr> evaluateOnHost(llvm::ArrayRef<mlir::Value> values,
                                                     Phase first = Phase::Simplify);

/// Adds the dialects of the phases that make such code. A pass that evaluates values depends
/// on them, because no more dialects can be loaded while it runs.
void addConstantProgramDialects(mlir::DialectRegistry &registry);

} // namespace convoy

#endif // CONVOY_PIPELINES_CONSTANTPROGRAMS_H
