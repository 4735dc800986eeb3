//===- LayerCost.cpp - What an operation costs ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/LayerCost.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace convoy;

int64_t convoy::getDenseBytes(ShapedType type) {
  Type element = type.getElementType();
  if (!type.hasStaticShape() || !element.isIntOrIndexOrFloat())
    return 0;
  int64_t bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return type.getNumElements() * ((bits + 7) / 8);
}

static ShapedType getOutput(cnn::DestinationOpInterface op) { return op.getOutputType(); }

static int64_t countMacs(cnn::ConvOpInterface conv) {
  // Each filter element meets every output position; transposed, every input one.
  SmallVector<int64_t> filter = conv.getLogicalFilterShape();
  ShapedType along = conv.isTransposed() ? conv.getInputType() : getOutput(conv);
  return llvm::product_of(filter) * along.getDimSize(0) *
         llvm::product_of(along.getShape().slice(2, conv.getSpatialRank()));
}

SmallVector<Value> convoy::getParameters(Operation *op) {
  SmallVector<Value> parameters;
  for (Value operand : op->getOperands())
    if (isa<ShapedType>(operand.getType()) && matchPattern(operand, m_Constant()))
      parameters.push_back(operand);
  return parameters;
}

LayerCost convoy::computeLayerCost(Operation *op) {
  LayerCost cost;
  cost.macs = llvm::TypeSwitch<Operation *, int64_t>(op)
                  .Case([](cnn::ConvOpInterface conv) { return countMacs(conv); })
                  .Case([](cnn::DenseOp dense) {
                    return llvm::product_of(dense.getLogicalFilterShape()) *
                           getOutput(dense).getDimSize(0);
                  })
                  .Case([](cnn::MatmulOp matmul) {
                    auto lhs = cast<ShapedType>(matmul.getLhs().getType());
                    return getOutput(matmul).getNumElements() * lhs.getShape().back();
                  })
                  .Default(int64_t(0));
  for (Value parameter : getParameters(op)) {
    auto type = cast<ShapedType>(parameter.getType());
    cost.parameters += type.getNumElements();
    cost.weightBytes += getDenseBytes(type);
  }
  if (auto computed = dyn_cast<cnn::DestinationOpInterface>(op))
    cost.outputBytes = getDenseBytes(getOutput(computed));
  else
    for (Value result : op->getResults())
      if (auto type = dyn_cast<ShapedType>(result.getType()))
        cost.outputBytes += getDenseBytes(type);
  return cost;
}
