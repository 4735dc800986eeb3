//===- Elementwise.cpp - Element-wise operations --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Folding.h"
#include "PartitionRules.h"
#include "ShapeRule.h"
#include "convoy/Dialect/Cnn/IR/BlockedForms.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseFormulas.h"

#include <cmath>

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

LogicalResult UnaryOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  result.shape = Shape(shapeOf(op.getInput()));
  return success();
}

LogicalResult BinaryOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  ShapedType lhs = shaped(op.getLhs()), rhs = shaped(op.getRhs());
  if (lhs.getElementType() != rhs.getElementType())
    return rule.error("element types differ: ", lhs.getElementType(), " and ",
                      rhs.getElementType());
  if (isComparison(op.getKind()))
    result.element = IntegerType::get(lhs.getContext(), 1);
  return rule.broadcast(lhs.getShape(), rhs.getShape(), result.shape);
}

LogicalResult SelectOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  ShapedType lhs = shaped(op.getLhs()), rhs = shaped(op.getRhs());
  if (lhs.getElementType() != rhs.getElementType())
    return rule.error("element types differ: ", lhs.getElementType(), " and ",
                      rhs.getElementType());
  if (!shaped(op.getCondition()).getElementType().isInteger(1))
    return rule.error("condition is not i1");
  result.element = lhs.getElementType();
  Shape joined;
  if (failed(rule.broadcast(lhs.getShape(), rhs.getShape(), joined)))
    return failure();
  return rule.broadcast(joined, shapeOf(op.getCondition()), result.shape);
}

LogicalResult ChooseOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  ShapedType lhs = shaped(op.getLhs()), rhs = shaped(op.getRhs());
  if (lhs.getElementType() != rhs.getElementType())
    return rule.error("element types differ: ", lhs.getElementType(), " and ",
                      rhs.getElementType());
  if (lhs.getShape() != rhs.getShape())
    return rule.error("shapes differ: ", lhs, " and ", rhs);
  ShapedType condition = shaped(op.getCondition());
  if (!condition.getElementType().isInteger(1) || condition.getRank() != 0)
    return rule.error("condition is not an i1 of rank 0");
  result.element = lhs.getElementType();
  result.shape = Shape(lhs.getShape());
  return success();
}

LogicalResult CastOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  result.shape = Shape(shapeOf(op.getInput()));
  result.element = op.getTo();
  return success();
}

/// Checks the parameters of a quantised tensor, which broadcast to `shape`; the zero point has
/// elements of `type`.
static LogicalResult checkParameters(const ShapeRule &rule, ArrayRef<int64_t> shape, Type type,
                                     Value scale, Value zeroPoint) {
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || integer.getWidth() > 32 || integer.getWidth() < 8)
    return rule.error("quantised elements are of type ", type,
                      ", expected integers of 8 to 32 bits");
  if (!shaped(scale).getElementType().isF32())
    return rule.error("the scale has elements of ", shaped(scale).getElementType(),
                      ", expected f32");
  if (shaped(zeroPoint).getElementType() != type)
    return rule.error("the zero point has elements of ", shaped(zeroPoint).getElementType(),
                      ", expected ", type);
  for (auto [name, value] : {std::pair("scale", scale), std::pair("zero point", zeroPoint)}) {
    Shape joined;
    if (failed(rule.broadcast(shape, shapeOf(value), joined)))
      return failure();
    if (ArrayRef<int64_t>(joined) != shape)
      return rule.error("the ", name, " does not broadcast to the input");
  }
  return success();
}

LogicalResult QuantizeOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  ShapedType input = shaped(op.getInput());
  result.shape = Shape(input.getShape());
  result.element = shaped(op.getZeroPoint()).getElementType();
  if (!input.getElementType().isF32())
    return rule.error("the input has elements of ", input.getElementType(), ", expected f32");
  if (result.element.getIntOrFloatBitWidth() > 16)
    return rule.error("quantised elements are of type ", result.element,
                      ", expected integers of 8 or 16 bits");
  return checkParameters(rule, input.getShape(), result.element, op.getScale(),
                         op.getZeroPoint());
}

LogicalResult DequantizeOp::inferShape(const ShapeRule &rule, Adaptor op,
                                       InferredType &result) {
  ShapedType input = shaped(op.getInput());
  result.shape = Shape(input.getShape());
  result.element = Float32Type::get(input.getContext());
  return checkParameters(rule, input.getShape(), input.getElementType(), op.getScale(),
                         op.getZeroPoint());
}

/// Bits of an element; a bool counts as a byte.
static unsigned getWidth(Type element) {
  return element.isInteger(1) ? 8 : element.getIntOrFloatBitWidth();
}

LogicalResult BitcastOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  Type from = shaped(op.getInput()).getElementType(), to = op.getTo();
  if (!from.isIntOrFloat() || !to.isIntOrFloat() || getWidth(from) != getWidth(to))
    return rule.error("element types differ in width: ", from, " and ", to);
  result.shape = Shape(shapeOf(op.getInput()));
  result.element = to;
  return success();
}

//===----------------------------------------------------------------------===//
// Folders
//===----------------------------------------------------------------------===//

LogicalResult UnaryOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getFunction().isIdentity())
    return replaceBy(results, getInput());
  return foldConstants(*this, adaptor.getOperands(), results);
}

/// Whether every element of the constant is this number, sign of zero included.
static bool isAll(Attribute attribute, double number) {
  std::optional<ConstantData> data = ConstantData::get(attribute);
  std::optional<double> value = data ? data->getSplatDouble() : std::nullopt;
  return value && *value == number && std::signbit(*value) == std::signbit(number);
}

/// Whether `kind` with `constant` on the right (or left) leaves the other operand as it is.
static bool isNeutral(BinaryKind kind, Attribute constant, bool onRight) {
  auto elements = dyn_cast_if_present<ElementsAttr>(constant);
  bool isFloat = elements && isa<FloatType>(elements.getElementType());
  switch (kind) {
  case BinaryKind::add:
    // -0.0 + 0.0 is 0.0, so only -0.0 keeps every bit.
    return isAll(constant, isFloat ? -0.0 : 0.0);
  case BinaryKind::sub:
    return onRight && isAll(constant, 0.0);
  case BinaryKind::mul:
    return isAll(constant, 1.0);
  case BinaryKind::div:
    return onRight && isAll(constant, 1.0);
  default:
    return false;
  }
}

LogicalResult BinaryOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getActivation().isIdentity()) {
    Type type = getResult(0).getType();
    if (getLhs().getType() == type && isNeutral(getKind(), adaptor.getRhs(), /*onRight=*/true))
      return replaceBy(results, getLhs());
    if (getRhs().getType() == type &&
        isNeutral(getKind(), adaptor.getLhs(), /*onRight=*/false))
      return replaceBy(results, getRhs());
  }
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult SelectOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  Type type = getResult(0).getType();
  if (getLhs() == getRhs() && getLhs().getType() == type)
    return replaceBy(results, getLhs());
  if (isAll(adaptor.getCondition(), 1.0) && getLhs().getType() == type)
    return replaceBy(results, getLhs());
  if (isAll(adaptor.getCondition(), 0.0) && getRhs().getType() == type)
    return replaceBy(results, getRhs());
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult ChooseOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getLhs() == getRhs() || isAll(adaptor.getCondition(), 1.0))
    return replaceBy(results, getLhs());
  if (isAll(adaptor.getCondition(), 0.0))
    return replaceBy(results, getRhs());
  return failure();
}

/// Whether a cast between these float types keeps every number.
static bool isWidening(Type from, Type to) {
  auto narrow = dyn_cast<FloatType>(from), wide = dyn_cast<FloatType>(to);
  return narrow && wide &&
         APFloat::isRepresentableBy(narrow.getFloatSemantics(), wide.getFloatSemantics());
}

LogicalResult CastOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getInput().getType() == getResult(0).getType())
    return replaceBy(results, getInput());
  if (auto first = getInput().getDefiningOp<CastOp>();
      first && isValueForm(first) && first.getInput().getType() == getResult(0).getType() &&
      isWidening(getTo(), first.getTo()))
    return replaceBy(results, first.getInput());
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult BitcastOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getInput().getType() == getResult(0).getType())
    return replaceBy(results, getInput());
  return foldConstants(*this, adaptor.getOperands(), results);
}

//===----------------------------------------------------------------------===//
// Values of constants
//===----------------------------------------------------------------------===//

/// Whether the function's rounding is prescribed, so that all machines compute the same bits.
static bool isExact(UnaryKind kind) {
  switch (kind) {
  case UnaryKind::identity:
  case UnaryKind::relu:
  case UnaryKind::leaky_relu:
  case UnaryKind::clip:
  case UnaryKind::abs:
  case UnaryKind::neg:
  case UnaryKind::reciprocal:
  case UnaryKind::floor:
  case UnaryKind::ceil:
  case UnaryKind::round:
  case UnaryKind::sqrt:
  case UnaryKind::sign:
  case UnaryKind::logical_not:
  case UnaryKind::bitwise_not:
    return true;
  default:
    return false;
  }
}

/// The host's arithmetic for an element type that is no float.
static HostIntegers getHostIntegers(Type element) {
  if (element.isIndex())
    return HostIntegers(64, /*isUnsigned=*/false);
  return HostIntegers(element.getIntOrFloatBitWidth(),
                      element.isInteger(1) || element.isUnsignedInteger());
}

ElementsAttr UnaryOp::evaluate(const ConstantOperands &operands) {
  RankedTensorType type = operands.getType();
  auto in = operands.read(0);
  if (!in || !operands.fits(in->isSplat()))
    return {};
  FunctionAttr function = getFunction();
  ConstantResult result(type, in->isSplat());
  if (isa<FloatType>(in->getElementType())) {
    if (operands.isExactOnly() && !isExact(function.getKind()))
      return {};
    HostFloats<double> a;
    for (int64_t i = 0; i < result.size(); ++i)
      result.setDouble(i, applyFloatUnary(a, function, in->getDouble(i)));
    return a.isDefined() ? result.take() : ElementsAttr();
  }
  HostIntegers a = getHostIntegers(in->getElementType());
  for (int64_t i = 0; i < result.size(); ++i)
    result.setInt(i, applyIntegerUnary(a, function, in->getInt(i)));
  return a.isDefined() ? result.take() : ElementsAttr();
}

ElementsAttr BinaryOp::evaluate(const ConstantOperands &operands) {
  RankedTensorType type = operands.getType();
  auto lhs = operands.read(0), rhs = operands.read(1);
  if (!lhs || !rhs)
    return {};
  bool splat = lhs->isSplat() && rhs->isSplat();
  // An activation would have to be applied to the rounded value. That is not needed:
  // activations are fused later.
  if (!operands.fits(splat) || !getActivation().isIdentity())
    return {};
  BinaryKind kind = getKind();
  bool isFloat = isa<FloatType>(lhs->getElementType());
  if (isFloat && operands.isExactOnly() && kind == BinaryKind::pow)
    return {};
  ConstantResult result(type, splat);
  HostFloats<double> floats;
  HostIntegers integers = getHostIntegers(lhs->getElementType());
  int64_t next = 0;
  auto combine = [&](std::array<int64_t, 2> from) {
    if (isFloat) {
      double x = lhs->getDouble(from[0]), y = rhs->getDouble(from[1]);
      if (isComparison(kind))
        result.setInt(next++, compare(floats, kind, x, y));
      else
        result.setDouble(next++, applyFloatBinary(floats, kind, x, y));
      return;
    }
    int64_t x = lhs->getInt(from[0]), y = rhs->getInt(from[1]);
    result.setInt(next++, isComparison(kind) ? compare(integers, kind, x, y)
                                             : applyIntegerBinary(integers, kind, x, y));
  };
  if (splat && type.getNumElements())
    combine({0, 0});
  else
    forEachPosition<2>(type.getShape(),
                       {broadcastStrides(lhs->getShape(), type.getShape()),
                        broadcastStrides(rhs->getShape(), type.getShape())},
                       {0, 0}, combine);
  return floats.isDefined() && integers.isDefined() ? result.take() : ElementsAttr();
}

ElementsAttr SelectOp::evaluate(const ConstantOperands &operands) {
  RankedTensorType type = operands.getType();
  auto condition = operands.read(0), lhs = operands.read(1), rhs = operands.read(2);
  if (!condition || !lhs || !rhs || !operands.fits(/*splat=*/false))
    return {};
  ConstantResult result(type, /*splat=*/false);
  int64_t next = 0, size = lhs->getElementBytes();
  forEachPosition<3>(type.getShape(),
                     {broadcastStrides(condition->getShape(), type.getShape()),
                      broadcastStrides(lhs->getShape(), type.getShape()),
                      broadcastStrides(rhs->getShape(), type.getShape())},
                     {0, 0, 0}, [&](std::array<int64_t, 3> from) {
                       bool first = condition->getInt(from[0]);
                       const ConstantData &chosen = first ? *lhs : *rhs;
                       int64_t index = chosen.isSplat() ? 0 : from[first ? 1 : 2];
                       std::memcpy(result.at(next++), chosen.getBytes().data() + index * size,
                                   size);
                     });
  return result.take();
}

ElementsAttr CastOp::evaluate(const ConstantOperands &operands) {
  RankedTensorType type = operands.getType();
  auto in = operands.read(0);
  auto to = dyn_cast<FloatType>(type.getElementType());
  // Rounding to a small float depends on attributes, and is left to run time.
  if (!in || !operands.fits(in->isSplat()) || (to && to.getWidth() <= 8))
    return {};
  bool fromFloat = isa<FloatType>(in->getElementType()), toFloat = bool(to);
  ConstantResult result(type, in->isSplat());
  for (int64_t i = 0; i < result.size(); ++i) {
    if (toFloat) {
      result.setDouble(i, in->getDouble(i));
      continue;
    }
    if (!fromFloat) {
      result.setInt(i, in->getInt(i));
      continue;
    }
    double value = in->getDouble(i);
    if (type.getElementType().isInteger(1)) {
      result.setInt(i, value != 0);
      continue;
    }
    // A number that does not fit has no defined value; leave that to run time.
    double limit = std::ldexp(1.0, type.getElementTypeBitWidth() - 1);
    bool isUnsigned = type.getElementType().isUnsignedInteger();
    if (!(value > (isUnsigned ? 0 : -limit) - 1 && value < (isUnsigned ? 2 * limit : limit)))
      return {};
    result.setInt(i, isUnsigned ? int64_t(uint64_t(value)) : int64_t(value));
  }
  return result.take();
}

ElementsAttr BitcastOp::evaluate(const ConstantOperands &operands) {
  RankedTensorType type = operands.getType();
  auto in = operands.read(0);
  if (!in || !operands.fits(in->isSplat()))
    return {};
  if (!type.getElementType().isInteger(1))
    return makeConstantFromBytes(type, in->getBytes());
  ConstantResult result(type, in->isSplat());
  for (int64_t i = 0; i < result.size(); ++i)
    *result.at(i) = in->getBytes()[i] != 0;
  return result.take();
}

/// Calls `set(i, scale, zero point)` for each element of a quantised tensor.
static void forEachQuantized(ArrayRef<int64_t> shape, const ConstantData &scale,
                             const ConstantData &zero,
                             llvm::function_ref<void(int64_t, float, int64_t)> set) {
  int64_t next = 0;
  forEachPosition<2>(
      shape,
      {broadcastStrides(scale.getShape(), shape), broadcastStrides(zero.getShape(), shape)},
      {0, 0}, [&](std::array<int64_t, 2> from) {
        set(next++, scale.get<float>(from[0]), zero.getInt(from[1]));
      });
}

std::pair<int64_t, int64_t> QuantizeOp::getRange(Type element) {
  int64_t count = int64_t(1) << element.getIntOrFloatBitWidth();
  int64_t low = element.isUnsignedInteger() ? 0 : -count / 2;
  return {low, low + count - 1};
}

ElementsAttr QuantizeOp::evaluate(const ConstantOperands &operands) {
  auto in = operands.read(0), scale = operands.read(1), zero = operands.read(2);
  RankedTensorType type = operands.getType();
  if (!in || !scale || !zero || !operands.fits(/*splat=*/false))
    return {};
  ConstantResult result(type, /*splat=*/false);
  auto [low, high] = getRange(type.getElementType());
  forEachQuantized(type.getShape(), *scale, *zero,
                   [&, low = low, high = high](int64_t i, float factor, int64_t at) {
                     float least = float(low) - float(at), largest = float(high) - float(at);
                     float value = in->get<float>(i) / factor;
                     value = least < value ? value : least;
                     value = value < largest ? value : largest;
                     result.setInt(i, int64_t(std::nearbyint(value)) + at);
                   });
  return result.take();
}

ElementsAttr DequantizeOp::evaluate(const ConstantOperands &operands) {
  auto in = operands.read(0), scale = operands.read(1), zero = operands.read(2);
  RankedTensorType type = operands.getType();
  if (!in || !scale || !zero || !operands.fits(/*splat=*/false))
    return {};
  ConstantResult result(type, /*splat=*/false);
  forEachQuantized(type.getShape(), *scale, *zero, [&](int64_t i, float factor, int64_t at) {
    result.setDouble(i, float(int32_t(uint32_t(in->getInt(i)) - uint32_t(at))) * factor);
  });
  return result.take();
}

//===----------------------------------------------------------------------===//
// Sharing between devices
//===----------------------------------------------------------------------===//

Factors UnaryOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors BinaryOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors SelectOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors CastOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors BitcastOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors QuantizeOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors DequantizeOp::getPartitionFactors() { return getPointwiseFactors(*this); }

//===----------------------------------------------------------------------===//
// Layout, multiply-adds for each channel and names
//===----------------------------------------------------------------------===//

/// Blocks an element-wise operation whose operands broadcast to its result, if the largest of
/// them is blocked.
static bool assignBroadcasting(Operation *op, BlockedForms &forms) {
  Value result = op->getResult(0);
  if (!forms.isData(result))
    return false;
  int64_t channels = shapeOf(result)[1];
  Value leader;
  for (Value operand : op->getOperands()) {
    if (!forms.hasBlockedOperand(operand, shapeOf(result)))
      return false;
    if (!forms.isData(operand) || shapeOf(operand)[1] != channels ||
        BlockedForms::isConstant(operand))
      continue;
    if (!leader || shaped(operand).getNumElements() > shaped(leader).getNumElements() ||
        (shaped(operand) == shaped(leader) && forms.hasBlocked(operand)))
      leader = operand;
  }
  if (!leader || !forms.hasBlocked(leader))
    return false;
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(forms.getBlockedOperand(operand, shapeOf(result)));
  forms.replace(op, operands);
  return true;
}

bool BinaryOp::assignBlocked(BlockedForms &forms) { return assignBroadcasting(*this, forms); }
bool QuantizeOp::assignBlocked(BlockedForms &forms) {
  return assignBroadcasting(*this, forms);
}
bool DequantizeOp::assignBlocked(BlockedForms &forms) {
  return assignBroadcasting(*this, forms);
}

std::optional<PerChannelStep> BinaryOp::readPerChannelStep() {
  auto type = dyn_cast<RankedTensorType>(getResult(0).getType());
  BinaryKind kind = getKind();
  if (!type || !getActivation().isIdentity() ||
      (kind != BinaryKind::add && kind != BinaryKind::sub && kind != BinaryKind::mul &&
       kind != BinaryKind::div))
    return std::nullopt;
  bool onRight = getLhs().getType() == type;
  auto numbers = onRight ? detail::readPerChannelBroadcast(getRhs(), type) : std::nullopt;
  if (!numbers && getRhs().getType() == type && kind != BinaryKind::div) {
    onRight = false;
    numbers = detail::readPerChannelBroadcast(getLhs(), type);
  }
  if (!numbers)
    return std::nullopt;
  PerChannelStep step{onRight ? &getLhsMutable() : &getRhsMutable(),
                      PerChannel::identity(type.getDimSize(1))};
  for (auto [c, number] : llvm::enumerate(*numbers)) {
    double &scale = step.function.scale[c], &offset = step.function.offset[c];
    switch (kind) {
    case BinaryKind::add:
      offset = number;
      break;
    case BinaryKind::sub:
      scale = onRight ? 1 : -1;
      offset = onRight ? -number : number;
      break;
    case BinaryKind::mul:
      scale = number;
      break;
    default:
      scale = 1 / number;
      break;
    }
  }
  return step;
}

std::string UnaryOp::getLayerKind() {
  return stringifyUnaryKind(getFunction().getKind()).str();
}
std::string BinaryOp::getLayerKind() { return stringifyBinaryKind(getKind()).str(); }
