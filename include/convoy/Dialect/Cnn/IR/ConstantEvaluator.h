//===- ConstantEvaluator.h - Operations on constants, on the host -*- C++ -*-=//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Shape arithmetic folds away with this: the folders use it for what is small
// and exact, the importer for shapes, and cnn-fold-constants for the rest.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CONSTANTEVALUATOR_H
#define CONVOY_DIALECT_CNN_IR_CONSTANTEVALUATOR_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"

namespace convoy::cnn {

struct EvaluationOptions {
  /// Results of more elements are not computed, splats excepted.
  int64_t maxElements = kMaxInlineElements;
  /// Whether to compute only what has one right answer in every bit: integers,
  /// data movement, comparisons, and functions that IEEE 754 rounds correctly.
  bool exactOnly = true;
};

/// The value of `op`'s only result where its operands have the given values
/// (null: not known); null if `op` is not one that can be evaluated. Knows
/// operations with an EvaluateOpInterface, tensor.extract_slice, tensor.expand_shape,
/// tensor.collapse_shape, tensor.pad and linalg.transpose. Floats are computed in f64 and
/// rounded once.
mlir::ElementsAttr evaluateConstant(mlir::Operation *op,
                                    llvm::ArrayRef<mlir::Attribute> operands,
                                    const EvaluationOptions &options);

/// The constant that `value` is, or that evaluation of the operations behind it
/// gives; null if there is none.
mlir::ElementsAttr evaluateConstant(mlir::Value value, const EvaluationOptions &options);

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_CONSTANTEVALUATOR_H
