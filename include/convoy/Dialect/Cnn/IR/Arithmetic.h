//===- Arithmetic.h - Arithmetic of emitted code and of the host -*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A formula that both compiled code and the compiler itself compute is written once, as a
// template over an arithmetic: EmittedArithmetic makes operations, HostFloats and
// HostIntegers compute numbers. An arithmetic has a type `Number`, a type `Truth` for the
// results of comparisons, and the functions below. A formula that has no value for some
// operands returns `undefined()`.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_ARITHMETIC_H
#define CONVOY_DIALECT_CNN_IR_ARITHMETIC_H

#include "mlir/IR/Builders.h"

#include <cmath>
#include <cstdint>
#include <limits>

namespace convoy {

/// Makes `arith` and `math` operations on values of one type: a float or integer type, or a
/// vector of these. Booleans are `i1`, with the values 0 and 1.
class EmittedArithmetic {
public:
  using Number = mlir::Value;
  /// An `i1`, or a vector of them.
  using Truth = mlir::Value;

  /// If `isUnsigned`, the integers have no sign; `type` is signless in any case.
  EmittedArithmetic(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type,
                    bool isUnsigned = false)
      : b(builder), loc(loc), type(type), unsignedIntegers(isUnsigned) {}

  bool isFloat() const;
  bool isBool() const;
  bool isUnsigned() const { return unsignedIntegers; }

  /// The null value.
  Number undefined() { return Number(); }
  Number constant(double value);
  Number add(Number x, Number y);
  Number sub(Number x, Number y);
  Number mul(Number x, Number y);
  /// Quotients of integers are rounded towards zero; x / 0 is 0.
  Number div(Number x, Number y);
  Number neg(Number x);
  /// `x > y ? x : y`, one instruction for floats: a NaN in `y` is the result.
  Number max(Number x, Number y);
  Number min(Number x, Number y);

  Truth less(Number x, Number y);
  Truth lessEqual(Number x, Number y);
  Truth equal(Number x, Number y);
  Truth notEqual(Number x, Number y);
  Truth both(Truth x, Truth y);
  /// Whether exactly one of the two is true.
  Truth differ(Truth x, Truth y);
  Number select(Truth condition, Number x, Number y);
  Number fromTruth(Truth x) { return x; }

  // Functions of floats.
  Number fma(Number x, Number y, Number z);
  Number abs(Number x);
  Number floor(Number x);
  Number ceil(Number x);
  /// Halves go to the even neighbour.
  Number roundEven(Number x);
  Number sqrt(Number x);
  Number exp(Number x);
  /// `exp(x) - 1`.
  Number expm1(Number x);
  Number log(Number x);
  /// `log(1 + x)`.
  Number log1p(Number x);
  Number sin(Number x);
  Number cos(Number x);
  Number tan(Number x);
  Number asin(Number x);
  Number acos(Number x);
  Number atan(Number x);
  Number sinh(Number x);
  Number cosh(Number x);
  Number tanh(Number x);
  Number asinh(Number x);
  Number acosh(Number x);
  Number atanh(Number x);
  Number erf(Number x);
  /// As C's fmod.
  Number fmod(Number x, Number y);
  Number copySign(Number x, Number sign);

  /// x ^ y; the usual constant exponents are a few multiplications or roots.
  Number pow(Number x, Number y);

  // Functions of integers.
  /// x - x / y * y, and 0 if y is 0.
  Number remainder(Number x, Number y);
  Number bitAnd(Number x, Number y);
  Number bitOr(Number x, Number y);
  Number bitXor(Number x, Number y);
  /// Shifts by a negative number, or by the width or more, shift all bits out.
  Number shiftLeft(Number x, Number y);
  Number shiftRight(Number x, Number y);

private:
  Number powIntegers(Number x, Number y);
  unsigned getWidth() const;

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type type;
  bool unsignedIntegers;
};

/// Computes on the host in `T`, float or double.
template <typename T> class HostFloats {
public:
  using Number = T;
  using Truth = bool;

  /// Whether everything that was computed so far had a value.
  bool isDefined() const { return defined; }
  Number undefined() {
    defined = false;
    return 0;
  }

  Number constant(double value) { return T(value); }
  Number add(Number x, Number y) { return x + y; }
  Number sub(Number x, Number y) { return x - y; }
  Number mul(Number x, Number y) { return x * y; }
  Number div(Number x, Number y) { return x / y; }
  Number neg(Number x) { return -x; }
  /// If `x` or `y` is a NaN, the result is a NaN.
  Number max(Number x, Number y) { return x > y || std::isnan(x) ? x : y; }
  Number min(Number x, Number y) { return x < y || std::isnan(x) ? x : y; }

  Truth less(Number x, Number y) { return x < y; }
  Truth lessEqual(Number x, Number y) { return x <= y; }
  Truth equal(Number x, Number y) { return x == y; }
  Truth notEqual(Number x, Number y) { return x != y; }
  Truth differ(Truth x, Truth y) { return x != y; }
  Number select(Truth condition, Number x, Number y) { return condition ? x : y; }

  Number fma(Number x, Number y, Number z) { return std::fma(x, y, z); }
  Number abs(Number x) { return std::fabs(x); }
  Number floor(Number x) { return std::floor(x); }
  Number ceil(Number x) { return std::ceil(x); }
  /// The compiler runs in the default rounding mode.
  Number roundEven(Number x) { return std::nearbyint(x); }
  Number sqrt(Number x) { return std::sqrt(x); }
  Number exp(Number x) { return std::exp(x); }
  Number expm1(Number x) { return std::expm1(x); }
  Number log(Number x) { return std::log(x); }
  Number log1p(Number x) { return std::log1p(x); }
  Number sin(Number x) { return std::sin(x); }
  Number cos(Number x) { return std::cos(x); }
  Number tan(Number x) { return std::tan(x); }
  Number asin(Number x) { return std::asin(x); }
  Number acos(Number x) { return std::acos(x); }
  Number atan(Number x) { return std::atan(x); }
  Number sinh(Number x) { return std::sinh(x); }
  Number cosh(Number x) { return std::cosh(x); }
  Number tanh(Number x) { return std::tanh(x); }
  Number asinh(Number x) { return std::asinh(x); }
  Number acosh(Number x) { return std::acosh(x); }
  Number atanh(Number x) { return std::atanh(x); }
  Number erf(Number x) { return std::erf(x); }
  Number fmod(Number x, Number y) { return std::fmod(x, y); }
  Number copySign(Number x, Number sign) { return std::copysign(x, sign); }
  Number pow(Number x, Number y) { return std::pow(x, y); }

private:
  bool defined = true;
};

/// Computes on the host in 64 bits; overflow wraps around. A narrower type gets the low bits
/// of a result.
class HostIntegers {
public:
  using Number = int64_t;
  using Truth = bool;

  /// Integers of `width` bits; `isUnsigned`: whether they have no sign. Booleans have one bit,
  /// and are 0 and 1.
  HostIntegers(unsigned width, bool isUnsigned) : width(width), unsignedIntegers(isUnsigned) {}

  bool isBool() const { return width == 1; }
  bool isUnsigned() const { return unsignedIntegers; }
  /// Whether everything that was computed so far had a value.
  bool isDefined() const { return defined; }
  Number undefined() {
    defined = false;
    return 0;
  }

  Number constant(double value) { return Number(value); }
  Number add(Number x, Number y) { return wrap(uint64_t(x) + uint64_t(y)); }
  Number sub(Number x, Number y) { return wrap(uint64_t(x) - uint64_t(y)); }
  Number mul(Number x, Number y) { return wrap(uint64_t(x) * uint64_t(y)); }
  Number div(Number x, Number y) {
    if (unsignedIntegers)
      return y ? Number(uint64_t(x) / uint64_t(y)) : 0;
    return y == 0 ? 0 : y == -1 ? neg(x) : x / y;
  }
  Number neg(Number x) { return sub(0, x); }
  Number max(Number x, Number y) { return less(y, x) ? x : y; }
  Number min(Number x, Number y) { return less(x, y) ? x : y; }

  Truth less(Number x, Number y) {
    return unsignedIntegers ? uint64_t(x) < uint64_t(y) : x < y;
  }
  Truth lessEqual(Number x, Number y) { return !less(y, x); }
  Truth equal(Number x, Number y) { return x == y; }
  Truth notEqual(Number x, Number y) { return x != y; }
  Truth both(Truth x, Truth y) { return x && y; }
  Truth differ(Truth x, Truth y) { return x != y; }
  Number select(Truth condition, Number x, Number y) { return condition ? x : y; }
  Number fromTruth(Truth x) { return x; }

  /// Only exponents from 0 to 64 are defined.
  Number pow(Number x, Number y) {
    if (y < 0 || y > 64)
      return undefined();
    Number power = 1;
    for (Number i = 0; i < y; ++i)
      power = mul(power, x);
    return power;
  }

  Number remainder(Number x, Number y) { return y ? sub(x, mul(div(x, y), y)) : 0; }
  Number bitAnd(Number x, Number y) { return x & y; }
  Number bitOr(Number x, Number y) { return x | y; }
  Number bitXor(Number x, Number y) { return x ^ y; }
  Number shiftLeft(Number x, Number y) {
    return uint64_t(y) < width ? wrap(uint64_t(x) << y) : 0;
  }
  Number shiftRight(Number x, Number y) {
    if (unsignedIntegers)
      return uint64_t(y) < width ? Number(uint64_t(x) >> y) : 0;
    return x >> (uint64_t(y) < width ? y : 63);
  }

private:
  /// The number whose low bits are those of `x`.
  Number wrap(uint64_t x) {
    unsigned unused = 64 - width;
    return unsignedIntegers ? Number(x << unused >> unused) : Number(x << unused) >> unused;
  }

  unsigned width;
  bool unsignedIntegers, defined = true;
};

} // namespace convoy

#endif // CONVOY_DIALECT_CNN_IR_ARITHMETIC_H
