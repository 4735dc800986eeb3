//===- GenericPlan.h - Vectors and tasks of a generic kernel ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_CPU_GENERICPLAN_H
#define CONVOY_LIB_CODEGEN_CPU_GENERICPLAN_H

#include "convoy/Codegen/Common/GenericLoops.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy::cpu {

/// A loop nest and how a CPU runs it.
struct GenericPlan : GenericLoops {
  enum class Vector {
    None,
    /// Along the last parallel loop, in which outputs are contiguous.
    Parallel,
    /// Along the last reduction loop, in which inputs are contiguous.
    Reduction,
  };

  Vector vector = Vector::None;
  /// Lanes of a whole vector; 1 if there are no vectors.
  int64_t lanes = 1;
  /// Whether tiles of lanes x lanes are transposed: some inputs are not contiguous in the last
  /// parallel loop, but in the one before.
  bool transposes = false;

  /// A task runs one iteration of each of the first `splitLoop` loops and `chunk` iterations
  /// of loop `splitLoop`, which is -1 if there is one task only.
  int64_t splitLoop = -1;
  int64_t chunk = 0;
  int64_t tasks = 1;

  /// Reads the operation; failure if it has no such loops.
  static mlir::FailureOr<GenericPlan> create(mlir::Operation *op, cnn::TargetAttr target);

private:
  void selectVector(mlir::Operation *op, cnn::TargetAttr target);
  void selectTasks(mlir::Operation *op);
};

} // namespace convoy::cpu

#endif // CONVOY_LIB_CODEGEN_CPU_GENERICPLAN_H
