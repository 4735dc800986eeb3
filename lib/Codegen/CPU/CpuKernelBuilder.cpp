//===- CpuKernelBuilder.cpp - Helpers of the CPU kernel families ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;

Value convoy::cpu::emitScratch(ImplicitLocOpBuilder &b, MemRefType type) {
  OpBuilder::InsertionGuard guard(b);
  auto function = b.getInsertionBlock()->getParentOp();
  while (!isa<func::FuncOp>(function))
    function = function->getParentOp();
  b.setInsertionPointToStart(&cast<func::FuncOp>(function).front());
  return memref::AllocaOp::create(b, type, b.getI64IntegerAttr(64));
}

Value convoy::cpu::isFirstOfShared(ImplicitLocOpBuilder &b, Value task, Value index) {
  Value first = cast<scf::ForOp>(task.getParentRegion()->getParentOp()).getLowerBound();
  return arith::OrIOp::create(
      b, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, task, first),
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, index, indexConstant(b, 0)));
}

bool convoy::cpu::isComputedInF32(Type element) {
  return element.isF32() || element.isF16() || element.isBF16();
}

Value convoy::cpu::loadAs(ImplicitLocOpBuilder &b, Type type, Value buffer,
                          ValueRange indices) {
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  auto vector = dyn_cast<VectorType>(type);
  Value value =
      vector ? vector::LoadOp::create(b, vector.clone(element), buffer, indices).getResult()
             : memref::LoadOp::create(b, buffer, indices).getResult();
  return value.getType() == type ? value : arith::ExtFOp::create(b, type, value);
}

Value convoy::cpu::roundFor(ImplicitLocOpBuilder &b, Value buffer, Value value) {
  Type stored = cast<MemRefType>(buffer.getType()).getElementType();
  if (getElementTypeOrSelf(value) == stored)
    return value;
  auto vector = dyn_cast<VectorType>(value.getType());
  return arith::TruncFOp::create(b, vector ? Type(vector.clone(stored)) : stored, value);
}

void convoy::cpu::storeAs(ImplicitLocOpBuilder &b, Value value, Value buffer,
                          ValueRange indices) {
  value = roundFor(b, buffer, value);
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(b, value, buffer, indices);
  else
    memref::StoreOp::create(b, value, buffer, indices);
}
