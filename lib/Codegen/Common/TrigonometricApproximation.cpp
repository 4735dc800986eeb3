//===- TrigonometricApproximation.cpp - Sine and its kin without libm -----===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The trigonometric and hyperbolic functions, and their inverses, of f32. Polynomials are
// those of Cephes (Moshier 1989). Exponentials, logarithms and roots stay operations of math,
// which other patterns expand. The errors stated are the largest ones seen against f64.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/LoopEmitter.h"
#include "convoy/Codegen/Common/MathApproximation.h"
#include "convoy/Dialect/Cnn/IR/Arithmetic.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace convoy;

namespace {

constexpr double kPi = 3.14159265358979323846, kLn2 = 0.69314718055994530942;

/// Writes arithmetic on f32 scalars or vectors of one shape.
struct Angles : EmittedArithmetic {
  Angles(OpBuilder &b, Location loc, Type type)
      : EmittedArithmetic(b, loc, type), b(b), loc(loc), type(type) {}

  OpBuilder &b;
  Location loc;
  /// f32, or a vector of it.
  Type type;

  Type of(Type element) {
    auto shaped = dyn_cast<ShapedType>(type);
    return shaped ? Type(shaped.clone(element)) : element;
  }
  EmittedArithmetic integers(unsigned width) { return {b, loc, of(b.getIntegerType(width))}; }
  Value toBits(Value x) { return arith::BitcastOp::create(b, loc, of(b.getI32Type()), x); }
  Value nan() { return constant(std::numeric_limits<double>::quiet_NaN()); }
  Value infinity() { return constant(std::numeric_limits<double>::infinity()); }
  /// Horner's rule, the highest coefficient last.
  Value polynomial(Value x, ArrayRef<double> coefficients) {
    Value result = constant(coefficients.back());
    for (double coefficient : llvm::reverse(coefficients.drop_back()))
      result = fma(result, x, constant(coefficient));
    return result;
  }

  /// x = quadrant * pi / 2 + rest, |rest| <= pi / 4. Of the quadrant, an i32, only the last
  /// two bits count.
  struct Reduced {
    Value rest, quadrant;
  };
  Reduced reduceSmall(Value x);
  Reduced reduceLarge(Value x);
  Reduced reduce(Value x);
  Value isBitSet(Value x, int bit);
  Value sine(Value rest);
  Value cosine(Value rest);

  Value sinOrCos(Value x, bool isCosine);
  Value tangent(Value x);
  Value arcsine(Value x, bool isCosine);
  Value arctangent(Value x);
  Value hyperbolicSine(Value x);
  Value hyperbolicCosine(Value x);
  Value areaSine(Value x);
  Value areaCosine(Value x);
  Value areaTangent(Value x);
};

//===----------------------------------------------------------------------===//
// Reduction by pi / 2
//===----------------------------------------------------------------------===//

/// Beyond this, pi / 2 in four parts is not exact enough.
constexpr double kLargeAngle = 8192;

Angles::Reduced Angles::reduceSmall(Value x) {
  // A number below 2^22 added to 1.5 * 2^23 leaves its integer in the low mantissa bits.
  Value magic = constant(12582912.0);
  Value sum = fma(x, constant(2 / kPi), magic), n = sub(sum, magic), rest = x;
  for (double part :
       {1.5703125, 4.8351287841796875e-4, 3.1385570764541626e-7, 6.0771005065061922e-11})
    rest = fma(n, constant(-part), rest);
  return {rest, toBits(sum)};
}

/// Payne and Hanek (1983): of the bits of 2 / pi, only 96 matter for the fraction of the
/// product with a float and the last two bits of its integer.
Angles::Reduced Angles::reduceLarge(Value x) {
  // 2 / pi in words of 32 bits, after a word of zeros.
  constexpr uint32_t kWords[] = {0,          0xA2F9836E, 0x4E441529, 0xFC2757D1,
                                 0xF534DDC0, 0xDB629599, 0x3C439041, 0xFE5163AB};
  EmittedArithmetic i32 = integers(32), i64 = integers(64);
  Type wide = of(b.getI64Type());
  auto extend = [&](Value value) -> Value {
    return arith::ExtUIOp::create(b, loc, wide, value);
  };
  auto shiftRight = [&](Value value, Value by) -> Value {
    return arith::ShRUIOp::create(b, loc, value, by);
  };
  auto shiftLeft = [&](Value value, Value by) -> Value {
    return arith::ShLIOp::create(b, loc, value, by);
  };
  Value pattern = toBits(x);
  Value exponent = i32.bitAnd(shiftRight(pattern, i32.constant(23)), i32.constant(255));
  Value mantissa =
      extend(i32.bitOr(i32.bitAnd(pattern, i32.constant(0x7fffff)), i32.constant(0x800000)));
  // Bits before this one make multiples of 4.
  Value first = i32.max(i32.sub(exponent, i32.constant(120)), i32.constant(0));
  Value index = shiftRight(first, i32.constant(5));
  Value offset = extend(i32.bitAnd(first, i32.constant(31)));
  Value words[4], bits32 = i64.constant(32);
  for (auto [k, word] : llvm::enumerate(words)) {
    word = i64.constant(kWords[k]);
    for (int i = 1; i <= 4; ++i)
      word = i64.select(i32.equal(index, i32.constant(i)), i64.constant(kWords[k + i]), word);
  }
  Value products[3];
  for (int k = 0; k < 3; ++k) {
    Value pair = i64.bitOr(shiftLeft(words[k], bits32), words[k + 1]);
    Value word = shiftRight(shiftLeft(pair, offset), bits32);
    products[k] = i64.mul(mantissa, word);
  }
  // The product without its last 32 bits; its first two bits are the integer.
  Value product = i64.add(i64.add(shiftLeft(products[0], bits32), products[1]),
                          shiftRight(products[2], bits32));
  Value bits62 = i64.constant(62);
  Value quadrant = shiftRight(i64.add(product, i64.constant(0x1p61)), bits62);
  Value fraction = i64.sub(product, shiftLeft(quadrant, bits62));
  Value rest =
      mul(arith::SIToFPOp::create(b, loc, type, fraction), constant(kPi / 2 * 0x1p-62));
  Value low = arith::TruncIOp::create(b, loc, of(b.getI32Type()), quadrant);
  Value isNegative = less(x, constant(0));
  rest = select(isNegative, neg(rest), rest);
  low = select(isNegative, i32.neg(low), low);
  // Infinities and NaN become NaN.
  return {add(rest, sub(x, x)), low};
}

Angles::Reduced Angles::reduce(Value x) {
  Reduced small = reduceSmall(x);
  Value isLarge = less(constant(kLargeAngle), abs(x));
  auto branch = scf::IfOp::create(
      b, loc, emitAny(b, loc, isLarge),
      [&](OpBuilder &inner, Location at) {
        Reduced large = Angles(inner, at, type).reduceLarge(x);
        scf::YieldOp::create(
            inner, at,
            ValueRange{
                arith::SelectOp::create(inner, at, isLarge, large.rest, small.rest),
                arith::SelectOp::create(inner, at, isLarge, large.quadrant, small.quadrant)});
      },
      [&](OpBuilder &inner, Location at) {
        scf::YieldOp::create(inner, at, ValueRange{small.rest, small.quadrant});
      });
  return {branch.getResult(0), branch.getResult(1)};
}

Value Angles::isBitSet(Value x, int bit) {
  EmittedArithmetic i32 = integers(32);
  return i32.notEqual(i32.bitAnd(x, i32.constant(bit)), i32.constant(0));
}

//===----------------------------------------------------------------------===//
// Functions of angles
//===----------------------------------------------------------------------===//

Value Angles::sine(Value rest) {
  Value square = mul(rest, rest);
  Value p = polynomial(square, {-1.666665524e-01, 8.332155645e-03, -1.951463200e-04});
  return fma(mul(square, rest), p, rest);
}

Value Angles::cosine(Value rest) {
  Value square = mul(rest, rest);
  Value p = polynomial(square, {4.166664556e-02, -1.388730947e-03, 2.443241283e-05});
  return fma(mul(square, square), p, fma(square, constant(-0.5), constant(1)));
}

/// 3 ulp.
Value Angles::sinOrCos(Value x, bool isCosine) {
  Reduced reduced = reduce(x);
  Value s = sine(reduced.rest), c = cosine(reduced.rest), quadrant = reduced.quadrant;
  if (isCosine) {
    EmittedArithmetic i32 = integers(32);
    quadrant = i32.add(quadrant, i32.constant(1));
  }
  Value result = select(isBitSet(quadrant, 1), c, s);
  return select(isBitSet(quadrant, 2), neg(result), result);
}

/// 4 ulp.
Value Angles::tangent(Value x) {
  Reduced reduced = reduce(x);
  Value s = sine(reduced.rest), c = cosine(reduced.rest);
  Value isOdd = isBitSet(reduced.quadrant, 1);
  return div(select(isOdd, neg(c), s), select(isOdd, s, c));
}

/// 3 ulp. Beyond 1/2, by the half of the complementary angle: asin(x) = pi/2 - 2 asin(s) with
/// s = sqrt((1 - x) / 2), which is NaN beyond 1.
Value Angles::arcsine(Value x, bool isCosine) {
  Value size = abs(x), isLarge = less(constant(0.5), size);
  Value half = mul(constant(0.5), sub(constant(1), size));
  Value square = select(isLarge, half, mul(size, size));
  Value s = select(isLarge, sqrt(half), size);
  Value p = polynomial(square, {1.6666752422e-1, 7.4953002686e-2, 4.5470025998e-2,
                                2.4181311049e-2, 4.2163199048e-2});
  Value angle = fma(mul(p, square), s, s), twice = add(angle, angle);
  Value isNegative = less(x, constant(0)), right = constant(kPi / 2);
  if (!isCosine)
    return copySign(select(isLarge, sub(right, twice), angle), x);
  // For small arguments the error of pi / 2 in f32 counts.
  Value small = sub(right, sub(copySign(angle, x), constant(kPi / 2 - float(kPi / 2))));
  Value large = select(isNegative, sub(constant(kPi), twice), twice);
  return select(isLarge, large, small);
}

/// 2 ulp.
Value Angles::arctangent(Value x) {
  Value size = abs(x), one = constant(1), zero = constant(0);
  // tan(3 pi / 8) and tan(pi / 8).
  Value isLarge = less(constant(2.414213562373095), size);
  Value isMiddle = less(constant(0.4142135623730950), size);
  auto choose = [&](Value large, Value middle, Value small) {
    return select(isLarge, large, select(isMiddle, middle, small));
  };
  Value t = div(choose(constant(-1), sub(size, one), size), choose(size, add(size, one), one));
  Value base = choose(constant(kPi / 2), constant(kPi / 4), zero);
  Value square = mul(t, t);
  Value p = polynomial(
      square, {-3.33329491539e-1, 1.99777106478e-1, -1.38776856032e-1, 8.05374449538e-2});
  return copySign(add(base, fma(mul(p, square), t, t)), x);
}

//===----------------------------------------------------------------------===//
// Hyperbolic functions
//===----------------------------------------------------------------------===//

/// 4 ulp. A polynomial up to 1, then (e^x - e^-x) / 2; e^(x / 2) does not overflow before the
/// result does.
Value Angles::hyperbolicSine(Value x) {
  Value size = abs(x), square = mul(size, size);
  Value p = polynomial(square, {1.66667160211e-1, 8.33028376239e-3, 2.03721912945e-4});
  Value small = fma(mul(p, square), size, size);
  Value root = exp(mul(size, constant(0.5))), half = mul(root, constant(0.5));
  Value large = sub(mul(half, root), div(constant(0.5), mul(root, root)));
  return copySign(select(lessEqual(size, constant(1)), small, large), x);
}

/// 4 ulp.
Value Angles::hyperbolicCosine(Value x) {
  Value root = exp(mul(abs(x), constant(0.5)));
  return add(mul(mul(root, constant(0.5)), root), div(constant(0.5), mul(root, root)));
}

/// Beyond this, log(2 x) is exact enough, and squares may overflow.
constexpr double kLargeArea = 0x1p20;

/// 4 ulp. log(x + sqrt(x^2 + 1)) = log1p(x + x^2 / (1 + sqrt(x^2 + 1))).
Value Angles::areaSine(Value x) {
  Value size = abs(x), square = mul(size, size), one = constant(1);
  Value isLarge = less(constant(kLargeArea), size);
  Value small = log1p(add(size, div(square, add(one, sqrt(add(square, one))))));
  Value large = add(log(size), constant(kLn2));
  return copySign(select(isLarge, large, small), x);
}

/// 4 ulp. log1p(t + sqrt(2 t + t^2)) with t = x - 1.
Value Angles::areaCosine(Value x) {
  Value t = sub(x, constant(1));
  Value small = log1p(add(t, sqrt(fma(t, t, add(t, t)))));
  Value large = add(log(x), constant(kLn2));
  Value result = select(less(constant(kLargeArea), x), large, small);
  return select(less(t, constant(0)), nan(), result);
}

/// 4 ulp. log((1 + x) / (1 - x)) / 2 = log1p(2 x / (1 - x)) / 2.
Value Angles::areaTangent(Value x) {
  Value size = abs(x), one = constant(1);
  Value result = mul(constant(0.5), log1p(div(add(size, size), sub(one, size))));
  result = select(equal(size, one), infinity(), result);
  result = select(less(one, size), nan(), result);
  return copySign(result, x);
}

Value expand(Angles &a, math::SinOp, Value x) { return a.sinOrCos(x, /*isCosine=*/false); }
Value expand(Angles &a, math::CosOp, Value x) { return a.sinOrCos(x, /*isCosine=*/true); }
Value expand(Angles &a, math::TanOp, Value x) { return a.tangent(x); }
Value expand(Angles &a, math::AsinOp, Value x) { return a.arcsine(x, /*isCosine=*/false); }
Value expand(Angles &a, math::AcosOp, Value x) { return a.arcsine(x, /*isCosine=*/true); }
Value expand(Angles &a, math::AtanOp, Value x) { return a.arctangent(x); }
Value expand(Angles &a, math::SinhOp, Value x) { return a.hyperbolicSine(x); }
Value expand(Angles &a, math::CoshOp, Value x) { return a.hyperbolicCosine(x); }
Value expand(Angles &a, math::AsinhOp, Value x) { return a.areaSine(x); }
Value expand(Angles &a, math::AcoshOp, Value x) { return a.areaCosine(x); }
Value expand(Angles &a, math::AtanhOp, Value x) { return a.areaTangent(x); }

template <typename OpTy> struct ExpandAngle : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (!isa<VectorType, FloatType>(op.getType()))
      return rewriter.notifyMatchFailure(op, "neither a vector nor a scalar");
    bool hasExpansion = std::is_same_v<OpTy, math::SinOp> || std::is_same_v<OpTy, math::CosOp>;
    if (hasExpansion && getElementTypeOrSelf(op.getType()).isF64())
      return rewriter.notifyMatchFailure(op, "F64Expansion computes it in f64");
    // Other float types are computed in f32.
    Value x = emitCast(rewriter, op.getLoc(), op.getOperand(), rewriter.getF32Type());
    Angles angles(rewriter, op.getLoc(), x.getType());
    Value result = expand(angles, op, x);
    rewriter.replaceOp(
        op, emitCast(rewriter, op.getLoc(), result, getElementTypeOrSelf(op.getType())));
    return success();
  }
};

template <typename... Ops> void addPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandAngle<Ops>...>(patterns.getContext());
}

} // namespace

void convoy::populateTrigonometricApproximationPatterns(RewritePatternSet &patterns) {
  addPatterns<math::SinOp, math::CosOp, math::TanOp, math::AsinOp, math::AcosOp, math::AtanOp,
              math::SinhOp, math::CoshOp, math::AsinhOp, math::AcoshOp, math::AtanhOp>(
      patterns);
}
