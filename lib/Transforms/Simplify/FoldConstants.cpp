//===- FoldConstants.cpp - Operations on constants ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/ConstantEvaluator.h"
#include "convoy/Transforms/Simplify/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNFOLDCONSTANTS
#include "convoy/Transforms/Simplify/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

struct FoldConstants : convoy::cnn::impl::CnnFoldConstantsBase<FoldConstants> {
  using CnnFoldConstantsBase::CnnFoldConstantsBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // Operands come before their readers, so one walk sees whole chains.
    getOperation().walk([&](Operation *op) {
      if (isa<func::FuncOp>(op) || op->getNumResults() != 1 || op->getNumOperands() == 0)
        return;
      SmallVector<Attribute> operands;
      int64_t elements = 0;
      for (Value operand : op->getOperands()) {
        Attribute value;
        matchPattern(operand, m_Constant(&value));
        operands.push_back(value);
        if (auto known = dyn_cast_if_present<ElementsAttr>(value))
          elements += known.getNumElements();
      }
      if (!llvm::any_of(operands, [](Attribute value) { return bool(value); }))
        return;
      EvaluationOptions options;
      options.maxElements =
          std::min<int64_t>(maxElements, std::max(elements, kMaxInlineElements));
      options.exactOnly = false;
      ElementsAttr value = evaluateConstant(op, operands, options);
      if (!value)
        return;
      rewriter.setInsertionPoint(op);
      rewriter.replaceOp(op, createConstant(rewriter, op->getLoc(), value));
    });

    getOperation().walk([&](Operation *op) {
      if (isa<arith::ConstantOp, tensor::EmptyOp>(op) && op->use_empty())
        rewriter.eraseOp(op);
    });
  }
};

} // namespace
