//===- BufferPlan.h - Where buffers lie in the arena ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Facts about a straight-line bufferized function, which is not rewritten here: the memory
// that each memref value covers, which allocation may be placed inside another one, and an
// offset for each allocation.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_BUFFERPLAN_H
#define CONVOY_ANALYSIS_BUFFERPLAN_H

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Machine/Gpu.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/MapVector.h"

namespace convoy::cnn {

/// Buffers that are parts of other buffers begin at multiples of this number of bytes: the
/// bytes that a GPU's thread moves at a time, or 1 without a GPU.
inline int64_t getPartAlignment(mlir::Operation *op) {
  return getTarget(op).getGpu() ? kGpuAccessBytes : 1;
}

/// Whether `op` may have operands with gaps between their images: its kernels read the stride
/// of the first dimension from the types of operands, or it is turned into copies.
inline bool takesImageSlices(mlir::Operation *op) {
  return op->hasTrait<TakesImageSlices>() ||
         mlir::isa<mlir::linalg::LinalgOp, mlir::memref::CopyOp, ConcatOp>(op);
}

/// The offset of each buffer in the arena and of each constant in the weights is a multiple of
/// this number of bytes. (Buffers inside of other buffers are excepted, see getPartAlignment.)
inline constexpr int64_t kBufferAlignment = 64;

/// The bytes of a buffer of this type, which must be of static shape; an i1 takes a byte.
int64_t getByteSize(mlir::ShapedType type);

/// The part of its root that a memref value covers. The root is an allocation, a function
/// argument or a constant. Offset and strides count elements.
struct BufferRange {
  mlir::Value root;
  int64_t offset = 0;
  llvm::SmallVector<int64_t> shape, strides;
  mlir::Type element;

  int64_t getNumElements() const;
  bool isContiguous() const;
  /// Whether the range is the whole root, with its elements in the same order.
  bool isWholeRoot() const;
  /// Whether the range is the same part of each image of the root. An image is an element of
  /// the first dimension.
  bool isPartOfImages() const;
};

/// Whether `op` makes a memref from another one without accessing memory.
bool isView(mlir::Operation *op);

/// Follows views from `value` to its root, and returns the part of the root that `value`
/// covers. Emits an error if the layout of `value` is not static.
mlir::FailureOr<BufferRange> locate(mlir::Value value);

/// The parts of the result of a concatenation that hold its inputs.
llvm::SmallVector<BufferRange> locateParts(ConcatOp op);

/// An allocation, or a function argument or constant, with its lifetime and its place.
/// Accesses are positions of operations in the program. The operations of one branch follow
/// those of the other, so buffers of both may have the same place. A buffer that is allocated
/// before a loop and accessed in it is alive until the loop ends.
struct Buffer {
  struct Access {
    int64_t at;
    bool isWrite;
  };
  int64_t bytes = 0;
  llvm::SmallVector<Access, 4> accesses; ///< in the order of the program
  /// Whether all operations that access the buffer accept gaps between its images.
  bool takesImageSlices = true;
  /// The buffer or function argument inside which this buffer is placed; null if there is
  /// none.
  mlir::Value parent;
  /// In bytes, from the start of the parent; without a parent, from the start of the arena.
  int64_t offset = 0;
  /// Bytes from the start of an image to the start of the next in the parent; 0 if there are
  /// no gaps between images.
  int64_t imageStride = 0;

  bool isAccessed() const { return !accesses.empty(); }
  int64_t getFirstAccess() const { return accesses.front().at; }
  int64_t getLastAccess() const { return accesses.back().at; }
  /// Whether an operation after the one at position `at` accesses the buffer.
  bool isAccessedAfter(int64_t at) const { return isAccessed() && getLastAccess() > at; }
  /// Whether the operation at position `at` or a later one writes the buffer.
  bool isWrittenFrom(int64_t at) const {
    return llvm::any_of(
        accesses, [&](const Access &access) { return access.isWrite && access.at >= at; });
  }
};

/// A place in an allocation that has no parent, or in a function argument, in bytes.
struct BufferPlace {
  mlir::Value root;
  int64_t offset = 0;
  /// From the start of an image to the start of the next; 0 if there are no gaps.
  int64_t imageStride = 0;
};

/// The place of each buffer of a function.
class BufferPlan {
public:
  /// Makes the plan; failure after a diagnostic.
  static mlir::FailureOr<BufferPlan> create(mlir::func::FuncOp function);

  /// The place of a root in its outermost parent.
  BufferPlace resolve(mlir::Value root) const;
  /// The offset of an allocation without a parent.
  int64_t getArenaOffset(mlir::Value root) const { return buffers.find(root)->second.offset; }
  int64_t getArenaSize() const { return arenaSize; }
  /// The largest number of bytes that are alive at one operation: no arena can be smaller.
  int64_t getLowerBound() const { return lowerBound; }
  /// Whether operand `index` of a concatenation or copy is in its place in the result already,
  /// so that it need not be copied.
  bool isInPlace(mlir::Operation *op, int64_t index) const {
    return inPlace.contains({op, index});
  }

private:
  /// The buffers that a concatenation or copy joins, and the part of the result for each.
  struct Join {
    llvm::SmallVector<BufferRange> inputs, parts;
  };
  static bool getJoin(mlir::Operation &op, Join &join);

  mlir::LogicalResult findAccesses(mlir::func::FuncOp function);
  void findMerges();
  void mergeInto(mlir::Operation *op, const Join &join);
  /// Whether `buffer` is accessed in another branch than `op`, where its value there does not
  /// matter to `op`.
  bool isInOtherBranch(const Buffer &buffer, mlir::Operation *op) const;
  /// Whether `op` is the first operation that accesses the buffer and the last one that writes
  /// it, in the runs that execute `op`.
  bool isOnlyWriter(const Buffer &buffer, mlir::Operation *op) const;
  /// Whether all accesses of the buffer are in the branch of `op`.
  bool isOfBranch(const Buffer &buffer, mlir::Operation *op) const;
  bool adoptAdjacentInputs(mlir::Operation *op, const Join &join);
  void findUpdates();
  void place();

  /// A loop, and the positions of its first and its last operation.
  struct Loop {
    mlir::scf::WhileOp op;
    int64_t first, last;
  };

  llvm::MapVector<mlir::Value, Buffer> buffers;
  /// The operations in order; see walkProgram.
  llvm::SmallVector<mlir::Operation *> steps;
  llvm::DenseMap<mlir::Operation *, int64_t> positions;
  llvm::SmallVector<Loop> loops;
  llvm::DenseSet<std::pair<mlir::Operation *, int64_t>> inPlace;
  int64_t arenaSize = 0, lowerBound = 0;
};

} // namespace convoy::cnn

#endif // CONVOY_ANALYSIS_BUFFERPLAN_H
