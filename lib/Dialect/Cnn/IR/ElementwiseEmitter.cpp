//===- ElementwiseEmitter.cpp - Bodies of element-wise functions ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// Writes arithmetic like a formula, on operands of one type.
struct Formula {
  OpBuilder &b;
  Location loc;
  Type type;

  Type element() const { return getElementTypeOrSelf(type); }
  bool isFloat() const { return isa<FloatType>(element()); }
  bool isBool() const { return element().isInteger(1); }

  Value constant(double value) { return emitConstant(b, loc, type, value); }
  Value add(Value x, Value y) {
    return isFloat() ? arith::AddFOp::create(b, loc, x, y).getResult()
                     : arith::AddIOp::create(b, loc, x, y).getResult();
  }
  Value sub(Value x, Value y) {
    return isFloat() ? arith::SubFOp::create(b, loc, x, y).getResult()
                     : arith::SubIOp::create(b, loc, x, y).getResult();
  }
  Value mul(Value x, Value y) {
    return isFloat() ? arith::MulFOp::create(b, loc, x, y).getResult()
                     : arith::MulIOp::create(b, loc, x, y).getResult();
  }
  Value div(Value x, Value y) {
    return isFloat() ? arith::DivFOp::create(b, loc, x, y).getResult()
                     : arith::DivSIOp::create(b, loc, x, y).getResult();
  }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, loc, x, y, z); }
  Value neg(Value x) {
    return isFloat() ? arith::NegFOp::create(b, loc, x).getResult() : sub(constant(0), x);
  }
  Value less(Value x, Value y) {
    return isFloat()
               ? arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y).getResult()
               : arith::CmpIOp::create(
                     b, loc, isBool() ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt,
                     x, y)
                     .getResult();
  }
  Value equal(Value x, Value y) {
    return isFloat()
               ? arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y).getResult()
               : arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y).getResult();
  }
  Value lessEqual(Value x, Value y) {
    return isFloat()
               ? arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, x, y).getResult()
               : arith::CmpIOp::create(
                     b, loc, isBool() ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle,
                     x, y)
                     .getResult();
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  /// `x > y ? x : y` is what one maxps computes.
  Value max(Value x, Value y) { return select(less(y, x), x, y); }
  Value min(Value x, Value y) { return select(less(x, y), x, y); }
  Value exp(Value x) { return math::ExpOp::create(b, loc, x); }
  Value trunc(Value x) { return math::TruncOp::create(b, loc, x); }

  Value clamp(Value x, double lower, double upper) {
    return min(constant(upper), max(constant(lower), x));
  }
  /// `1 + exp(-x)`.
  Value logisticDenominator(Value x) { return add(constant(1), exp(neg(x))); }

  Value unary(FunctionAttr function, Value x);
  Value floatUnary(FunctionAttr function, Value x);
  Value integerUnary(FunctionAttr function, Value x);
  Value binary(BinaryKind kind, Value x, Value y);
  Value power(Value x, Value y);
  Value modulo(Value x, Value y);
};

} // namespace

//===----------------------------------------------------------------------===//
// Unary functions
//===----------------------------------------------------------------------===//

Value Formula::unary(FunctionAttr function, Value x) {
  if (function.isIdentity())
    return x;
  return isFloat() ? floatUnary(function, x) : integerUnary(function, x);
}

Value Formula::integerUnary(FunctionAttr function, Value x) {
  Value zero = constant(0);
  switch (function.getKind()) {
  case UnaryKind::logical_not:
    return equal(x, zero);
  case UnaryKind::relu:
    return max(x, zero);
  case UnaryKind::clip:
    if (function.getAlpha())
      x = max(x, constant(function.getAlphaValue()));
    return function.getBeta() ? min(x, constant(function.getBetaValue())) : x;
  case UnaryKind::abs:
    return max(x, neg(x));
  case UnaryKind::neg:
    return neg(x);
  case UnaryKind::sign:
    return max(constant(-1), min(constant(1), x));
  case UnaryKind::floor:
  case UnaryKind::ceil:
  case UnaryKind::round:
    return x;
  default:
    return Value();
  }
}

Value Formula::floatUnary(FunctionAttr function, Value x) {
  switch (function.getKind()) {
  case UnaryKind::identity:
    return x;
  case UnaryKind::relu:
    return max(constant(0), x);
  case UnaryKind::leaky_relu:
    return select(less(x, constant(0)), mul(x, constant(function.getAlphaValue())), x);
  case UnaryKind::clip:
    if (function.getAlpha())
      x = max(constant(function.getAlphaValue()), x);
    return function.getBeta() ? min(constant(function.getBetaValue()), x) : x;
  case UnaryKind::sigmoid:
    return div(constant(1), logisticDenominator(x));
  case UnaryKind::hard_sigmoid:
    return clamp(fma(x, constant(function.getAlphaValue()), constant(function.getBetaValue())),
                 0, 1);
  case UnaryKind::hard_swish:
    return mul(x, clamp(fma(x, constant(1.0 / 6), constant(0.5)), 0, 1));
  case UnaryKind::silu:
    return div(x, logisticDenominator(x));
  case UnaryKind::tanh:
    return math::TanhOp::create(b, loc, x);
  case UnaryKind::elu: {
    Value negative = sub(exp(min(constant(0), x)), constant(1));
    return select(less(x, constant(0)), mul(constant(function.getAlphaValue()), negative), x);
  }
  case UnaryKind::erf:
    return math::ErfOp::create(b, loc, x);
  case UnaryKind::exp:
    return exp(x);
  case UnaryKind::log:
    return math::LogOp::create(b, loc, x);
  case UnaryKind::sqrt:
    return math::SqrtOp::create(b, loc, x);
  case UnaryKind::abs:
    return math::AbsFOp::create(b, loc, x);
  case UnaryKind::neg:
    return neg(x);
  case UnaryKind::reciprocal:
    return div(constant(1), x);
  case UnaryKind::floor:
    return math::FloorOp::create(b, loc, x);
  case UnaryKind::ceil:
    return math::CeilOp::create(b, loc, x);
  case UnaryKind::round:
    return math::RoundEvenOp::create(b, loc, x);
  case UnaryKind::softplus: {
    // log(1 + exp(x)) with an exponential that cannot overflow.
    Value small = exp(neg(math::AbsFOp::create(b, loc, x)));
    return add(max(constant(0), x), math::Log1pOp::create(b, loc, small));
  }
  case UnaryKind::gelu: {
    Value erf = math::ErfOp::create(b, loc, mul(x, constant(0.70710678118654752440)));
    return mul(mul(constant(0.5), x), add(constant(1), erf));
  }
  case UnaryKind::mish: {
    // tanh(log(1 + n)) = t / (t + 2) with t = n * (n + 2) and n = exp(x); from
    // x = 20 on the quotient is 1 in f32.
    Value n = exp(min(constant(20), x));
    Value t = mul(n, add(n, constant(2)));
    return mul(x, div(t, add(t, constant(2))));
  }
  case UnaryKind::logical_not:
    return Value();
  case UnaryKind::sign: {
    Value zero = constant(0);
    Value negative = select(less(x, zero), constant(-1), x);
    return select(less(zero, x), constant(1), negative);
  }
  case UnaryKind::sin:
    return math::SinOp::create(b, loc, x);
  case UnaryKind::cos:
    return math::CosOp::create(b, loc, x);
  }
  llvm_unreachable("unknown unary kind");
}

//===----------------------------------------------------------------------===//
// Binary functions
//===----------------------------------------------------------------------===//

/// x ^ y; the usual constant exponents are a few multiplications or roots.
Value Formula::power(Value x, Value y) {
  Value scalar = y;
  if (auto broadcast = y.getDefiningOp();
      broadcast && broadcast->getNumOperands() == 1 &&
      broadcast->getName().getStringRef() == "vector.broadcast")
    scalar = broadcast->getOperand(0);
  Attribute attribute;
  if (!matchPattern(scalar, m_Constant(&attribute)))
    return math::PowFOp::create(b, loc, x, y);
  if (auto splat = dyn_cast<SplatElementsAttr>(attribute))
    attribute = splat.getSplatValue<Attribute>();
  auto number = dyn_cast<FloatAttr>(attribute);
  if (!number)
    return math::PowFOp::create(b, loc, x, y);

  double exponent = number.getValueAsDouble();
  auto root = [&](Value value) -> Value { return math::SqrtOp::create(b, loc, value); };
  Value result;
  double size = std::abs(exponent);
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
    result = root(x);
  else if (size == 0.25)
    result = root(root(x));
  else if (size == 0.75)
    result = mul(root(x), root(root(x)));
  else if (size == 1.5)
    result = mul(x, root(x));
  else
    return math::PowFOp::create(b, loc, x, y);
  return exponent < 0 ? div(constant(1), result) : result;
}

/// ONNX Mod: C's fmod on floats, on integers the sign follows the divisor.
Value Formula::modulo(Value x, Value y) {
  Value zero = constant(0);
  if (!isFloat()) {
    Value rest = arith::RemSIOp::create(b, loc, x, y);
    Value wrongSign = less(arith::XOrIOp::create(b, loc, rest, y), zero);
    Value differs = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest, zero);
    return select(arith::AndIOp::create(b, loc, wrongSign, differs), add(rest, y), rest);
  }
  // The quotient's rounding can carry it over the next integer: step back once.
  Value dividend = math::AbsFOp::create(b, loc, x), divisor = math::AbsFOp::create(b, loc, y);
  Value rest = fma(neg(trunc(div(dividend, divisor))), divisor, dividend);
  rest = select(less(rest, zero), add(rest, divisor), rest);
  rest = select(lessEqual(divisor, rest), sub(rest, divisor), rest);
  return math::CopySignOp::create(b, loc, rest, x);
}

Value Formula::binary(BinaryKind kind, Value x, Value y) {
  switch (kind) {
  case BinaryKind::add:
    return add(x, y);
  case BinaryKind::sub:
    return sub(x, y);
  case BinaryKind::mul:
    return mul(x, y);
  case BinaryKind::div:
    return div(x, y);
  case BinaryKind::pow:
    return isFloat() ? power(x, y) : Value();
  case BinaryKind::min:
    return min(x, y);
  case BinaryKind::max:
    return max(x, y);
  case BinaryKind::mod:
    return modulo(x, y);
  case BinaryKind::prelu:
    return select(less(x, constant(0)), mul(x, y), x);
  case BinaryKind::equal:
    return equal(x, y);
  case BinaryKind::less:
    return less(x, y);
  case BinaryKind::less_equal:
    return lessEqual(x, y);
  case BinaryKind::greater:
    return less(y, x);
  case BinaryKind::greater_equal:
    return lessEqual(y, x);
  case BinaryKind::logical_and:
    return isBool() ? arith::AndIOp::create(b, loc, x, y).getResult() : Value();
  case BinaryKind::logical_or:
    return isBool() ? arith::OrIOp::create(b, loc, x, y).getResult() : Value();
  case BinaryKind::logical_xor:
    return isBool() ? arith::XOrIOp::create(b, loc, x, y).getResult() : Value();
  }
  llvm_unreachable("unknown binary kind");
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
  return Formula{builder, loc, lhs.getType()}.max(lhs, rhs);
}

Value convoy::emitMin(OpBuilder &builder, Location loc, Value lhs, Value rhs) {
  return Formula{builder, loc, lhs.getType()}.min(lhs, rhs);
}

Value convoy::emitUnary(OpBuilder &builder, Location loc, FunctionAttr function, Value x) {
  return Formula{builder, loc, x.getType()}.unary(function, x);
}

Value convoy::emitBinary(OpBuilder &builder, Location loc, BinaryKind kind, Value lhs,
                         Value rhs) {
  return Formula{builder, loc, lhs.getType()}.binary(kind, lhs, rhs);
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
