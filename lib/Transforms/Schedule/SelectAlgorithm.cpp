//===- SelectAlgorithm.cpp - Pass cnn-select-algorithm --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTuning.h"
#include "convoy/Analysis/LayerSchedule.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNSELECTALGORITHM
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

struct SelectAlgorithm : convoy::cnn::impl::CnnSelectAlgorithmBase<SelectAlgorithm> {
  using CnnSelectAlgorithmBase::CnnSelectAlgorithmBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    FailureOr<TargetAttr> target = requireTarget(function);
    if (failed(target) || failed(readOptions()))
      return signalPassFailure();
    WalkResult result = function.walk([&](ScheduledOpInterface op) {
      if (!op.getScheduleAttr()) {
        op.setScheduleAttr(choose(op, *target));
        return WalkResult::advance();
      }
      std::string reason = whyNotSchedule(op, *target);
      if (reason.empty())
        return WalkResult::advance();
      op->emitError(reason);
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  LogicalResult readOptions() {
    preferences.algorithm = parsePreferredAlgorithm(algorithm);
    if (!preferences.algorithm && !algorithm.empty())
      return getOperation().emitError("unknown algorithm '") << algorithm << "'";
    Builder builder(&getContext());
    preferences.weights = llvm::StringSwitch<Type>(weights)
                              .Case("f32", builder.getF32Type())
                              .Case("f16", builder.getF16Type())
                              .Case("bf16", builder.getBF16Type())
                              .Default(Type());
    if (!preferences.weights)
      return getOperation().emitError("weights cannot be stored as '") << weights << "'";
    if (tuning.empty())
      return success();
    llvm::Expected<ConvTuning> read = ConvTuning::read(tuning);
    if (!read)
      return getOperation().emitError(llvm::toString(read.takeError()));
    measured = std::move(*read);
    return success();
  }

  /// The fastest schedule that tuning measured for a convolution. Without times, and for a
  /// dense layer, the first one, which the cost model prefers.
  ScheduleAttr choose(ScheduledOpInterface op, TargetAttr target) {
    SmallVector<ScheduleAttr> schedules = listSchedules(op, target, preferences);
    auto conv = dyn_cast<ConvOpInterface>(op.getOperation());
    if (!conv)
      return schedules.front();
    SmallVector<std::string> names = llvm::map_to_vector(schedules, getScheduleName);
    return schedules[measured.choose(describeConv(conv), names)];
  }

  SchedulePreferences preferences;
  ConvTuning measured;
};

} // namespace
