//===- Differences.cpp - Quantised numbers less their zero point ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Differences.h"

using namespace mlir;
using namespace convoy::cnn;

MaxPoolOp convoy::cnn::getIntegerPool(Value value) {
  auto pool = value.getDefiningOp<MaxPoolOp>();
  return pool && getElementTypeOrSelf(value.getType()).isInteger(16) ? pool : MaxPoolOp();
}

std::optional<Differences> Differences::get(Value value, Evaluate evaluate) {
  Differences result = {value.getDefiningOp<CastOp>(), value.getDefiningOp(), 0};
  if (auto sub = value.getDefiningOp<BinaryOp>()) {
    if (sub.getKind() != BinaryKind::sub || !sub.getActivation().isIdentity())
      return std::nullopt;
    std::optional<ConstantData> zero = evaluate(sub.getRhs());
    if (!zero || zero->getNumElements() != 1)
      return std::nullopt;
    result.widening = sub.getLhs().getDefiningOp<CastOp>();
    result.zeroPoint = zero->getInt(0);
  }
  if (!result.widening || !result.widening.getTo().isInteger(16) ||
      !result.getElementType().isInteger(8))
    return std::nullopt;
  return result;
}

std::optional<Differences> Differences::getPooled(Value value, Evaluate evaluate) {
  while (MaxPoolOp pool = getIntegerPool(value))
    value = pool.getInput();
  return get(value, evaluate);
}
