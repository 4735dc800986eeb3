//===- Program.cpp - The operations of a program --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Program.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

llvm::SetVector<Value> convoy::cnn::getUsedValues(Operation *op) {
  llvm::SetVector<Value> values;
  values.insert(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return values;
}

bool convoy::cnn::isInside(Operation *op, Region *region) {
  return region->isAncestor(op->getParentRegion());
}

scf::WhileOp convoy::cnn::getLoop(Operation *op) {
  return op->getParentOfType<scf::WhileOp>();
}

bool convoy::cnn::areAlternatives(Operation *a, Operation *b) {
  for (Region *region = a->getParentRegion(); region; region = region->getParentRegion()) {
    auto branches = dyn_cast_or_null<scf::IfOp>(region->getParentOp());
    if (!branches || isInside(b, region))
      continue;
    return llvm::any_of(branches->getRegions(),
                        [&](Region &other) { return isInside(b, &other); });
  }
  return false;
}

static WalkResult walkBlock(Block &block, llvm::function_ref<WalkResult(Operation *)> visit) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    bool hasParts = isa<scf::IfOp, scf::WhileOp>(op);
    if (visit(&op).wasInterrupted())
      return WalkResult::interrupt();
    if (!hasParts)
      continue;
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        if (walkBlock(inner, visit).wasInterrupted())
          return WalkResult::interrupt();
  }
  return WalkResult::advance();
}

LogicalResult convoy::cnn::walkProgram(func::FuncOp program,
                                       llvm::function_ref<WalkResult(Operation *)> visit) {
  return failure(walkBlock(program.front(), visit).wasInterrupted());
}
