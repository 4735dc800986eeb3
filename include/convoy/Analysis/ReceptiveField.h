//===- ReceptiveField.h - What of the input an element sees -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_RECEPTIVEFIELD_H
#define CONVOY_ANALYSIS_RECEPTIVEFIELD_H

#include "convoy/Dialect/Cnn/IR/FieldExtent.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

namespace convoy {

using cnn::FieldExtent;

/// The receptive fields of the tensors of a function in value form, by the usual arithmetic
/// (Araujo, Norris and Sim 2019, https://doi.org/10.23915/distill.00021): a window of reach k
/// and stride s turns (size, stride) into (size + (k - 1) * stride, stride * s). If an
/// operation has several operands, the widest field counts. An argument of rank 3 or more is
/// an image, whose dimensions from the third on are spatial.
class ReceptiveFields {
public:
  explicit ReceptiveFields(mlir::func::FuncOp function);

  /// One entry for each spatial dimension; empty if no image reaches the value.
  llvm::ArrayRef<FieldExtent> get(mlir::Value value) const;

private:
  using Field = cnn::ReceptiveField;
  void visit(mlir::Operation &op);
  Field merge(mlir::Operation &op) const;
  void setResult(mlir::Value result, Field field);

  llvm::DenseMap<mlir::Value, Field> fields;
};

} // namespace convoy

#endif // CONVOY_ANALYSIS_RECEPTIVEFIELD_H
