//===- BufferPlan.cpp - Where buffers lie in the arena --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/BufferPlan.h"

#include "convoy/Dialect/Cnn/Utils/Program.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy::cnn;

int64_t convoy::cnn::getByteSize(ShapedType type) {
  return type.getNumElements() * *getElementBytes(type.getElementType());
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

int64_t BufferRange::getNumElements() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>());
}

bool BufferRange::isContiguous() const {
  int64_t expected = 1;
  for (auto [extent, stride] : llvm::reverse(llvm::zip_equal(shape, strides))) {
    if (extent != 1 && stride != expected)
      return false;
    expected *= extent;
  }
  return true;
}

bool BufferRange::isWholeRoot() const {
  return offset == 0 && isContiguous() &&
         getNumElements() == cast<MemRefType>(root.getType()).getNumElements();
}

bool BufferRange::isPartOfImages() const {
  auto type = cast<MemRefType>(root.getType());
  if (type.getRank() == 0 || shape.empty() || shape[0] != type.getDimSize(0) || shape[0] == 0)
    return false;
  int64_t image = type.getNumElements() / shape[0], last = offset;
  for (auto [extent, stride] : llvm::drop_begin(llvm::zip_equal(shape, strides)))
    last += (extent - 1) * stride;
  return strides[0] == image && last < image;
}

/// The distance in bytes between the images of a range that is a contiguous part of each image
/// of its root; 0 if the whole range is contiguous; nothing if it is neither.
static std::optional<int64_t> getPartStride(const BufferRange &range) {
  if (range.isContiguous())
    return 0;
  BufferRange image = range;
  image.shape.erase(image.shape.begin());
  image.strides.erase(image.strides.begin());
  if (!range.isPartOfImages() || !image.isContiguous())
    return std::nullopt;
  return range.strides[0] * *getElementBytes(range.element);
}

SmallVector<BufferRange> convoy::cnn::locateParts(ConcatOp op) {
  SmallVector<BufferRange> parts;
  BufferRange part = *locate(op.getInit());
  for (Value input : op.getInputs()) {
    ArrayRef<int64_t> shape = cast<MemRefType>(input.getType()).getShape();
    part.shape.assign(shape.begin(), shape.end());
    parts.push_back(part);
    part.offset += shape[op.getAxis()] * part.strides[op.getAxis()];
  }
  return parts;
}

bool convoy::cnn::isView(Operation *op) {
  return isa<memref::SubViewOp, memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp,
             memref::ReinterpretCastOp, memref::ReshapeOp, memref::TransposeOp>(op);
}

FailureOr<BufferRange> convoy::cnn::locate(Value value) {
  // The layout of a view is relative to the root, so the first static layout is enough.
  BufferRange range;
  bool found = false;
  while (true) {
    auto type = dyn_cast<MemRefType>(value.getType());
    if (!found && type && type.hasStaticShape() &&
        succeeded(type.getStridesAndOffset(range.strides, range.offset)) &&
        !ShapedType::isDynamic(range.offset) &&
        llvm::none_of(range.strides, ShapedType::isDynamic)) {
      range.shape.assign(type.getShape().begin(), type.getShape().end());
      range.element = type.getElementType();
      found = true;
    }
    Operation *op = value.getDefiningOp();
    if (!op || !isView(op))
      break;
    // Only a cast can have a dynamic layout though the layout of its operand is static.
    if (!found && !isa<memref::CastOp>(op))
      break;
    value = op->getOperand(0);
  }
  if (!found)
    return emitError(value.getLoc(), "buffer has no static layout: ") << value.getType();
  range.root = value;
  return range;
}

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

FailureOr<BufferPlan> BufferPlan::create(func::FuncOp function) {
  BufferPlan plan;
  if (failed(plan.findAccesses(function)))
    return failure();
  plan.findMerges();
  plan.findUpdates();
  plan.place();
  return plan;
}

LogicalResult BufferPlan::findAccesses(func::FuncOp function) {
  return walkProgram(function, [&](Operation *op) -> WalkResult {
    int64_t at = positions[op] = steps.size();
    steps.push_back(op);
    for (Loop &loop : loops)
      if (loop.op->isProperAncestor(op))
        loop.last = at;
    if (auto loop = dyn_cast<scf::WhileOp>(op))
      loops.push_back({loop, at, at});
    if (isView(op) || isa<memref::DeallocOp, scf::IfOp, scf::WhileOp>(op))
      return WalkResult::advance();
    if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
      if (!alloc.getType().hasStaticShape() || !alloc.getType().getLayout().isIdentity())
        return alloc.emitError("buffer has no static layout");
      buffers[alloc.getResult()].bytes = getByteSize(alloc.getType());
      return WalkResult::advance();
    }
    return op->walk([&](Operation *inner) -> WalkResult {
      for (Value operand : inner->getOperands()) {
        if (!isa<BaseMemRefType>(operand.getType()))
          continue;
        FailureOr<BufferRange> range = locate(operand);
        if (failed(range))
          return WalkResult::interrupt();
        Buffer &buffer = buffers[range->root];
        buffer.takesImageSlices &= range->isPartOfImages() && takesImageSlices(inner);
        auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
        bool isWrite = !effects || effects.getEffectOnValue<MemoryEffects::Write>(operand);
        buffer.accesses.push_back({at, isWrite});
      }
      return WalkResult::advance();
    });
  });
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

static bool isAllocation(Value root) {
  return root.getDefiningOp<memref::AllocOp>() != nullptr;
}

/// Whether the buffer exists anew in each iteration of the innermost loop that `op` is in.
static bool isOfIteration(Value root, Operation *op) {
  scf::WhileOp loop = getLoop(op);
  return !loop || (isAllocation(root) && loop->isAncestor(root.getDefiningOp()));
}

BufferPlace BufferPlan::resolve(Value root) const {
  BufferPlace place{root};
  for (auto it = buffers.find(root); it != buffers.end() && it->second.parent;
       it = buffers.find(place.root)) {
    place.offset += it->second.offset;
    // The buffer is a part of each image of its parent: its images are as far apart.
    if (it->second.imageStride)
      place.imageStride = it->second.imageStride;
    place.root = it->second.parent;
  }
  return place;
}

/// Describes a copy or a concatenation; returns false for other operations.
bool BufferPlan::getJoin(Operation &op, Join &join) {
  if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    join.inputs.push_back(*locate(copy.getSource()));
    join.parts.push_back(*locate(copy.getTarget()));
    return true;
  }
  auto concat = dyn_cast<ConcatOp>(op);
  if (!concat)
    return false;
  for (Value input : concat.getInputs())
    join.inputs.push_back(*locate(input));
  join.parts = locateParts(concat);
  return true;
}

/// If the inputs are already adjacent in one buffer, makes this part of it the result of the
/// concatenation. A dense block, for example, concatenates the same features again for each of
/// its layers.
bool BufferPlan::adoptAdjacentInputs(Operation *op, const Join &join) {
  int64_t end = 0;
  const Buffer *first = nullptr;
  for (auto [input, part] : llvm::zip_equal(join.inputs, join.parts)) {
    std::optional<int64_t> partStride = getPartStride(part);
    if (!partStride || !input.isWholeRoot() || !isAllocation(input.root) ||
        buffers[input.root].isWrittenFrom(positions[op]))
      return false;
    const Buffer &buffer = buffers[input.root];
    if (!buffer.parent || !isAllocation(buffer.parent))
      return false;
    if (!first) {
      first = &buffer;
      end = buffer.offset;
    }
    if (buffer.parent != first->parent || buffer.imageStride != first->imageStride ||
        (*partStride != 0) != (buffer.imageStride != 0) || buffer.offset != end)
      return false;
    end += buffer.bytes / (buffer.imageStride ? part.shape[0] : 1);
  }
  Buffer &buffer = buffers[join.parts.front().root];
  if ((first->imageStride || resolve(first->parent).imageStride) && !buffer.takesImageSlices)
    return false;
  buffer.parent = first->parent;
  buffer.offset = first->offset;
  buffer.imageStride = first->imageStride;
  for (size_t i = 0; i < join.inputs.size(); ++i)
    inPlace.insert({op, int64_t(i)});
  return true;
}

bool BufferPlan::isInOtherBranch(const Buffer &buffer, Operation *op) const {
  return llvm::any_of(buffer.accesses, [&](const Buffer::Access &access) {
    return areAlternatives(steps[access.at], op);
  });
}

bool BufferPlan::isOnlyWriter(const Buffer &buffer, Operation *op) const {
  int64_t at = positions.lookup(op);
  return llvm::all_of(buffer.accesses, [&](const Buffer::Access &access) {
    return access.at == at || (access.at > at && !access.isWrite) ||
           areAlternatives(steps[access.at], op);
  });
}

bool BufferPlan::isOfBranch(const Buffer &buffer, Operation *op) const {
  return llvm::all_of(buffer.accesses, [&](const Buffer::Access &access) {
    return isInside(steps[access.at], op->getParentRegion());
  });
}

/// Places inputs where `op` would copy them, if no operation reads other values then: the last
/// operation that writes the input comes before `op`, and `op` is the first operation that
/// accesses the result's buffer and the last one that writes it.
void BufferPlan::mergeInto(Operation *op, const Join &join) {
  int64_t at = positions[op];
  Value root = join.parts.front().root;
  bool argument = !isAllocation(root);
  // Kernels access only whole arguments.
  if (argument && (join.inputs.size() != 1 || !isa<BlockArgument>(root) ||
                   !join.parts.front().isWholeRoot()))
    return;
  const Buffer &target = buffers[root];
  auto isFixed = [&](const BufferRange &range) { return !isOfIteration(range.root, op); };
  if (!isOnlyWriter(target, op) || isFixed(join.parts.front()))
    return;
  // The other branch writes the result, too. So it may hold nothing but this branch's values.
  bool isShared = isInOtherBranch(target, op);
  bool isWhole = locate(op->getOperands().back())->isWholeRoot();
  if (!argument && !target.parent && isWhole && !isShared &&
      llvm::none_of(join.inputs, isFixed) && adoptAdjacentInputs(op, join))
    return;
  BufferPlace outer = resolve(root);
  for (auto [index, input, part] : llvm::enumerate(join.inputs, join.parts)) {
    std::optional<int64_t> stride = getPartStride(part);
    if (!stride || !isAllocation(input.root) || !input.isWholeRoot() || input.root == root ||
        isFixed(input))
      continue;
    Buffer &buffer = buffers[input.root];
    if (buffer.parent || buffer.isWrittenFrom(at) || outer.root == input.root)
      continue;
    if (isShared && !isOfBranch(buffer, op))
      continue;
    if ((*stride || outer.imageStride) && (!buffer.takesImageSlices || !part.isPartOfImages()))
      continue;
    int64_t begin = part.offset * *getElementBytes(part.element);
    if (begin % getPartAlignment(op) != 0 || *stride % getPartAlignment(op) != 0)
      continue;
    // Kernels could not access a part in the middle of an argument: its type has an offset.
    if (!isAllocation(outer.root) && (outer.offset + begin != 0 || *stride))
      continue;
    buffer.parent = root;
    buffer.offset = begin;
    buffer.imageStride = *stride;
    inPlace.insert({op, int64_t(index)});
  }
}

void BufferPlan::findMerges() {
  // Backwards, so that a buffer is placed in the result of the last join that reads it.
  for (Operation *op : llvm::reverse(steps)) {
    Join join;
    if (getJoin(*op, join))
      mergeInto(op, join);
  }
}

/// If nothing reads a residual after its convolution, places the result in the residual's
/// buffer: each element is written where it was read, and its line is already in the cache.
void BufferPlan::findUpdates() {
  for (Operation *step : steps) {
    auto conv = dyn_cast<ConvOpInterface>(step);
    if (!conv || !conv.getResidual())
      continue;
    Operation *op = conv;
    int64_t at = positions[op];
    BufferRange residual = *locate(conv.getResidual());
    BufferRange result = *locate(op->getOperands().back());
    // On a GPU, only one of the two may be f16.
    if (residual.element != result.element)
      continue;
    if (!isAllocation(result.root) || !residual.isWholeRoot() || !result.isWholeRoot() ||
        buffers[result.root].parent || buffers[result.root].getFirstAccess() < at ||
        isInOtherBranch(buffers[result.root], op) || !isOfIteration(result.root, op) ||
        !isOfIteration(residual.root, op))
      continue;
    BufferPlace outer = resolve(residual.root);
    bool isRead = !isAllocation(outer.root);
    for (auto &[root, buffer] : buffers)
      isRead |= buffer.isAccessedAfter(at) && resolve(root).root == outer.root;
    for (OpOperand &use : op->getOpOperands().drop_back())
      if (&use != &conv.getResidualMutable()[0] && isa<MemRefType>(use.get().getType()))
        isRead |= resolve(locate(use.get())->root).root == outer.root;
    if (outer.imageStride && !buffers[result.root].takesImageSlices)
      continue;
    if (!isRead)
      buffers[result.root].parent = residual.root;
  }
}

//===----------------------------------------------------------------------===//
// Placement
//===----------------------------------------------------------------------===//

namespace {
/// An allocation without parent, and all buffers inside of it. It is alive from the operation
/// at position `first` to the one at `last`.
struct Placement {
  Value root;
  int64_t bytes, first, last;
  int64_t offset = 0;

  /// Whether both are alive at the same time.
  bool meets(const Placement &other) const {
    return first <= other.last && other.first <= last;
  }
};
} // namespace

/// Places buffers in the given order, each into the smallest gap that is large enough.
/// Returns the size of the arena.
static int64_t placeInOrder(MutableArrayRef<Placement> placements) {
  int64_t size = 0;
  for (size_t i = 0; i < placements.size(); ++i) {
    SmallVector<const Placement *> others;
    for (const Placement &other : placements.take_front(i))
      if (other.meets(placements[i]))
        others.push_back(&other);
    llvm::sort(others,
               [](const Placement *a, const Placement *b) { return a->offset < b->offset; });
    int64_t end = 0, best = -1, bestGap = std::numeric_limits<int64_t>::max();
    for (const Placement *other : others) {
      int64_t gap = other->offset - end;
      if (gap >= placements[i].bytes && gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      end = std::max(end, other->offset + other->bytes);
    }
    placements[i].offset = best >= 0 ? best : end;
    size = std::max(size, placements[i].offset + placements[i].bytes);
  }
  return size;
}

void BufferPlan::place() {
  llvm::MapVector<Value, Placement> byRoot;
  for (auto &[root, buffer] : buffers) {
    Value outer = resolve(root).root;
    if (!buffer.isAccessed() || !isAllocation(outer))
      continue;
    int64_t bytes = llvm::alignTo(buffers[outer].bytes, kBufferAlignment);
    int64_t first = buffer.getFirstAccess(), last = buffer.getLastAccess();
    Placement &placement =
        byRoot.try_emplace(outer, Placement{outer, bytes, first, last}).first->second;
    placement.first = std::min(placement.first, first);
    placement.last = std::max(placement.last, last);
  }
  SmallVector<Placement> placements;
  for (auto &entry : byRoot) {
    Placement &placement = placements.emplace_back(entry.second);
    for (const Loop &loop : loops)
      if (placement.first <= loop.last && loop.first <= placement.last &&
          !loop.op->isAncestor(placement.root.getDefiningOp())) {
        placement.first = std::min(placement.first, loop.first);
        placement.last = std::max(placement.last, loop.last);
      }
  }

  // The number of live bytes is largest at the first access of some placement.
  for (const Placement &placement : placements) {
    int64_t alive = 0;
    for (const Placement &other : placements)
      if (other.first <= placement.first && placement.first <= other.last)
        alive += other.bytes;
    lowerBound = std::max(lowerBound, alive);
  }

  // No order is best for every network; planning is cheap, so try some.
  auto bySize = [](const Placement &a, const Placement &b) {
    return std::make_tuple(-a.bytes, a.first) < std::make_tuple(-b.bytes, b.first);
  };
  auto byArea = [](const Placement &a, const Placement &b) {
    return std::make_tuple(-a.bytes * (a.last - a.first + 1), a.first) <
           std::make_tuple(-b.bytes * (b.last - b.first + 1), b.first);
  };
  auto byTime = [](const Placement &a, const Placement &b) { return a.first < b.first; };
  if (placements.empty())
    return;
  arenaSize = std::numeric_limits<int64_t>::max();
  auto attempt = [&] {
    int64_t size = placeInOrder(placements);
    if (size >= arenaSize)
      return;
    arenaSize = size;
    for (const Placement &placement : placements)
      buffers[placement.root].offset = placement.offset;
  };
  auto attemptSorted = [&](auto less) {
    llvm::stable_sort(placements, less);
    attempt();
    // The placement at the end of the arena might find a better place if it comes first.
    constexpr int kRepairs = 16;
    for (int repair = 0; repair < kRepairs && arenaSize > lowerBound; ++repair) {
      auto top = llvm::max_element(placements, [](const Placement &a, const Placement &b) {
        return a.offset + a.bytes < b.offset + b.bytes;
      });
      std::rotate(placements.begin(), top, top + 1);
      attempt();
    }
  };
  attemptSorted(bySize);
  attemptSorted(byArea);
  attemptSorted(byTime);
}
