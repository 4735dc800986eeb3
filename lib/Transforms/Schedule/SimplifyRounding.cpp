//===- SimplifyRounding.cpp - Pass cnn-simplify-rounding ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Transforms/Schedule/Passes.h"
#include "convoy/Transforms/Utils/Rounding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNSIMPLIFYROUNDING
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

/// f32 represents all integers up to this magnitude.
constexpr double kExactLimit = 1 << 24;

/// The limits of an integer.
struct Range : FloatRange {
  /// Whether all integers in the range are integers of this type.
  bool fits(Type type, bool isSigned) const {
    double count = std::ldexp(1.0, type.getIntOrFloatBitWidth());
    double least = isSigned ? -count / 2 : 0;
    return low >= least && high <= least + count - 1;
  }
};

/// An integer that is a rounded float plus a constant.
struct RoundedInteger {
  /// The conversion of the rounded float.
  arith::FPToSIOp conversion;
  int64_t offset = 0;
  Range range = {{0, 0}};
  /// Whether the float may be -0.0, which is no integer.
  bool mayBeNegativeZero = false;
  /// Operations from the conversion to the integer.
  int64_t steps = 0;

  /// Reads `value`, whose bits are the last ones of the integer that is returned.
  static std::optional<RoundedInteger> get(Value value);
};

std::optional<RoundedInteger> RoundedInteger::get(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto conversion = dyn_cast<arith::FPToSIOp>(op)) {
    auto rounding = conversion.getIn().getDefiningOp<math::RoundEvenOp>();
    std::optional<FloatRange> range =
        rounding ? getRange(rounding.getOperand()) : std::nullopt;
    if (!range || !value.getType().isInteger(32))
      return std::nullopt;
    Range rounded = {{std::nearbyint(range->low), std::nearbyint(range->high)}};
    if (rounded.low < -kExactLimit || rounded.high > kExactLimit)
      return std::nullopt;
    return RoundedInteger{conversion, 0, rounded, std::signbit(rounded.low), 0};
  }
  if (!isa<arith::AddIOp, arith::SubIOp, arith::TruncIOp, arith::ExtUIOp, arith::ExtSIOp>(op))
    return std::nullopt;
  std::optional<RoundedInteger> result = get(op->getOperand(0));
  if (!result)
    return std::nullopt;
  ++result->steps;
  if (isa<arith::AddIOp, arith::SubIOp>(op)) {
    APInt constant;
    if (!matchPattern(op->getOperand(1), m_ConstantInt(&constant)))
      return std::nullopt;
    int64_t number = constant.getSExtValue();
    if (isa<arith::SubIOp>(op))
      number = -number;
    result->offset += number;
    if (std::abs(result->offset) > int64_t(kExactLimit))
      return std::nullopt;
    result->range.low += double(number);
    result->range.high += double(number);
  } else if (!isa<arith::TruncIOp>(op) &&
             !result->range.fits(op->getOperand(0).getType(), isa<arith::ExtSIOp>(op))) {
    return std::nullopt;
  }
  return result;
}

/// A rounded float that becomes an integer and a float again.
template <typename ToFloatOp> struct KeepFloat : OpRewritePattern<ToFloatOp> {
  using OpRewritePattern<ToFloatOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(ToFloatOp op, PatternRewriter &rewriter) const override {
    std::optional<RoundedInteger> integer = RoundedInteger::get(op.getIn());
    bool isSigned = std::is_same_v<ToFloatOp, arith::SIToFPOp>;
    if (!integer || !op.getType().isF32() ||
        !integer->range.fits(op.getIn().getType(), isSigned))
      return failure();
    Value rounded = integer->conversion.getIn();
    if (rounded.getType() != op.getType())
      return failure();
    if (integer->offset != 0 || integer->mayBeNegativeZero) {
      Value offset = arith::ConstantOp::create(
          rewriter, op.getLoc(), rewriter.getF32FloatAttr(float(integer->offset)));
      rounded = arith::AddFOp::create(rewriter, op.getLoc(), rounded, offset);
    }
    rewriter.replaceOp(op, rounded);
    return success();
  }
};

/// An integer that goes through a narrower type, or to which numbers are added one by one.
template <typename IntegerOp> struct ShortenPath : OpRewritePattern<IntegerOp> {
  using OpRewritePattern<IntegerOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(IntegerOp op, PatternRewriter &rewriter) const override {
    std::optional<RoundedInteger> integer = RoundedInteger::get(op.getResult());
    Type type = op.getType();
    if (!integer || type.getIntOrFloatBitWidth() > 32)
      return failure();
    bool isNarrow = !type.isInteger(32);
    if (integer->steps <= (integer->offset != 0) + isNarrow)
      return failure();
    Location loc = op.getLoc();
    Value result = integer->conversion;
    if (integer->offset != 0) {
      Value offset = arith::ConstantOp::create(rewriter, loc,
                                               rewriter.getI32IntegerAttr(integer->offset));
      result = arith::AddIOp::create(rewriter, loc, result, offset);
    }
    if (isNarrow)
      result = arith::TruncIOp::create(rewriter, loc, type, result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct SimplifyRounding : convoy::cnn::impl::CnnSimplifyRoundingBase<SimplifyRounding> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<KeepFloat<arith::SIToFPOp>, KeepFloat<arith::UIToFPOp>,
                 ShortenPath<arith::AddIOp>, ShortenPath<arith::SubIOp>,
                 ShortenPath<arith::ExtUIOp>, ShortenPath<arith::ExtSIOp>>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
