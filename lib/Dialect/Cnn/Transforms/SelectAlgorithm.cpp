//===- SelectAlgorithm.cpp - Pass cnn-select-algorithm --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvAlgorithm.h"
#include "convoy/Dialect/Cnn/Transforms/Passes.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNSELECTALGORITHM
#include "convoy/Dialect/Cnn/Transforms/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

struct SelectAlgorithm : convoy::cnn::impl::CnnSelectAlgorithmBase<SelectAlgorithm> {
  using CnnSelectAlgorithmBase::CnnSelectAlgorithmBase;

  void runOnOperation() override {
    std::optional<ConvAlgorithm> preferred = symbolizeConvAlgorithm(algorithm);
    if (!preferred && !algorithm.empty()) {
      getOperation().emitError("unknown algorithm '") << algorithm << "'";
      return signalPassFailure();
    }
    TargetAttr target = getTarget(getOperation());
    WalkResult result = getOperation().walk([&](ConvOpInterface op) {
      if (op.hasConvAlgorithm()) {
        std::string reason = whyNotAlgorithm(op, op.getConvAlgorithm(), target);
        if (reason.empty())
          return WalkResult::advance();
        op->emitError("cannot be computed by ")
            << stringifyConvAlgorithm(op.getConvAlgorithm()) << ": " << reason;
        return WalkResult::interrupt();
      }
      if (preferred && whyNotAlgorithm(op, *preferred, target).empty())
        op.setConvAlgorithm(*preferred);
      else
        op.setConvAlgorithm(selectConvAlgorithm(op, target));
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
