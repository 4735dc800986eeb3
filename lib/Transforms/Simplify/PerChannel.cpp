//===- PerChannel.cpp - Chains of per-channel multiply-adds ---------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PerChannel.h"

#include "convoy/Dialect/Cnn/IR/ConstantEvaluator.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace convoy::cnn;

bool PerChannel::hasScale() const {
  return llvm::any_of(scale, [](double value) { return value != 1; });
}

bool PerChannel::hasOffset() const {
  return llvm::any_of(offset, [](double value) { return value != 0; });
}

void PerChannel::compose(const PerChannel &next) {
  for (size_t c = 0; c < scale.size(); ++c) {
    scale[c] *= next.scale[c];
    offset[c] = offset[c] * next.scale[c] + next.offset[c];
  }
}

/// The constant behind a value, where it is one of floats; reshapes and the like
/// of constants count as constants.
static std::optional<ConstantData> readConstant(Value value) {
  std::optional<ConstantData> data =
      ConstantData::get(evaluateConstant(value, EvaluationOptions()));
  if (!data || !isa<FloatType>(data->getElementType()))
    return std::nullopt;
  return data;
}

static int64_t getChannels(Value value) {
  return cast<ShapedType>(value.getType()).getDimSize(1);
}

/// A parameter with one element for each channel.
static std::optional<std::vector<double>> readParameter(Value value, int64_t channels) {
  std::optional<ConstantData> data = readConstant(value);
  if (!data || data->getNumElements() != channels)
    return std::nullopt;
  std::vector<double> result(channels);
  for (int64_t c = 0; c < channels; ++c)
    result[c] = data->getDouble(c);
  return result;
}

/// An operand that broadcasts to `type` and differs along dimension 1 at most.
static std::optional<std::vector<double>> readBroadcast(Value value, RankedTensorType type) {
  std::optional<ConstantData> data = readConstant(value);
  if (!data)
    return std::nullopt;
  int64_t channels = type.getDimSize(1);
  if (std::optional<double> same = data->getSplatDouble())
    return std::vector<double>(channels, *same);
  int64_t shift = type.getRank() - int64_t(data->getShape().size());
  for (auto [index, extent] : llvm::enumerate(data->getShape()))
    if (extent != 1 && int64_t(index) + shift != 1)
      return std::nullopt;
  std::vector<double> result(channels);
  for (int64_t c = 0; c < channels; ++c)
    result[c] = data->getDouble(c);
  return result;
}

static std::optional<PerChannelStep> readStep(BatchNormOp op) {
  int64_t channels = getChannels(op.getInput());
  auto scale = readParameter(op.getScale(), channels);
  auto offset = readParameter(op.getOffset(), channels);
  auto mean = readParameter(op.getMean(), channels);
  auto variance = readParameter(op.getVariance(), channels);
  if (op.getMode() != BatchNormMode::inference || !scale || !offset || !mean || !variance)
    return std::nullopt;
  PerChannel function = PerChannel::identity(channels);
  double epsilon = op.getEpsilon().convertToFloat();
  for (int64_t c = 0; c < channels; ++c) {
    function.scale[c] = (*scale)[c] / std::sqrt((*variance)[c] + epsilon);
    function.offset[c] = (*offset)[c] - (*mean)[c] * function.scale[c];
  }
  return PerChannelStep{&op.getInputMutable(), std::move(function)};
}

static std::optional<PerChannelStep> readStep(ScaleShiftOp op) {
  if (op.getBlocked() || !op.getActivation().isIdentity())
    return std::nullopt;
  int64_t channels = getChannels(op.getInput());
  auto scale = readParameter(op.getScale(), channels);
  auto offset = readParameter(op.getOffset(), channels);
  if (!scale || !offset)
    return std::nullopt;
  return PerChannelStep{&op.getInputMutable(), {std::move(*scale), std::move(*offset)}};
}

static std::optional<PerChannelStep> readStep(BinaryOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  BinaryKind kind = op.getKind();
  if (!type || !op.getActivation().isIdentity() ||
      (kind != BinaryKind::add && kind != BinaryKind::sub && kind != BinaryKind::mul &&
       kind != BinaryKind::div))
    return std::nullopt;
  bool onRight = op.getLhs().getType() == type;
  auto numbers = onRight ? readBroadcast(op.getRhs(), type) : std::nullopt;
  if (!numbers && op.getRhs().getType() == type && kind != BinaryKind::div) {
    onRight = false;
    numbers = readBroadcast(op.getLhs(), type);
  }
  if (!numbers)
    return std::nullopt;
  PerChannelStep step{onRight ? &op.getLhsMutable() : &op.getRhsMutable(),
                      PerChannel::identity(type.getDimSize(1))};
  for (auto [c, number] : llvm::enumerate(*numbers)) {
    double &scale = step.function.scale[c], &offset = step.function.offset[c];
    switch (kind) {
    case BinaryKind::add:
      offset = number;
      break;
    case BinaryKind::sub:
      scale = onRight ? 1 : -1;
      offset = onRight ? -number : number;
      break;
    case BinaryKind::mul:
      scale = number;
      break;
    default:
      scale = 1 / number;
      break;
    }
  }
  return step;
}

std::optional<PerChannelStep> convoy::cnn::readPerChannelStep(Operation *op) {
  if (!isa<BatchNormOp, ScaleShiftOp, BinaryOp>(op))
    return std::nullopt;
  auto type = op->getNumResults() ? dyn_cast<RankedTensorType>(op->getResult(0).getType())
                                  : RankedTensorType();
  if (!type || type.getRank() < 2 || !type.getElementType().isF32() ||
      cast<DestinationOpInterface>(op).getDestination())
    return std::nullopt;
  return TypeSwitch<Operation *, std::optional<PerChannelStep>>(op)
      .Case<BatchNormOp, ScaleShiftOp, BinaryOp>([](auto known) { return readStep(known); })
      .Default(std::nullopt);
}

std::optional<PerChannelChain> convoy::cnn::readPerChannelChain(Operation *op) {
  std::optional<PerChannelStep> step = readPerChannelStep(op);
  if (!step)
    return std::nullopt;
  PerChannelChain chain{{op}, step->input, std::move(step->function)};
  while (chain.getResult().hasOneUse()) {
    OpOperand &use = *chain.getResult().use_begin();
    std::optional<PerChannelStep> next = readPerChannelStep(use.getOwner());
    if (!next || next->input != &use || use.getOwner()->getBlock() != op->getBlock())
      break;
    chain.ops.push_back(use.getOwner());
    chain.function.compose(next->function);
  }
  return chain;
}
