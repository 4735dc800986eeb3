//===- Folding.h - Helpers for writing folders ------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Folders keep every bit of a result and stay small: they do integer shape arithmetic and
// remove identities. The pass cnn-fold-constants folds weights.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DIALECT_CNN_IR_FOLDING_H
#define CONVOY_LIB_DIALECT_CNN_IR_FOLDING_H

#include "ConstantOperands.h"

namespace convoy::cnn {

using FoldResults = llvm::SmallVectorImpl<mlir::OpFoldResult>;

/// Only the value form folds: the other forms have a destination, which must be written.
template <typename OpTy> bool isValueForm(OpTy op) {
  return op->getNumResults() == 1 && !op.getInit();
}

inline mlir::LogicalResult replaceBy(FoldResults &results, mlir::Value value) {
  results.push_back(value);
  return mlir::success();
}

/// Replaces an operation on constants by its value, if that is exact.
inline mlir::LogicalResult foldConstants(mlir::Operation *op,
                                         llvm::ArrayRef<mlir::Attribute> operands,
                                         FoldResults &results) {
  mlir::ElementsAttr value = evaluateConstant(op, operands, EvaluationOptions());
  if (!value)
    return mlir::failure();
  results.push_back(value);
  return mlir::success();
}

} // namespace convoy::cnn

#endif // CONVOY_LIB_DIALECT_CNN_IR_FOLDING_H
