//===- Loops.cpp - The begin and the end of loops -------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Program.h"

using namespace mlir;
using namespace convoy::cnn;

static bool isScalarOf(Value value, unsigned bits) {
  auto type = cast<ShapedType>(value.getType());
  return type.getRank() == 0 && type.getElementType().isInteger(bits);
}

void LoopBeginOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpResult variable : getOperation()->getResults())
    effects.emplace_back(MemoryEffects::Allocate::get(), variable);
}

LogicalResult LoopBeginOp::verify() {
  if (getInits().getTypes() != getVariables().getTypes())
    return emitOpError("has variables of other types than their first values");
  if (getVariables().size() < 2 || !isScalarOf(getGoesOn(), 1) ||
      !isScalarOf(getIteration(), 64))
    return emitOpError("needs an i1 and an i64 of rank 0 as its first variables");
  return success();
}

SmallVector<Operation *> LoopEndOp::findBody() {
  Operation *begin = getBegin();
  llvm::SetVector<Operation *> body;
  for (Operation *op = begin->getNextNode(); op != getOperation(); op = op->getNextNode())
    if (llvm::any_of(getUsedValues(op), [&](Value value) {
          Operation *definition = value.getDefiningOp();
          return definition == begin || body.contains(definition);
        }))
      body.insert(op);
  return body.takeVector();
}

LogicalResult LoopEndOp::verify() {
  LoopBeginOp begin = getBegin();
  if (!begin || begin.getGoesOn() != getLoop())
    return emitOpError("needs the first variable of a cnn.loop_begin");
  if (getNexts().getTypes() != begin.getVariables().getTypes() ||
      getResults().size() != getNexts().size() + getRows().size() ||
      getVariables().getTypes() != getNexts().getTypes())
    return emitOpError("has variables of other types than its cnn.loop_begin");
  for (auto [row, all] : llvm::zip_equal(getRows(), getCollected())) {
    auto rowType = cast<RankedTensorType>(row.getType());
    auto type = cast<RankedTensorType>(all.getType());
    if (type.getRank() == 0 || type.getShape().drop_front() != rowType.getShape() ||
        type.getElementType() != rowType.getElementType() ||
        type.getDimSize(0) !=
            cast<RankedTensorType>(getCollected()[0].getType()).getDimSize(0))
      return emitOpError("collects rows of type ") << rowType << " in " << type;
  }
  return success();
}
