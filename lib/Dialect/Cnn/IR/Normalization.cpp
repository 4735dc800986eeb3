//===- Normalization.cpp - Normalisations ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PartitionRules.h"
#include "ShapeRule.h"
#include "convoy/Dialect/Cnn/IR/BlockedForms.h"
#include "convoy/Dialect/Cnn/IR/FieldExtent.h"

#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

LogicalResult BatchNormOp::inferShape(const ShapeRule &rule, Adaptor op,
                                      InferredType &result) {
  DataShape in;
  if (failed(in.read(rule, op.getInput(), /*blocked=*/false)))
    return failure();
  for (auto [name, value] :
       {std::pair("scale", op.getScale()), std::pair("offset", op.getOffset()),
        std::pair("mean", op.getMean()), std::pair("variance", op.getVariance())})
    if (failed(rule.checkPerChannel(name, value, in.channels, in.channels)))
      return failure();
  result.shape = in.shape();
  return success();
}

LogicalResult ScaleShiftOp::inferShape(const ShapeRule &rule, Adaptor op,
                                       InferredType &result) {
  DataShape in;
  if (failed(in.read(rule, op.getInput(), bool(op.getBlocked()))) ||
      failed(rule.checkPerChannel("scale", op.getScale(), in.capacity(), in.capacity())) ||
      failed(rule.checkPerChannel("offset", op.getOffset(), in.capacity(), in.capacity())))
    return failure();
  result.shape = in.shape();
  return success();
}

LogicalResult LayerNormOp::inferShape(const ShapeRule &rule, Adaptor op,
                                      InferredType &result) {
  result.shape = Shape(shapeOf(op.getInput()));
  if (failed(rule.checkAxis(op.getAxis(), result.shape.size())))
    return failure();
  for (Value value : {op.getScale(), op.getBias()}) {
    Shape joined;
    if (!value)
      continue;
    if (failed(rule.broadcast(result.shape, shapeOf(value), joined)))
      return failure();
    if (joined != result.shape)
      return rule.error("scale or bias is larger than the input");
  }
  return success();
}

template <typename Adaptor>
static LogicalResult inferChannelNorm(const ShapeRule &rule, Adaptor op,
                                      InferredType &result) {
  DataShape in;
  if (failed(in.read(rule, op.getInput(), /*blocked=*/false)) ||
      failed(rule.checkPerChannel("scale", op.getScale(), in.channels, in.channels)) ||
      failed(rule.checkPerChannel("bias", op.getBias(), in.channels, in.channels)))
    return failure();
  result.shape = in.shape();
  return success();
}

LogicalResult InstanceNormOp::inferShape(const ShapeRule &rule, Adaptor op,
                                         InferredType &result) {
  return inferChannelNorm(rule, op, result);
}

LogicalResult GroupNormOp::inferShape(const ShapeRule &rule, Adaptor op,
                                      InferredType &result) {
  if (failed(inferChannelNorm(rule, op, result)))
    return failure();
  if (op.getNumGroups() < 1 || result.shape[1] % int64_t(op.getNumGroups()))
    return rule.error("dimension 1 has ", result.shape[1], " channels, not a multiple of ",
                      op.getNumGroups(), " groups");
  return success();
}

LogicalResult LrnOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  DataShape in;
  if (failed(in.read(rule, op.getInput(), bool(op.getBlocked()))))
    return failure();
  if (op.getSize() < 1)
    return rule.error("size is ", op.getSize());
  result.shape = in.shape();
  return success();
}

//===----------------------------------------------------------------------===//
// Sharing between devices
//===----------------------------------------------------------------------===//

Factors ScaleShiftOp::getPartitionFactors() { return getPerChannelFactors(*this); }

Factors BatchNormOp::getPartitionFactors() {
  bool isTraining = getMode() == BatchNormMode::training;
  return getPerChannelFactors(*this, [&](int64_t dim) { return isTraining && dim != 1; });
}

Factors InstanceNormOp::getPartitionFactors() {
  return getPerChannelFactors(*this, [](int64_t dim) { return dim >= 2; });
}

Factors GroupNormOp::getPartitionFactors() {
  Factors factors = getPerChannelFactors(*this, [](int64_t dim) { return dim >= 1; });
  PartitionFactor groups = makeFactor(*this, FactorKind::group, getNumGroups());
  int64_t channels = shapeOf(getInput())[1] / int64_t(getNumGroups());
  groups.operands.assign((*this)->getNumOperands(), {0, channels});
  groups.operands.front().dim = 1;
  groups.result = {1, channels};
  factors.push_back(std::move(groups));
  return factors;
}

void GroupNormOp::adjustPart(const PartitionFactor &factor, int64_t begin, int64_t end) {
  if (factor.kind == FactorKind::group)
    setNumGroups(end - begin);
}

Factors LayerNormOp::getPartitionFactors() {
  return getPointwiseFactors(*this, [&](int64_t dim) { return dim >= int64_t(getAxis()); });
}

Factors LrnOp::getPartitionFactors() {
  Factors factors = getPointwiseFactors(*this);
  for (PartitionFactor &factor : factors)
    if (factor.kind == FactorKind::channel) {
      factor.keepsHalo = true;
      factor.haloBefore = (getSize() - 1) / 2;
      factor.haloAfter = getSize() / 2;
    }
  return factors;
}

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

bool ScaleShiftOp::assignBlocked(BlockedForms &forms) {
  Value input = getInput();
  if (!forms.isData(input) || !forms.hasBlocked(input) ||
      !forms.isBroadcastConstant(getScale()) || !forms.isBroadcastConstant(getOffset()))
    return false;
  int64_t channels = shapeOf(input)[1];
  SmallVector<Value> operands = {forms.getBlocked(input)};
  for (Value parameter : {getScale(), getOffset()})
    operands.push_back(forms.relayConstant(
        parameter, {1, channels, 1, 1}, /*perChannel=*/true,
        {int64_t(llvm::divideCeil(channels, forms.getBlock())), forms.getBlock()}));
  cast<ScaleShiftOp>(forms.replace(*this, operands)).setBlocked(true);
  return true;
}

bool LrnOp::assignBlocked(BlockedForms &forms) {
  // The window covers neighbouring channels, so all lanes of the last block must be channels.
  Operation *twin =
      BlockedForms::isData(getInput()) && shapeOf(getInput())[1] % forms.getBlock() == 0
          ? forms.follow(*this)
          : nullptr;
  if (twin)
    cast<LrnOp>(twin).setBlocked(true);
  return twin != nullptr;
}

//===----------------------------------------------------------------------===//
// Multiply-adds for each channel
//===----------------------------------------------------------------------===//

std::optional<PerChannelStep> BatchNormOp::readPerChannelStep() {
  int64_t channels = shapeOf(getInput())[1];
  auto scale = detail::readPerChannel(getScale(), channels);
  auto offset = detail::readPerChannel(getOffset(), channels);
  auto mean = detail::readPerChannel(getMean(), channels);
  auto variance = detail::readPerChannel(getVariance(), channels);
  if (getMode() != BatchNormMode::inference || !scale || !offset || !mean || !variance)
    return std::nullopt;
  PerChannel function = PerChannel::identity(channels);
  double epsilon = getEpsilon().convertToFloat();
  for (int64_t c = 0; c < channels; ++c) {
    function.scale[c] = (*scale)[c] / std::sqrt((*variance)[c] + epsilon);
    function.offset[c] = (*offset)[c] - (*mean)[c] * function.scale[c];
  }
  return PerChannelStep{&getInputMutable(), std::move(function)};
}

std::optional<PerChannelStep> ScaleShiftOp::readPerChannelStep() {
  if (getBlocked() || !getActivation().isIdentity())
    return std::nullopt;
  int64_t channels = shapeOf(getInput())[1];
  auto scale = detail::readPerChannel(getScale(), channels);
  auto offset = detail::readPerChannel(getOffset(), channels);
  if (!scale || !offset)
    return std::nullopt;
  return PerChannelStep{&getInputMutable(), {std::move(*scale), std::move(*offset)}};
}

//===----------------------------------------------------------------------===//
// Receptive field
//===----------------------------------------------------------------------===//

void InstanceNormOp::widenField(ReceptiveField &field) { field.widenAll(); }
void GroupNormOp::widenField(ReceptiveField &field) { field.widenAll(); }

void LayerNormOp::widenField(ReceptiveField &field) {
  int64_t first = shapeOf((*this)->getResult(0)).size() - field.dims.size();
  for (auto [i, dim] : llvm::enumerate(field.dims))
    if (!field.isSpatial || first + int64_t(i) >= int64_t(getAxis()))
      dim.widen();
}
