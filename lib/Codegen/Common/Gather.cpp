//===- Gather.cpp - Which row an index picks ------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/Gather.h"

#include "convoy/Codegen/Common/LoopEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

GatherShape::GatherShape(GatherOp op)
    : AxisExtents(cast<ShapedType>(op.getInput().getType()).getShape(), op.getAxis()),
      indices(cast<ShapedType>(op.getIndices().getType()).getNumElements()) {}

Value convoy::emitGatheredRow(ImplicitLocOpBuilder &b, const GatherShape &shape, Value outer,
                              Value indices, Value at) {
  Value number = memref::LoadOp::create(b, indices, at);
  // The number is wrapped and clamped as an i64: an index has fewer bits on some targets.
  Type type = b.getI64Type();
  if (number.getType() != type)
    number = arith::ExtSIOp::create(b, type, number);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, type, value);
  };
  Value isNegative = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, constant(0));
  Value fromEnd = arith::AddIOp::create(b, number, constant(shape.extent));
  number = arith::SelectOp::create(b, isNegative, fromEnd, number);
  number = arith::MaxSIOp::create(b, number, constant(0));
  number = arith::MinSIOp::create(b, number, constant(shape.extent - 1));
  Value index = arith::IndexCastOp::create(b, b.getIndexType(), number);
  return add(b, affine(b, outer, shape.extent, 0), index);
}
