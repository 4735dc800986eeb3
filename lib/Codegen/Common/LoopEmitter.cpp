//===- LoopEmitter.cpp - Index arithmetic and loops in kernels ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/LoopEmitter.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;

Value convoy::indexConstant(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value convoy::affine(ImplicitLocOpBuilder &b, Value value, int64_t factor, int64_t addend) {
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return indexConstant(b, *known * factor + addend);
  if (factor != 1)
    value = arith::MulIOp::create(b, value, indexConstant(b, factor));
  if (addend != 0)
    value = arith::AddIOp::create(b, value, indexConstant(b, addend));
  return value;
}

Value convoy::add(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  if (std::optional<int64_t> known = getConstantIntValue(rhs))
    return affine(b, lhs, 1, *known);
  if (std::optional<int64_t> known = getConstantIntValue(lhs))
    return affine(b, rhs, 1, *known);
  return arith::AddIOp::create(b, lhs, rhs);
}

SmallVector<Value> convoy::delinearize(ImplicitLocOpBuilder &b, Value index,
                                       ArrayRef<int64_t> extents) {
  SmallVector<Value> result(extents.size());
  // The first extent above 1 needs no remainder: the rest of the index is its result.
  int64_t first = 0;
  while (first < int64_t(extents.size()) && extents[first] == 1)
    ++first;
  for (int64_t i = int64_t(extents.size()) - 1; i >= 0; --i) {
    if (extents[i] == 1) {
      result[i] = indexConstant(b, 0);
    } else if (i == first) {
      result[i] = index;
    } else {
      Value extent = indexConstant(b, extents[i]);
      result[i] = arith::RemUIOp::create(b, index, extent);
      index = arith::DivUIOp::create(b, index, extent);
    }
  }
  return result;
}

Value convoy::linearize(ImplicitLocOpBuilder &b, Value first, ValueRange indices,
                        ArrayRef<int64_t> extents) {
  for (auto [index, extent] : llvm::zip_equal(indices, extents))
    first = add(b, affine(b, first, extent, 0), index);
  return first;
}

Value convoy::flatten(ImplicitLocOpBuilder &b, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  if (type.getRank() == 1 && type.getLayout().isIdentity())
    return buffer;
  int64_t count = cnn::countSpan(type);
  auto flat = MemRefType::get({count}, type.getElementType(), MemRefLayoutAttrInterface(),
                              type.getMemorySpace());
  return memref::ReinterpretCastOp::create(b, flat, buffer, /*offset=*/0,
                                           ArrayRef<int64_t>(count), ArrayRef<int64_t>(1));
}

using LoopBody = llvm::function_ref<SmallVector<Value>(Value, ValueRange)>;

SmallVector<Value> convoy::emitLoop(ImplicitLocOpBuilder &b, int64_t count, ValueRange inits,
                                    LoopBody body) {
  if (count == 1)
    return body(indexConstant(b, 0), inits);
  return emitLoop(b, indexConstant(b, 0), indexConstant(b, count), 1, inits, body);
}

SmallVector<Value> convoy::emitLoop(ImplicitLocOpBuilder &b, Value lower, Value upper,
                                    int64_t step, ValueRange inits, LoopBody body) {
  auto loop = scf::ForOp::create(b, lower, upper, indexConstant(b, step), inits);
  OpBuilder::InsertionGuard guard(b);
  // A loop without carried values comes with its terminator.
  if (inits.empty()) {
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar(), {});
    return {};
  }
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, next);
  return SmallVector<Value>(loop.getResults());
}

BlockSums::BlockSums(ValueRange starts, std::function<Value(Value, Value)> combineOne)
    : starts(starts), combine([combineOne](ValueRange before, ValueRange block) {
        SmallVector<Value> results;
        for (auto [x, y] : llvm::zip_equal(before, block))
          results.push_back(combineOne(x, y));
        return results;
      }) {}

/// Emits the iterations from `lower` up to `upper`: `count` of them, or fewer unless
/// `isWhole`.
static SmallVector<Value> emitSumBlocks(ImplicitLocOpBuilder &b, Value lower, Value upper,
                                        int64_t count, bool isWhole, ValueRange inits,
                                        const BlockSums &sums, LoopBody body, int64_t block) {
  if (count == 1)
    return body(lower, inits);
  if (count <= block)
    return emitLoop(b, lower, upper, 1, inits, body);
  int64_t size = block;
  while (size * kSumBlock < count)
    size *= kSumBlock;
  isWhole &= count % size == 0;
  return emitLoop(b, lower, upper, size, inits, [&](Value first, ValueRange carried) {
    Value end = affine(b, first, 1, size);
    if (!isWhole)
      end = arith::MinUIOp::create(b, end, upper);
    return sums.combine(
        carried, emitSumBlocks(b, first, end, size, isWhole, sums.starts, sums, body, block));
  });
}

SmallVector<Value> convoy::emitSumLoop(ImplicitLocOpBuilder &b, int64_t count,
                                       ValueRange inits, const BlockSums &sums, LoopBody body,
                                       int64_t block) {
  if (!sums.combine || count <= block)
    return emitLoop(b, count, inits, body);
  return emitSumBlocks(b, indexConstant(b, 0), indexConstant(b, count), count,
                       /*isWhole=*/true, inits, sums, body, block);
}

SmallVector<Value> convoy::emitSumLoop(ImplicitLocOpBuilder &b, Value lower, Value upper,
                                       int64_t count, ValueRange inits, const BlockSums &sums,
                                       LoopBody body) {
  if (!sums.combine || count <= kSumBlock)
    return emitLoop(b, lower, upper, 1, inits, body);
  return emitSumBlocks(b, lower, upper, count, /*isWhole=*/false, inits, sums, body,
                       kSumBlock);
}

/// The conversions copy attributes of the LLVM dialect to the branch of the loop.
static void annotate(scf::ForOp loop, LLVM::LoopVectorizeAttr vectorize,
                     LLVM::LoopUnrollAttr unroll) {
  loop->setAttr("loop_annotation",
                LLVM::LoopAnnotationAttr::get(loop.getContext(), {}, vectorize, {}, unroll, {},
                                              {}, {}, {}, {}, {}, {}, {}, {}, {}, {}));
}

/// The loop that defines `results`, null if none does.
static scf::ForOp getLoop(ValueRange results) {
  return results.empty() ? scf::ForOp() : results.front().getDefiningOp<scf::ForOp>();
}

void convoy::keepRolled(ValueRange results) {
  if (scf::ForOp loop = getLoop(results))
    keepRolled(loop);
}

void convoy::keepRolled(scf::ForOp loop) {
  auto disable = BoolAttr::get(loop.getContext(), true);
  annotate(loop, {},
           LLVM::LoopUnrollAttr::get(loop.getContext(), disable, {}, {}, {}, {}, {}, {}));
}

void convoy::unrollFully(ValueRange results) {
  if (scf::ForOp loop = getLoop(results)) {
    auto full = BoolAttr::get(loop.getContext(), true);
    annotate(loop, {},
             LLVM::LoopUnrollAttr::get(loop.getContext(), {}, {}, {}, full, {}, {}, {}));
  }
}

void convoy::allowVectors(scf::ForOp loop) {
  auto disable = BoolAttr::get(loop.getContext(), false);
  annotate(loop,
           LLVM::LoopVectorizeAttr::get(loop.getContext(), disable, {}, {}, {}, {}, {}, {}),
           {});
}

void convoy::emitIf(ImplicitLocOpBuilder &b, Value condition, llvm::function_ref<void()> body,
                    bool isRare) {
  if (isRare)
    condition = LLVM::ExpectOp::create(b, condition,
                                       arith::ConstantOp::create(b, b.getBoolAttr(false)));
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

Value convoy::emitAny(OpBuilder &b, Location loc, Value condition) {
  auto vector = dyn_cast<VectorType>(condition.getType());
  if (!vector)
    return condition;
  auto flat = VectorType::get(vector.getNumElements(), vector.getElementType());
  if (flat != vector)
    condition = vector::ShapeCastOp::create(b, loc, flat, condition);
  return vector::ReductionOp::create(b, loc, vector::CombiningKind::OR, condition);
}

Value convoy::zeroVector(ImplicitLocOpBuilder &b, VectorType type) {
  return arith::ConstantOp::create(b, b.getZeroAttr(type));
}

Value convoy::splatVector(ImplicitLocOpBuilder &b, VectorType type, float value) {
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, value));
}
