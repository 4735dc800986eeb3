//===- Narrowing.cpp - From f32 to floats of 16 bits ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Narrowing.h"

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "llvm/ADT/APFloat.h"

#include <cmath>

using namespace mlir;
using namespace convoy::cnn;

/// Whether a value is a constant with finite numbers beyond `largest`, for example a mask.
static bool isLargeConstant(Value value, double largest) {
  std::optional<ConstantData> data = ConstantData::get(value);
  return data && data->holds<float>() &&
         llvm::any_of(data->getValues<float>(), [=](float number) {
           return std::isfinite(number) && std::abs(number) > largest;
         });
}

/// Whether an activation may make numbers of a usual size larger than f16 allows.
static bool mayGrow(FunctionAttr activation) {
  return activation.getKind() == UnaryKind::exp ||
         activation.getKind() == UnaryKind::reciprocal;
}

double Narrowing::getLargest() const {
  return llvm::APFloat::getLargest(narrow.getFloatSemantics()).convertToDouble();
}

bool Narrowing::isNarrow(Value value) const {
  return getElementTypeOrSelf(value.getType()) == narrow;
}

bool Narrowing::isData(Value value) const { return isNarrow(value) || data.contains(value); }

bool Narrowing::isLarge(Value value) const {
  return large.contains(value) || isLargeConstant(value, getLargest());
}

void Narrowing::store(Value result) {
  auto type = cast<RankedTensorType>(result.getType());
  if (!type.getElementType().isF32())
    return;
  if (staysF32(result))
    addData(result);
  else
    result.setType(type.clone(narrow));
}

void Narrowing::finish(Value result, FunctionAttr activation) {
  if (narrow.isF16() && mayGrow(activation))
    addLarge(result);
  else
    store(result);
}

void Narrowing::narrowLayer(ScheduledOpInterface layer, FunctionAttr activation) {
  if (needsNarrowInput(layer))
    convertOperand(layer->getOpOperand(0), narrow);
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
