//===- PerChannel.cpp - A multiply-add for each channel -------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/PerChannel.h"

#include "convoy/Dialect/Cnn/IR/ConstantEvaluator.h"

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

/// The constant of floats that a value is or that can be computed for it, for example the
/// reshape of a constant.
static std::optional<ConstantData> readConstant(Value value) {
  std::optional<ConstantData> data =
      ConstantData::get(evaluateConstant(value, EvaluationOptions()));
  if (!data || !isa<FloatType>(data->getElementType()))
    return std::nullopt;
  return data;
}

std::optional<std::vector<double>> convoy::cnn::detail::readPerChannel(Value value,
                                                                       int64_t channels) {
  std::optional<ConstantData> data = readConstant(value);
  if (!data || data->getNumElements() != channels)
    return std::nullopt;
  std::vector<double> result(channels);
  for (int64_t c = 0; c < channels; ++c)
    result[c] = data->getDouble(c);
  return result;
}

std::optional<std::vector<double>>
convoy::cnn::detail::readPerChannelBroadcast(Value value, RankedTensorType type) {
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
