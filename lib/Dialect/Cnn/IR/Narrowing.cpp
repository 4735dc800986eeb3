//===- Narrowing.cpp - From f32 to f16 ------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Narrowing.h"

#include "convoy/Dialect/Cnn/Utils/Constants.h"

#include <cmath>

using namespace mlir;
using namespace convoy::cnn;

/// Whether a value is a constant with finite numbers beyond the range of f16, for example a
/// mask.
static bool isLargeConstant(Value value) {
  std::optional<ConstantData> data = ConstantData::get(value);
  return data && data->holds<float>() &&
         llvm::any_of(data->getValues<float>(), [](float number) {
           return std::isfinite(number) && std::abs(number) > kLargestF16;
         });
}

/// Whether an activation may make numbers of a usual size larger than f16 allows.
static bool mayGrow(FunctionAttr activation) {
  return activation.getKind() == UnaryKind::exp ||
         activation.getKind() == UnaryKind::reciprocal;
}

bool Narrowing::isData(Value value) const {
  return getElementTypeOrSelf(value.getType()).isF16() || data.contains(value);
}

bool Narrowing::isLarge(Value value) const {
  return large.contains(value) || isLargeConstant(value);
}

void Narrowing::store(Value result) {
  auto type = cast<RankedTensorType>(result.getType());
  if (!type.getElementType().isF32())
    return;
  if (staysF32(result))
    addData(result);
  else
    result.setType(type.clone(f16));
}

void Narrowing::finish(Value result, FunctionAttr activation) {
  if (mayGrow(activation))
    addLarge(result);
  else
    store(result);
}

void Narrowing::narrowLayer(ScheduledOpInterface layer, FunctionAttr activation) {
  if (needsF16Input(layer))
    convertOperand(layer->getOpOperand(0), f16);
  if (layer.isExact())
    addLarge(layer->getResult(0));
  else
    finish(layer->getResult(0), activation);
}

void Narrowing::follow(Value result, Value source) {
  auto type = cast<RankedTensorType>(result.getType());
  result.setType(type.clone(getElementTypeOrSelf(source.getType())));
  mark(result, source);
}

void Narrowing::mark(Value result, Value source) {
  if (data.contains(source))
    addData(result);
  if (large.contains(source))
    addLarge(result);
}

void convoy::cnn::detail::narrowLikeInput(Operation *op, Narrowing &narrowing) {
  Value result = op->getResult(0), input = op->getOperand(0);
  if (narrowing.isData(input))
    narrowing.store(result);
  else
    narrowing.mark(result, input);
}
