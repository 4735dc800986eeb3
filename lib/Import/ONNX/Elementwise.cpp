//===- Elementwise.cpp - Element-wise operators ---------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
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

/// x > alpha ? x : 0.
static LogicalResult importThresholdedRelu(NodeImporter &node) {
  Value input = node.getInput(0);
  Type type = NodeImporter::getElementType(input);
  FailureOr<Value> above =
      node.binary(BinaryKind::greater, input, node.scalar(type, node.getFloat("alpha", 1.0f)));
  if (failed(above))
    return failure();
  return node.setResult(node.create<cnn::SelectOp>(*above, input, node.scalar(type, 0)));
}

/// x / (1 + |x|).
static LogicalResult importSoftsign(NodeImporter &node) {
  Value input = node.getInput(0);
  FailureOr<Value> result = node.unary(input, UnaryKind::abs);
  if (failed(result) ||
      failed(result = node.binary(BinaryKind::add, *result,
                                  node.scalar(NodeImporter::getElementType(input), 1))))
    return failure();
  return node.setResult(node.binary(BinaryKind::div, input, *result));
}

/// Exact, or if `approximate` is "tanh": 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
static LogicalResult importGelu(NodeImporter &node) {
  Value input = node.getInput(0);
  StringRef approximate = node.getString("approximate", "none");
  if (approximate == "none")
    return node.setResult(node.unary(input, UnaryKind::gelu));
  if (approximate != "tanh")
    return node.error("attribute 'approximate' is '" + approximate + "'");
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
  return node.setResult(result);
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

static LogicalResult importCast(NodeImporter &node) {
  node.ignoreAttribute("saturate"); // Both concern 8-bit floats only.
  node.ignoreAttribute("round_mode");
  if (!node.hasAttribute("to"))
    return node.error("has no attribute 'to'");
  Type type = node.getDataType("to", 0);
  if (!type)
    return failure();
  return node.setResult(castTo(node, node.getInput(0), type));
}

static LogicalResult importCastLike(NodeImporter &node) {
  node.ignoreAttribute("saturate");
  node.ignoreAttribute("round_mode");
  return node.setResult(
      castTo(node, node.getInput(0), NodeImporter::getElementType(node.getInput(1))));
}

static LogicalResult importIdentity(NodeImporter &node) {
  return node.setResult(node.getInput(0));
}

static LogicalResult importDropout(NodeImporter &node) {
  node.ignoreAttribute("ratio");
  node.ignoreAttribute("seed");
  if (failed(node.requireInferenceMode()) ||
      failed(node.requireUnusedOutputs(1, "Dropout's mask is not supported")))
    return failure();
  if (node.getInput(2)) {
    std::optional<SmallVector<int64_t>> training = node.getConstantInts(2);
    if (!training)
      return failure();
    if (training->empty() || training->front() != 0)
      return node.error("is in training mode (" + node.describeInput(2) +
                        " is true): export the model for inference");
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

/// The exponent may have a type of its own.
static LogicalResult importPow(NodeImporter &node) {
  Value base = node.getInput(0);
  FailureOr<Value> exponent = node.getRightOperand();
  if (failed(exponent) ||
      failed(exponent = castTo(node, *exponent, NodeImporter::getElementType(base))))
    return failure();
  return node.setResult(node.binary(BinaryKind::pow, base, *exponent));
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
  constexpr InputTypes Float = InputTypes::Float;
  static constexpr OpEntry ops[] = {
      {"Abs", importUnary<UnaryKind::abs>, 1, 1},
      {"Add", importBinary<BinaryKind::add>, 2, 2},
      {"And", importBinary<BinaryKind::logical_and>, 2, 2},
      {"Cast", importCast, 1, 1},
      {"CastLike", importCastLike, 2, 2, InputTypes::Any, 15},
      {"Ceil", importUnary<UnaryKind::ceil>, 1, 1, Float},
      {"Celu", importCelu, 1, 1, Float, 12},
      {"Clip", importClip, 1, 3},
      {"Cos", importUnary<UnaryKind::cos>, 1, 1, Float},
      {"Div", importBinary<BinaryKind::div>, 2, 2},
      {"Dropout", importDropout, 1, 3},
      {"Elu", importElu, 1, 1, Float},
      {"Equal", importBinary<BinaryKind::equal>, 2, 2},
      {"Erf", importUnary<UnaryKind::erf>, 1, 1, Float, 9},
      {"Exp", importUnary<UnaryKind::exp>, 1, 1, Float},
      {"Floor", importUnary<UnaryKind::floor>, 1, 1, Float},
      {"Gelu", importGelu, 1, 1, Float, 20},
      {"Greater", importBinary<BinaryKind::greater>, 2, 2},
      {"GreaterOrEqual", importBinary<BinaryKind::greater_equal>, 2, 2, InputTypes::Any, 12},
      {"HardSigmoid", importHardSigmoid, 1, 1, Float},
      {"HardSwish", importUnary<UnaryKind::hard_swish>, 1, 1, Float, 14},
      {"Identity", importIdentity, 1, 1},
      {"LeakyRelu", importLeakyRelu, 1, 1, Float},
      {"Less", importBinary<BinaryKind::less>, 2, 2},
      {"LessOrEqual", importBinary<BinaryKind::less_equal>, 2, 2, InputTypes::Any, 12},
      {"Log", importUnary<UnaryKind::log>, 1, 1, Float},
      {"Max", importVariadic<BinaryKind::max>, 1, kVariadic},
      {"Mean", importMean, 1, kVariadic, Float},
      {"Min", importVariadic<BinaryKind::min>, 1, kVariadic},
      {"Mish", importUnary<UnaryKind::mish>, 1, 1, Float, 18},
      {"Mul", importBinary<BinaryKind::mul>, 2, 2},
      {"Neg", importUnary<UnaryKind::neg>, 1, 1},
      {"Not", importUnary<UnaryKind::logical_not>, 1, 1},
      {"Or", importBinary<BinaryKind::logical_or>, 2, 2},
      {"PRelu", importPRelu, 2, 2, Float},
      {"Pow", importPow, 2, 2},
      {"Reciprocal", importUnary<UnaryKind::reciprocal>, 1, 1, Float},
      {"Relu", importUnary<UnaryKind::relu>, 1, 1},
      {"Round", importUnary<UnaryKind::round>, 1, 1, Float, 11},
      {"Selu", importSelu, 1, 1, Float},
      {"Sigmoid", importUnary<UnaryKind::sigmoid>, 1, 1, Float},
      {"Sign", importUnary<UnaryKind::sign>, 1, 1, InputTypes::Any, 9},
      {"Sin", importUnary<UnaryKind::sin>, 1, 1, Float},
      {"Softplus", importUnary<UnaryKind::softplus>, 1, 1, Float},
      {"Softsign", importSoftsign, 1, 1, Float},
      {"Sqrt", importUnary<UnaryKind::sqrt>, 1, 1, Float},
      {"Sub", importBinary<BinaryKind::sub>, 2, 2},
      {"Sum", importVariadic<BinaryKind::add>, 1, kVariadic, Float},
      {"Tanh", importUnary<UnaryKind::tanh>, 1, 1, Float},
      {"ThresholdedRelu", importThresholdedRelu, 1, 1, Float, 10},
      {"Where", importWhere, 3, 3, InputTypes::Any, 9},
      {"Xor", importBinary<BinaryKind::logical_xor>, 2, 2},
  };
  return ops;
}
