//===- Outputs.h - What `cnn.outputs` says ----------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_UTILS_OUTPUTS_H
#define CONVOY_DIALECT_CNN_UTILS_OUTPUTS_H

#include "mlir/IR/BuiltinAttributes.h"

namespace convoy::cnn {

/// The entries of `cnn.outputs` that describe outputs of the model. The entries behind them,
/// whose names are empty, describe results of `@main` that are sizes of the outputs'
/// dimensions.
llvm::ArrayRef<mlir::Attribute> getModelOutputs(mlir::ArrayAttr outputs);

/// For each dimension of the output that `entry` describes, the number of the result of
/// `@main` that is its size, or -1 if the type has it. Empty if the type has all sizes.
llvm::ArrayRef<int64_t> getSizeResults(mlir::Attribute entry);

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_UTILS_OUTPUTS_H
