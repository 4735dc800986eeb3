//===- GenericBody.cpp - Elements of a linalg operation -------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/GenericBody.h"

#include "convoy/Codegen/Common/BodyEmitter.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;

using Values = SmallVector<Value>;

LogicalResult GenericBody::captureConstants() {
  if (!linalgOp)
    return success();
  if (failed(convoy::captureConstants(b, linalgOp->getRegion(0), captured)))
    return op->emitError("uses a value from outside of its body that is no constant");
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void GenericBody::flatten() {
  for (auto [operand, access] : llvm::zip(operands, loops.accesses)) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (!type) {
      flats.push_back(operand);
      continue;
    }
    int64_t span = 1;
    for (auto [extent, stride] : llvm::zip(loops.extents, access.strides))
      span += (extent - 1) * std::abs(stride);
    int64_t offset = std::get<1>(type.getStridesAndOffset()) + access.offset;
    MemRefLayoutAttrInterface layout;
    if (offset != 0)
      layout = StridedLayoutAttr::get(b.getContext(), offset, {1});
    auto flat = MemRefType::get({span}, type.getElementType(), layout, type.getMemorySpace());
    flats.push_back(memref::ReinterpretCastOp::create(
        b, flat, operand, offset, ArrayRef<int64_t>(span), ArrayRef<int64_t>(1)));
  }
}

Values GenericBody::advance(ValueRange offsets, int64_t loop, Value iv) {
  Values result(offsets);
  for (auto [offset, access] : llvm::zip(result, loops.accesses))
    if (int64_t stride = access.stride(loop))
      offset = add(b, offset, convoy::affine(b, iv, stride, 0));
  return result;
}

/// The alignment of a vector in memory: its size if `isAligned`, otherwise none, which means
/// that of its element type.
static llvm::MaybeAlign getAlignment(VectorType type, bool isAligned) {
  if (!isAligned)
    return {};
  return llvm::MaybeAlign(type.getNumElements() * type.getElementTypeBitWidth() / 8);
}

Value GenericBody::load(int64_t operand, Value offset, int64_t stride, int64_t lanes) {
  if (loops.accesses[operand].isScalar)
    return flats[operand];
  if (lanes == 1 || stride == 0)
    return memref::LoadOp::create(b, flats[operand], offset);
  auto type = VectorType::get(lanes, loops.accesses[operand].elementType);
  if (stride == 1)
    return vector::LoadOp::create(b, type, flats[operand], offset, /*nontemporal=*/false,
                                  getAlignment(type, alignsVectors));
  Values elements;
  for (int64_t lane = 0; lane < lanes; ++lane)
    elements.push_back(memref::LoadOp::create(b, flats[operand],
                                              convoy::affine(b, offset, 1, lane * stride)));
  return vector::FromElementsOp::create(b, type, elements);
}

void GenericBody::store(int64_t operand, Value value, Value offset, int64_t lanes) {
  if (lanes == 1) {
    memref::StoreOp::create(b, value, flats[operand], offset);
    return;
  }
  value = widen(value, lanes);
  vector::StoreOp::create(b, value, flats[operand], offset, /*nontemporal=*/false,
                          getAlignment(cast<VectorType>(value.getType()), alignsVectors));
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

Value GenericBody::widen(Value value, int64_t lanes) { return convoy::widen(b, value, lanes); }

Values GenericBody::emitBody(ValueRange arguments, ValueRange ivs, int64_t lanes) {
  if (!linalgOp)
    return {arguments.front()};
  IRMapping mapping = captured;
  for (auto [argument, value] : llvm::zip(linalgOp.getBlock()->getArguments(), arguments))
    if (value)
      mapping.map(argument, value);
  return convoy::emitBody(b, *linalgOp.getBlock(), std::move(mapping), lanes, ivs);
}

void GenericBody::emitPoint(ValueRange offsets, int64_t lanes, ArrayRef<Value> uniforms) {
  int64_t loop = loops.numParallel - 1;
  auto read = [&](int64_t i, Value offset) -> Value {
    if (!uniforms.empty() && uniforms[i])
      return uniforms[i];
    int64_t stride = lanes == 1 ? 0 : loops.accesses[i].stride(loop);
    return load(i, offset, stride, lanes);
  };
  Values outputs;
  for (int64_t i = firstOutput(); i < int64_t(loops.accesses.size()); ++i)
    outputs.push_back(isRead(i) ? widen(read(i, offsets[i]), lanes) : Value());
  auto body = [&](ValueRange inner, ValueRange carried) {
    Values arguments;
    for (int64_t i = 0; i < firstOutput(); ++i)
      arguments.push_back(isRead(i) ? read(i, inner[i]) : Value());
    llvm::append_range(arguments, carried);
    Values results = emitBody(arguments, {}, lanes);
    for (Value &result : results)
      result = widen(result, lanes);
    return results;
  };
  Values results;
  if (loops.reduces())
    results = emitReductionLoops(loops.numParallel, loops.numLoops(), offsets, outputs,
                                 getBlockSums(outputs), body);
  else
    results = body(offsets, outputs);
  for (auto [i, result] : llvm::enumerate(results))
    store(firstOutput() + i, result, offsets[firstOutput() + i], lanes);
}

Value GenericBody::combine(int64_t output, Value lhs, Value rhs) {
  return mlir::clone(b, (*combiners)[output], lhs.getType(), {lhs, rhs})->getResult(0);
}

Value GenericBody::emitNeutral(int64_t output, int64_t width) {
  TypedAttr value = *arith::getNeutralElement((*combiners)[output]);
  return widen(arith::ConstantOp::create(b, value), width);
}

BlockSums GenericBody::getBlockSums(ValueRange carried) {
  BlockSums sums;
  if (!combiners || llvm::none_of(*combiners, [](Operation *combiner) {
        return isa<arith::AddFOp, arith::MulFOp>(combiner);
      }))
    return sums;
  int64_t perOutput = carried.size() / numOutputs();
  for (auto [i, value] : llvm::enumerate(carried)) {
    auto vector = dyn_cast<VectorType>(value.getType());
    sums.starts.push_back(emitNeutral(i / perOutput, vector ? vector.getNumElements() : 1));
  }
  sums.combine = [this, perOutput](ValueRange before, ValueRange block) {
    Values results;
    for (auto [i, pair] : llvm::enumerate(llvm::zip_equal(before, block)))
      results.push_back(combine(i / perOutput, std::get<0>(pair), std::get<1>(pair)));
    return results;
  };
  return sums;
}

Values GenericBody::emitReductionLoops(int64_t loop, int64_t end, ValueRange offsets,
                                       ValueRange carried, const BlockSums &sums,
                                       ReductionBody body, int64_t steps) {
  if (loop == end)
    return body(offsets, carried);
  int64_t inner = steps;
  for (int64_t extent : ArrayRef(loops.extents).slice(loop + 1, end - loop - 1))
    inner *= extent;
  int64_t block = std::max<int64_t>(kSumBlock / inner, 1);
  return emitSumLoop(
      b, loops.extents[loop], carried, sums,
      [&](Value iv, ValueRange values) {
        return emitReductionLoops(loop + 1, end, advance(offsets, loop, iv), values, sums,
                                  body, steps);
      },
      block);
}

void GenericBody::emitIteration(ValueRange ivs) {
  SmallVector<Values> indices(operands.size());
  Values arguments;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    if (loops.accesses[i].isScalar) {
      arguments.push_back(operand);
      continue;
    }
    for (AffineExpr expr : loops.maps[i].getResults())
      indices[i].push_back(affine::expandAffineExpr(b, b.getLoc(), expr, ivs, {}));
    arguments.push_back(isRead(i) ? memref::LoadOp::create(b, operand, indices[i]).getResult()
                                  : Value());
  }
  Values results = emitBody(arguments, ivs, 1);
  for (auto [i, result] : llvm::enumerate(results))
    memref::StoreOp::create(b, result, operands[firstOutput() + i],
                            indices[firstOutput() + i]);
}
