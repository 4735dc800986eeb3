//===- GenericPlan.cpp - Loop nest of a generic kernel --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenericPlan.h"

#include "mlir/Analysis/FlatLinearValueConstraints.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;

/// Fewer element operations than this are not worth another task.
static constexpr int64_t kWorkPerTask = 16384;
/// Enough for the threads of a large machine to share evenly.
static constexpr int64_t kMaxTasks = 64;

/// Reads one operand's map; failure where it is not linear.
static LogicalResult readAccess(MemRefType type, AffineMap map, Access &access) {
  auto [strides, offset] = type.getStridesAndOffset();
  access.offset = 0;
  access.strides.assign(map.getNumDims(), 0);
  for (auto [expr, stride] : llvm::zip(map.getResults(), strides)) {
    SmallVector<int64_t> flat;
    if (failed(getFlattenedAffineExpr(expr, map.getNumDims(), 0, &flat)) ||
        int64_t(flat.size()) != int64_t(map.getNumDims()) + 1)
      return failure();
    for (unsigned dim = 0; dim < map.getNumDims(); ++dim)
      access.strides[dim] += flat[dim] * stride;
    access.offset += flat.back() * stride;
  }
  return success();
}

FailureOr<GenericPlan> GenericPlan::create(Operation *op, cnn::TargetAttr target) {
  GenericPlan plan;
  SmallVector<bool> isParallel;
  if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    if (!isa<MemRefType>(copy.getSource().getType()) ||
        !isa<MemRefType>(copy.getTarget().getType()))
      return failure();
    ArrayRef<int64_t> shape = cast<MemRefType>(copy.getTarget().getType()).getShape();
    plan.extents.assign(shape.begin(), shape.end());
    isParallel.assign(shape.size(), true);
    plan.maps.assign(2, AffineMap::getMultiDimIdentityMap(shape.size(), op->getContext()));
  } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    if (!linalgOp.hasPureBufferSemantics())
      return failure();
    plan.extents = linalgOp.getStaticLoopRanges();
    for (utils::IteratorType type : linalgOp.getIteratorTypesArray())
      isParallel.push_back(type == utils::IteratorType::parallel);
    plan.maps = linalgOp.getIndexingMapsArray();
    plan.isGeneral = linalgOp.hasIndexSemantics();
  } else {
    return failure();
  }
  if (plan.maps.size() != op->getNumOperands())
    return failure();

  for (auto [operand, map] : llvm::zip(op->getOpOperands(), plan.maps)) {
    Access access;
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    access.isOutput =
        linalgOp ? linalgOp.isDpsInit(&operand) : operand.getOperandNumber() == 1;
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    access.elementType = getElementTypeOrSelf(operand.get().getType());
    access.isScalar = !type;
    if (type) {
      auto [strides, offset] = type.getStridesAndOffset();
      if (!type.hasStaticShape() || ShapedType::isDynamic(offset) ||
          llvm::any_of(strides, ShapedType::isDynamic))
        return failure();
      if (failed(readAccess(type, map, access)))
        plan.isGeneral = true;
    }
    plan.accesses.push_back(std::move(access));
  }
  if (plan.isGeneral) {
    // Parallel loops must be the first ones for tasks to be made of them.
    plan.numParallel = llvm::find(isParallel, false) - isParallel.begin();
    if (llvm::is_contained(ArrayRef(isParallel).drop_front(plan.numParallel), true))
      plan.numParallel = 0;
  } else {
    plan.normalizeLoops(isParallel);
    plan.selectVector(op, target);
  }
  plan.selectTasks(op);
  return plan;
}

void GenericPlan::normalizeLoops(SmallVector<bool> isParallel) {
  // What the order of loops follows: the output's memory, then the inputs'.
  auto memoryStride = [&](int64_t loop, bool output) {
    int64_t stride = 0;
    for (const Access &access : accesses)
      if (access.isOutput == output)
        stride = std::max(stride, std::abs(access.stride(loop)));
    return stride;
  };
  SmallVector<int64_t> order;
  for (int64_t loop = 0; loop < numLoops(); ++loop)
    if (extents[loop] != 1)
      order.push_back(loop);
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return std::tuple(!isParallel[a], -memoryStride(a, isParallel[a]), a) <
           std::tuple(!isParallel[b], -memoryStride(b, isParallel[b]), b);
  });

  GenericPlan sorted = *this;
  sorted.extents.clear();
  for (Access &access : sorted.accesses)
    access.strides.clear();
  sorted.numParallel = 0;
  for (int64_t loop : order) {
    bool joins =
        sorted.numLoops() > 0 && isParallel[loop] == (sorted.numParallel == sorted.numLoops());
    if (joins)
      for (auto [from, to] : llvm::zip(accesses, sorted.accesses))
        joins &= from.isScalar || to.strides.back() == from.strides[loop] * extents[loop];
    if (joins)
      sorted.extents.back() *= extents[loop];
    else
      sorted.extents.push_back(extents[loop]);
    for (auto [from, to] : llvm::zip(accesses, sorted.accesses)) {
      if (from.isScalar)
        continue;
      if (joins)
        to.strides.back() = from.strides[loop];
      else
        to.strides.push_back(from.strides[loop]);
    }
    if (isParallel[loop])
      sorted.numParallel = sorted.numLoops();
  }
  *this = std::move(sorted);
}

/// Whether the body can run on vectors: operations on elements only.
static bool hasVectorBody(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return true;
  return llvm::all_of(*linalgOp.getBlock(), [](Operation &inner) {
    return isa<linalg::YieldOp>(inner) || inner.hasTrait<OpTrait::ConstantLike>() ||
           OpTrait::hasElementwiseMappableTraits(&inner);
  });
}

/// Whether every output is combined by one operation with a neutral element.
static bool hasCombiners(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return false;
  for (unsigned i = 0; i < linalgOp.getNumDpsInits(); ++i) {
    SmallVector<Operation *> combiners;
    if (!matchReduction(linalgOp.getRegionOutputArgs(), i, combiners) ||
        combiners.size() != 1 || !arith::getNeutralElement(combiners.front()))
      return false;
  }
  return true;
}

void GenericPlan::selectVector(Operation *op, cnn::TargetAttr target) {
  int64_t bits = 32;
  for (const Access &access : accesses) {
    // A vector of i1 is packed in memory, a buffer of i1 is not.
    if (access.elementType.isInteger(1) && !access.isScalar)
      return;
    if (access.elementType.isIntOrFloat())
      bits = std::max<int64_t>(bits, access.elementType.getIntOrFloatBitWidth());
    else
      bits = 64;
  }
  lanes = target.getVectorLanes() * 32 / bits;
  if (lanes < 2 || !hasVectorBody(op)) {
    lanes = 1;
    return;
  }

  int64_t last = numParallel - 1, innermost = numLoops() - 1;
  auto countContiguous = [&](int64_t loop) {
    return llvm::count_if(accesses, [&](const Access &access) {
      return !access.isOutput && access.stride(loop) == 1;
    });
  };
  bool outputsContiguous = last >= 0 && llvm::all_of(accesses, [&](const Access &access) {
                             return !access.isOutput || access.strides[last] == 1;
                           });
  bool reduces = numLoops() > numParallel;
  bool inputsContiguous = reduces && llvm::all_of(accesses, [&](const Access &access) {
                            return access.isOutput ? access.stride(innermost) == 0
                                                   : access.stride(innermost) == 0 ||
                                                         access.stride(innermost) == 1;
                          });
  if (reduces && inputsContiguous && countContiguous(innermost) > 0 && hasCombiners(op)) {
    vector = Vector::Reduction;
  } else if (outputsContiguous) {
    vector = Vector::Parallel;
  } else {
    lanes = 1;
    return;
  }
  if (vector != Vector::Parallel || reduces)
    return;

  // Inputs that are contiguous in another loop: bring it next to the last one.
  for (int64_t loop = last - 1; loop >= 0; --loop) {
    bool wanted = llvm::any_of(accesses, [&](const Access &access) {
      return !access.isScalar && !access.isOutput && access.strides[loop] == 1 &&
             access.strides[last] > 1;
    });
    if (!wanted || extents[loop] < lanes || extents[last] < lanes)
      continue;
    auto move = [&](SmallVector<int64_t> &values) {
      std::rotate(values.begin() + loop, values.begin() + loop + 1, values.begin() + last);
    };
    move(extents);
    for (Access &access : accesses)
      if (!access.isScalar)
        move(access.strides);
    transposes = true;
    return;
  }
}

void GenericPlan::selectTasks(Operation *op) {
  int64_t work = 1;
  for (int64_t extent : extents)
    work *= extent;
  // An exponential is worth several multiplications.
  int64_t functions = 0;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    functions = llvm::count_if(*linalgOp.getBlock(), [](Operation &inner) {
      return inner.getDialect()->getNamespace() == "math";
    });
  work *= 1 + 4 * functions;
  int64_t wanted = std::min(kMaxTasks, work / kWorkPerTask);
  if (wanted < 2)
    return;
  int64_t outer = 1;
  for (int64_t loop = 0; loop < numParallel; ++loop) {
    int64_t pieces = llvm::divideCeil(wanted, outer);
    bool isVector = vector == Vector::Parallel && loop == numParallel - 1;
    bool isTile = isVector || (transposes && loop == numParallel - 2);
    int64_t grain = isTile ? 4 * lanes : 1;
    splitLoop = loop;
    if (extents[loop] / grain >= pieces || isTile || loop == numParallel - 1) {
      chunk = std::min(extents[loop],
                       int64_t(llvm::alignTo(llvm::divideCeil(extents[loop], pieces), grain)));
      tasks = outer * llvm::divideCeil(extents[loop], chunk);
      return;
    }
    outer *= extents[loop];
  }
}
