//===- PhaseBorder.h - What may cross from one phase to the next -*- C++ -*-==//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_UTILS_PHASEBORDER_H
#define CONVOY_TRANSFORMS_UTILS_PHASEBORDER_H

#include "mlir/IR/Operation.h"

#include <string>

namespace convoy::cnn {

/// One row of a border's table. Rows are read from the top, and the first that
/// names the operation decides.
struct BorderRow {
  /// An operation (`cnn.conv`) or all of a dialect (`cnn.*`).
  llvm::StringLiteral name;
  /// What is wrong with the operation, empty if it may pass.
  std::string (*check)(mlir::Operation *op);
};

/// Checks that several borders share.
std::string fine(mlir::Operation *op);
std::string insideLinalg(mlir::Operation *op);
/// Every result that has a shape has a static one.
std::string staticShapes(mlir::Operation *op);

/// Checks every operation inside of `root`; one that no row names may not pass.
mlir::LogicalResult verifyBorder(mlir::Operation *root, llvm::StringRef phase,
                                 llvm::ArrayRef<BorderRow> table);

} // namespace convoy::cnn

#endif // CONVOY_TRANSFORMS_UTILS_PHASEBORDER_H
