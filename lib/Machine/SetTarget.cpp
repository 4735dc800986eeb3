//===- SetTarget.cpp - Pass cnn-set-target --------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Machine/Passes.h"
#include "convoy/Machine/TargetDescription.h"

namespace convoy {
#define GEN_PASS_DEF_CNNSETTARGET
#include "convoy/Machine/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;

namespace {

struct SetTarget : convoy::impl::CnnSetTargetBase<SetTarget> {
  using CnnSetTargetBase::CnnSetTargetBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (module->hasAttr(cnn::kTargetAttrName))
      return;
    if (cpu.empty()) {
      module.emitError("cnn-set-target needs a CPU, such as cpu=x86-64-v3");
      return signalPassFailure();
    }
    llvm::Expected<cnn::TargetAttr> target =
        describeTarget(&getContext(), triple, cpu, /*gpu=*/{}, precision);
    if (!target) {
      module.emitError(llvm::toString(target.takeError()));
      return signalPassFailure();
    }
    module->setAttr(cnn::kTargetAttrName, *target);
  }
};

} // namespace
