//===- BufferPlan.h - Where buffers lie in the arena ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Facts about a straight-line bufferized function, without rewriting it: what
// each memref value covers, which allocation may lie inside another one, and an
// offset for each.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_BUFFERPLAN_H
#define CONVOY_ANALYSIS_BUFFERPLAN_H

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Machine/Gpu.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/MapVector.h"

namespace convoy::cnn {

/// Bytes on whose multiples buffers and parts of buffers begin: what a thread of a GPU moves
/// at a time.
inline int64_t getPartAlignment(mlir::Operation *op) {
  return getTarget(op).getGpu() ? kGpuAccessBytes : 1;
}

/// Whether code generation reads strides of the first dimension from the types of `op`, or
/// makes copies of it.
inline bool takesImageSlices(mlir::Operation *op) {
  return op->hasTrait<TakesImageSlices>() ||
         mlir::isa<mlir::linalg::LinalgOp, mlir::memref::CopyOp, ConcatOp>(op);
}

/// Every offset of a buffer in the arena and of a constant in the weights is a
/// multiple of this.
inline constexpr int64_t kBufferAlignment = 64;

/// Bytes of a buffer of this type, which must be static; an i1 takes a byte.
int64_t getByteSize(mlir::ShapedType type);

/// What a memref value covers of its root, an allocation, a function argument
/// or a constant. Offset and strides count elements.
struct BufferRange {
  mlir::Value root;
  int64_t offset = 0;
  llvm::SmallVector<int64_t> shape, strides;
  mlir::Type element;

  int64_t getNumElements() const;
  bool isContiguous() const;
  /// Whether it is all of the root, in its order.
  bool isWholeRoot() const;
  /// Whether it is the same part of each image of the root, an element of its first
  /// dimension.
  bool isPartOfImages() const;
};

/// Whether `op` makes a memref from another one without touching memory.
bool isView(mlir::Operation *op);

/// Follows views from `value` to its root. Emits an error where the layout is
/// not static.
mlir::FailureOr<BufferRange> locate(mlir::Value value);

/// Where the inputs of a concatenation lie in its result.
llvm::SmallVector<BufferRange> locateParts(ConcatOp op);

/// An allocation with its lifetime, in positions of operations.
struct Buffer {
  int64_t bytes = 0;
  int64_t firstAccess = std::numeric_limits<int64_t>::max(), lastAccess = -1, lastWrite = -1;
  /// Whether all that access it take images that do not follow each other.
  bool takesImageSlices = true;
  /// Set when it lies inside of another buffer or a function argument.
  mlir::Value parent;
  /// In bytes, from the parent or, without one, from the start of the arena.
  int64_t offset = 0;
  /// Bytes from image to image in the parent; 0 where they follow each other.
  int64_t imageStride = 0;

  bool isAccessed() const { return lastAccess >= 0; }
};

/// A place in an allocation without parent or in a function argument, in bytes.
struct BufferPlace {
  mlir::Value root;
  int64_t offset = 0;
  /// From image to image; 0 where they follow each other.
  int64_t imageStride = 0;
};

class BufferPlan {
public:
  static mlir::FailureOr<BufferPlan> create(mlir::func::FuncOp function);

  /// Where the root lies in its outermost parent.
  BufferPlace resolve(mlir::Value root) const;
  /// Offset of an allocation without parent.
  int64_t getArenaOffset(mlir::Value root) const { return buffers.find(root)->second.offset; }
  int64_t getArenaSize() const { return arenaSize; }
  /// The most bytes that are alive at one operation: no arena can be smaller.
  int64_t getLowerBound() const { return lowerBound; }
  /// Whether operand `index` of a concatenation or copy already is in place.
  bool isInPlace(mlir::Operation *op, int64_t index) const {
    return inPlace.contains({op, index});
  }

private:
  /// Buffers that a concatenation or copy joins, and where each lies in the result.
  struct Join {
    llvm::SmallVector<BufferRange> inputs, parts;
  };
  static bool getJoin(mlir::Operation &op, Join &join);

  mlir::LogicalResult findAccesses(mlir::func::FuncOp function);
  void findMerges(mlir::func::FuncOp function);
  void mergeInto(mlir::Operation *op, const Join &join);
  bool adoptAdjacentInputs(mlir::Operation *op, const Join &join);
  void findUpdates(mlir::func::FuncOp function);
  void place();

  llvm::MapVector<mlir::Value, Buffer> buffers;
  llvm::DenseMap<mlir::Operation *, int64_t> positions;
  llvm::DenseSet<std::pair<mlir::Operation *, int64_t>> inPlace;
  int64_t arenaSize = 0, lowerBound = 0;
};

} // namespace convoy::cnn

#endif // CONVOY_ANALYSIS_BUFFERPLAN_H
