//===- LayerProduct.cpp - The products of a layer's sums ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/LayerProduct.h"

#include "convoy/Codegen/CPU/VectorRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;

LayerProduct::LayerProduct(ImplicitLocOpBuilder &builder, cnn::ScheduledOpInterface layer,
                           const VectorUnit &vectors, int64_t lanes)
    : b(builder), pairProduct(vectors.pairProduct), lanes(lanes),
      isInteger(layer.isInteger()) {
  Type element = isInteger ? Type(b.getI32Type()) : Type(b.getF32Type());
  sumType = VectorType::get({lanes}, element);
}

Value LayerProduct::flattenFilter(Value filter) {
  if (!isInteger)
    return filter;
  SmallVector<int64_t> shape(cast<MemRefType>(filter.getType()).getShape());
  shape.pop_back();
  shape.back() *= 2;
  return reshapeBuffer(b, filter, shape);
}

Value LayerProduct::loadWeights(Value filter, ValueRange indices) {
  if (!isInteger)
    return convoy::cpu::loadWeights(b, lanes, filter, indices);
  Type stored = cast<MemRefType>(filter.getType()).getElementType();
  SmallVector<Value> at(indices);
  at.back() = affine(b, at.back(), 2, 0);
  auto type = VectorType::get({2 * lanes}, stored);
  Value weights = vector::LoadOp::create(b, type, filter, at);
  if (stored.isInteger(16))
    return weights;
  return arith::ExtSIOp::create(b, type.clone(b.getI16Type()), weights);
}

Value LayerProduct::broadcast(Value input, ValueRange indices) {
  if (!isInteger)
    return vector::BroadcastOp::create(b, sumType, memref::LoadOp::create(b, input, indices));
  Value pair = vector::LoadOp::create(b, VectorType::get({2}, b.getI16Type()), input, indices);
  Value bits = vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), pair);
  bits = vector::BroadcastOp::create(b, sumType, vector::ExtractOp::create(b, bits, 0));
  return vector::BitCastOp::create(b, VectorType::get({2 * lanes}, b.getI16Type()), bits);
}

Value LayerProduct::add(Value sum, Value inputs, Value weights) {
  if (!isInteger)
    return vector::FMAOp::create(b, inputs, weights, sum);
  Value products = LLVM::CallIntrinsicOp::create(b, sumType, b.getStringAttr(pairProduct),
                                                 {inputs, weights})
                       .getResults();
  return arith::AddIOp::create(b, sum, products);
}
