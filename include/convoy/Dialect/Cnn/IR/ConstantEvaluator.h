//===- ConstantEvaluator.h - Operations on constants, on the host -*- C++ -*-=//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Computes operations on constants while a model is compiled, such as the shape arithmetic of
// ONNX models. The folders use it for small and exact results, the importer for shapes, and
// the pass cnn-fold-constants for everything else.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CONSTANTEVALUATOR_H
#define CONVOY_DIALECT_CNN_IR_CONSTANTEVALUATOR_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"

namespace convoy::cnn {

struct EvaluationOptions {
  /// Results with more elements than this are not computed, except for splats.
  int64_t maxElements = kMaxInlineElements;
  /// Whether to compute only operations whose result is defined in every bit: integers, data
  /// movement, comparisons, and functions that IEEE 754 rounds correctly.
  bool exactOnly = true;
};

/// The value of the only result of `op` if its operands have the values `operands` (null for
/// one that is not known); null if `op` cannot be evaluated. Evaluates operations with an
/// EvaluateOpInterface, tensor.extract_slice, tensor.expand_shape, tensor.collapse_shape,
/// tensor.pad and linalg.transpose. Floats are computed in f64 and rounded once.
mlir::ElementsAttr evaluateConstant(mlir::Operation *op,
                                    llvm::ArrayRef<mlir::Attribute> operands,
                                    const EvaluationOptions &options);

/// The constant `value`, or the constant to which the operations that compute `value`
/// evaluate; null if there is none.
mlir::ElementsAttr evaluateConstant(mlir::Value value, const EvaluationOptions &options);

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_CONSTANTEVALUATOR_H
