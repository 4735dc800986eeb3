//===- SizeRules.h - Sizes that are known only at run time ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A tensor whose size depends on data, such as the result of NonZero, has the type of its
// largest size. Its elements come first in each dimension, and the program computes how many
// there are. A rule imports a node with such operands: it says which sizes the results have,
// and keeps the elements that do not count from changing those that do.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_SIZERULES_H
#define CONVOY_LIB_IMPORT_ONNX_SIZERULES_H

#include "NodeImporter.h"
#include "OpTable.h"

namespace convoy::onnximport {

/// Imports a node that has an operand with sizes by the rule of its operator. Fails if it has
/// none.
mlir::LogicalResult importSized(NodeImporter &node, const OpEntry &entry);

/// The import function looks at the sizes itself.
mlir::LogicalResult ruleOfItself(NodeImporter &node, const OpEntry &entry);
/// All operands broadcast to one shape, and each element depends on those at its place.
mlir::LogicalResult ruleOfElements(NodeImporter &node, const OpEntry &entry);
/// Dimension 0 of operand 0 is a batch, and only its size may be open.
mlir::LogicalResult ruleOfBatches(NodeImporter &node, const OpEntry &entry);

/// Operand 0 is a matrix, or a stack of them, whose rows are independent, and operand 1 is one
/// for all of them. Only dimensions of rows may have a size.
mlir::LogicalResult ruleOfRows(NodeImporter &node, const OpEntry &entry);

/// Operand 0 alone may have sizes, and the results have them, too.
mlir::LogicalResult ruleOfKeptSizes(NodeImporter &node, const OpEntry &entry);
/// The same for operators that work along the dimensions from the attribute `axis` on, the
/// last one by default: only those before may have sizes.
mlir::LogicalResult ruleOfOuterSizes(NodeImporter &node, const OpEntry &entry);

/// The extents of operands that broadcast to one shape. Operands are changed where the largest
/// sizes differ, but not the sizes.
mlir::FailureOr<llvm::SmallVector<DimSize>> broadcastOperands(NodeImporter &node);

/// The extents of operand 0 that broadcasts with a tensor of extents `other`. The operand is
/// changed in the same way.
mlir::FailureOr<llvm::SmallVector<DimSize>> broadcastOperand(NodeImporter &node,
                                                             llvm::ArrayRef<DimSize> other);

/// Which elements of a tensor count, in the body of a computation.
class Counted {
public:
  /// Adds the sizes among `extents` to the operands of the computation.
  Counted(llvm::ArrayRef<DimSize> extents, llvm::SmallVectorImpl<mlir::Value> &operands);

  /// Whether the element at `at` counts.
  cnn::Scalar contains(cnn::ComputeBody &body, llvm::ArrayRef<cnn::Scalar> at) const;
  /// The size of a dimension: its bound, if it has none.
  cnn::Scalar getEnd(cnn::ComputeBody &body, unsigned dim) const;

private:
  llvm::SmallVector<DimSize> extents;
  /// The number of the first size among the operands.
  unsigned first;
};

/// Gives elements that do not count, in the dimensions with a size among `extents`, the value
/// of a constant of rank 0.
mlir::FailureOr<mlir::Value> fillBeyond(NodeImporter &node, mlir::Value value,
                                        llvm::ArrayRef<DimSize> extents, mlir::Value filler);

/// `value` in a tensor of the shape `bounds`, which is larger; elements that are new do not
/// count.
mlir::FailureOr<mlir::Value> enlarge(NodeImporter &node, mlir::Value value,
                                     llvm::ArrayRef<int64_t> bounds);

/// `value` in a tensor of the shape `bounds`; elements that are new do not count, nor do those
/// that are lost.
mlir::FailureOr<mlir::Value> changeBounds(NodeImporter &node, mlir::Value value,
                                          llvm::ArrayRef<int64_t> bounds);

/// The least or the largest number of an element type, as a constant of rank 0.
mlir::Value makeLimit(NodeImporter &node, mlir::Type element, bool isLargest);

/// Makes negative indices into dimensions with a size, which count from the end, count from
/// the beginning. With several dimensions, a coordinate for each is along the last one of
/// `indices`.
mlir::FailureOr<mlir::Value> countFromBegin(NodeImporter &node, mlir::Value indices,
                                            llvm::ArrayRef<DimSize> extents);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_SIZERULES_H
