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
  return emitNumbers<arith::DivFOp, arith::DivSIOp>(*this, b, loc, x, y);
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

template <Floats floats, Integers integers, Integers bools = integers>
static Value emitComparison(const EmittedArithmetic &a, OpBuilder &b, Location loc, Value x,
                            Value y) {
  if (a.isFloat())
    return arith::CmpFOp::create(b, loc, floats, x, y);
  return arith::CmpIOp::create(b, loc, a.isBool() ? bools : integers, x, y);
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
Value EmittedArithmetic::tanh(Value x) { return math::TanhOp::create(b, loc, x); }
Value EmittedArithmetic::erf(Value x) { return math::ErfOp::create(b, loc, x); }

Value EmittedArithmetic::fmod(Value x, Value y) {
  Value zero = constant(0);
  // Rounding may move the quotient across an integer. Then the rest is off by one divisor.
  Value dividend = abs(x), divisor = abs(y);
  Value quotient = math::TruncOp::create(b, loc, div(dividend, divisor));
  Value rest = fma(neg(quotient), divisor, dividend);
  rest = select(less(rest, zero), add(rest, divisor), rest);
  rest = select(lessEqual(divisor, rest), sub(rest, divisor), rest);
  return math::CopySignOp::create(b, loc, rest, x);
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
    return undefined();
  std::optional<double> exponent = getConstantNumber(y);
  double size = exponent ? std::abs(*exponent) : -1;
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
    result = sqrt(x);
  else if (size == 0.25)
    result = sqrt(sqrt(x));
  else if (size == 0.75)
    result = mul(sqrt(x), sqrt(sqrt(x)));
  else if (size == 1.5)
    result = mul(x, sqrt(x));
  else
    return math::PowFOp::create(b, loc, x, y);
  return *exponent < 0 ? div(constant(1), result) : result;
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

Value EmittedArithmetic::remainder(Value x, Value y) {
  return arith::RemSIOp::create(b, loc, x, y);
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

Value convoy::emitConstant(OpBuilder &builder, Location loc, Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr attribute;
  if (auto floatType = dyn_cast<FloatType>(element))
    attribute = FloatAttr::get(floatType, value);
  else
    attribute = IntegerAttr::get(element, int64_t(value));
  if (auto shaped = dyn_cast<ShapedType>(type))
    attribute = DenseElementsAttr::get(shaped, Attribute(attribute));
  return arith::ConstantOp::create(builder, loc, attribute);
}

Value convoy::emitMax(OpBuilder &builder, Location loc, Value lhs, Value rhs) {
  return EmittedArithmetic(builder, loc, lhs.getType()).max(lhs, rhs);
}

Value convoy::emitMin(OpBuilder &builder, Location loc, Value lhs, Value rhs) {
  return EmittedArithmetic(builder, loc, lhs.getType()).min(lhs, rhs);
}

Value convoy::emitUnary(OpBuilder &builder, Location loc, FunctionAttr function, Value x) {
  EmittedArithmetic a(builder, loc, x.getType());
  return a.isFloat() ? applyFloatUnary(a, function, x) : applyIntegerUnary(a, function, x);
}

Value convoy::emitBinary(OpBuilder &builder, Location loc, BinaryKind kind, Value lhs,
                         Value rhs) {
  EmittedArithmetic a(builder, loc, lhs.getType());
  if (isComparison(kind))
    return compare(a, kind, lhs, rhs);
  return a.isFloat() ? applyFloatBinary(a, kind, lhs, rhs)
                     : applyIntegerBinary(a, kind, lhs, rhs);
}

Value convoy::emitCast(OpBuilder &builder, Location loc, Value x, Type to) {
  Type from = getElementTypeOrSelf(x.getType());
  if (from == to)
    return x;
  Type type = to;
  if (auto shaped = dyn_cast<ShapedType>(x.getType()))
    type = shaped.clone(to);
  unsigned fromWidth = from.isIndex() ? 64 : from.getIntOrFloatBitWidth();
  unsigned toWidth = to.isIndex() ? 64 : to.getIntOrFloatBitWidth();
  if (to.isInteger(1)) {
    Value zero = emitConstant(builder, loc, x.getType(), 0);
    if (isa<FloatType>(from))
      return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE, x, zero);
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, x, zero);
  }
  bool isUnsigned = from.isInteger(1) || from.isUnsignedInteger();
  if (isa<FloatType>(to)) {
    if (!isa<FloatType>(from))
      return isUnsigned ? arith::UIToFPOp::create(builder, loc, type, x).getResult()
                        : arith::SIToFPOp::create(builder, loc, type, x).getResult();
    return fromWidth < toWidth ? arith::ExtFOp::create(builder, loc, type, x).getResult()
                               : arith::TruncFOp::create(builder, loc, type, x).getResult();
  }
  if (isa<FloatType>(from))
    return arith::FPToSIOp::create(builder, loc, type, x);
  if (fromWidth == toWidth)
    return x;
  if (fromWidth > toWidth)
    return arith::TruncIOp::create(builder, loc, type, x);
  return isUnsigned ? arith::ExtUIOp::create(builder, loc, type, x).getResult()
                    : arith::ExtSIOp::create(builder, loc, type, x).getResult();
}
