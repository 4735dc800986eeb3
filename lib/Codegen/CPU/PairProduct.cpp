//===- PairProduct.cpp - Products of pairs of integers --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/PairProduct.h"

#include "convoy/Codegen/CPU/VectorRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;

Value PairProduct::flattenFilter(ImplicitLocOpBuilder &b, Value filter) {
  SmallVector<int64_t> shape(cast<MemRefType>(filter.getType()).getShape());
  shape.pop_back();
  shape.back() *= 2;
  return reshapeBuffer(b, filter, shape);
}

Value PairProduct::loadWeights(Value filter, ValueRange indices) {
  Type stored = cast<MemRefType>(filter.getType()).getElementType();
  SmallVector<Value> at(indices);
  at.back() = affine(b, at.back(), 2, 0);
  auto type = VectorType::get({2 * lanes}, stored);
  Value weights = vector::LoadOp::create(b, type, filter, at);
  if (stored.isInteger(16))
    return weights;
  return arith::ExtSIOp::create(b, type.clone(b.getI16Type()), weights);
}

Value PairProduct::broadcastPair(Value input, ValueRange indices) {
  Value pair = vector::LoadOp::create(b, VectorType::get({2}, b.getI16Type()), input, indices);
  Value bits = vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), pair);
  bits = vector::ExtractOp::create(b, bits, 0);
  bits = vector::BroadcastOp::create(b, VectorType::get({lanes}, b.getI32Type()), bits);
  return vector::BitCastOp::create(b, VectorType::get({2 * lanes}, b.getI16Type()), bits);
}

Value PairProduct::add(Value sum, Value pairs, Value weights) {
  Value products = LLVM::CallIntrinsicOp::create(b, sum.getType(), b.getStringAttr(intrinsic),
                                                 {pairs, weights})
                       .getResults();
  return arith::AddIOp::create(b, sum, products);
}
