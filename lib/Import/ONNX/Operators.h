//===- Operators.h - Operators of which others are made ---------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_OPERATORS_H
#define CONVOY_LIB_IMPORT_ONNX_OPERATORS_H

#include "NodeImporter.h"

namespace convoy::onnximport {

// Import functions; the node may be one of an operator with more inputs and attributes.
mlir::LogicalResult importConcat(NodeImporter &node);
mlir::LogicalResult importConv(NodeImporter &node);
mlir::LogicalResult importGemm(NodeImporter &node);

/// The product of two tensors as MatMul defines it.
mlir::FailureOr<mlir::Value> createMatMul(NodeImporter &node, mlir::Value lhs,
                                          mlir::Value rhs);
/// `input * transpose(filter) + bias` of floats: a dense layer if the filter is constant. The
/// bias, of one element for each row of the filter, may be null.
mlir::FailureOr<mlir::Value> createDense(NodeImporter &node, mlir::Value input,
                                         mlir::Value filter, mlir::Value bias);
/// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
mlir::FailureOr<mlir::Value> createTanhGelu(NodeImporter &node, mlir::Value input);

/// The indices that sort the elements along the last dimension, the largest first. Of equal
/// elements the one with the lower index comes first; NaNs come last.
mlir::FailureOr<mlir::Value> sortDescending(NodeImporter &node, mlir::Value input);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_OPERATORS_H
