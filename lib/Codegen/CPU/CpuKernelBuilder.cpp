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

Value convoy::cpu::loadWeights(ImplicitLocOpBuilder &b, int64_t lanes, Value filter,
                               ValueRange indices) {
  Type stored = cast<MemRefType>(filter.getType()).getElementType();
  Type wanted = b.getF32Type();
  Value weights;
  if (lanes == 0) {
    weights = memref::LoadOp::create(b, filter, indices);
  } else {
    weights = vector::LoadOp::create(b, VectorType::get({lanes}, stored), filter, indices);
    wanted = VectorType::get({lanes}, wanted);
  }
  return stored.isF32() ? weights : Value(arith::ExtFOp::create(b, wanted, weights));
}
