//===- SelectAlgorithm.cpp - Pass cnn-select-algorithm --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTuning.h"
#include "convoy/Transforms/Schedule/Passes.h"

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
    preferred = symbolizeConvAlgorithm(algorithm);
    if (!preferred && !algorithm.empty()) {
      function.emitError("unknown algorithm '") << algorithm << "'";
      return signalPassFailure();
    }
    if (!tuning.empty()) {
      llvm::Expected<ConvTuning> read = ConvTuning::read(tuning);
      if (!read) {
        function.emitError(llvm::toString(read.takeError()));
        return signalPassFailure();
      }
      measured = std::move(*read);
    }
    FailureOr<TargetAttr> required = requireTarget(function);
    if (failed(required))
      return signalPassFailure();
    target = *required;
    WalkResult result = function.walk([&](ConvOpInterface op) {
      return failed(check(op)) ? WalkResult::interrupt() : (select(op), WalkResult::advance());
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  /// Refuses attributes that the operation does not allow.
  LogicalResult check(ConvOpInterface op) {
    if (op.hasConvAlgorithm())
      if (std::string reason = whyNotAlgorithm(op, op.getConvAlgorithm(), target);
          !reason.empty())
        return op->emitError("cannot be computed by ")
               << stringifyConvAlgorithm(op.getConvAlgorithm()) << ": " << reason;
    if (std::optional<int64_t> blocks = op.getTileBlocks();
        blocks && !llvm::is_contained(listTileBlocks(op, target), *blocks))
      return op->emitError("a register tile cannot hold ")
             << *blocks << " vectors of output channels: take a divisor of their number "
             << "up to 3";
    return success();
  }

  void select(ConvOpInterface op) {
    if (!op.hasConvAlgorithm() && preferred && whyNotAlgorithm(op, *preferred, target).empty())
      op.setConvAlgorithm(*preferred);
    llvm::SmallVector<ConvSchedule> schedules = listConvSchedules(op, target);
    ConvSchedule schedule = measured.choose(describeConv(op), schedules);
    op.setConvAlgorithm(schedule.algorithm);
    if (!op.getTileBlocks() && schedule.tileBlocks != listTileBlocks(op, target).front())
      op.setTileBlocks(schedule.tileBlocks);
  }

  std::optional<ConvAlgorithm> preferred;
  ConvTuning measured;
  TargetAttr target;
};

} // namespace
