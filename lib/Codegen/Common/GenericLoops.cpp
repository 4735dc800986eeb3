//===- GenericLoops.cpp - Loop nest of a linalg operation -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/GenericLoops.h"

#include "convoy/Dialect/Cnn/IR/EpilogueBody.h"

#include "mlir/Analysis/FlatLinearValueConstraints.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace convoy;

/// Reads one operand's map; failure if it is not linear.
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

FailureOr<GenericLoops> GenericLoops::create(Operation *op) {
  GenericLoops loops;
  if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    if (!isa<MemRefType>(copy.getSource().getType()) ||
        !isa<MemRefType>(copy.getTarget().getType()))
      return failure();
    ArrayRef<int64_t> shape = cast<MemRefType>(copy.getTarget().getType()).getShape();
    loops.extents.assign(shape.begin(), shape.end());
    loops.isParallel.assign(shape.size(), true);
    loops.maps.assign(2, AffineMap::getMultiDimIdentityMap(shape.size(), op->getContext()));
  } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    if (!linalgOp.hasPureBufferSemantics())
      return failure();
    loops.extents = linalgOp.getStaticLoopRanges();
    for (utils::IteratorType type : linalgOp.getIteratorTypesArray())
      loops.isParallel.push_back(type == utils::IteratorType::parallel);
    loops.maps = linalgOp.getIndexingMapsArray();
    loops.isGeneral = linalgOp.hasIndexSemantics();
  } else {
    return failure();
  }
  if (loops.maps.size() != op->getNumOperands())
    return failure();

  for (auto [operand, map] : llvm::zip(op->getOpOperands(), loops.maps)) {
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
        loops.isGeneral = true;
    }
    loops.accesses.push_back(std::move(access));
  }
  if (!loops.isGeneral) {
    loops.normalizeLoops();
    return loops;
  }
  // Tasks are made of parallel loops only if these are the outermost ones.
  loops.numParallel = llvm::find(loops.isParallel, false) - loops.isParallel.begin();
  if (llvm::is_contained(ArrayRef(loops.isParallel).drop_front(loops.numParallel), true))
    loops.numParallel = 0;
  return loops;
}

void GenericLoops::normalizeLoops() {
  // Loops with larger strides are the outer ones: parallel loops by the strides of the
  // outputs, reduction loops by those of the inputs.
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

  GenericLoops sorted = *this;
  sorted.extents.clear();
  sorted.isParallel.clear();
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

bool convoy::hasVectorBody(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return true;
  return llvm::all_of(*linalgOp.getBlock(), [](Operation &inner) {
    return isa<linalg::YieldOp>(inner) || inner.hasTrait<OpTrait::ConstantLike>() ||
           OpTrait::hasElementwiseMappableTraits(&inner) || cnn::TableLookup::get(&inner);
  });
}

std::optional<SmallVector<Operation *>> convoy::findCombiners(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return std::nullopt;
  SmallVector<Operation *> result;
  for (unsigned i = 0; i < linalgOp.getNumDpsInits(); ++i) {
    SmallVector<Operation *> found;
    if (!matchReduction(linalgOp.getRegionOutputArgs(), i, found) || found.size() != 1 ||
        !arith::getNeutralElement(found.front()))
      return std::nullopt;
    result.push_back(found.front());
  }
  return result;
}
