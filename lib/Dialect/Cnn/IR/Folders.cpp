//===- Folders.cpp - Folders of cnn ops -----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Folders keep every bit and stay small: integer shape arithmetic and identities.
// Folding weights is the pass cnn-fold-constants.
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/ConstantEvaluator.h"

using namespace mlir;
using namespace convoy::cnn;

using FoldResults = SmallVectorImpl<OpFoldResult>;

/// Only the value form folds: the others have a destination to write.
template <typename OpTy> static bool isValueForm(OpTy op) {
  return op->getNumResults() == 1 && !op.getInit();
}

static LogicalResult replaceBy(FoldResults &results, Value value) {
  results.push_back(value);
  return success();
}

/// Replaces an operation on constants by its value, where that is exact.
static LogicalResult foldConstants(Operation *op, ArrayRef<Attribute> operands,
                                   FoldResults &results) {
  ElementsAttr value = evaluateConstant(op, operands, EvaluationOptions());
  if (!value)
    return failure();
  results.push_back(value);
  return success();
}

/// Whether every element of the constant is this number, sign of zero included.
static bool isAll(Attribute attribute, double number) {
  std::optional<ConstantData> data = ConstantData::get(attribute);
  std::optional<double> value = data ? data->getSplatDouble() : std::nullopt;
  return value && *value == number && std::signbit(*value) == std::signbit(number);
}

LogicalResult UnaryOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getFunction().isIdentity())
    return replaceBy(results, getInput());
  return foldConstants(*this, adaptor.getOperands(), results);
}

/// Whether `kind` with `constant` on the right (or left) leaves the other operand as it is.
static bool isNeutral(BinaryKind kind, Attribute constant, bool onRight) {
  auto elements = dyn_cast_if_present<ElementsAttr>(constant);
  bool isFloat = elements && isa<FloatType>(elements.getElementType());
  switch (kind) {
  case BinaryKind::add:
    // -0.0 + 0.0 is 0.0, so only -0.0 keeps every bit.
    return isAll(constant, isFloat ? -0.0 : 0.0);
  case BinaryKind::sub:
    return onRight && isAll(constant, 0.0);
  case BinaryKind::mul:
    return isAll(constant, 1.0);
  case BinaryKind::div:
    return onRight && isAll(constant, 1.0);
  default:
    return false;
  }
}

LogicalResult BinaryOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getActivation().isIdentity()) {
    Type type = getResult(0).getType();
    if (getLhs().getType() == type && isNeutral(getKind(), adaptor.getRhs(), /*onRight=*/true))
      return replaceBy(results, getLhs());
    if (getRhs().getType() == type &&
        isNeutral(getKind(), adaptor.getLhs(), /*onRight=*/false))
      return replaceBy(results, getRhs());
  }
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult SelectOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  Type type = getResult(0).getType();
  if (getLhs() == getRhs() && getLhs().getType() == type)
    return replaceBy(results, getLhs());
  if (isAll(adaptor.getCondition(), 1.0) && getLhs().getType() == type)
    return replaceBy(results, getLhs());
  if (isAll(adaptor.getCondition(), 0.0) && getRhs().getType() == type)
    return replaceBy(results, getRhs());
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult CastOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getInput().getType() == getResult(0).getType())
    return replaceBy(results, getInput());
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult ReduceOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getAxes().empty() && getKind() != ReduceKind::sum_square &&
      getKind() != ReduceKind::l1 && getKind() != ReduceKind::l2)
    return replaceBy(results, getInput());
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult ConcatOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getInputs().size() == 1)
    return replaceBy(results, getInputs().front());
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult GatherOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult BroadcastOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getInput().getType() == getResult(0).getType())
    return replaceBy(results, getInput());
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult ReorderOp::fold(FoldAdaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  // There and back again. Lanes past the last channel hold nothing that counts.
  auto producer = getInput().getDefiningOp<ReorderOp>();
  if (!producer || !isValueForm(producer))
    return failure();
  bool opposite = (getBlock() == 0) != (producer.getBlock() == 0);
  if (opposite && producer.getInput().getType() == getResult(0).getType())
    return replaceBy(results, producer.getInput());
  return failure();
}
