//===- ComputePoint.cpp - The code of a point of cnn.compute --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/ComputePoint.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace convoy;

void convoy::emitComputePoint(ImplicitLocOpBuilder &builder, cnn::ComputeOp op,
                              ValueRange point, ValueRange operands) {
  IRMapping mapping;
  mapping.map(op.getPoint(), point);
  mapping.map(op.getBuffers(), operands);
  for (Operation &inner : op.getBody().front())
    builder.clone(inner, mapping);
}
