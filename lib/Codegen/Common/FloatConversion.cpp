//===- FloatConversion.cpp - Rounding to f16 and bf16 ---------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// CPUs have instructions from f32 to f16. What they lack, LLVM would leave to functions of a
// runtime library, which an artefact does not link; and the instructions for bf16 that some
// CPUs have flush subnormal numbers to zero. If LLVM sees a conversion from bf16, it computes
// the functions of the result in bf16, and needs the conversion back.
//
//===----------------------------------------------------------------------===//

#include "MathExpansion.h"
#include "convoy/Codegen/Common/MathApproximation.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace convoy;

/// f64 to f32, rounded to odd: an inexact result is the neighbour with an odd mantissa. That
/// keeps enough for a second rounding, to 16 bits, to give what one would.
static Value roundToOdd(MathExpansion &e, Value x) {
  Value nearest = arith::TruncFOp::create(e.b, e.loc, e.type, x);
  Value back = arith::ExtFOp::create(e.b, e.loc, x.getType(), nearest);
  Value bits = e.toBits(nearest);
  Value isLarger = e.compare(arith::CmpFPredicate::OGT, e.abs(back), e.abs(x));
  bits = e.select(isLarger, e.subBits(bits, e.bits(1)), bits);
  Value isInexact = e.compare(arith::CmpFPredicate::ONE, back, x);
  return e.fromBits(e.select(isInexact, e.orBits(bits, e.bits(1)), bits));
}

/// f32 to bf16, to nearest, ties to even.
static Value roundToBF16(MathExpansion &e, Value x, Type bf16) {
  Value bits = e.toBits(x);
  Value lowest = e.andBits(e.shiftRightUnsigned(bits, 16), e.bits(1));
  Value rounded = e.addBits(e.addBits(bits, e.bits(0x7fff)), lowest);
  // A carry out of the mantissa would make another number of a NaN; it becomes quiet instead.
  Value isNaN = e.compare(arith::CmpFPredicate::UNO, x, x);
  rounded = e.select(isNaN, e.orBits(bits, e.bits(0x400000)), rounded);
  Type i16 = e.b.getI16Type();
  if (auto shaped = dyn_cast<ShapedType>(bf16))
    i16 = shaped.clone(i16);
  Value high = arith::TruncIOp::create(e.b, e.loc, i16, e.shiftRightUnsigned(rounded, 16));
  return arith::BitcastOp::create(e.b, e.loc, bf16, high);
}

namespace {

struct RoundTo16Bits : OpRewritePattern<arith::TruncFOp> {
  RoundTo16Bits(MLIRContext *context, bool roundsToBF16)
      : OpRewritePattern(context), roundsToBF16(roundsToBF16) {}

  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    Value x = op.getIn();
    Type type = op.getType(), element = getElementTypeOrSelf(type);
    bool isF64 = getElementTypeOrSelf(x.getType()).isF64();
    if (!isa<VectorType, FloatType>(type) || op.getRoundingmode() ||
        !(element.isBF16() || (element.isF16() && isF64)))
      return failure();
    if (roundsToBF16 && !isF64)
      return failure();
    auto shaped = dyn_cast<ShapedType>(type);
    Type f32 = rewriter.getF32Type(), i32 = rewriter.getI32Type();
    MathExpansion expansion{rewriter, op.getLoc(), shaped ? Type(shaped.clone(f32)) : f32,
                            shaped ? Type(shaped.clone(i32)) : i32};
    if (isF64)
      x = roundToOdd(expansion, x);
    if (element.isBF16())
      rewriter.replaceOp(op, roundToBF16(expansion, x, type));
    else
      rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, x);
    return success();
  }

  bool roundsToBF16;
};

/// The upper half of an f32 is a bf16.
struct WidenBF16 : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::ExtFOp op, PatternRewriter &rewriter) const override {
    Value x = op.getIn();
    Type type = op.getType();
    if (!isa<VectorType, FloatType>(type) || !getElementTypeOrSelf(x.getType()).isBF16())
      return failure();
    auto withElement = [&](Type element) {
      auto shaped = dyn_cast<ShapedType>(type);
      return shaped ? Type(shaped.clone(element)) : element;
    };
    MathExpansion e{rewriter, op.getLoc(), withElement(rewriter.getF32Type()),
                    withElement(rewriter.getI32Type())};
    Value half =
        arith::BitcastOp::create(rewriter, e.loc, withElement(rewriter.getI16Type()), x);
    Value bits = arith::ExtUIOp::create(rewriter, e.loc, e.bitsType, half);
    Value wide = e.fromBits(e.shiftLeft(bits, 16));
    if (getElementTypeOrSelf(type).isF64())
      wide = arith::ExtFOp::create(rewriter, e.loc, type, wide);
    rewriter.replaceOp(op, wide);
    return success();
  }
};

/// Integers become bf16 by f32. The canonicalizer merges the two conversions before this.
template <typename OpTy> struct IntegerToBF16 : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    Type type = op.getType(), f32 = rewriter.getF32Type();
    if (!isa<VectorType, FloatType>(type) || !getElementTypeOrSelf(type).isBF16())
      return failure();
    auto shaped = dyn_cast<ShapedType>(type);
    Value wide = OpTy::create(rewriter, op.getLoc(), shaped ? Type(shaped.clone(f32)) : f32,
                              op.getIn());
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, wide);
    return success();
  }
};

} // namespace

void convoy::populateFloatConversionPatterns(RewritePatternSet &patterns, bool roundsToBF16) {
  patterns.add<RoundTo16Bits>(patterns.getContext(), roundsToBF16);
  patterns.add<WidenBF16, IntegerToBF16<arith::SIToFPOp>, IntegerToBF16<arith::UIToFPOp>>(
      patterns.getContext());
}
