//===- LayerCost.cpp - What an operation costs ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/LayerCost.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace convoy;

std::string convoy::getLayerKind(Operation *op) {
  if (auto named = dyn_cast<cnn::LayerKindOpInterface>(op))
    return named.getLayerKind();
  StringRef kind = op->getName().stripDialect();
  return kind == "collapse_shape" || kind == "expand_shape" ? "reshape" : kind.str();
}

int64_t convoy::getDenseBytes(ShapedType type) {
  Type element = type.getElementType();
  if (!type.hasStaticShape() || !element.isIntOrIndexOrFloat())
    return 0;
  int64_t bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return type.getNumElements() * ((bits + 7) / 8);
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
  if (auto layer = dyn_cast<cnn::CostOpInterface>(op))
    cost.macs = layer.countMacs();
  for (Value parameter : getParameters(op)) {
    auto type = cast<ShapedType>(parameter.getType());
    cost.parameters += type.getNumElements();
    cost.weightBytes += getDenseBytes(type);
  }
  if (auto computed = dyn_cast<cnn::DestinationOpInterface>(op))
    cost.outputBytes = getDenseBytes(computed.getOutputType());
  else
    for (Value result : op->getResults())
      if (auto type = dyn_cast<ShapedType>(result.getType()))
        cost.outputBytes += getDenseBytes(type);
  return cost;
}
