//===- Host.cpp - Operations of the host's code ---------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeRule.h"

using namespace mlir;
using namespace convoy::cnn;

LogicalResult CheckRangeOp::inferShape(const ShapeRule &rule, Adaptor op,
                                       InferredType &result) {
  Type element = shaped(op.getInput()).getElementType();
  if (!element.isInteger(32) && !element.isInteger(64))
    return rule.error("checks elements of type ", element, ", expected i32 or i64");
  int64_t minimum = op.getMinimum(), maximum = op.getMaximum();
  if (minimum > maximum)
    return rule.error("has the empty range ", minimum, " to ", maximum);
  result.shape = Shape(shapeOf(op.getInput()));
  return success();
}

LogicalResult LimitLoopOp::inferShape(const ShapeRule &rule, Adaptor op,
                                      InferredType &result) {
  auto isScalarOf = [](Value value, unsigned bits) {
    return value && shapeOf(value).empty() && shaped(value).getElementType().isInteger(bits);
  };
  if (!isScalarOf(op.getInit(), 1) || !isScalarOf(op.getIteration(), 64))
    return rule.error("needs an i64 and, as its destination, an i1 of rank 0");
  result = {Shape(), shaped(op.getInit()).getElementType()};
  return success();
}
