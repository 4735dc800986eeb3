//===- MathApproximation.cpp - Elementary functions without libm ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The usual scheme (Cody and Waite 1980; Muller, Elementary Functions, 2016): the argument is
// reduced by a multiple of a constant that is kept in several parts, and a polynomial that is
// close to minimax in relative error does the rest. There are no branches, so that scalars and
// vectors are the same code. The errors stated are the largest ones seen against f64.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/MathApproximation.h"
#include "MathExpansion.h"
#include "convoy/Codegen/Passes.h"
#include "convoy/Machine/Cpu.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace convoy {
#define GEN_PASS_DEF_CNNAPPROXIMATEMATH
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;

namespace {

/// The functions on f32.
struct F32Expansion : MathExpansion {
  /// round(x * factor) as a number and, in the low bits, as an integer: a number
  /// below 2^22 added to 1.5 * 2^23 leaves its integer in the low mantissa bits.
  std::pair<Value, Value> roundProduct(Value x, double factor) {
    Value magic = constant(12582912.0);
    Value sum = fma(x, constant(factor), magic);
    return {sub(sum, magic), toBits(sum)};
  }

  Value exp(Value x);
  Value expm1(Value x) { return sub(exp(x), constant(1)); }
  Value log(Value x);
  Value log1p(Value x);
  Value tanh(Value x);
  Value erf(Value x);
  Value pow(Value x, Value y);
};

/// ln 2 in two parts; the first has few enough bits for exact products with
/// exponents.
constexpr double kLn2High = 0.693359375, kLn2Low = -2.12194440054690583e-4;

/// 1 ulp; zero for results below 1.7e-38. exp(x) = 2^n exp(r), |r| <= ln(2) / 2.
Value F32Expansion::exp(Value x) {
  // Beyond the bounds the result is infinite, or below the normal numbers. Comparisons with
  // NaN are false, so NaN stays.
  x = select(less(x, constant(-87.5)), constant(-87.5), x);
  x = select(less(constant(89.0), x), constant(89.0), x);
  auto [n, nBits] = roundProduct(x, 1.4426950408889634);
  Value r = fma(n, constant(-kLn2High), x);
  r = fma(n, constant(-kLn2Low), r);
  Value p = polynomial(r, {4.999999404e-01, 1.666652113e-01, 4.166838899e-02, 8.368745446e-03,
                           1.381453825e-03});
  p = add(fma(mul(r, r), p, r), constant(1));
  // 2^(n - 1) from exponent bits, doubled last: n reaches 128.
  Value scale = fromBits(shiftLeft(addBits(nBits, bits(126)), 23));
  return mul(mul(p, scale), constant(2));
}

/// 1 ulp. log(x) = e ln 2 + log(m), sqrt(1/2) <= m < sqrt(2).
Value F32Expansion::log(Value x) {
  Value isTiny = less(x, constant(1.1754943508222875e-38));
  Value scaled = select(isTiny, mul(x, constant(8388608.0)), x);
  Value xBits = toBits(scaled);
  // Adding (1 - sqrt(1/2))'s bits carries into the exponent exactly when the
  // mantissa is at least sqrt(2).
  Value shifted = addBits(xBits, bits(0x3f800000 - 0x3f3504f3));
  Value exponent = subBits(shiftRight(shifted, 23), bits(127));
  Value e = arith::SIToFPOp::create(b, loc, type, exponent);
  e = select(isTiny, sub(e, constant(23)), e);
  Value m = fromBits(addBits(andBits(shifted, bits(0x007fffff)), bits(0x3f3504f3)));
  Value f = sub(m, constant(1));
  Value q = polynomial(f, {3.333331347e-01, -2.500000894e-01, 2.000211924e-01,
                           -1.666799635e-01, 1.421955079e-01, -1.240559146e-01,
                           1.188817471e-01, -1.167564094e-01, 6.746601313e-02});
  Value square = mul(f, f);
  Value low = mul(mul(square, f), q);
  low = fma(e, constant(kLn2Low), low);
  low = fma(square, constant(-0.5), low);
  Value result = fma(e, constant(kLn2High), add(f, low));
  double infinity = std::numeric_limits<double>::infinity();
  Value zero = constant(0);
  // x < 0 and NaN give NaN; infinity stays.
  result = select(less(x, constant(infinity)), result, x);
  result = select(less(x, zero), constant(std::numeric_limits<double>::quiet_NaN()), result);
  return select(equal(x, zero), constant(-infinity), result);
}

/// 2 ulp for 0 <= x. The rounding error of 1 + x is corrected to first order.
Value F32Expansion::log1p(Value x) {
  Value one = constant(1);
  Value sum = add(one, x);
  Value lost = sub(x, sub(sum, one));
  return add(log(sum), div(lost, sum));
}

/// 6 ulp. The rational approximation in odd powers that Eigen, ONNX Runtime and others share;
/// beyond the bounds tanh(x) is 1 or -1 in f32.
Value F32Expansion::tanh(Value x) {
  x = select(less(x, constant(-9.0)), constant(-9.0), x);
  x = select(less(constant(9.0), x), constant(9.0), x);
  Value square = mul(x, x);
  Value p =
      polynomial(square, {4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05,
                          5.12229709037114e-08, -8.60467152213735e-11, 2.00018790482477e-13,
                          -2.76076847742355e-16});
  Value q = polynomial(square, {4.89352518554385e-03, 2.26843463243900e-03,
                                1.18534705686654e-04, 1.19825839466702e-06});
  return div(mul(x, p), q);
}

/// 2 ulp. A polynomial below 0.925, 1 - exp(-t q(t)) from there on.
Value F32Expansion::erf(Value x) {
  Value square = mul(x, x);
  Value small =
      polynomial(square, {1.283791661e-01, -3.761263490e-01, 1.128369272e-01, -2.685922757e-02,
                          5.200608633e-03, -8.137894329e-04, 8.349752898e-05});
  small = fma(small, x, x);
  Value size = abs(x);
  Value t = select(less(constant(4), size), constant(4), size);
  Value q = polynomial(t, {1.128654957e+00, 6.351245642e-01, 1.062818170e-01, -2.380134165e-02,
                           3.661286784e-03, -3.274935589e-04, 1.170532323e-05});
  Value large = sub(constant(1), exp(neg(mul(t, q))));
  large = copySign(large, x);
  return select(less(size, constant(0.925)), small, large);
}

/// exp(y log |x|): relative error up to 1e-7 * |y log x|.
Value F32Expansion::pow(Value x, Value y) {
  return powerWithSign(x, y, exp(mul(y, log(abs(x)))));
}

template <typename E> Value expand(E &e, math::ExpOp, ValueRange x) { return e.exp(x[0]); }
template <typename E> Value expand(E &e, math::LogOp, ValueRange x) { return e.log(x[0]); }
template <typename E> Value expand(E &e, math::Log1pOp, ValueRange x) { return e.log1p(x[0]); }
template <typename E> Value expand(E &e, math::TanhOp, ValueRange x) { return e.tanh(x[0]); }
template <typename E> Value expand(E &e, math::ErfOp, ValueRange x) { return e.erf(x[0]); }
template <typename E> Value expand(E &e, math::PowFOp, ValueRange x) {
  return e.pow(x[0], x[1]);
}
template <typename E> Value expand(E &e, math::ExpM1Op, ValueRange x) { return e.expm1(x[0]); }
Value expand(F64Expansion &e, math::SinOp, ValueRange x) { return e.sinCos(x[0], false); }
Value expand(F64Expansion &e, math::CosOp, ValueRange x) { return e.sinCos(x[0], true); }

/// Replaces `op` by arithmetic on `number` and, for bits, `bits`.
template <typename ExpansionTy, typename OpTy>
void replaceBy(OpTy op, PatternRewriter &rewriter, Type number, Type bits) {
  auto shaped = dyn_cast<ShapedType>(op.getType());
  ExpansionTy expansion{{rewriter, op.getLoc(), shaped ? Type(shaped.clone(number)) : number,
                         shaped ? Type(shaped.clone(bits)) : bits}};
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(emitCast(rewriter, op.getLoc(), operand, number));
  Value result = expand(expansion, op, operands);
  rewriter.replaceOp(
      op, emitCast(rewriter, op.getLoc(), result, getElementTypeOrSelf(op.getType())));
}

template <typename OpTy> struct ExpandF64 : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (!isa<VectorType, FloatType>(op.getType()) ||
        !getElementTypeOrSelf(op.getType()).isF64())
      return rewriter.notifyMatchFailure(op, "neither a vector nor a scalar of f64");
    replaceBy<F64Expansion>(op, rewriter, rewriter.getF64Type(), rewriter.getI64Type());
    return success();
  }
};

template <typename OpTy> struct Expand : ExpandF64<OpTy> {
  using ExpandF64<OpTy>::ExpandF64;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (!isa<VectorType, FloatType>(op.getType()))
      return rewriter.notifyMatchFailure(op, "neither a vector nor a scalar");
    if (getElementTypeOrSelf(op.getType()).isF64())
      return ExpandF64<OpTy>::matchAndRewrite(op, rewriter);
    // f16 and bf16 are computed in f32.
    replaceBy<F32Expansion>(op, rewriter, rewriter.getF32Type(), rewriter.getI32Type());
    return success();
  }
};

/// Whether an instruction of the target rounds f32 to bf16. CPUs that multiply bf16 have one.
/// Those of x86 flush subnormal numbers to zero, which a model in f32 must not see.
bool roundsToBF16(cnn::TargetAttr target) {
  if (!target || target.getEmulated() || target.getPrecision() != cnn::Precision::bf16)
    return false;
  return findBF16Dot(target);
}

struct ApproximateMath : convoy::impl::CnnApproximateMathBase<ApproximateMath> {
  using CnnApproximateMathBase::CnnApproximateMathBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathApproximationPatterns(patterns);
    populateFloatConversionPatterns(patterns, roundsToBF16(cnn::getTarget(getOperation())));
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

/// The special cases are those of C.
Value MathExpansion::powerWithSign(Value x, Value y, Value size) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Value zero = constant(0), one = constant(1);
  // An infinite power of -1, too.
  size = select(equal(abs(x), one), one, size);
  // Odd integers are twice something that is no integer. Their powers have the sign of the
  // base, even if it is -0.
  Value half = mul(y, constant(0.5)), whole = floor(y);
  Value isOdd = andBits(equal(y, whole), compare(FloatPredicate::ONE, half, floor(half)));
  Value result = select(isOdd, copySign(size, x), size);
  // Only -inf has powers that are no integers, among negative numbers.
  Value isNegative = andBits(less(x, zero), less(constant(-infinity), x));
  Value isUndefined = andBits(isNegative, compare(FloatPredicate::UNE, y, whole));
  result = select(isUndefined, constant(std::numeric_limits<double>::quiet_NaN()), result);
  result = select(equal(x, one), one, result);
  return select(equal(y, zero), one, result);
}

void convoy::populateMathApproximationPatterns(RewritePatternSet &patterns) {
  patterns.add<Expand<math::ExpOp>, Expand<math::LogOp>, Expand<math::Log1pOp>,
               Expand<math::TanhOp>, Expand<math::ErfOp>, Expand<math::PowFOp>,
               Expand<math::ExpM1Op>, ExpandF64<math::SinOp>, ExpandF64<math::CosOp>>(
      patterns.getContext());
  populateTrigonometricApproximationPatterns(patterns);
}
