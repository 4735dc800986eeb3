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
  /// Whether the operand is a scalar, the same in each iteration, instead of a buffer.
  bool isScalar = false;
  bool isOutput = false;
  mlir::Type elementType;
  int64_t offset = 0;
  llvm::SmallVector<int64_t> strides;

  int64_t stride(int64_t loop) const { return isScalar ? 0 : strides[loop]; }
};

/// The loops of a linalg operation or memref.copy. Parallel loops are outside, in the order of
/// the output's memory; reduction loops are inside, in the order of an input's memory.
/// Neighbouring loops that run through memory as one loop would are joined.
struct GenericLoops {
  /// The iterations of each loop, from the outermost.
  llvm::SmallVector<int64_t> extents;
  /// How many of the outermost loops are parallel.
  int64_t numParallel = 0;
  /// One for each operand.
  llvm::SmallVector<Access> accesses;

  /// Whether the operation uses `linalg.index` or has maps that are not linear. Then the loops
  /// are those of the operation, neither joined nor moved: `maps` has the map of each operand,
  /// and `isParallel` tells which loops are parallel.
  bool isGeneral = false;
  llvm::SmallVector<mlir::AffineMap> maps;
  llvm::SmallVector<bool> isParallel;

  int64_t numLoops() const { return extents.size(); }
  bool reduces() const { return numLoops() > numParallel; }

  /// The loops of `op`; failure, without a diagnostic, if it is no linalg operation or copy on
  /// buffers of static layout.
  static mlir::FailureOr<GenericLoops> create(mlir::Operation *op);

private:
  void normalizeLoops();
};

/// Whether the body of a linalg operation can run on vectors, because all its operations are
/// element-wise. A copy can, too.
bool hasVectorBody(mlir::Operation *op);

/// The operations by which a reduction combines its outputs with new elements, one for each
/// output. Nothing unless each output has exactly one, and that has a neutral element.
std::optional<llvm::SmallVector<mlir::Operation *>> findCombiners(mlir::Operation *op);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_GENERICLOOPS_H
