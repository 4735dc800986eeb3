//===- AssignPartition.cpp - Pass cnn-assign-partition --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/Partition.h"
#include "convoy/Transforms/Partition/Passes.h"

#include "llvm/ADT/StringSwitch.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNASSIGNPARTITION
#include "convoy/Transforms/Partition/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// The fixed strategy that shares factors of this kind; `Auto` if there is none.
PartitionStrategy getStrategy(FactorKind kind) {
  switch (kind) {
  case FactorKind::batch:
    return PartitionStrategy::Batch;
  case FactorKind::height:
    return PartitionStrategy::Rows;
  case FactorKind::width:
    return PartitionStrategy::Auto;
  default:
    return PartitionStrategy::Group;
  }
}

/// The largest extent of the factors that a strategy may share.
int64_t getLargestExtent(func::FuncOp function, PartitionStrategy strategy) {
  int64_t largest = 0;
  function.walk([&](PartitionOpInterface op) {
    for (const PartitionFactor &factor : op.getPartitionFactors())
      if (strategy == PartitionStrategy::Auto || getStrategy(factor.kind) == strategy)
        largest = std::max(largest, factor.extent);
  });
  return largest;
}

struct AssignPartition : convoy::cnn::impl::CnnAssignPartitionBase<AssignPartition> {
  using CnnAssignPartitionBase::CnnAssignPartitionBase;

  void runOnOperation() override {
    auto fail = [&](const Twine &message) {
      emitError(getOperation().getLoc()) << message;
      signalPassFailure();
    };
    auto function = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!function || !function.getBody().hasOneBlock())
      return fail("cnn-assign-partition needs a function @main of straight-line code");
    std::optional<PartitionStrategy> chosen = symbolizePartitionStrategy(strategy);
    if (!chosen)
      return fail("strategy '" + strategy + "' is not auto, group, batch, rows or none");
    if (devices < 1 || devices > kMaxDevices)
      return fail("the number of devices is " + Twine(int64_t(devices)) + ", expected 1 to " +
                  Twine(kMaxDevices));
    FailureOr<TargetAttr> target = requireTarget(function);
    if (failed(target))
      return signalPassFailure();
    Link link = getLink(*target, bandwidth, latency);
    if (!(link.bandwidth > 0) || !(link.latency >= 0))
      return fail("a link has a bandwidth above 0 and a latency of at least 0");
    if (int64_t largest = getLargestExtent(function, *chosen);
        devices > 1 && *chosen != PartitionStrategy::None && largest < devices)
      return fail(
          *chosen == PartitionStrategy::Batch
              ? "cannot share a batch of " + Twine(largest) + " between " +
                    Twine(int64_t(devices)) + " devices"
              : "cannot share the model between " + Twine(int64_t(devices)) +
                    " devices: no operation has more than " + Twine(largest) +
                    (*chosen == PartitionStrategy::Rows ? " rows" : " channels or groups"));

    // One device shares nothing.
    if (devices == 1)
      chosen = PartitionStrategy::None;
    FailureOr<std::vector<OpSplit>> splits = choosePartition(function, devices, *chosen, link);
    if (failed(splits))
      return signalPassFailure();
    size_t next = 0;
    for (Operation &op : function.front()) {
      if (!isPartitioned(&op))
        continue;
      op.removeAttr(kShardingAttrName);
      if (PartitionAttr attr = (*splits)[next++].getAttr(&getContext()))
        op.setAttr(kPartitionAttrName, attr);
    }
  }
};

} // namespace
