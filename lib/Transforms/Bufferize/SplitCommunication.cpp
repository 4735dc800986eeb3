//===- SplitCommunication.cpp - Pass cnn-split-communication --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy-c/Artefact.h"
#include "convoy/Analysis/BufferPlan.h"
#include "convoy/Transforms/Bufferize/Passes.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNSPLITCOMMUNICATION
#include "convoy/Transforms/Bufferize/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

/// A communication operation with its cnn.await (`end`) and its cnn.release.
struct Exchange {
  CommunicationOpInterface start;
  Operation *end = nullptr, *release = nullptr;
  /// The allocation or argument that contains the data it sends, and the data it receives.
  Value source, target;
};

/// Whether `op` may read or write memory of `root`; with `writes`, whether it may write it.
bool touches(Operation *op, Value root, bool writes) {
  if (isView(op) || isa<memref::AllocOp>(op))
    return false;
  return op
      ->walk([&](Operation *inner) {
        auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
        for (Value operand : inner->getOperands()) {
          if (!isa<BaseMemRefType>(operand.getType()))
            continue;
          FailureOr<BufferRange> range = locate(operand);
          if (succeeded(range) && range->root != root)
            continue;
          if (!writes || failed(range) || !effects ||
              effects.getEffectOnValue<MemoryEffects::Write>(operand) ||
              effects.getEffectOnValue<MemoryEffects::Free>(operand))
            return WalkResult::interrupt();
        }
        return WalkResult::advance();
      })
      .wasInterrupted();
}

/// Moves `op` before `place`, together with the operations that define its operands.
void moveBefore(Operation *op, Operation *place) {
  for (Value operand : op->getOperands())
    if (Operation *definition = operand.getDefiningOp();
        definition && !definition->isBeforeInBlock(place))
      moveBefore(definition, place);
  op->moveBefore(place);
}

struct SplitCommunication : convoy::cnn::impl::CnnSplitCommunicationBase<SplitCommunication> {
  using CnnSplitCommunicationBase::CnnSplitCommunicationBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    std::vector<Exchange> exchanges;
    for (auto start : function.getOps<CommunicationOpInterface>()) {
      FailureOr<BufferRange> source = failure(), target = failure();
      if (!start.getInit() || !isa<MemRefType>(start.getInit().getType())) {
        start.emitError("is on tensors; cnn-split-communication needs buffers");
        return signalPassFailure();
      }
      source = locate(start.getInput());
      target = locate(start.getInit());
      if (failed(source) || failed(target))
        return signalPassFailure();
      exchanges.push_back({start, nullptr, nullptr, source->root, target->root});
    }
    for (Exchange &exchange : exchanges) {
      OpBuilder builder(&getContext());
      builder.setInsertionPointAfter(exchange.start);
      exchange.end = AwaitOp::create(builder, exchange.start.getLoc(),
                                     exchange.start.getInput(), exchange.start.getInit());
      exchange.start.setAsync(true);
    }
    for (size_t i = 0; i < exchanges.size(); ++i)
      addRelease(exchanges[i], i + 1 < exchanges.size() ? exchanges[i + 1].end : nullptr);
    for (size_t i = 0; i < exchanges.size(); ++i)
      hoist(exchanges[i],
            i >= CONVOY_MAX_EXCHANGES ? exchanges[i - CONVOY_MAX_EXCHANGES].release : nullptr);
  }

  /// Adds the release: before the first operation that writes these buffers again, but at the
  /// latest after the await of the next exchange (`nextEnd`). Other devices read the buffers
  /// until they have awaited this exchange, too. When the next exchange has ended, they most
  /// often have done so: the data that they send in it is computed from this exchange.
  void addRelease(Exchange &exchange, Operation *nextEnd) {
    bool isSum = isa<AllReduceOp>(exchange.start);
    Operation *place = exchange.end->getNextNode();
    for (; !place->hasTrait<OpTrait::IsTerminator>(); place = place->getNextNode())
      if (place->getPrevNode() == nextEnd || touches(place, exchange.source, true) ||
          (isSum && touches(place, exchange.target, true)))
        break;
    SmallVector<Value> buffers = {exchange.start.getInput()};
    // In a sum, the other devices also read the result: they copy this device's share of the
    // sums from it.
    if (isSum)
      buffers.push_back(exchange.start.getInit());
    OpBuilder builder(place);
    exchange.release = ReleaseOp::create(builder, exchange.start.getLoc(), buffers);
  }

  /// Moves the start up, but not before `limit`, another start, or an operation that writes
  /// the data it sends or touches the memory it receives into.
  void hoist(Exchange &exchange, Operation *limit) {
    Operation *start = exchange.start, *place = start;
    for (Operation *op = start->getPrevNode(); op; op = op->getPrevNode()) {
      if (op == limit || isa<CommunicationOpInterface>(op) ||
          touches(op, exchange.source, true) || touches(op, exchange.target, false))
        break;
      // Views, allocations and constants move along if the start needs them.
      if (!isView(op) && !isa<memref::AllocOp, memref::GetGlobalOp>(op) &&
          !op->hasTrait<OpTrait::ConstantLike>())
        place = op;
    }
    if (place != start)
      moveBefore(start, place);
  }
};

} // namespace
