//===- GenericLoops.h - Loop nest of a linalg operation ---------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_GENERICLOOPS_H
#define CONVOY_CODEGEN_COMMON_GENERICLOOPS_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Operation.h"

#include <optional>

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
struct GenericLoops {
  llvm::SmallVector<int64_t> extents;
  int64_t numParallel = 0;
  /// One an operand.
  llvm::SmallVector<Access> accesses;

  /// Where the loops of the operation went, for `linalg.index` and maps that are
  /// not linear: then loops are neither joined nor moved, and `isParallel` tells which
  /// of them are.
  bool isGeneral = false;
  llvm::SmallVector<mlir::AffineMap> maps;
  llvm::SmallVector<bool> isParallel;

  int64_t numLoops() const { return extents.size(); }
  bool reduces() const { return numLoops() > numParallel; }

  /// Reads the operation; failure where it is none that has such loops.
  static mlir::FailureOr<GenericLoops> create(mlir::Operation *op);

private:
  void normalizeLoops();
};

/// Whether the body of a linalg operation, or a copy, can run on vectors: operations on
/// elements only.
bool hasVectorBody(mlir::Operation *op);

/// The operations that combine a linalg operation's outputs with new elements, one an
/// output, where each output has one such with a neutral element.
std::optional<llvm::SmallVector<mlir::Operation *>> findCombiners(mlir::Operation *op);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_GENERICLOOPS_H
