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

/// The lengths of sequences of at most `steps` steps, an input of integers: it is an error if
/// a constant is no such length, and else the run fails.
mlir::FailureOr<mlir::Value> readLengths(NodeImporter &node, unsigned index, int64_t steps);

/// The indices that sort the elements along the last dimension, the largest first. Of equal
/// elements the one with the lower index comes first; NaNs come last.
mlir::FailureOr<mlir::Value> sortDescending(NodeImporter &node, mlir::Value input);
/// The numbers of the first `count` rows of a matrix in lexicographic order, and then those of
/// the others. Of equal rows the one with the lower number comes first. NaNs are equal to each
/// other and come last.
mlir::FailureOr<mlir::Value> sortRows(NodeImporter &node, mlir::Value matrix, DimSize count);
/// Whether row `x` of the matrix that is input 0 comes before row `y` in that order.
cnn::Scalar isRowBefore(cnn::ComputeBody &body, cnn::Scalar x, cnn::Scalar y, int64_t columns);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_OPERATORS_H
