//===- GenericPlan.h - Loop nest of a generic kernel ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_CPU_GENERICPLAN_H
#define CONVOY_LIB_CODEGEN_CPU_GENERICPLAN_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/IR/AffineMap.h"

namespace convoy {

/// How one operand is read or written by a loop nest: element
/// `offset + sum(strides[i] * iv[i])` of its memory.
struct Access {
  /// No buffer but a value, the same in each iteration.
  bool isScalar = false;
  bool isOutput = false;
  mlir::Type elementType;
  int64_t offset = 0;
  llvm::SmallVector<int64_t> strides;

  int64_t stride(int64_t loop) const { return isScalar ? 0 : strides[loop]; }
};

/// The loops of a linalg operation or memref.copy, parallel ones outside and in
/// the order of the output's memory, the reduction ones inside and in the order
/// of an input's; neighbours that run through memory as one are one loop.
struct GenericPlan {
  enum class Vector {
    None,
    /// Along the last parallel loop, in which outputs are contiguous.
    Parallel,
    /// Along the last reduction loop, in which inputs are contiguous.
    Reduction,
  };

  llvm::SmallVector<int64_t> extents;
  int64_t numParallel = 0;
  /// One an operand.
  llvm::SmallVector<Access> accesses;

  Vector vector = Vector::None;
  /// Lanes of a whole vector; 1 without.
  int64_t lanes = 1;
  /// The loop next to the last parallel one in which some inputs are contiguous
  /// that are not so in the last: tiles of lanes x lanes are transposed.
  bool transposes = false;

  /// Tasks take one iteration of each of the first `splitLoop` loops and `chunk`
  /// iterations of loop `splitLoop`; -1 when there is one task only.
  int64_t splitLoop = -1;
  int64_t chunk = 0;
  int64_t tasks = 1;

  /// Where the loops of the operation went, for `linalg.index` and maps that are
  /// not linear: then loops are neither joined nor moved.
  bool isGeneral = false;
  llvm::SmallVector<mlir::AffineMap> maps;

  int64_t numLoops() const { return extents.size(); }

  /// Reads the operation; failure where it is none that has such loops.
  static mlir::FailureOr<GenericPlan> create(mlir::Operation *op, cnn::TargetAttr target);

private:
  void normalizeLoops(llvm::SmallVector<bool> isParallel);
  void selectVector(mlir::Operation *op, cnn::TargetAttr target);
  void selectTasks(mlir::Operation *op);
};

} // namespace convoy

#endif // CONVOY_LIB_CODEGEN_CPU_GENERICPLAN_H
