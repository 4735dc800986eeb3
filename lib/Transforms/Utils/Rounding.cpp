//===- Rounding.cpp - What is known of rounded numbers --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Transforms/Utils/Rounding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace convoy::cnn;

static std::optional<double> getFloat(Value value) {
  APFloat constant(0.0f);
  if (!matchPattern(value, m_ConstantFloat(&constant)))
    return std::nullopt;
  return constant.convertToDouble();
}

std::optional<FloatRange> convoy::cnn::getRange(Value value) {
  auto select = value.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
  if (!compare || compare.getPredicate() != arith::CmpFPredicate::OLT)
    return std::nullopt;
  Value chosen = select.getTrueValue();
  std::optional<double> limit = getFloat(select.getFalseValue());
  if (!limit || std::isnan(*limit))
    return std::nullopt;
  if (compare.getRhs() == chosen && compare.getLhs() == select.getFalseValue())
    return FloatRange{*limit, std::numeric_limits<double>::infinity()};
  if (compare.getLhs() != chosen || compare.getRhs() != select.getFalseValue())
    return std::nullopt;
  std::optional<FloatRange> inner = getRange(chosen);
  if (!inner)
    return std::nullopt;
  return FloatRange{std::min(inner->low, *limit), std::min(inner->high, *limit)};
}
