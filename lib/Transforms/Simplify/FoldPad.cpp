//===- FoldPad.cpp - tensor.pad into the padding of its reader ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Transforms/Simplify/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNFOLDPAD
#include "convoy/Transforms/Simplify/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

/// A tensor.pad that puts a constant around the spatial dimensions of plain data.
struct SpatialPad {
  Value source;
  double value;
  SmallVector<int64_t> amounts; // begin of each spatial dimension, then end

  static std::optional<SpatialPad> get(Value padded, int64_t spatialRank) {
    auto op = padded.getDefiningOp<tensor::PadOp>();
    Value constant = op ? op.getConstantPaddingValue() : Value();
    FloatAttr value;
    if (!constant || !matchPattern(constant, m_Constant(&value)))
      return std::nullopt;
    ArrayRef<int64_t> low = op.getStaticLow(), high = op.getStaticHigh();
    if (int64_t(low.size()) != spatialRank + 2 || low[0] || low[1] || high[0] || high[1])
      return std::nullopt;
    SpatialPad pad{op.getSource(), value.getValueAsDouble(), {}};
    llvm::append_range(pad.amounts, low.drop_front(2));
    llvm::append_range(pad.amounts, high.drop_front(2));
    // Negative pads crop. A dynamic pad is stored as a negative number, too.
    if (llvm::any_of(pad.amounts, [](int64_t amount) { return amount < 0; }))
      return std::nullopt;
    return pad;
  }

  WindowAttr addTo(WindowAttr window) const {
    SmallVector<int64_t> sums(window.getPads());
    for (auto [sum, amount] : llvm::zip(sums, amounts))
      sum += amount;
    return window.withPads(sums);
  }
};

template <typename ConvTy> struct FoldIntoConv : OpRewritePattern<ConvTy> {
  using OpRewritePattern<ConvTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvTy op, PatternRewriter &rewriter) const override {
    auto pad = SpatialPad::get(op.getInput(), op.getWindow().getRank());
    if (!pad || pad->value != 0)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().set(pad->source);
      op.setWindowAttr(pad->addTo(op.getWindow()));
    });
    return success();
  }
};

struct FoldIntoPool : OpInterfaceRewritePattern<PoolOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(PoolOpInterface op, PatternRewriter &rewriter) const override {
    auto pad = SpatialPad::get(op.getInput(), op.getWindow().getRank());
    if (!pad || !op.isNeutral(pad->value))
      return failure();
    WindowAttr window = pad->addTo(op.getWindow());
    ArrayRef<int64_t> input = cast<ShapedType>(pad->source.getType()).getShape().drop_front(2);
    for (int64_t i = 0; i < window.getRank(); ++i) {
      // A window that sees nothing but padding is not defined for a pool.
      if (std::max(window.getPadsBegin()[i], window.getPadsEnd()[i]) >= window.getReach(i))
        return rewriter.notifyMatchFailure(op, "pads reach over a whole window");
      // With ceil_mode the last window may be cut short. It may start in the padding of a
      // tensor.pad, but not in the padding of a pool.
      if (op.getCeilMode()) {
        ArrayRef<int64_t> output = op.getOutputType().getShape().drop_front(2);
        if ((output[i] - 1) * window.getStrides()[i] >= input[i] + window.getPadsBegin()[i])
          return rewriter.notifyMatchFailure(op, "the last window starts in the padding");
      }
    }
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().set(pad->source);
      op.absorbPads(window);
    });
    return success();
  }
};

struct FoldPad : convoy::cnn::impl::CnnFoldPadBase<FoldPad> {
  using CnnFoldPadBase::CnnFoldPadBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldIntoConv<ConvOp>, FoldIntoConv<GroupConvOp>, FoldIntoPool>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
