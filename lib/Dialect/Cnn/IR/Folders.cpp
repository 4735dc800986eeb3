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

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

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

/// What `value` is the channel shuffle of, and in how many groups.
static std::pair<Value, int64_t> getShuffled(Value value) {
  auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>();
  auto transpose = collapse ? collapse.getSrc().getDefiningOp<linalg::TransposeOp>() : nullptr;
  auto expand =
      transpose ? transpose.getInput().getDefiningOp<tensor::ExpandShapeOp>() : nullptr;
  if (!expand || expand.getSrc().getType() != value.getType() ||
      collapse.getReassociationIndices() != expand.getReassociationIndices())
    return {};
  ArrayRef<int64_t> order = transpose.getPermutation();
  if (order.size() < 3 || order[0] != 0 || order[1] != 2 || order[2] != 1 ||
      !llvm::equal(order.drop_front(3), llvm::seq<int64_t>(3, order.size())) ||
      expand.getReassociationIndices()[1] != ReassociationIndices{1, 2})
    return {};
  return {expand.getSrc(), expand.getResultType().getDimSize(1)};
}

LogicalResult ReorderOp::fold(FoldAdaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (auto [input, groups] = getShuffled(getInput());
      input && getBlock() && getShuffle() == 1) {
    getInputMutable().assign(input);
    setShuffle(groups);
    return success();
  }
  // There and back again. Lanes past the last channel hold nothing that counts.
  auto producer = getInput().getDefiningOp<ReorderOp>();
  if (!producer || !isValueForm(producer) || producer.getShuffle() != 1)
    return failure();
  bool opposite = (getBlock() == 0) != (producer.getBlock() == 0);
  if (opposite && getShuffle() == 1 && producer.getInput().getType() == getResult(0).getType())
    return replaceBy(results, producer.getInput());
  return failure();
}
