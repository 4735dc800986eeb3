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

/// One row of the table of a border between two phases. The first row that names an operation
/// decides about it.
struct BorderRow {
  /// An operation (`cnn.conv`) or all operations of a dialect (`cnn.*`).
  llvm::StringLiteral name;
  /// Returns why the operation may not pass the border; empty if it may.
  std::string (*check)(mlir::Operation *op);
};

// Checks that the tables of several borders use.

/// Accepts every operation.
std::string fine(mlir::Operation *op);
/// Accepts operations inside of a linalg operation.
std::string insideLinalg(mlir::Operation *op);
/// Accepts operations inside of a cnn.compute.
std::string insideCompute(mlir::Operation *op);
/// Accepts operations inside of a linalg operation or of a cnn.compute.
std::string insideBody(mlir::Operation *op);
/// Accepts loads of the condition of an `scf.if` or `scf.while`, and those inside of a linalg
/// operation or of a cnn.compute.
std::string conditionOrInBody(mlir::Operation *op);
/// Accepts operations in an `scf.if` or `scf.while`, and those inside of a cnn.compute.
std::string inBranchLoopOrCompute(mlir::Operation *op);
/// Accepts operations whose shaped results all have static shapes.
std::string staticShapes(mlir::Operation *op);

/// Why no kernel computes `op`, an operation of cnn (see Cnn_HasKernel); empty if one does.
std::string whyNoKernel(mlir::Operation *op);

/// Checks every operation inside of `root` by the first row of `table` that names it. An
/// operation that no row names may not pass. `phase` is the phase before the border, for
/// errors.
mlir::LogicalResult verifyBorder(mlir::Operation *root, llvm::StringRef phase,
                                 llvm::ArrayRef<BorderRow> table);

} // namespace convoy::cnn

#endif // CONVOY_TRANSFORMS_UTILS_PHASEBORDER_H
