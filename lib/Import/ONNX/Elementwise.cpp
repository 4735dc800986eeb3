//===- Elementwise.cpp - Element-wise operators ---------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "Operators.h"
#include "SizeRules.h"
#include "TensorReader.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;
using cnn::UnaryKind;

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

template <UnaryKind kind> static LogicalResult importUnary(NodeImporter &node) {
  return node.setResult(node.unary(node.getInput(0), kind));
}

static LogicalResult importLeakyRelu(NodeImporter &node) {
  return node.setResult(
      node.unary(node.getInput(0), UnaryKind::leaky_relu, node.getFloat("alpha", 0.01f)));
}

static LogicalResult importThresholdedRelu(NodeImporter &node) {
  return node.setResult(
      node.unary(node.getInput(0), UnaryKind::thresholded_relu, node.getFloat("alpha", 1.0f)));
}

static LogicalResult importElu(NodeImporter &node) {
  return node.setResult(
      node.unary(node.getInput(0), UnaryKind::elu, node.getFloat("alpha", 1.0f)));
}

static LogicalResult importHardSigmoid(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 0.2f), beta = node.getFloat("beta", 0.5f);
  return node.setResult(node.unary(node.getInput(0), UnaryKind::hard_sigmoid, alpha, beta));
}

/// gamma * elu(x).
static LogicalResult importSelu(NodeImporter &node) {
  Value input = node.getInput(0);
  bool isOld = node.getOpset() < 6; // Its defaults had fewer digits.
  float alpha = node.getFloat("alpha", isOld ? 1.6732f : 1.67326319217681884765625f);
  float gamma = node.getFloat("gamma", isOld ? 1.0507f : 1.05070102214813232421875f);
  FailureOr<Value> elu = node.unary(input, UnaryKind::elu, alpha);
  if (failed(elu))
    return failure();
  return node.setResult(node.binary(BinaryKind::mul, *elu,
                                    node.scalar(NodeImporter::getElementType(input), gamma)));
}

/// alpha * elu(x / alpha).
static LogicalResult importCelu(NodeImporter &node) {
  FailureOr<Value> result = node.getInput(0);
  float alpha = node.getFloat("alpha", 1.0f);
  if (alpha == 1.0f)
    return node.setResult(node.unary(*result, UnaryKind::elu, 1.0f));
  Value factor = node.scalar(NodeImporter::getElementType(*result), alpha);
  if (failed(result = node.binary(BinaryKind::div, *result, factor)) ||
      failed(result = node.unary(*result, UnaryKind::elu, 1.0f)))
    return failure();
  return node.setResult(node.binary(BinaryKind::mul, *result, factor));
}

FailureOr<Value> convoy::onnximport::createTanhGelu(NodeImporter &node, Value input) {
  auto number = [&](double value) {
    return node.scalar(NodeImporter::getElementType(input), value);
  };
  FailureOr<Value> result = node.binary(BinaryKind::mul, input, input);
  auto then = [&](BinaryKind kind, Value operand) {
    if (succeeded(result))
      result = node.binary(kind, *result, operand);
  };
  then(BinaryKind::mul, number(0.044715));
  then(BinaryKind::add, number(1));
  then(BinaryKind::mul, input);
  then(BinaryKind::mul, number(0.7978845608028654));
  if (succeeded(result))
    result = node.unary(*result, UnaryKind::tanh);
  then(BinaryKind::add, number(1));
  then(BinaryKind::mul, input);
  then(BinaryKind::mul, number(0.5));
  return result;
}

/// Exact, or if `approximate` is "tanh", with a tanh.
static LogicalResult importGelu(NodeImporter &node) {
  Value input = node.getInput(0);
  StringRef approximate = node.getString("approximate", "none");
  if (approximate == "none")
    return node.setResult(node.unary(input, UnaryKind::gelu));
  if (approximate != "tanh")
    return node.error("attribute 'approximate' is '" + approximate + "'");
  return node.setResult(createTanhGelu(node, input));
}

static LogicalResult importClip(NodeImporter &node) {
  Value input = node.getInput(0);
  Type type = NodeImporter::getElementType(input);
  float infinity = std::numeric_limits<float>::infinity(), low = -infinity, high = infinity;
  if (node.getOpset() < 11) {
    low = node.getFloat("min", low);
    high = node.getFloat("max", high);
    return node.setResult(node.unary(input, UnaryKind::clip, low, high));
  }
  auto isFixed = [&](unsigned index) {
    return !node.getInput(index) || node.getConstant(index);
  };
  auto readBound = [&](unsigned index, float &bound) {
    if (!node.getInput(index))
      return;
    std::optional<SmallVector<float>> values = node.getConstantFloats(index);
    if (values && values->size() == 1)
      bound = values->front();
    else
      (void)node.error(node.describeInput(index) + " is not a scalar");
  };
  // The function's bounds are f32, which holds all numbers of f16 and bf16.
  if (isa<FloatType>(type) && !type.isF64() && isFixed(1) && isFixed(2)) {
    readBound(1, low);
    readBound(2, high);
    if (node.hasError())
      return failure();
    return node.setResult(node.unary(input, UnaryKind::clip, low, high));
  }
  FailureOr<Value> result = input;
  if (Value bound = node.getInput(1))
    result = node.binary(BinaryKind::max, *result, bound);
  if (Value bound = node.getInput(2); bound && succeeded(result))
    result = node.binary(BinaryKind::min, *result, bound);
  return node.setResult(result);
}

static FailureOr<Value> castTo(NodeImporter &node, Value value, Type type) {
  if (NodeImporter::getElementType(value) == type)
    return value;
  return node.create<cnn::CastOp>(value, type);
}

/// Cast and CastLike with their attributes, which concern floats of at most 8 bits only.
static LogicalResult importCastTo(NodeImporter &node, Type type) {
  Value input = node.getInput(0);
  bool saturate = node.getInt("saturate", 1) != 0;
  StringRef mode = node.getString("round_mode", "up");
  std::optional<cnn::CastRounding> rounding = cnn::symbolizeCastRounding(mode);
  if (!rounding)
    return node.error("attribute 'round_mode' is '" + mode + "'");
  if (NodeImporter::getElementType(input) == type)
    return node.setResult(input);
  // Some exporters compute counters and sizes as floats.
  bool isInteger = type.isInteger(64) || type.isInteger(32);
  if (isInteger && isa<FloatType>(NodeImporter::getElementType(input)) &&
      !cnn::ConstantData::get(input))
    if (Value number = node.computeAsInteger(input))
      return node.setResult(castTo(node, number, type));
  return node.setResult(node.create<cnn::CastOp>(input, type, saturate, *rounding));
}

static LogicalResult importCast(NodeImporter &node) {
  if (!node.hasAttribute("to"))
    return node.error("has no attribute 'to'");
  Type type = node.getDataType("to", 0);
  return type ? importCastTo(node, type) : failure();
}

static LogicalResult importCastLike(NodeImporter &node) {
  return importCastTo(node, NodeImporter::getElementType(node.getInput(1)));
}

static LogicalResult importBitCast(NodeImporter &node) {
  if (!node.hasAttribute("to"))
    return node.error("has no attribute 'to'");
  Type type = node.getDataType("to", 0);
  if (!type)
    return failure();
  return node.setResult(node.create<cnn::BitcastOp>(node.getInput(0), type));
}

/// Up to opset 12, Erf takes integers, too.
static LogicalResult importErf(NodeImporter &node) {
  FailureOr<Value> result = node.getInput(0);
  Type type = NodeImporter::getElementType(*result);
  Type real = isa<FloatType>(type) ? type : Float32Type::get(node.getContext());
  if (failed(result = castTo(node, *result, real)) ||
      failed(result = node.unary(*result, UnaryKind::erf)))
    return failure();
  return node.setResult(castTo(node, *result, type));
}

/// Input 0, a float; one of at most 8 bits as f32.
static FailureOr<Value> getFloatInput(NodeImporter &node) {
  Value input = node.getInput(0);
  return NodeImporter::getElementType(input).getIntOrFloatBitWidth() > 8
             ? input
             : castTo(node, input, Float32Type::get(node.getContext()));
}

/// Only a NaN differs from itself.
static LogicalResult importIsNaN(NodeImporter &node) {
  FailureOr<Value> result = getFloatInput(node);
  if (failed(result) || failed(result = node.binary(BinaryKind::equal, *result, *result)))
    return failure();
  return node.setResult(node.unary(*result, UnaryKind::logical_not));
}

static LogicalResult importIsInf(NodeImporter &node) {
  bool negative = node.getInt("detect_negative", 1) != 0;
  bool positive = node.getInt("detect_positive", 1) != 0;
  FailureOr<Value> input = getFloatInput(node);
  if (failed(input))
    return failure();
  Type type = NodeImporter::getElementType(*input);
  double infinity = std::numeric_limits<double>::infinity();
  if (negative && positive) {
    if (failed(input = node.unary(*input, UnaryKind::abs)))
      return failure();
  } else if (!positive) {
    infinity = -infinity;
  }
  // No number is a NaN, and a NaN is none.
  if (!negative && !positive)
    infinity = std::numeric_limits<double>::quiet_NaN();
  return node.setResult(node.binary(BinaryKind::equal, *input, node.scalar(type, infinity)));
}

/// x + bias below -lambd, x - bias above lambd, otherwise 0. Integers are computed in f64.
static LogicalResult importShrink(NodeImporter &node) {
  FailureOr<Value> x = node.getInput(0);
  Type type = NodeImporter::getElementType(*x);
  Type real = isa<FloatType>(type) ? type : Float64Type::get(node.getContext());
  auto number = [&](double value) { return node.scalar(real, value); };
  float bias = node.getFloat("bias", 0.0f), lambd = node.getFloat("lambd", 0.5f);
  FailureOr<Value> isLow, isHigh, raised, lowered, result;
  if (failed(x = castTo(node, *x, real)) ||
      failed(isLow = node.binary(BinaryKind::less, *x, number(-lambd))) ||
      failed(isHigh = node.binary(BinaryKind::greater, *x, number(lambd))) ||
      failed(raised = node.binary(BinaryKind::add, *x, number(bias))) ||
      failed(lowered = node.binary(BinaryKind::sub, *x, number(bias))) ||
      failed(result = node.create<cnn::SelectOp>(*isHigh, *lowered, number(0))) ||
      failed(result = node.create<cnn::SelectOp>(*isLow, *raised, *result)))
    return failure();
  return node.setResult(castTo(node, *result, type));
}

/// x * sigmoid(alpha * x).
static FailureOr<Value> swish(NodeImporter &node) {
  Value x = node.getInput(0);
  float alpha = node.getFloat("alpha", 1.0f);
  if (alpha == 1.0f)
    return node.unary(x, UnaryKind::silu);
  Value factor = node.scalar(NodeImporter::getElementType(x), alpha);
  FailureOr<Value> gate = node.binary(BinaryKind::mul, x, factor);
  if (failed(gate) || failed(gate = node.unary(*gate, UnaryKind::sigmoid)))
    return failure();
  return node.binary(BinaryKind::mul, x, *gate);
}

static LogicalResult importSwish(NodeImporter &node) { return node.setResult(swish(node)); }

static LogicalResult importSwiGLU(NodeImporter &node) {
  if (node.getShape(0) != node.getShape(1))
    return node.error("inputs have shapes " + formatShape(node.getShape(0)) + " and " +
                      formatShape(node.getShape(1)) + ", which differ");
  FailureOr<Value> gate = swish(node);
  if (failed(gate))
    return failure();
  return node.setResult(node.binary(BinaryKind::mul, *gate, node.getInput(1)));
}

static LogicalResult importIdentity(NodeImporter &node) {
  return node.setResult(node.getInput(0));
}

/// At inference, or with the ratio 0, nothing is dropped, and the mask is true everywhere.
static LogicalResult importDropout(NodeImporter &node) {
  node.ignoreAttribute("ratio");
  node.ignoreAttribute("seed");
  if (failed(node.requireInferenceMode()))
    return failure();
  if (node.getOpset() < 7 &&
      failed(node.requireUnusedOutputs(1, "at inference, opsets before 7 have no mask")))
    return failure();
  if (node.getInput(2)) {
    std::optional<SmallVector<int64_t>> training = node.getConstantInts(2);
    if (!training)
      return failure();
    auto dropsNone = [&] {
      std::optional<cnn::ConstantData> ratio = node.getConstant(1);
      return ratio && ratio->getNumElements() == 1 && ratio->getDouble(0) == 0;
    };
    if ((training->empty() || training->front() != 0) && !dropsNone())
      return node.error("is in training mode (" + node.describeInput(2) +
                        " is true): export the model for inference");
  }
  if (node.hasOutput(1)) {
    RankedTensorType type = NodeImporter::getType(node.getInput(0));
    if (node.getOpset() >= 10)
      type = type.clone(node.getBuilder().getI1Type());
    TypedAttr one = node.getBuilder().getOneAttr(type.getElementType());
    if (failed(node.setResult(node.constant(DenseElementsAttr::get(type, one)), 1)))
      return failure();
  }
  return node.setResult(node.getInput(0));
}

//===----------------------------------------------------------------------===//
// Two and more operands
//===----------------------------------------------------------------------===//

template <BinaryKind kind> static LogicalResult importBinary(NodeImporter &node) {
  FailureOr<Value> rhs = node.getRightOperand();
  if (failed(rhs))
    return failure();
  return node.setResult(node.binary(kind, node.getInput(0), *rhs));
}

/// Whether `value` is a constant whose elements are all integers.
static bool isIntegral(Value value) {
  std::optional<cnn::ConstantData> data = cnn::ConstantData::get(value);
  if (!data)
    return false;
  for (int64_t i = 0, e = data->isSplat() ? 1 : data->getNumElements(); i < e; ++i)
    if (double number = data->getDouble(i); number != std::floor(number))
      return false;
  return true;
}

/// The exponent may have a type of its own. The power of an integer is computed in integers,
/// unless the exponent is a fraction.
static LogicalResult importPow(NodeImporter &node) {
  FailureOr<Value> base = node.getInput(0), exponent = node.getRightOperand();
  if (failed(exponent))
    return failure();
  Type type = NodeImporter::getElementType(*base),
       own = NodeImporter::getElementType(*exponent);
  FailureOr<Value> converted = castTo(node, *exponent, type);
  if (failed(converted))
    return failure();
  FailureOr<Value> power = node.binary(BinaryKind::pow, *base, *converted);
  if (isa<FloatType>(type) || !isa<FloatType>(own) || isIntegral(*exponent) || failed(power))
    return node.setResult(power);
  FailureOr<Value> real, whole, isWhole;
  if (failed(real = castTo(node, *base, own)) ||
      failed(real = node.binary(BinaryKind::pow, *real, *exponent)) ||
      failed(real = castTo(node, *real, type)) ||
      failed(whole = node.unary(*exponent, UnaryKind::floor)) ||
      failed(isWhole = node.binary(BinaryKind::equal, *exponent, *whole)))
    return failure();
  return node.setResult(node.create<cnn::SelectOp>(*isWhole, *power, *real));
}

static LogicalResult importMod(NodeImporter &node) {
  int64_t fmod = node.getInt("fmod", 0);
  if (fmod != 0 && fmod != 1)
    return node.error("attribute 'fmod' is " + Twine(fmod));
  BinaryKind kind = fmod ? BinaryKind::fmod : BinaryKind::mod;
  return node.setResult(node.binary(kind, node.getInput(0), node.getInput(1)));
}

static LogicalResult importBitShift(NodeImporter &node) {
  StringRef direction = node.getString("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    return node.error("attribute 'direction' is '" + direction + "'");
  BinaryKind kind = direction == "LEFT" ? BinaryKind::shift_left : BinaryKind::shift_right;
  return node.setResult(node.binary(kind, node.getInput(0), node.getInput(1)));
}

/// The slope must broadcast to the input's shape. Up to opset 6 a list is of channels.
static LogicalResult importPRelu(NodeImporter &node) {
  FailureOr<Value> slope = node.getInput(1);
  int64_t rank = NodeImporter::getRank(node.getInput(0));
  if (node.getOpset() < 7 && rank > 2 && NodeImporter::getRank(*slope) == 1) {
    SmallVector<int64_t> shape(rank - 1, 1);
    shape.front() = node.getShape(1)[0];
    if (failed(slope = node.reshape(*slope, shape)))
      return failure();
  }
  FailureOr<Value> result = node.binary(BinaryKind::prelu, node.getInput(0), *slope);
  if (succeeded(result) && NodeImporter::getShape(*result) != node.getShape(0))
    return node.error(node.describeInput(1) + " has a shape that does not broadcast to the "
                                              "input's");
  return node.setResult(result);
}

template <BinaryKind kind> static FailureOr<Value> chain(NodeImporter &node) {
  FailureOr<Value> result = node.getInput(0);
  for (Value input : node.getInputs().drop_front())
    if (failed(result) || failed(result = node.binary(kind, *result, input)))
      return failure();
  return result;
}

template <BinaryKind kind> static LogicalResult importVariadic(NodeImporter &node) {
  return node.setResult(chain<kind>(node));
}

static LogicalResult importMean(NodeImporter &node) {
  FailureOr<Value> sum = chain<BinaryKind::add>(node);
  if (failed(sum) || node.getNumInputs() == 1)
    return node.setResult(sum);
  Value count = node.scalar(NodeImporter::getElementType(*sum), node.getNumInputs());
  return node.setResult(node.binary(BinaryKind::div, *sum, count));
}

static LogicalResult importWhere(NodeImporter &node) {
  return node.setResult(
      node.create<cnn::SelectOp>(node.getInput(0), node.getInput(1), node.getInput(2)));
}

ArrayRef<OpEntry> convoy::onnximport::getElementwiseOps() {
  static constexpr OpEntry ops[] = {
      {"Abs", importUnary<UnaryKind::abs>, 1, 1, kNumber},
      {"Acos", importUnary<UnaryKind::acos>, 1, 1, kFloat, 7},
      {"Acosh", importUnary<UnaryKind::acosh>, 1, 1, kFloat, 9},
      {"Add", importBinary<BinaryKind::add>, 2, 2, kNumber},
      {"And", importBinary<BinaryKind::logical_and>, 2, 2, kBool},
      {"Asin", importUnary<UnaryKind::asin>, 1, 1, kFloat, 7},
      {"Asinh", importUnary<UnaryKind::asinh>, 1, 1, kFloat, 9},
      {"Atan", importUnary<UnaryKind::atan>, 1, 1, kFloat, 7},
      {"Atanh", importUnary<UnaryKind::atanh>, 1, 1, kFloat, 9},
      {"BitCast", importBitCast, 1, 1, kAny, 26},
      {"BitShift", importBitShift, 2, 2, kInteger, 11},
      {"BitwiseAnd", importBinary<BinaryKind::bitwise_and>, 2, 2, kInteger, 18},
      {"BitwiseNot", importUnary<UnaryKind::bitwise_not>, 1, 1, kInteger, 18},
      {"BitwiseOr", importBinary<BinaryKind::bitwise_or>, 2, 2, kInteger, 18},
      {"BitwiseXor", importBinary<BinaryKind::bitwise_xor>, 2, 2, kInteger, 18},
      {"Cast", importCast, 1, 1, kAny, 1, kNoEnd, "no strings"},
      {"CastLike", importCastLike, 2, 2, kAny, 15, kNoEnd, "no strings"},
      {"Ceil", importUnary<UnaryKind::ceil>, 1, 1, kFloat},
      {"Celu", importCelu, 1, 1, kFloat, 12},
      {"Clip", importClip, 1, 3, kNumber},
      {"Cos", importUnary<UnaryKind::cos>, 1, 1, kFloat, 7},
      {"Cosh", importUnary<UnaryKind::cosh>, 1, 1, kFloat, 9},
      {"Div", importBinary<BinaryKind::div>, 2, 2, kNumber},
      {"Dropout", importDropout, 1, 3, InputTypes(kAny, kAny, kBool), 1, kNoEnd,
       "no training mode"},
      {"Elu", importElu, 1, 1, kFloat},
      {"Equal", importBinary<BinaryKind::equal>, 2, 2, kNumber | kBool},
      {"Erf", importErf, 1, 1, kNumber, 9},
      {"Exp", importUnary<UnaryKind::exp>, 1, 1, kFloat},
      {"Floor", importUnary<UnaryKind::floor>, 1, 1, kFloat},
      {"Gelu", importGelu, 1, 1, kFloat, 20},
      {"Greater", importBinary<BinaryKind::greater>, 2, 2, kNumber},
      {"GreaterOrEqual", importBinary<BinaryKind::greater_equal>, 2, 2, kNumber, 12},
      {"HardSigmoid", importHardSigmoid, 1, 1, kFloat},
      {"HardSwish", importUnary<UnaryKind::hard_swish>, 1, 1, kFloat, 14},
      {"Identity", importIdentity, 1, 1},
      {"IsInf", importIsInf, 1, 1, kFloat | kSmallFloat, 10},
      {"IsNaN", importIsNaN, 1, 1, kFloat | kSmallFloat, 9},
      {"LeakyRelu", importLeakyRelu, 1, 1, kFloat},
      {"Less", importBinary<BinaryKind::less>, 2, 2, kNumber},
      {"LessOrEqual", importBinary<BinaryKind::less_equal>, 2, 2, kNumber, 12},
      {"Log", importUnary<UnaryKind::log>, 1, 1, kFloat},
      {"Max", importVariadic<BinaryKind::max>, 1, kVariadic, kNumber},
      {"Mean", importMean, 1, kVariadic, kFloat},
      {"Min", importVariadic<BinaryKind::min>, 1, kVariadic, kNumber},
      {"Mish", importUnary<UnaryKind::mish>, 1, 1, kFloat, 18},
      {"Mod", importMod, 2, 2, kNumber, 10},
      {"Mul", importBinary<BinaryKind::mul>, 2, 2, kNumber},
      {"Neg", importUnary<UnaryKind::neg>, 1, 1, kFloat | kSigned},
      {"Not", importUnary<UnaryKind::logical_not>, 1, 1, kBool},
      {"Or", importBinary<BinaryKind::logical_or>, 2, 2, kBool},
      {"PRelu", importPRelu, 2, 2, kFloat, 1, kNoEnd, "no integers"},
      {"Pow", importPow, 2, 2, kNumber},
      {"Reciprocal", importUnary<UnaryKind::reciprocal>, 1, 1, kFloat},
      {"Relu", importUnary<UnaryKind::relu>, 1, 1, kNumber},
      {"Round", importUnary<UnaryKind::round>, 1, 1, kFloat, 11},
      {"Selu", importSelu, 1, 1, kFloat},
      {"Shrink", importShrink, 1, 1, kNumber, 9},
      {"Sigmoid", importUnary<UnaryKind::sigmoid>, 1, 1, kFloat},
      {"Sign", importUnary<UnaryKind::sign>, 1, 1, kNumber, 9},
      {"Sin", importUnary<UnaryKind::sin>, 1, 1, kFloat, 7},
      {"Sinh", importUnary<UnaryKind::sinh>, 1, 1, kFloat, 9},
      {"Softplus", importUnary<UnaryKind::softplus>, 1, 1, kFloat},
      {"Softsign", importUnary<UnaryKind::softsign>, 1, 1, kFloat},
      {"Sqrt", importUnary<UnaryKind::sqrt>, 1, 1, kFloat},
      {"Sub", importBinary<BinaryKind::sub>, 2, 2, kNumber},
      {"Sum", importVariadic<BinaryKind::add>, 1, kVariadic, kFloat},
      {"SwiGLU", importSwiGLU, 2, 2, kFloat, 28},
      {"Swish", importSwish, 1, 1, kFloat, 24},
      {"Tan", importUnary<UnaryKind::tan>, 1, 1, kFloat, 7},
      {"Tanh", importUnary<UnaryKind::tanh>, 1, 1, kFloat},
      {"ThresholdedRelu", importThresholdedRelu, 1, 1, kFloat, 10},
      {"Where", importWhere, 3, 3, InputTypes(kBool, kAny), 9},
      {"Xor", importBinary<BinaryKind::logical_xor>, 2, 2, kBool},
  };
  static constexpr auto entries = withRule(ops, ruleOfElements);
  return entries;
}
