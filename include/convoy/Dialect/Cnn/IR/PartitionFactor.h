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

/// The dimension of a tensor that a factor walks along.
struct FactorDim {
  /// Negative where the tensor does not depend on the factor.
  int64_t dim = -1;
  /// Elements of the dimension for each unit of the factor.
  int64_t size = 1;

  bool isSplit() const { return dim >= 0; }
};

/// A dimension of an operation's iteration space.
struct PartitionFactor {
  FactorKind kind;
  int64_t extent = 0;
  /// One for each operand.
  llvm::SmallVector<FactorDim> operands;
  FactorDim result;
  /// Parts of the result are terms of a sum, not slices.
  bool isReduction = false;
  /// Elements that a part needs of its neighbours' first operand.
  int64_t haloBefore = 0, haloAfter = 0;
  /// Whether a part computes a result for its halo too, which is dropped.
  bool keepsHalo = false;

  bool needsHalo() const { return haloBefore || haloAfter; }
  /// Units that a part has at least: halos reach next neighbours only.
  int64_t getLeastPart() const {
    int64_t halo = std::max(haloBefore, haloAfter);
    int64_t size = needsHalo() ? operands.front().size : 1;
    return std::max<int64_t>(1, (halo + size - 1) / size);
  }
  /// Operands that only the first part of a reduction adds.
  llvm::SmallVector<unsigned> addedOnce;
};

/// Gives upstream's reshapes and transposes a PartitionOpInterface.
void registerPartitionOpInterfaceExternalModels(mlir::DialectRegistry &registry);

namespace detail {
/// Clones `op` with other operands and infers its result anew.
mlir::Value buildPart(mlir::Operation *op, mlir::OpBuilder &builder, mlir::ValueRange operands,
                      const PartitionFactor &factor, int64_t begin, int64_t end);
} // namespace detail

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_PARTITIONFACTOR_H
