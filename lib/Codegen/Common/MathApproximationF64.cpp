//===- MathApproximationF64.cpp - Elementary functions of f64 -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The same scheme as in MathApproximation.cpp, with longer polynomials. Those of log, sin and
// cos are of fdlibm (Sun Microsystems 1993).
//
//===----------------------------------------------------------------------===//

#include "MathExpansion.h"

using namespace mlir;
using namespace convoy;

/// ln 2 in two parts; products of the first with exponents are exact.
static constexpr double kLn2High = 6.93147180369123816490e-01;
static constexpr double kLn2Low = 1.90821492927058770002e-10;
/// 1.5 * 2^52: the sum with a number below 2^51 leaves its integer in the low mantissa bits.
static constexpr double kMagic = 6755399441055744.0;
static constexpr int64_t kMagicBits = 0x4338000000000000;
static constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::pair<Value, Value> F64Expansion::reduceByLn2(Value x) {
  Value sum = fma(x, constant(1.4426950408889634074), constant(kMagic));
  Value n = sub(sum, constant(kMagic));
  Value r = fma(n, constant(-kLn2High), x);
  r = fma(n, constant(-kLn2Low), r);
  return {subBits(toBits(sum), bits(kMagicBits)), r};
}

/// The Taylor polynomial; the first term that is left out is 4e-18.
Value F64Expansion::smallExpm1(Value r) {
  Value p = polynomial(r, {1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040,
                           1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800,
                           1.0 / 479001600, 1.0 / 6227020800});
  return fma(mul(r, r), p, r);
}

Value F64Expansion::powerOfTwo(Value n) {
  return fromBits(shiftLeft(addBits(n, bits(1023)), 52));
}

/// 1 ulp. exp(x) = 2^n exp(r); the power is made of two factors, because n goes from -1075 to
/// 1024.
Value F64Expansion::exp(Value x) {
  // Comparisons with NaN are false, so NaN stays.
  x = select(less(x, constant(-746)), constant(-746), x);
  x = select(less(constant(710), x), constant(710), x);
  auto [n, r] = reduceByLn2(x);
  Value p = add(smallExpm1(r), constant(1));
  Value half = shiftRight(n, 1);
  return mul(mul(p, powerOfTwo(half)), powerOfTwo(subBits(n, half)));
}

/// 3 ulp. 2^n expm1(r) + (2^n - 1).
Value F64Expansion::expm1(Value x) {
  x = select(less(x, constant(-40)), constant(-40), x);
  // The result is infinite from 709.79 on. The factor 2 keeps the power of two finite.
  x = select(less(constant(710), x), constant(710), x);
  auto [n, r] = reduceByLn2(x);
  Value power = powerOfTwo(subBits(n, bits(1)));
  Value result = fma(power, smallExpm1(r), sub(power, constant(0.5)));
  return mul(result, constant(2));
}

/// 1 ulp. log(x) = e ln 2 + log(1 + f), sqrt(1/2) <= 1 + f < sqrt(2), by s = f / (2 + f).
Value F64Expansion::log(Value x) {
  Value isTiny = less(x, constant(2.2250738585072014e-308));
  Value scaled = select(isTiny, mul(x, constant(18014398509481984.0)), x);
  // Adding (1 - sqrt(1/2))'s bits carries into the exponent exactly when the mantissa is at
  // least sqrt(2).
  constexpr int64_t one = 0x3ff0000000000000, root = 0x3fe6a09e667f3bcd;
  Value shifted = addBits(toBits(scaled), bits(one - root));
  Value exponent = subBits(shiftRightUnsigned(shifted, 52), bits(1023));
  Value e = sub(fromBits(addBits(exponent, bits(kMagicBits))), constant(kMagic));
  e = select(isTiny, sub(e, constant(54)), e);
  Value m = fromBits(addBits(andBits(shifted, bits(0x000fffffffffffff)), bits(root)));
  Value f = sub(m, constant(1)), s = div(f, add(f, constant(2))), square = mul(s, s);
  Value p = polynomial(square, {6.666666666666735130e-01, 3.999999999940941908e-01,
                                2.857142874366239149e-01, 2.222219843214978396e-01,
                                1.818357216161805012e-01, 1.531383769920937332e-01,
                                1.479819860511658591e-01});
  p = mul(square, p);
  Value half = mul(mul(f, f), constant(0.5));
  Value low = fma(s, add(half, p), mul(e, constant(kLn2Low)));
  Value result = fma(e, constant(kLn2High), sub(f, sub(half, low)));
  Value zero = constant(0);
  // x < 0 and NaN give NaN; infinity stays.
  result = select(less(x, constant(kInfinity)), result, x);
  result = select(less(x, zero), constant(std::numeric_limits<double>::quiet_NaN()), result);
  return select(equal(x, zero), constant(-kInfinity), result);
}

/// 2 ulp for 0 <= x. The rounding error of 1 + x is corrected to first order.
Value F64Expansion::log1p(Value x) {
  Value one = constant(1), sum = add(one, x);
  return add(log(sum), div(sub(x, sub(sum, one)), sum));
}

/// 4 ulp. n / (n + 2) with n = expm1(2 |x|).
Value F64Expansion::tanh(Value x) {
  Value size = abs(x);
  size = select(less(constant(20), size), constant(20), size);
  Value n = expm1(add(size, size));
  return copySign(div(n, add(n, constant(2))), x);
}

/// 2 ulp. A polynomial below 1; from there on 1 - exp(-t^2) q, with q a polynomial in
/// (t - 2.5) / (t + 2.5).
Value F64Expansion::erf(Value x) {
  Value square = mul(x, x);
  Value small = polynomial(
      square, {1.28379167095512559e-01, -3.76126389031835429e-01, 1.12837916709450065e-01,
               -2.68661706432377703e-02, 5.22397760711642255e-03, -8.54832597538969182e-04,
               1.20552949048397074e-04, -1.49247369074196605e-05, 1.64474247033173623e-06,
               -1.62084838018717052e-07, 1.37200645467776862e-08, -7.79589882700214246e-10});
  small = fma(small, x, x);
  Value size = abs(x);
  Value t = select(less(constant(6), size), constant(6), size);
  Value u = div(sub(t, constant(2.5)), add(t, constant(2.5)));
  Value q = polynomial(
      u, {2.10806364061143586e-01, -3.71736733948973330e-01, 2.51713193217449227e-01,
          -1.25033052378828918e-01, 3.99225390755931706e-02, -3.99370116589201508e-03,
          -2.64236596479126146e-03, 8.75915451425545496e-04, 2.28380393453917076e-04,
          -1.28877197431952927e-04, -3.41824791584079439e-05, 1.86147557406202221e-05,
          7.55494406057597185e-06, -2.30004494520594705e-06, -1.81537472369574261e-06,
          8.43773369541770462e-08, 3.85278884226688881e-07, 6.02373906961253694e-08,
          -5.26875435861153583e-08});
  Value large = sub(constant(1), mul(exp(neg(mul(t, t))), q));
  return select(less(size, constant(1)), small, copySign(large, x));
}

/// 1 ulp for |x| <= 10^6, up to where the reduction by pi/2 in three parts is accurate.
Value F64Expansion::sinCos(Value x, bool cosine) {
  Value sum = fma(x, constant(6.36619772367581382433e-01), constant(kMagic));
  Value n = sub(sum, constant(kMagic));
  Value r = fma(n, constant(-1.57079632673412561417e+00), x);
  r = fma(n, constant(-6.07710050630396597660e-11), r);
  r = fma(n, constant(-2.02226624879595063154e-21), r);
  Value square = mul(r, r);
  Value s = polynomial(square, {-1.66666666666666324348e-01, 8.33333333332248946124e-03,
                                -1.98412698298579493134e-04, 2.75573137070700676789e-06,
                                -2.50507602534068634195e-08, 1.58969099521155010221e-10});
  s = fma(mul(square, r), s, r);
  Value c = polynomial(square, {4.16666666666666019037e-02, -1.38888888888741095749e-03,
                                2.48015872894767294178e-05, -2.75573143513906633035e-07,
                                2.08757232129817482790e-09, -1.13596475577881948265e-11});
  c = fma(mul(square, square), c, fma(square, constant(-0.5), constant(1)));
  Value quadrant = toBits(sum);
  if (cosine)
    quadrant = addBits(quadrant, bits(1));
  Value result = select(isBitSet(quadrant, 1), c, s);
  return select(isBitSet(quadrant, 2), neg(result), result);
}

/// exp(y log |x|): relative error up to 3e-16 * |y log x|.
Value F64Expansion::pow(Value x, Value y) {
  return powerWithSign(x, y, exp(mul(y, log(abs(x)))));
}
