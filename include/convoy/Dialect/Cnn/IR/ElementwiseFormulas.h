//===- ElementwiseFormulas.h - Element-wise functions -----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The formula of each element-wise function, written once for kernels and for constants:
// templates over the arithmetics of Arithmetic.h. Kernels use them by ElementwiseEmitter.h.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_ELEMENTWISEFORMULAS_H
#define CONVOY_DIALECT_CNN_IR_ELEMENTWISEFORMULAS_H

#include "convoy/Dialect/Cnn/IR/Arithmetic.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy::cnn {

//===----------------------------------------------------------------------===//
// Functions of one number
//===----------------------------------------------------------------------===//

template <typename Arithmetic>
typename Arithmetic::Number clamp(Arithmetic &a, typename Arithmetic::Number x, double lower,
                                  double upper) {
  return a.min(a.constant(upper), a.max(a.constant(lower), x));
}

/// `1 + exp(-x)`.
template <typename Arithmetic>
typename Arithmetic::Number logisticDenominator(Arithmetic &a, typename Arithmetic::Number x) {
  return a.add(a.constant(1), a.exp(a.neg(x)));
}

/// The trigonometric and hyperbolic functions but tanh, and the inverses of all.
template <typename Arithmetic>
typename Arithmetic::Number applyTrigonometric(Arithmetic &a, UnaryKind kind,
                                               typename Arithmetic::Number x) {
  switch (kind) {
  case UnaryKind::sin:
    return a.sin(x);
  case UnaryKind::cos:
    return a.cos(x);
  case UnaryKind::tan:
    return a.tan(x);
  case UnaryKind::asin:
    return a.asin(x);
  case UnaryKind::acos:
    return a.acos(x);
  case UnaryKind::atan:
    return a.atan(x);
  case UnaryKind::sinh:
    return a.sinh(x);
  case UnaryKind::cosh:
    return a.cosh(x);
  case UnaryKind::asinh:
    return a.asinh(x);
  case UnaryKind::acosh:
    return a.acosh(x);
  case UnaryKind::atanh:
    return a.atanh(x);
  default:
    llvm_unreachable("unknown unary kind");
  }
}

/// The functions with constants, the trigonometric and the hyperbolic ones.
template <typename Arithmetic>
typename Arithmetic::Number applyWithConstants(Arithmetic &a, FunctionAttr function,
                                               typename Arithmetic::Number x) {
  float alpha = function.getAlphaValue(), beta = function.getBetaValue();
  switch (function.getKind()) {
  case UnaryKind::leaky_relu:
    return a.select(a.less(x, a.constant(0)), a.mul(x, a.constant(alpha)), x);
  case UnaryKind::thresholded_relu:
    return a.select(a.less(a.constant(alpha), x), x, a.constant(0));
  case UnaryKind::clip:
    if (function.getAlpha())
      x = a.max(a.constant(alpha), x);
    return function.getBeta() ? a.min(a.constant(beta), x) : x;
  case UnaryKind::affine:
    return a.fma(x, a.constant(alpha), a.constant(beta));
  case UnaryKind::hard_sigmoid:
    return clamp(a, a.fma(x, a.constant(alpha), a.constant(beta)), 0, 1);
  case UnaryKind::scaled_tanh:
    return a.mul(a.constant(alpha), a.tanh(a.mul(a.constant(beta), x)));
  case UnaryKind::elu: {
    auto negative = a.expm1(a.min(a.constant(0), x));
    return a.select(a.less(x, a.constant(0)), a.mul(a.constant(alpha), negative), x);
  }
  default:
    return applyTrigonometric(a, function.getKind(), x);
  }
}

/// `function(x)` of a float; undefined if the function has no meaning for floats.
template <typename Arithmetic>
typename Arithmetic::Number applyFloatUnary(Arithmetic &a, FunctionAttr function,
                                            typename Arithmetic::Number x) {
  using Number = typename Arithmetic::Number;
  switch (function.getKind()) {
  case UnaryKind::identity:
    return x;
  case UnaryKind::relu:
    return a.max(a.constant(0), x);
  case UnaryKind::sigmoid:
    return a.div(a.constant(1), logisticDenominator(a, x));
  case UnaryKind::hard_swish:
    return a.mul(x, clamp(a, a.fma(x, a.constant(1.0 / 6), a.constant(0.5)), 0, 1));
  case UnaryKind::silu:
    return a.div(x, logisticDenominator(a, x));
  case UnaryKind::tanh:
    return a.tanh(x);
  case UnaryKind::erf:
    return a.erf(x);
  case UnaryKind::exp:
    return a.exp(x);
  case UnaryKind::log:
    return a.log(x);
  case UnaryKind::sqrt:
    return a.sqrt(x);
  case UnaryKind::abs:
    return a.abs(x);
  case UnaryKind::neg:
    return a.neg(x);
  case UnaryKind::reciprocal:
    return a.div(a.constant(1), x);
  case UnaryKind::floor:
    return a.floor(x);
  case UnaryKind::ceil:
    return a.ceil(x);
  case UnaryKind::round:
    return a.roundEven(x);
  case UnaryKind::softplus: {
    // log(1 + exp(x)) with an exponential that cannot overflow.
    Number small = a.exp(a.neg(a.abs(x)));
    return a.add(a.max(a.constant(0), x), a.log1p(small));
  }
  case UnaryKind::gelu: {
    Number erf = a.erf(a.mul(x, a.constant(0.70710678118654752440)));
    return a.mul(a.mul(a.constant(0.5), x), a.add(a.constant(1), erf));
  }
  case UnaryKind::mish: {
    // tanh(log(1 + n)) = t / (t + 2) with t = n * (n + 2) and n = exp(x); from
    // x = 20 on the quotient is 1 in f32, and in f64.
    Number n = a.exp(a.min(a.constant(20), x));
    Number t = a.mul(n, a.add(n, a.constant(2)));
    return a.mul(x, a.div(t, a.add(t, a.constant(2))));
  }
  case UnaryKind::softsign:
    return a.div(x, a.add(a.constant(1), a.abs(x)));
  case UnaryKind::logical_not:
  case UnaryKind::bitwise_not:
    return a.undefined();
  case UnaryKind::sign: {
    Number zero = a.constant(0);
    Number negative = a.select(a.less(x, zero), a.constant(-1), x);
    return a.select(a.less(zero, x), a.constant(1), negative);
  }
  default:
    return applyWithConstants(a, function, x);
  }
}

/// `function(x)` of an integer; undefined if the function has no meaning for integers.
template <typename Arithmetic>
typename Arithmetic::Number applyIntegerUnary(Arithmetic &a, FunctionAttr function,
                                              typename Arithmetic::Number x) {
  switch (function.getKind()) {
  case UnaryKind::identity:
  case UnaryKind::floor:
  case UnaryKind::ceil:
  case UnaryKind::round:
    return x;
  case UnaryKind::logical_not:
    return a.fromTruth(a.equal(x, a.constant(0)));
  case UnaryKind::relu:
    return a.max(x, a.constant(0));
  case UnaryKind::clip:
    if (function.getAlpha())
      x = a.max(x, a.constant(function.getAlphaValue()));
    return function.getBeta() ? a.min(x, a.constant(function.getBetaValue())) : x;
  case UnaryKind::abs:
    return a.isUnsigned() ? x : a.max(x, a.neg(x));
  case UnaryKind::neg:
    return a.neg(x);
  case UnaryKind::bitwise_not:
    return a.sub(a.neg(x), a.constant(1));
  case UnaryKind::sign: {
    auto atMostOne = a.min(a.constant(1), x);
    return a.isUnsigned() ? atMostOne : a.max(a.constant(-1), atMostOne);
  }
  default:
    return a.undefined();
  }
}

//===----------------------------------------------------------------------===//
// Functions of two numbers
//===----------------------------------------------------------------------===//

inline bool isComparison(BinaryKind kind) {
  return kind == BinaryKind::equal || kind == BinaryKind::less ||
         kind == BinaryKind::less_equal || kind == BinaryKind::greater ||
         kind == BinaryKind::greater_equal;
}

/// The comparison `kind` of two floats or integers.
template <typename Arithmetic>
typename Arithmetic::Truth compare(Arithmetic &a, BinaryKind kind,
                                   typename Arithmetic::Number x,
                                   typename Arithmetic::Number y) {
  switch (kind) {
  case BinaryKind::equal:
    return a.equal(x, y);
  case BinaryKind::less:
    return a.less(x, y);
  case BinaryKind::less_equal:
    return a.lessEqual(x, y);
  case BinaryKind::greater:
    return a.less(y, x);
  case BinaryKind::greater_equal:
    return a.lessEqual(y, x);
  default:
    llvm_unreachable("not a comparison");
  }
}

/// `kind(x, y)` for the functions whose formula is the same for floats and integers; undefined
/// for all others.
template <typename Arithmetic>
typename Arithmetic::Number applyCommonBinary(Arithmetic &a, BinaryKind kind,
                                              typename Arithmetic::Number x,
                                              typename Arithmetic::Number y) {
  switch (kind) {
  case BinaryKind::add:
    return a.add(x, y);
  case BinaryKind::sub:
    return a.sub(x, y);
  case BinaryKind::mul:
    return a.mul(x, y);
  case BinaryKind::div:
    return a.div(x, y);
  case BinaryKind::pow:
    return a.pow(x, y);
  case BinaryKind::prelu:
    return a.select(a.less(x, a.constant(0)), a.mul(x, y), x);
  default:
    return a.undefined();
  }
}

/// The remainder `rest` of a division by `y` with the sign of the dividend, as one with the
/// sign of `y`.
template <typename Arithmetic>
typename Arithmetic::Number takeSignOfDivisor(Arithmetic &a, typename Arithmetic::Number rest,
                                              typename Arithmetic::Number y) {
  auto zero = a.constant(0);
  auto wrongSign = a.differ(a.less(rest, zero), a.less(y, zero));
  auto moved = a.select(wrongSign, a.add(rest, y), rest);
  return a.select(a.equal(rest, zero), rest, moved);
}

/// `kind(x, y)` of floats, for all functions but comparisons; undefined if the function has no
/// meaning for floats.
template <typename Arithmetic>
typename Arithmetic::Number applyFloatBinary(Arithmetic &a, BinaryKind kind,
                                             typename Arithmetic::Number x,
                                             typename Arithmetic::Number y) {
  switch (kind) {
  case BinaryKind::mod: {
    auto rest = takeSignOfDivisor(a, a.fmod(x, y), y);
    return a.select(a.equal(rest, a.constant(0)), a.copySign(rest, y), rest);
  }
  case BinaryKind::fmod:
    return a.fmod(x, y);
  case BinaryKind::min: // A NaN in `y` is the result of `min` already.
    return a.select(a.notEqual(x, x), x, a.min(x, y));
  case BinaryKind::max:
    return a.select(a.notEqual(x, x), x, a.max(x, y));
  default:
    return applyCommonBinary(a, kind, x, y);
  }
}

/// `kind(x, y)` of integers or booleans, for all functions but comparisons; undefined if the
/// function has no meaning for them.
template <typename Arithmetic>
typename Arithmetic::Number applyIntegerBinary(Arithmetic &a, BinaryKind kind,
                                               typename Arithmetic::Number x,
                                               typename Arithmetic::Number y) {
  switch (kind) {
  case BinaryKind::mod: {
    auto rest = a.remainder(x, y);
    return a.isUnsigned() ? rest : takeSignOfDivisor(a, rest, y);
  }
  case BinaryKind::fmod:
    return a.remainder(x, y);
  case BinaryKind::min:
    return a.min(x, y);
  case BinaryKind::max:
    return a.max(x, y);
  case BinaryKind::logical_and:
    return a.isBool() ? a.bitAnd(x, y) : a.undefined();
  case BinaryKind::logical_or:
    return a.isBool() ? a.bitOr(x, y) : a.undefined();
  case BinaryKind::logical_xor:
    return a.isBool() ? a.bitXor(x, y) : a.undefined();
  case BinaryKind::bitwise_and:
    return a.bitAnd(x, y);
  case BinaryKind::bitwise_or:
    return a.bitOr(x, y);
  case BinaryKind::bitwise_xor:
    return a.bitXor(x, y);
  case BinaryKind::shift_left:
    return a.shiftLeft(x, y);
  case BinaryKind::shift_right:
    return a.shiftRight(x, y);
  default:
    return applyCommonBinary(a, kind, x, y);
  }
}

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_ELEMENTWISEFORMULAS_H
