//===- FuseElementwise.cpp - Pass cnn-fuse-elementwise --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNFUSEELEMENTWISE
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;

namespace {

/// A body of more operations gains nothing. Each fusion copies both bodies, so without a limit
/// a chain of n operations would take n^2 copies.
constexpr size_t kMaxBodySize = 128;

/// Fusing must not compute anything twice: the producer has one reader. This reader reads each
/// element once, or the producer computes nothing.
bool isWorthFusing(OpOperand *operand) {
  Operation *producer = operand->get().getDefiningOp();
  auto consumer = dyn_cast<linalg::LinalgOp>(operand->getOwner());
  auto generic = dyn_cast_or_null<linalg::GenericOp>(producer);
  if (!generic || !consumer || !operand->get().hasOneUse())
    return false;
  if (generic.getBody()->getOperations().size() + consumer.getBlock()->getOperations().size() >
      kMaxBodySize)
    return false;
  return consumer.getMatchingIndexingMap(operand).isPermutation() ||
         generic.getBody()->without_terminator().empty();
}

struct FuseElementwise : convoy::cnn::impl::CnnFuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, isWorthFusing);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, &getContext());
    // Each pattern removes an operation or an operand, so there is an end.
    GreedyRewriteConfig config;
    config.setMaxIterations(GreedyRewriteConfig::kNoLimit);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace
