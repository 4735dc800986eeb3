//===- PartitionFactor.h - How devices can share an operation ---*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_PARTITIONFACTOR_H
#define CONVOY_DIALECT_CNN_IR_PARTITIONFACTOR_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/Operation.h"

namespace convoy::cnn {

enum class FactorKind : uint32_t;

/// The dimension of a tensor that belongs to a factor.
struct FactorDim {
  /// Negative if no dimension of the tensor belongs to the factor.
  int64_t dim = -1;
  /// How many elements of the dimension belong to each unit of the factor.
  int64_t size = 1;

  bool isSplit() const { return dim >= 0; }
};

/// A dimension of an operation's loops along which devices can share the operation. A unit of
/// it is one iteration.
struct PartitionFactor {
  FactorKind kind;
  /// Number of units.
  int64_t extent = 0;
  /// One entry for each operand.
  llvm::SmallVector<FactorDim> operands;
  FactorDim result;
  /// Whether the parts of the result are terms of a sum, not slices.
  bool isReduction = false;
  /// How many elements of the first operand a part needs from the part before it and from the
  /// part after it.
  int64_t haloBefore = 0, haloAfter = 0;
  /// Whether a part computes results for its halo, too, which must be dropped.
  bool keepsHalo = false;

  bool needsHalo() const { return haloBefore || haloAfter; }
  /// The least number of units of a part: a halo must come from the next neighbour alone.
  int64_t getLeastPart() const {
    int64_t halo = std::max(haloBefore, haloAfter);
    int64_t size = needsHalo() ? operands.front().size : 1;
    return std::max<int64_t>(1, (halo + size - 1) / size);
  }
  /// Indices of the operands that only the first part of a reduction adds, such as a bias.
  llvm::SmallVector<unsigned> addedOnce;
};

/// Registers models of PartitionOpInterface for upstream's reshapes and transposes.
void registerPartitionOpInterfaceExternalModels(mlir::DialectRegistry &registry);

namespace detail {
/// The default of PartitionOpInterface::buildPart: clones `op` with other operands, calls
/// adjustPart on the clone, and infers the type of its result.
mlir::Value buildPart(mlir::Operation *op, mlir::OpBuilder &builder, mlir::ValueRange operands,
                      const PartitionFactor &factor, int64_t begin, int64_t end);
} // namespace detail

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_PARTITIONFACTOR_H
