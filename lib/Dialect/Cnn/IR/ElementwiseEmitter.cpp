//===- ElementwiseEmitter.cpp - Bodies of element-wise functions ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "convoy/Dialect/Cnn/IR/ElementwiseFormulas.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

static Type getElement(Type type) { return getElementTypeOrSelf(type); }

//===----------------------------------------------------------------------===//
// Floats and integers
//===----------------------------------------------------------------------===//

bool EmittedArithmetic::isFloat() const { return isa<FloatType>(getElement(type)); }
bool EmittedArithmetic::isBool() const { return getElement(type).isInteger(1); }

Value EmittedArithmetic::constant(double value) { return emitConstant(b, loc, type, value); }

template <typename FloatOp, typename IntegerOp>
static Value emitNumbers(const EmittedArithmetic &a, OpBuilder &b, Location loc, Value x,
                         Value y) {
  if (a.isFloat())
    return FloatOp::create(b, loc, x, y);
  return IntegerOp::create(b, loc, x, y);
}

Value EmittedArithmetic::add(Value x, Value y) {
  return emitNumbers<arith::AddFOp, arith::AddIOp>(*this, b, loc, x, y);
}

Value EmittedArithmetic::sub(Value x, Value y) {
  return emitNumbers<arith::SubFOp, arith::SubIOp>(*this, b, loc, x, y);
}

Value EmittedArithmetic::mul(Value x, Value y) {
  return emitNumbers<arith::MulFOp, arith::MulIOp>(*this, b, loc, x, y);
}

Value EmittedArithmetic::div(Value x, Value y) {
  if (isFloat())
    return arith::DivFOp::create(b, loc, x, y);
  // Neither a division by zero nor the overflow of a division by -1 may reach the CPU.
  Value zero = constant(0), one = constant(1), isZero = equal(y, zero);
  Value divisor = select(isZero, one, y);
  if (isUnsigned())
    return select(isZero, zero, arith::DivUIOp::create(b, loc, x, divisor));
  Value minusOne = constant(-1), negates = equal(y, minusOne);
  divisor = select(negates, one, divisor);
  Value quotient = arith::DivSIOp::create(b, loc, x, divisor);
  return select(isZero, zero, select(negates, neg(quotient), quotient));
}

Value EmittedArithmetic::neg(Value x) {
  return isFloat() ? arith::NegFOp::create(b, loc, x).getResult() : sub(constant(0), x);
}

Value EmittedArithmetic::max(Value x, Value y) { return select(less(y, x), x, y); }
Value EmittedArithmetic::min(Value x, Value y) { return select(less(x, y), x, y); }

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

using Floats = arith::CmpFPredicate;
using Integers = arith::CmpIPredicate;

template <Floats floats, Integers integers, Integers unsignedIntegers = integers>
static Value emitComparison(const EmittedArithmetic &a, OpBuilder &b, Location loc, Value x,
                            Value y) {
  if (a.isFloat())
    return arith::CmpFOp::create(b, loc, floats, x, y);
  bool isUnsigned = a.isBool() || a.isUnsigned();
  return arith::CmpIOp::create(b, loc, isUnsigned ? unsignedIntegers : integers, x, y);
}

Value EmittedArithmetic::less(Value x, Value y) {
  return emitComparison<Floats::OLT, Integers::slt, Integers::ult>(*this, b, loc, x, y);
}

Value EmittedArithmetic::lessEqual(Value x, Value y) {
  return emitComparison<Floats::OLE, Integers::sle, Integers::ule>(*this, b, loc, x, y);
}

Value EmittedArithmetic::equal(Value x, Value y) {
  return emitComparison<Floats::OEQ, Integers::eq>(*this, b, loc, x, y);
}

Value EmittedArithmetic::notEqual(Value x, Value y) {
  return emitComparison<Floats::UNE, Integers::ne>(*this, b, loc, x, y);
}

Value EmittedArithmetic::both(Value x, Value y) { return bitAnd(x, y); }
Value EmittedArithmetic::differ(Value x, Value y) { return bitXor(x, y); }

Value EmittedArithmetic::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, loc, condition, x, y);
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

Value EmittedArithmetic::fma(Value x, Value y, Value z) {
  return math::FmaOp::create(b, loc, x, y, z);
}

Value EmittedArithmetic::abs(Value x) { return math::AbsFOp::create(b, loc, x); }
Value EmittedArithmetic::floor(Value x) { return math::FloorOp::create(b, loc, x); }
Value EmittedArithmetic::ceil(Value x) { return math::CeilOp::create(b, loc, x); }
Value EmittedArithmetic::roundEven(Value x) { return math::RoundEvenOp::create(b, loc, x); }
Value EmittedArithmetic::sqrt(Value x) { return math::SqrtOp::create(b, loc, x); }
Value EmittedArithmetic::exp(Value x) { return math::ExpOp::create(b, loc, x); }
Value EmittedArithmetic::expm1(Value x) {
  // In f32 the difference is accurate enough, and costs less.
  return getElement(type).isF64() ? math::ExpM1Op::create(b, loc, x).getResult()
                                  : sub(exp(x), constant(1));
}
Value EmittedArithmetic::log(Value x) { return math::LogOp::create(b, loc, x); }
Value EmittedArithmetic::log1p(Value x) { return math::Log1pOp::create(b, loc, x); }
Value EmittedArithmetic::sin(Value x) { return math::SinOp::create(b, loc, x); }
Value EmittedArithmetic::cos(Value x) { return math::CosOp::create(b, loc, x); }
Value EmittedArithmetic::tan(Value x) { return math::TanOp::create(b, loc, x); }
Value EmittedArithmetic::asin(Value x) { return math::AsinOp::create(b, loc, x); }
Value EmittedArithmetic::acos(Value x) { return math::AcosOp::create(b, loc, x); }
Value EmittedArithmetic::atan(Value x) { return math::AtanOp::create(b, loc, x); }
Value EmittedArithmetic::sinh(Value x) { return math::SinhOp::create(b, loc, x); }
Value EmittedArithmetic::cosh(Value x) { return math::CoshOp::create(b, loc, x); }
Value EmittedArithmetic::asinh(Value x) { return math::AsinhOp::create(b, loc, x); }
Value EmittedArithmetic::acosh(Value x) { return math::AcoshOp::create(b, loc, x); }
Value EmittedArithmetic::atanh(Value x) { return math::AtanhOp::create(b, loc, x); }
Value EmittedArithmetic::tanh(Value x) { return math::TanhOp::create(b, loc, x); }
Value EmittedArithmetic::erf(Value x) { return math::ErfOp::create(b, loc, x); }

/// C's fmod of two f64, by hand: each step takes off a multiple, below 2^50, of the divisor
/// times a power of 2^50. The multiple is exact, because such quotients have no rounding error
/// that matters, and so is the rest. The quotient must be below 2^(50 * steps).
static Value emitRemainder(EmittedArithmetic &a, Value x, Value y, int steps) {
  constexpr int kStepBits = 50;
  Value zero = a.constant(0), infinity = a.constant(std::numeric_limits<double>::infinity());
  Value dividend = a.abs(x), divisor = a.abs(y), rest = dividend;
  for (int step = steps - 1; step >= 0; --step) {
    Value part = divisor;
    // The power itself may be too large for one factor.
    for (int bits = step * kStepBits; bits > 0; bits -= 1000)
      part = a.mul(part, a.constant(std::ldexp(1.0, std::min(bits, 1000))));
    Value quotient = a.floor(a.div(rest, part));
    Value less = a.fma(a.neg(quotient), part, rest);
    // A quotient just below an integer may have been rounded to it.
    less = a.select(a.less(less, zero), a.add(less, part), less);
    rest = a.select(a.equal(part, infinity), rest, less);
  }
  Value nan = a.constant(std::numeric_limits<double>::quiet_NaN());
  return a.copySign(a.select(a.less(dividend, infinity), rest, nan), x);
}

Value EmittedArithmetic::fmod(Value x, Value y) {
  // The exponents of f64 differ by less than 2100, those of f32 by less than 280.
  if (getElement(type).isF64())
    return emitRemainder(*this, x, y, /*steps=*/42);
  // f64 has bits and range to spare for the other types.
  Value wideX = emitCast(b, loc, x, b.getF64Type());
  Value wideY = emitCast(b, loc, y, b.getF64Type());
  EmittedArithmetic wide(b, loc, wideX.getType());
  return emitCast(b, loc, emitRemainder(wide, wideX, wideY, /*steps=*/6), getElement(type));
}

Value EmittedArithmetic::copySign(Value x, Value sign) {
  return math::CopySignOp::create(b, loc, x, sign);
}

/// The number that a constant, broadcast or not, has in every element.
static std::optional<double> getConstantNumber(Value value) {
  Operation *op = value.getDefiningOp();
  if (op && op->getNumOperands() == 1 && op->getName().getStringRef() == "vector.broadcast")
    value = op->getOperand(0);
  Attribute attribute;
  if (!matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  if (auto splat = dyn_cast<SplatElementsAttr>(attribute))
    attribute = splat.getSplatValue<Attribute>();
  auto number = dyn_cast<FloatAttr>(attribute);
  return number ? std::optional<double>(number.getValueAsDouble()) : std::nullopt;
}

Value EmittedArithmetic::pow(Value x, Value y) {
  if (!isFloat())
    return powIntegers(x, y);
  std::optional<double> exponent = getConstantNumber(y);
  double size = exponent ? std::abs(*exponent) : -1;
  // Powers of -inf and -0 are positive unless the exponent is an odd integer.
  auto root = [&] {
    Value infinity = constant(std::numeric_limits<double>::infinity());
    return select(equal(x, neg(infinity)), infinity, sqrt(add(x, constant(0))));
  };
  Value result;
  if (size == 0)
    return constant(1);
  if (size == 1)
    result = x;
  else if (size == 2)
    result = mul(x, x);
  else if (size == 3)
    result = mul(mul(x, x), x);
  else if (size == 4)
    result = mul(mul(x, x), mul(x, x));
  else if (size == 0.5)
    result = root();
  else if (size == 0.25)
    result = sqrt(root());
  else if (size == 0.75) {
    Value half = root();
    result = mul(half, sqrt(half));
  } else if (size == 1.5)
    result = mul(abs(x), root());
  else
    return math::PowFOp::create(b, loc, x, y);
  return *exponent < 0 ? div(constant(1), result) : result;
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

unsigned EmittedArithmetic::getWidth() const {
  return getElement(type).getIntOrFloatBitWidth();
}

/// By squaring. A negative exponent gives the integer part of a fraction.
Value EmittedArithmetic::powIntegers(Value x, Value y) {
  if (isBool())
    return undefined();
  Value zero = constant(0), one = constant(1), power = one, square = x;
  for (unsigned bit = 0; bit < getWidth(); ++bit) {
    Value mask = shiftLeft(one, constant(bit));
    power = select(equal(bitAnd(y, mask), zero), power, mul(power, square));
    square = mul(square, square);
  }
  if (isUnsigned())
    return power;
  Value isOdd = notEqual(bitAnd(y, one), zero), minusOne = constant(-1);
  Value sign = select(isOdd, minusOne, one);
  Value fraction = select(equal(x, minusOne), sign, zero);
  fraction = select(equal(x, one), one, fraction);
  return select(less(y, zero), fraction, power);
}

Value EmittedArithmetic::remainder(Value x, Value y) {
  Value zero = constant(0), one = constant(1), isZero = equal(y, zero);
  Value divisor = select(isZero, one, y);
  if (isUnsigned())
    return arith::RemUIOp::create(b, loc, x, divisor);
  // All remainders of 1 and -1 are 0, but -1 may overflow.
  divisor = select(equal(y, constant(-1)), one, divisor);
  return arith::RemSIOp::create(b, loc, x, divisor);
}

Value EmittedArithmetic::shiftLeft(Value x, Value y) {
  EmittedArithmetic counts(b, loc, type, /*isUnsigned=*/true);
  Value zero = constant(0), fits = counts.less(y, constant(getWidth()));
  Value shifted = arith::ShLIOp::create(b, loc, x, select(fits, y, zero));
  return select(fits, shifted, zero);
}

Value EmittedArithmetic::shiftRight(Value x, Value y) {
  EmittedArithmetic counts(b, loc, type, /*isUnsigned=*/true);
  if (!isUnsigned())
    return arith::ShRSIOp::create(b, loc, x, counts.min(y, constant(getWidth() - 1)));
  Value zero = constant(0), fits = counts.less(y, constant(getWidth()));
  Value shifted = arith::ShRUIOp::create(b, loc, x, select(fits, y, zero));
  return select(fits, shifted, zero);
}

Value EmittedArithmetic::bitAnd(Value x, Value y) {
  return arith::AndIOp::create(b, loc, x, y);
}

Value EmittedArithmetic::bitOr(Value x, Value y) { return arith::OrIOp::create(b, loc, x, y); }

Value EmittedArithmetic::bitXor(Value x, Value y) {
  return arith::XOrIOp::create(b, loc, x, y);
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

Type convoy::getLoweredElementType(Type type) {
  unsigned width = isa<IntegerType, FloatType>(type) ? type.getIntOrFloatBitWidth() : 64;
  if (type.isInteger(1) ||
      (!type.isUnsignedInteger() && (width > 8 || type.isSignlessInteger(8))))
    return type;
  return IntegerType::get(type.getContext(), std::max(width, 8u));
}

/// `x` as a value of the element type `element`, which stands for the same bits.
static Value retype(OpBuilder &builder, Location loc, Value x, Type element) {
  if (getElement(x.getType()) == element)
    return x;
  auto shaped = dyn_cast<ShapedType>(x.getType());
  Type type = shaped ? Type(shaped.clone(element)) : element;
  return UnrealizedConversionCastOp::create(builder, loc, type, x).getResult(0);
}

Value convoy::emitLowered(OpBuilder &builder, Location loc, Value x) {
  return retype(builder, loc, x, getLoweredElementType(getElement(x.getType())));
}

Value convoy::emitRaised(OpBuilder &builder, Location loc, Value x, Type element) {
  assert(getElement(x.getType()) == getLoweredElementType(element) && "other bits");
  return retype(builder, loc, x, element);
}

Value convoy::emitConstant(OpBuilder &builder, Location loc, Type type, double value) {
  Type element = getElement(type), lowered = getLoweredElementType(element);
  TypedAttr attribute;
  if (auto floatType = dyn_cast<FloatType>(lowered))
    attribute = FloatAttr::get(floatType, value);
  else
    attribute = IntegerAttr::get(lowered, int64_t(value));
  if (auto shaped = dyn_cast<ShapedType>(type))
    attribute = DenseElementsAttr::get(shaped.clone(lowered), Attribute(attribute));
  Value constant = arith::ConstantOp::create(builder, loc, attribute);
  return emitRaised(builder, loc, constant, element);
}

Value convoy::emitConstant(OpBuilder &builder, Location loc, TypedAttr value) {
  Type element = value.getType(), lowered = getLoweredElementType(element);
  if (lowered != element) {
    APInt bits = isa<FloatAttr>(value) ? cast<FloatAttr>(value).getValue().bitcastToAPInt()
                                       : cast<IntegerAttr>(value).getValue();
    value = IntegerAttr::get(lowered, bits.zext(lowered.getIntOrFloatBitWidth()));
  }
  return emitRaised(builder, loc, arith::ConstantOp::create(builder, loc, value), element);
}

Value convoy::emitMax(OpBuilder &builder, Location loc, Value lhs, Value rhs) {
  return EmittedArithmetic(builder, loc, lhs.getType()).max(lhs, rhs);
}

Value convoy::emitMin(OpBuilder &builder, Location loc, Value lhs, Value rhs) {
  return EmittedArithmetic(builder, loc, lhs.getType()).min(lhs, rhs);
}

/// Whether arith can compute with the elements: they are neither floats nor integers of fewer
/// than 8 bits, nor floats of 8.
static bool isComputable(Type element) {
  return element.isInteger(1) || element.isIndex() ||
         element.getIntOrFloatBitWidth() > (isa<FloatType>(element) ? 8u : 7u);
}

Value convoy::emitUnary(OpBuilder &builder, Location loc, FunctionAttr function, Value x) {
  Type element = getElement(x.getType());
  if (function.isIdentity())
    return x;
  if (!isComputable(element))
    return {};
  x = emitLowered(builder, loc, x);
  EmittedArithmetic a(builder, loc, x.getType(), element.isUnsignedInteger());
  Value result =
      a.isFloat() ? applyFloatUnary(a, function, x) : applyIntegerUnary(a, function, x);
  return result ? emitRaised(builder, loc, result, element) : result;
}

Value convoy::emitBinary(OpBuilder &builder, Location loc, BinaryKind kind, Value lhs,
                         Value rhs) {
  Type element = getElement(lhs.getType());
  if (!isComputable(element))
    return {};
  lhs = emitLowered(builder, loc, lhs);
  rhs = emitLowered(builder, loc, rhs);
  EmittedArithmetic a(builder, loc, lhs.getType(), element.isUnsignedInteger());
  if (isComparison(kind))
    return compare(a, kind, lhs, rhs);
  Value result = a.isFloat() ? applyFloatBinary(a, kind, lhs, rhs)
                             : applyIntegerBinary(a, kind, lhs, rhs);
  return result ? emitRaised(builder, loc, result, element) : result;
}
