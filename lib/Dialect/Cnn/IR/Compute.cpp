//===- Compute.cpp - Operations that bring their own code -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeRule.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

/// The result has the shape and the type of the body's last argument.
LogicalResult ComputeOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  ArrayRef<int64_t> points = op.getPoints();
  if (llvm::any_of(points, [](int64_t extent) { return extent < 1; }))
    return rule.error("points has an extent below 1");
  if (op.getKeeps() && !op.getInit())
    return rule.error("keeps the elements of a destination, but has none");
  Region &body = *op.getRegions().front();
  if (body.empty())
    return rule.error("has no body");
  TypeRange types = body.front().getArgumentTypes();
  size_t inputs = op.getInputs().size();
  if (types.size() != points.size() + inputs + 1)
    return rule.error("body has ", types.size(), " arguments, expected ", points.size(),
                      " coordinates, ", inputs, " inputs and the result");
  if (!llvm::all_of(types.take_front(points.size()), llvm::IsaPred<IndexType>))
    return rule.error("body has a coordinate that is no index");
  TypeRange buffers = types.drop_front(points.size());
  for (auto [number, type] : llvm::enumerate(buffers)) {
    auto buffer = dyn_cast<MemRefType>(type);
    if (!buffer || !buffer.hasStaticShape() || !buffer.getLayout().isIdentity())
      return rule.error("body's argument ", points.size() + number,
                        " is no contiguous memref of static shape");
    if (number == inputs)
      break;
    ShapedType input = shaped(op.getInputs()[number]);
    if (buffer.getShape() != input.getShape() ||
        buffer.getElementType() != input.getElementType())
      return rule.error("input ", number, " is a ", Type(input), ", the body expects a ",
                        type);
  }
  auto last = cast<MemRefType>(buffers.back());
  result = {Shape(last.getShape()), last.getElementType()};
  return success();
}

std::string ComputeOp::getLayerKind() { return getKind().str(); }
