//===- Dense.h - Products of matrices ---------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_DENSE_H
#define CONVOY_LIB_IMPORT_ONNX_DENSE_H

#include "NodeImporter.h"

namespace convoy::onnximport {

/// The product of matrices of at least two dimensions, as cnn.matmul computes it; a dense
/// layer if the right side is one constant matrix.
mlir::FailureOr<mlir::Value> multiplyMatrices(NodeImporter &node, mlir::Value lhs,
                                              mlir::Value rhs);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_DENSE_H
