//===- PerChannelChain.cpp - Chains of per-channel multiply-adds ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PerChannelChain.h"

using namespace mlir;
using namespace convoy::cnn;

std::optional<PerChannelStep> convoy::cnn::readPerChannelStep(Operation *op) {
  auto perChannel = dyn_cast<PerChannelOpInterface>(op);
  if (!perChannel)
    return std::nullopt;
  auto type = op->getNumResults() ? dyn_cast<RankedTensorType>(op->getResult(0).getType())
                                  : RankedTensorType();
  if (!type || type.getRank() < 2 || !type.getElementType().isF32() ||
      cast<DestinationOpInterface>(op).getDestination())
    return std::nullopt;
  return perChannel.readPerChannelStep();
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
