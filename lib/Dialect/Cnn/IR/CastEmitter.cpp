//===- CastEmitter.cpp - Conversions between element types ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Types that arith does not compute with are read and written as integers: a float of at most
// 8 bits becomes an f32, which holds all its values, and an integer of fewer bits an integer
// of 8 bits. There are no branches, so that scalars and vectors are the same code.
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;
using llvm::APFloat;

namespace {

/// Writes arithmetic on scalars or vectors of the shape of `like`.
struct BitEmitter {
  OpBuilder &b;
  Location loc;
  Type like;

  Type of(Type element) {
    auto shaped = dyn_cast<ShapedType>(like);
    return shaped ? Type(shaped.clone(element)) : element;
  }
  Type i32() { return of(b.getI32Type()); }
  Type f32() { return of(b.getF32Type()); }
  Value number(Type type, double value) { return emitConstant(b, loc, type, value); }
  Value bits(int64_t value) { return number(i32(), value); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }
  Value bitAnd(Value x, Value y) { return arith::AndIOp::create(b, loc, x, y); }
  Value bitOr(Value x, Value y) { return arith::OrIOp::create(b, loc, x, y); }
  Value shiftLeft(Value x, int by) { return arith::ShLIOp::create(b, loc, x, bits(by)); }
  Value shiftRight(Value x, int by) { return arith::ShRUIOp::create(b, loc, x, bits(by)); }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value isAbove(Value x, int64_t y) { return compare(arith::CmpIPredicate::ugt, x, bits(y)); }
  Value isEqual(Value x, int64_t y) { return compare(arith::CmpIPredicate::eq, x, bits(y)); }
  Value bitcast(Type type, Value x) { return arith::BitcastOp::create(b, loc, type, x); }
  Value asBits(float value) { return bits(llvm::bit_cast<int32_t>(value)); }

  Value decodeScale(Value code);
  Value encodeScale(Value x, bool saturate, CastRounding rounding);
  Value decode(Value code, FloatType from);
  Value encode(Value x, FloatType to, bool saturate);
  Value roundToOdd(Value x);
  Value truncate(Value x, unsigned width, bool isUnsigned);
  Value clearUnused(Value x, unsigned width);
  Value readInteger(Value x, IntegerType element);
};

} // namespace

static unsigned getMantissaBits(FloatType type) { return type.getFPMantissaWidth() - 1; }

/// The code of a number, without its sign.
static int64_t getCode(const APFloat &value) {
  APInt bits = value.bitcastToAPInt();
  bits.clearBit(bits.getBitWidth() - 1);
  return bits.getZExtValue();
}

static constexpr int kF32Mantissa = 23, kF32Bias = 127;
static constexpr int64_t kF32Magnitude = 0x7fffffff, kF32Infinity = 0x7f800000;

//===----------------------------------------------------------------------===//
// Floats of at most 8 bits
//===----------------------------------------------------------------------===//

/// The f32 that an f8E8M0FNU stands for: 2^(code - 127), or NaN.
Value BitEmitter::decodeScale(Value code) {
  Value result = shiftLeft(code, kF32Mantissa);
  result = select(isEqual(code, 0), bits(0x00400000), result);
  return bitcast(f32(), select(isEqual(code, 255), bits(0x7fc00000), result));
}

/// The code of an f8E8M0FNU. The sign is dropped.
Value BitEmitter::encodeScale(Value x, bool saturate, CastRounding rounding) {
  Value magnitude = bitAnd(bitcast(i32(), x), bits(kF32Magnitude));
  Value exponent = shiftRight(magnitude, kF32Mantissa);
  if (rounding == CastRounding::down)
    return exponent;
  Value fraction = bitAnd(magnitude, bits(0x007fffff)), step = bits(1), none = bits(0);
  Value limit = none;
  // Halves go up, but the smallest one, which is exact with an exponent of 0, stays.
  if (rounding == CastRounding::nearest)
    limit = select(isEqual(exponent, 0), bits(0x00400000), bits(0x003fffff));
  Value increment = select(compare(arith::CmpIPredicate::ugt, fraction, limit), step, none);
  increment = select(isAbove(exponent, saturate ? 253 : 254), none, increment);
  return add(exponent, increment);
}

/// The f32 that `code`, an i32, stands for.
Value BitEmitter::decode(Value code, FloatType from) {
  const llvm::fltSemantics &semantics = from.getFloatSemantics();
  int width = from.getWidth(), mantissa = getMantissaBits(from);
  int minExponent = APFloat::semanticsMinExponent(semantics), bias = 1 - minExponent;
  Value magnitude = bitAnd(code, bits((1 << (width - 1)) - 1));
  Value normal = add(shiftLeft(magnitude, kF32Mantissa - mantissa),
                     bits(int64_t(kF32Bias - bias) << kF32Mantissa));
  Value small =
      arith::MulFOp::create(b, loc, arith::UIToFPOp::create(b, loc, f32(), magnitude),
                            number(f32(), std::ldexp(1.0, minExponent - mantissa)));
  Value result =
      select(isAbove(magnitude, (1 << mantissa) - 1), normal, bitcast(i32(), small));
  Value sign = shiftLeft(shiftRight(code, width - 1), 31);
  if (APFloat::semanticsHasInf(semantics)) {
    int64_t infinity = getCode(APFloat::getInf(semantics));
    result = select(isEqual(magnitude, infinity), bits(kF32Infinity), result);
    result = select(isAbove(magnitude, infinity), bits(0x7fc00000), result);
  } else if (APFloat::semanticsHasNaN(semantics)) {
    int64_t nan = APFloat::getNaN(semantics).bitcastToAPInt().getZExtValue();
    // The NaN of the types without a negative zero has the code of that.
    Value isNaN = isEqual(nan >> (width - 1) ? code : magnitude, nan);
    result = select(isNaN, bits(0x7fc00000), result);
  }
  return bitcast(f32(), bitOr(result, sign));
}

/// The code, as an i32, of the number of type `to` that is nearest to the f32 `x`.
Value BitEmitter::encode(Value x, FloatType to, bool saturate) {
  const llvm::fltSemantics &semantics = to.getFloatSemantics();
  int width = to.getWidth(), mantissa = getMantissaBits(to);
  int minExponent = APFloat::semanticsMinExponent(semantics), bias = 1 - minExponent;
  Value pattern = bitcast(i32(), x);
  Value magnitude = bitAnd(pattern, bits(kF32Magnitude));
  // Half of the last bit that is kept is added, a little less if that bit is 0.
  int shift = kF32Mantissa - mantissa;
  Value lastBit = bitAnd(shiftRight(magnitude, shift), bits(1));
  Value rounded = add(add(magnitude, bits((1 << (shift - 1)) - 1)), lastBit);
  Value normal = sub(shiftRight(rounded, shift), bits(int64_t(kF32Bias - bias) << mantissa));
  // Below the normal numbers, a sum whose last bit is worth as much as that of `to` rounds.
  float magic = std::ldexp(1.0f, minExponent - mantissa + kF32Mantissa);
  Value sum = arith::AddFOp::create(b, loc, bitcast(f32(), magnitude), number(f32(), magic));
  Value small = sub(bitcast(i32(), sum), asBits(magic));
  Value isSmall =
      compare(arith::CmpIPredicate::ult, magnitude, asBits(std::ldexp(1.0f, minExponent)));
  Value code = select(isSmall, small, normal);

  bool hasInfinity = APFloat::semanticsHasInf(semantics);
  bool hasNaN = APFloat::semanticsHasNaN(semantics);
  int64_t largest = getCode(APFloat::getLargest(semantics)), tooLarge = largest;
  int64_t nan = hasNaN ? APFloat::getNaN(semantics).bitcastToAPInt().getZExtValue() : 0;
  if (!saturate && (hasInfinity || hasNaN))
    tooLarge = hasInfinity ? getCode(APFloat::getInf(semantics)) : nan;
  Value overflows = compare(arith::CmpIPredicate::sgt, code, bits(largest));
  code = select(overflows, bits(tooLarge), code);
  // Types without NaN have ml_dtypes's value for it, the negative zero.
  Value sign = bitAnd(shiftRight(pattern, 32 - width), bits(1 << (width - 1)));
  Value isNaN = isAbove(magnitude, kF32Infinity);
  if (!hasNaN)
    return select(isNaN, bits(1 << (width - 1)), bitOr(code, sign));
  code = select(isNaN, bits(nan), code);
  // The types without a negative zero have one NaN, without a sign.
  if (nan >> (width - 1))
    sign = select(isEqual(bitAnd(code, bits(nan - 1)), 0), bits(0), sign);
  return bitOr(code, sign);
}

/// An f64 as f32, so that rounding the result again is the same as rounding `x` once: an
/// inexact result has an odd last bit.
Value BitEmitter::roundToOdd(Value x) {
  Value nearest = arith::TruncFOp::create(b, loc, f32(), x);
  Value back = arith::ExtFOp::create(b, loc, x.getType(), nearest);
  Value isAway = compare(arith::CmpFPredicate::OGT, math::AbsFOp::create(b, loc, back),
                         math::AbsFOp::create(b, loc, x));
  Value pattern = bitcast(i32(), nearest);
  pattern = sub(pattern, select(isAway, bits(1), bits(0)));
  Value isInexact = compare(arith::CmpFPredicate::ONE, back, x);
  pattern = bitOr(pattern, select(isInexact, bits(1), bits(0)));
  return bitcast(f32(), pattern);
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

/// The integer part of a float of at least 32 bits, as an integer of `width` bits. If it is
/// too large, CPUs differ; so it is first limited to a range in which they do not. Narrow
/// integers wrap around within 32 bits.
Value BitEmitter::truncate(Value x, unsigned width, bool isUnsigned) {
  auto type = cast<FloatType>(getElementTypeOrSelf(x.getType()));
  unsigned through = width < 32 || (width == 32 && !isUnsigned) ? 32 : 64;
  Type integers = of(b.getIntegerType(through));
  auto convert = [&](Value value) -> Value {
    // The largest float below the limit.
    double limit = std::ldexp(1.0, through - 1);
    APFloat largest(limit);
    bool lossy;
    largest.convert(type.getFloatSemantics(), APFloat::rmTowardZero, &lossy);
    largest.next(/*nextDown=*/true);
    double most = largest.convertToDouble();
    value = emitMin(b, loc, number(x.getType(), most), value);
    value = emitMax(b, loc, number(x.getType(), -limit), value);
    return arith::FPToSIOp::create(b, loc, integers, value);
  };
  Value isNumber = compare(arith::CmpFPredicate::ORD, x, x);
  x = select(isNumber, x, number(x.getType(), 0));
  Value result = convert(x);
  if (width == 64 && isUnsigned) {
    Value half = number(x.getType(), std::ldexp(1.0, 63));
    Value upper = convert(arith::SubFOp::create(b, loc, x, half));
    Value signBit = emitConstant(b, loc, integers, -std::ldexp(1.0, 63));
    upper = arith::XOrIOp::create(b, loc, upper, signBit);
    result = select(compare(arith::CmpFPredicate::OGE, x, half), upper, result);
  }
  if (width == through)
    return result;
  return arith::TruncIOp::create(b, loc, of(b.getIntegerType(width)), result);
}

/// The low `width` bits of the i8 `x`.
Value BitEmitter::clearUnused(Value x, unsigned width) {
  return bitAnd(x, number(x.getType(), (1 << width) - 1));
}

/// The i8 that has the value of an integer `element` in the low bits of the i8 `x`.
Value BitEmitter::readInteger(Value x, IntegerType element) {
  if (element.isUnsigned())
    return clearUnused(x, element.getWidth());
  Value unused = number(x.getType(), 8 - element.getWidth());
  return arith::ShRSIOp::create(b, loc, arith::ShLIOp::create(b, loc, x, unused), unused);
}

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

static bool isSmallFloat(Type element) {
  auto type = dyn_cast<FloatType>(element);
  return type && type.getWidth() <= 8;
}

/// Whether the type is an integer of 2 to 7 bits.
static bool isSmallInteger(Type element) {
  auto type = dyn_cast<IntegerType>(element);
  return type && type.getWidth() > 1 && type.getWidth() < 8;
}

static Value emitFloatToFloat(OpBuilder &b, Location loc, Value x, Type type) {
  unsigned from = getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
  unsigned to = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  if (from == to) { // f16 and bf16.
    x = arith::ExtFOp::create(b, loc, BitEmitter{b, loc, x.getType()}.f32(), x);
    return arith::TruncFOp::create(b, loc, type, x);
  }
  return from < to ? arith::ExtFOp::create(b, loc, type, x).getResult()
                   : arith::TruncFOp::create(b, loc, type, x).getResult();
}

/// Between floats of at least 16 bits, integers of at least 8, bools and indices.
static Value emitPlainCast(OpBuilder &b, Location loc, Value x, Type to) {
  Type from = getElementTypeOrSelf(x.getType());
  bool fromUnsigned = from.isInteger(1) || from.isUnsignedInteger();
  x = emitLowered(b, loc, x);
  BitEmitter emitter{b, loc, x.getType()};
  Type type = emitter.of(getLoweredElementType(to));
  unsigned fromWidth = from.isIndex() ? 64 : from.getIntOrFloatBitWidth();
  unsigned toWidth = to.isIndex() ? 64 : to.getIntOrFloatBitWidth();
  if (to.isInteger(1)) {
    Value zero = emitConstant(b, loc, x.getType(), 0);
    return isa<FloatType>(from) ? emitter.compare(arith::CmpFPredicate::UNE, x, zero)
                                : emitter.compare(arith::CmpIPredicate::ne, x, zero);
  }
  if (isa<FloatType>(to)) {
    if (isa<FloatType>(from))
      return emitFloatToFloat(b, loc, x, type);
    return fromUnsigned ? arith::UIToFPOp::create(b, loc, type, x).getResult()
                        : arith::SIToFPOp::create(b, loc, type, x).getResult();
  }
  Value result = x;
  if (isa<FloatType>(from)) {
    if (fromWidth < 32)
      x = emitFloatToFloat(b, loc, x, emitter.f32());
    result = emitter.truncate(x, toWidth, to.isUnsignedInteger());
  } else if (fromWidth > toWidth) {
    result = arith::TruncIOp::create(b, loc, type, x);
  } else if (fromWidth < toWidth) {
    result = fromUnsigned ? arith::ExtUIOp::create(b, loc, type, x).getResult()
                          : arith::ExtSIOp::create(b, loc, type, x).getResult();
  }
  return emitRaised(b, loc, result, to);
}

Value convoy::emitCast(OpBuilder &b, Location loc, Value x, Type to, bool saturate,
                       CastRounding rounding) {
  Type from = getElementTypeOrSelf(x.getType());
  if (from == to)
    return x;
  BitEmitter emitter{b, loc, x.getType()};
  Type i8 = emitter.of(b.getI8Type());
  if (isSmallFloat(from)) {
    Value code = arith::ExtUIOp::create(b, loc, emitter.i32(), emitLowered(b, loc, x));
    Value value = isa<Float8E8M0FNUType>(from) ? emitter.decodeScale(code)
                                               : emitter.decode(code, cast<FloatType>(from));
    return emitCast(b, loc, value, to, saturate, rounding);
  }
  if (isSmallInteger(from)) {
    Value wide = emitter.readInteger(emitLowered(b, loc, x), cast<IntegerType>(from));
    if (from.isUnsignedInteger())
      wide = emitRaised(b, loc, wide, b.getIntegerType(8, /*isSigned=*/false));
    return emitCast(b, loc, wide, to, saturate, rounding);
  }
  if (isSmallFloat(to)) {
    Value value = from.isF64() ? emitter.roundToOdd(x) : emitCast(b, loc, x, b.getF32Type());
    Value code = isa<Float8E8M0FNUType>(to)
                     ? emitter.encodeScale(value, saturate, rounding)
                     : emitter.encode(value, cast<FloatType>(to), saturate);
    return emitRaised(b, loc, arith::TruncIOp::create(b, loc, i8, code), to);
  }
  if (isSmallInteger(to)) {
    Value low = emitCast(b, loc, x, b.getI8Type());
    return emitRaised(b, loc, emitter.clearUnused(low, to.getIntOrFloatBitWidth()), to);
  }
  return emitPlainCast(b, loc, x, to);
}

Value convoy::emitBitcast(OpBuilder &b, Location loc, Value x, Type to) {
  Type from = getElementTypeOrSelf(x.getType());
  if (from == to)
    return x;
  BitEmitter emitter{b, loc, x.getType()};
  Type lowered = getLoweredElementType(to);
  x = emitLowered(b, loc, x);
  if (from.isInteger(1))
    x = arith::ExtUIOp::create(b, loc, emitter.of(b.getI8Type()), x);
  if (to.isInteger(1))
    return emitCast(b, loc, x, to);
  if (getElementTypeOrSelf(x.getType()) != lowered)
    x = emitter.bitcast(emitter.of(lowered), x);
  return emitRaised(b, loc, x, to);
}
