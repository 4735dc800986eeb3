//===- FusePrologue.cpp - Pass cnn-fuse-prologue --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/LayerCost.h"
#include "convoy/Analysis/LayerSchedule.h"
#include "convoy/Transforms/Schedule/Passes.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNFUSEPROLOGUE
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// The least number of pixels of a map for which fusing is faster. A task with a prologue
/// multiplies a few pixels by all filters. Without a prologue, the tasks of a small map read
/// each filter only once. At 7x7 reading the filters again took longer than the norm.
constexpr int64_t kMinPixels = 128;

/// Whether `conv` can normalise its input, as `norm` does, while it reads it.
bool canFuse(ScaleShiftOp norm, ConvOpInterface conv) {
  return norm.getBlocked() && !norm.getInit() && norm->hasOneUse() &&
         norm->getBlock() == conv->getBlock() && conv.isPointwise() && !conv.getInputScale() &&
         isScheduledAs(conv, Algorithm::direct);
}

/// Whether fusing is faster: the map is large enough, and the filters stay in the L2 cache
/// from one task to the next.
bool isWorthFusing(ConvOpInterface conv, TargetAttr target) {
  ArrayRef<int64_t> output = conv.getOutputType().getShape();
  int64_t pixels = llvm::product_of(output.slice(2, conv.getSpatialRank()));
  int64_t filterBytes = getDenseBytes(cast<ShapedType>(conv.getFilter().getType()));
  return pixels >= kMinPixels && filterBytes <= target.getL2() / 2;
}

struct FusePrologue : convoy::cnn::impl::CnnFusePrologueBase<FusePrologue> {
  void runOnOperation() override {
    FailureOr<TargetAttr> target = requireTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    if (target->getGpu())
      return;
    getOperation().walk([&](ConvOp conv) {
      auto norm = conv.getInput().getDefiningOp<ScaleShiftOp>();
      if (!norm || !canFuse(norm, conv) || !isWorthFusing(conv, *target))
        return;
      conv.getInputMutable().assign(norm.getInput());
      conv.getInputScaleMutable().assign(norm.getScale());
      conv.getInputOffsetMutable().assign(norm.getOffset());
      conv.setInputActivationAttr(norm.getActivationAttr());
      conv.setScheduleAttr(addPrologue(conv));
      norm.erase();
    });
  }
};

} // namespace
