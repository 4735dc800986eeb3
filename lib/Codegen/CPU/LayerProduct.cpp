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
using namespace convoy::cnn;

LayerProduct::LayerProduct(ImplicitLocOpBuilder &builder, ScheduledOpInterface layer,
                           TargetAttr target, int64_t lanes)
    : b(builder), lanes(lanes), sumType(VectorType::get({lanes}, builder.getF32Type())) {
  int64_t inputs = layer.getStepInputs();
  if (inputs == 1)
    return;
  dot = layer.isInteger() ? findDotInstruction(target, inputs) : findBF16Dot(target);
  assert(dot && dot->lanes == lanes && "a schedule that no kernel follows");
  if (!layer.isInteger()) {
    inputType = VectorType::get({inputs * lanes}, b.getBF16Type());
    return;
  }
  inputType = VectorType::get({inputs * lanes}, b.getIntegerType(32 / inputs));
  sumType = VectorType::get({lanes}, b.getI32Type());
}

Value LayerProduct::flattenFilter(Value filter) {
  if (!dot)
    return filter;
  SmallVector<int64_t> shape(cast<MemRefType>(filter.getType()).getShape());
  shape.pop_back();
  shape.back() *= dot->getInputs();
  return reshapeBuffer(b, filter, shape);
}

Value LayerProduct::loadWeights(Value filter, ValueRange indices) {
  if (!dot)
    return loadAs(b, sumType, filter, indices);
  Type stored = cast<MemRefType>(filter.getType()).getElementType();
  SmallVector<Value> at(indices);
  at.back() = affine(b, at.back(), dot->getInputs(), 0);
  VectorType type = inputType.clone(stored);
  Value weights = vector::LoadOp::create(b, type, filter, at);
  return type == inputType ? weights : arith::ExtSIOp::create(b, inputType, weights);
}

Value LayerProduct::broadcast(Value input, ValueRange indices) {
  VectorType bits = sumType.clone(b.getI32Type());
  if (!dot && cast<MemRefType>(input.getType()).getElementType().isBF16()) {
    // A bf16 is the upper half of an f32. So the number is broadcast before it is widened.
    Value half = memref::LoadOp::create(b, input, indices);
    half = arith::BitcastOp::create(b, b.getI16Type(), half);
    Value halves =
        vector::BroadcastOp::create(b, VectorType::get({2 * lanes}, b.getI16Type()), half);
    Value wide = vector::BitCastOp::create(b, bits, halves);
    Value sixteen =
        arith::ConstantOp::create(b, DenseElementsAttr::get(bits, b.getI32IntegerAttr(16)));
    return arith::BitcastOp::create(b, sumType, arith::ShLIOp::create(b, wide, sixteen));
  }
  if (!dot)
    return vector::BroadcastOp::create(b, sumType, loadAs(b, b.getF32Type(), input, indices));
  auto type = VectorType::get({dot->getInputs()}, inputType.getElementType());
  Value neighbours = vector::LoadOp::create(b, type, input, indices);
  Value lane = vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), neighbours);
  lane = vector::BroadcastOp::create(b, bits, vector::ExtractOp::create(b, lane, 0));
  return vector::BitCastOp::create(b, inputType, lane);
}

Value LayerProduct::add(Value sum, Value inputs, Value weights) {
  if (!dot)
    return vector::FMAOp::create(b, inputs, weights, sum);
  auto call = [&](StringRef intrinsic, VectorType type, ValueRange operands) -> Value {
    return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(intrinsic), operands)
        .getResults();
  };
  if (dot->addsToSum)
    return call(dot->intrinsic, sumType, {sum, inputs, weights});
  if (!dot->byteProduct.empty()) {
    auto type = VectorType::get({2 * lanes}, b.getI16Type());
    inputs = call(dot->byteProduct, type, {inputs, weights});
    weights =
        arith::ConstantOp::create(b, DenseElementsAttr::get(type, b.getI16IntegerAttr(1)));
  }
  return arith::AddIOp::create(b, sum, call(dot->intrinsic, sumType, {inputs, weights}));
}
