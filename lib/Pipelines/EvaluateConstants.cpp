//===- EvaluateConstants.cpp - Pass cnn-evaluate-constants ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Pipelines/ConstantPrograms.h"
#include "convoy/Pipelines/Passes.h"
#include "convoy/Pipelines/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace convoy {
#define GEN_PASS_DEF_CNNEVALUATECONSTANTS
#include "convoy/Pipelines/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;

namespace {

struct EvaluateConstants : convoy::impl::CnnEvaluateConstantsBase<EvaluateConstants> {
  using CnnEvaluateConstantsBase::CnnEvaluateConstantsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    addConstantProgramDialects(registry);
  }

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock())
      return markAllAnalysesPreserved();
    SmallVector<Value> results = findConstantResults(main.front());
    SmallVector<ElementsAttr> values = evaluateOnHost(results);
    IRRewriter rewriter(&getContext());
    for (auto [result, value] : llvm::zip_equal(results, values)) {
      if (!value)
        continue;
      rewriter.setInsertionPointAfterValue(result);
      rewriter.replaceAllUsesWith(result,
                                  cnn::createConstant(rewriter, result.getLoc(), value));
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(main.front())))
      if (isOpTriviallyDead(&op))
        rewriter.eraseOp(&op);
  }
};

} // namespace
