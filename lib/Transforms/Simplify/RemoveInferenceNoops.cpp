//===- RemoveInferenceNoops.cpp - Operations that change nothing ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The greedy driver also applies the operations' own folders (identities, casts,
// slices of a whole tensor, ...). This file has the patterns beyond these.
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Simplify/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNREMOVEINFERENCENOOPS
#include "convoy/Transforms/Simplify/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

bool isConstantOf(Value value, double number) {
  std::optional<ConstantData> data = ConstantData::get(value);
  return data && data->getSplatDouble() == number;
}

/// Whether the operation's result is its input, given that both have the same type.
bool isNoop(PoolOpInterface op) { return op.getWindow().isPointwise(); }
bool isNoop(GlobalPoolOp op) {
  // Types are equal only if all spatial extents are 1.
  return true;
}
bool isNoop(ReduceOp op) {
  ReduceKind kind = op.getKind();
  // Types are equal only if all reduced extents are 1.
  return kind != ReduceKind::sum_square && kind != ReduceKind::l1 && kind != ReduceKind::l2;
}
bool isNoop(ResizeOp op) {
  return llvm::all_of(op.getScales(), [](float scale) { return scale == 1; });
}
bool isNoop(ScaleShiftOp op) {
  return op.getActivation().isIdentity() && isConstantOf(op.getScale(), 1) &&
         isConstantOf(op.getOffset(), 0);
}
bool isNoop(UnaryOp op) {
  // A relu of a relu changes nothing.
  auto producer = op.getInput().getDefiningOp<UnaryOp>();
  return op.getFunction().getKind() == UnaryKind::relu && producer &&
         producer.getFunction().getKind() == UnaryKind::relu;
}
bool isNoop(BinaryOp op) {
  // Unlike the folder, this ignores that -0 + 0 is 0.
  return op.getKind() == BinaryKind::add && op.getActivation().isIdentity() &&
         isConstantOf(op.getRhs(), 0);
}
bool isNoop(linalg::TransposeOp op) {
  return llvm::equal(op.getPermutation(), llvm::seq<int64_t>(0, op.getPermutation().size()));
}

/// Replaces a no-op by its first operand. `Base` is the pattern class for an operation or for
/// an interface.
template <typename OpTy, typename Base = OpRewritePattern<OpTy>> struct RemoveNoop : Base {
  using Base::Base;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 ||
        op->getOperand(0).getType() != op->getResult(0).getType() || !isNoop(op))
      return failure();
    rewriter.replaceOp(op, op->getOperand(0));
    return success();
  }
};

using RemoveNoopPool = RemoveNoop<PoolOpInterface, OpInterfaceRewritePattern<PoolOpInterface>>;

/// Removes the addition of a zero that is the left operand.
struct ZeroOnTheLeft : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 || op.getKind() != BinaryKind::add ||
        !op.getActivation().isIdentity() ||
        op.getRhs().getType() != op.getResult(0).getType() || !isConstantOf(op.getLhs(), 0))
      return failure();
    rewriter.replaceOp(op, op.getRhs());
    return success();
  }
};

/// Parts without elements add nothing to a concatenation.
struct DropEmptyParts : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatOp op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1)
      return failure();
    SmallVector<Value> parts;
    for (Value part : op.getInputs())
      if (cast<ShapedType>(part.getType()).getNumElements() != 0)
        parts.push_back(part);
    if (parts.empty() || parts.size() == op.getInputs().size())
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getInputsMutable().assign(parts); });
    return success();
  }
};

/// Two transpositions in a row become one, or none.
struct MergeTransposes : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto first = op.getInput().getDefiningOp<linalg::TransposeOp>();
    if (!first || !op.hasPureTensorSemantics())
      return failure();
    SmallVector<int64_t> merged;
    for (int64_t dim : op.getPermutation())
      merged.push_back(first.getPermutation()[dim]);
    if (llvm::equal(merged, llvm::seq<int64_t>(0, merged.size()))) {
      rewriter.replaceOp(op, first.getInput());
      return success();
    }
    rewriter.replaceOpWithNewOp<linalg::TransposeOp>(op, first.getInput(), op.getInit(),
                                                     merged);
    return success();
  }
};

struct RemoveInferenceNoops
    : convoy::cnn::impl::CnnRemoveInferenceNoopsBase<RemoveInferenceNoops> {
  using CnnRemoveInferenceNoopsBase::CnnRemoveInferenceNoopsBase;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<RemoveNoopPool, RemoveNoop<GlobalPoolOp>, RemoveNoop<ReduceOp>,
            RemoveNoop<ResizeOp>, RemoveNoop<ScaleShiftOp>, RemoveNoop<UnaryOp>,
            RemoveNoop<BinaryOp>, RemoveNoop<linalg::TransposeOp>, ZeroOnTheLeft,
            DropEmptyParts, MergeTransposes>(context);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(set, context);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(set, context);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    if (failed(applyPatternsGreedily(getOperation(), patterns)))
      signalPassFailure();
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
