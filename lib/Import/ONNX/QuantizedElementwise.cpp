//===- QuantizedElementwise.cpp - Element-wise quantised operators --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Operators of com.microsoft, for which ONNX Runtime is the specification: they round in the
// order in which its kernels do.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Quantized.h"
#include "SizeRules.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Traits.h"
#include <cmath>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

/// x * y + z, rounded once.
static Scalar fuseMultiplyAdd(ComputeBody &body, Scalar x, Scalar y, Scalar z) {
  return {body.b(), math::FmaOp::create(body.b(), x.get(), y.get(), z.get())};
}

/// `(x - zero) * scale`; the inputs are those of an operand, from number `first` on.
static Scalar dequantize(ComputeBody &body, unsigned first, ArrayRef<Scalar> at) {
  Scalar scale = loadFloat(body, first + 1, {});
  return scale * loadCentred(body, first, first + 2, at).to(scale.getType());
}

/// `value / scale`, quantised with the scale and zero point from input `first` on.
static Scalar requantize(ComputeBody &body, unsigned first, Scalar value, Type type) {
  return quantize(value / loadFloat(body, first, {}), loadInteger(body, first + 1, {}),
                  QuantizedRange::get(type), type);
}

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

namespace {

/// Two operands and the parameters of a result, with the shape to which they broadcast.
struct QuantizedBinary {
  SmallVector<Value> inputs; ///< a, scale, zero, b, scale, zero, scale, zero
  SmallVector<int64_t> shape;
  Type type;
};

} // namespace

static FailureOr<QuantizedBinary> readBinary(NodeImporter &node) {
  FailureOr<QuantizedOperand> a = readQuantized(node, 0), b = readQuantized(node, 3);
  FailureOr<QuantizedOperand> c = readQuantized(node, -1, 6, 7);
  if (failed(a) || failed(b) || failed(c))
    return failure();
  QuantizedBinary result;
  if (!OpTrait::util::getBroadcastedShape(node.getShape(0), node.getShape(3), result.shape))
    return node.error("the shapes of input 0 and 3 do not broadcast");
  result.inputs = {a->value, a->scale,     a->zeroPoint, b->value,
                   b->scale, b->zeroPoint, c->scale,     c->zeroPoint};
  result.type = NodeImporter::getElementType(c->zeroPoint);
  return result;
}

static LogicalResult importQLinearAdd(NodeImporter &node) {
  FailureOr<QuantizedBinary> add = readBinary(node);
  if (failed(add))
    return failure();
  return node.setResult(node.computeElements(
      "quantized_add", add->inputs, add->shape, add->type,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar scale = loadFloat(body, 6, {});
        Scalar left = loadFloat(body, 1, {}) / scale, right = loadFloat(body, 4, {}) / scale;
        Scalar fixed = loadFloat(body, 7, {}) -
                       (left * loadFloat(body, 2, {}) + right * loadFloat(body, 5, {}));
        Scalar sum = fuseMultiplyAdd(body, loadFloat(body, 3, at), right, fixed);
        sum = fuseMultiplyAdd(body, loadFloat(body, 0, at), left, sum);
        return quantize(sum, body.number(body.b().getI32Type(), 0),
                        QuantizedRange::get(add->type), add->type);
      }));
}

static LogicalResult importQLinearMul(NodeImporter &node) {
  FailureOr<QuantizedBinary> mul = readBinary(node);
  if (failed(mul))
    return failure();
  return node.setResult(node.computeElements(
      "quantized_mul", mul->inputs, mul->shape, mul->type,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar product = loadCentred(body, 0, 2, at) * loadCentred(body, 3, 5, at);
        Scalar factor =
            loadFloat(body, 1, {}) * loadFloat(body, 4, {}) / loadFloat(body, 6, {});
        Scalar sum = product.to(factor.getType()) * factor + loadFloat(body, 7, {});
        return quantize(sum, body.number(body.b().getI32Type(), 0),
                        QuantizedRange::get(mul->type), mul->type);
      }));
}

static LogicalResult importQLinearWhere(NodeImporter &node) {
  FailureOr<QuantizedOperand> x = readQuantized(node, 1), y = readQuantized(node, 4);
  FailureOr<QuantizedOperand> z = readQuantized(node, -1, 7, 8);
  if (failed(x) || failed(y) || failed(z))
    return failure();
  SmallVector<int64_t> operands, shape;
  if (!OpTrait::util::getBroadcastedShape(node.getShape(1), node.getShape(4), operands) ||
      !OpTrait::util::getBroadcastedShape(node.getShape(0), operands, shape))
    return node.error("the shapes of input 0, 1 and 4 do not broadcast");
  Type type = NodeImporter::getElementType(z->zeroPoint);
  SmallVector<Value> inputs = {x->value,     x->scale, x->zeroPoint, y->value,        y->scale,
                               y->zeroPoint, z->scale, z->zeroPoint, node.getInput(0)};
  return node.setResult(node.computeElements(
      "quantized_where", inputs, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar condition = loadBroadcast(body.input(8), at);
        Scalar value = condition.select(dequantize(body, 0, at), dequantize(body, 3, at));
        return requantize(body, 6, value, type);
      }));
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

/// A function of the numbers that `x` stands for, quantised with the parameters of `y`.
static FailureOr<Value> createUnary(NodeImporter &node, StringRef kind,
                                    const QuantizedOperand &x, const QuantizedOperand &y,
                                    llvm::function_ref<Scalar(Scalar)> function) {
  Type type = NodeImporter::getElementType(y.zeroPoint);
  return node.computeElements(
      kind, {x.value, x.scale, x.zeroPoint, y.scale, y.zeroPoint},
      NodeImporter::getShape(x.value), type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        return requantize(body, 3, function(dequantize(body, 0, at)), type);
      });
}

static LogicalResult importUnary(NodeImporter &node, StringRef kind,
                                 llvm::function_ref<Scalar(Scalar)> function) {
  FailureOr<QuantizedOperand> x = readQuantized(node, 0), y = readQuantized(node, -1, 3, 4);
  if (failed(x) || failed(y))
    return failure();
  return node.setResult(createUnary(node, kind, *x, *y, function));
}

static LogicalResult importQLinearSigmoid(NodeImporter &node) {
  return importUnary(node, "quantized_sigmoid",
                     [](Scalar x) { return x.apply(cnn::UnaryKind::sigmoid); });
}

static LogicalResult importQLinearLeakyRelu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 0.01f);
  return importUnary(node, "quantized_leaky_relu",
                     [&](Scalar x) { return (x >= 0.0).select(x, x * alpha); });
}

/// Whether two parameters are constants of the same value.
static bool areEqual(Value lhs, Value rhs) {
  std::optional<cnn::ConstantData> left = cnn::ConstantData::get(lhs);
  std::optional<cnn::ConstantData> right = cnn::ConstantData::get(rhs);
  return left && right && left->getSplatDouble() &&
         left->getSplatDouble() == right->getSplatDouble();
}

/// The inputs are scale and zero point of the result, then three for each part.
static LogicalResult importQLinearConcat(NodeImporter &node) {
  if ((node.getNumInputs() - 2) % 3 != 0)
    return node.error("has " + Twine(node.getNumInputs()) +
                      " inputs, expected two and three for each part");
  FailureOr<QuantizedOperand> y = readQuantized(node, -1, 0, 1);
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.getInt("axis", 0), NodeImporter::getRank(node.getInput(2)));
  if (failed(y) || failed(axis))
    return failure();
  SmallVector<Value> parts;
  for (unsigned first = 2; first < node.getNumInputs(); first += 3) {
    FailureOr<QuantizedOperand> x = readQuantized(node, first);
    if (failed(x))
      return failure();
    FailureOr<Value> part = x->value;
    if (!areEqual(x->scale, y->scale) || !areEqual(x->zeroPoint, y->zeroPoint))
      part = createUnary(node, "requantize", *x, *y, [](Scalar value) { return value; });
    if (failed(part))
      return failure();
    parts.push_back(*part);
  }
  return node.setResult(node.create<cnn::ConcatOp>(parts, *axis));
}

/// The exponentials of the 256 differences to a row's largest element, which is 255, times a
/// factor that keeps the sum of `length` of them finite.
static Value makeExponentials(NodeImporter &node, float scale, int64_t length) {
  float largest = std::numeric_limits<float>::max() / float(length);
  double shift = std::max(0.0, double(std::log(largest)) - 5) / double(scale);
  std::vector<float> table;
  for (int i = 0; i < 256; ++i)
    table.push_back(float(std::exp((i - 255.0 + shift) * double(scale))));
  return node.constant(cnn::makeFloats(node.getContext(), 256, std::move(table)));
}

static LogicalResult importQLinearSoftmax(NodeImporter &node) {
  // The softmax of opsets before 13 is over all dimensions from the axis on.
  bool isFlat = node.getInt("opset", 13) < 13;
  ArrayRef<int64_t> shape = node.getShape(0);
  FailureOr<int64_t> axis = node.normalizeAxis(node.getInt("axis", isFlat ? 1 : -1),
                                               NodeImporter::getRank(node.getInput(0)));
  FailureOr<QuantizedOperand> y = readQuantized(node, -1, 3, 4);
  std::optional<SmallVector<float>> scale = node.getConstantFloats(1);
  if (failed(axis) || failed(y) || !scale)
    return failure();
  if (scale->size() != 1)
    return node.error(node.describeInput(1) + " is not a scalar");
  int64_t rows = llvm::product_of(shape.take_front(*axis));
  int64_t length = isFlat ? llvm::product_of(shape.drop_front(*axis)) : shape[*axis];
  int64_t inner = isFlat ? 1 : llvm::product_of(shape.drop_front(*axis + 1));
  FailureOr<Value> x = node.reshape(node.getInput(0), {rows, length, inner});
  if (failed(x))
    return failure();
  Type type = NodeImporter::getElementType(y->zeroPoint);
  Value table = makeExponentials(node, scale->front(), length);
  FailureOr<Value> result = node.compute(
      "quantized_softmax", {rows, inner}, {*x, table, y->scale, y->zeroPoint},
      {rows, length, inner}, type, [&](ComputeBody &body) {
        Scalar row = body.at(0), column = body.at(1);
        auto load = [&](Scalar k) { return loadInteger(body, 0, {row, k, column}); };
        Scalar least = body.number(body.b().getI32Type(), -256);
        Scalar largest = body.loop(length, least, [&](Scalar k, ArrayRef<Scalar> carried) {
          return Scalars{carried[0].max(load(k))};
        })[0];
        auto exponential = [&](Scalar k) {
          return body.input(1).load((load(k) - largest + 255).toIndex());
        };
        Scalar sum = sumOver(body, length, body.number(body.b().getF32Type(), 0),
                             [&](ArrayRef<Scalar> k) { return exponential(k[0]); });
        Scalar steps = (1.0 / loadFloat(body, 2, {})).apply(cnn::UnaryKind::floor);
        body.loop(length, [&](Scalar k) {
          Scalar quotient = exponential(k) * steps / sum;
          body.output().store(
              quantize(quotient, loadInteger(body, 3, {}), QuantizedRange::get(type), type),
              {row, k, column});
        });
      });
  if (failed(result))
    return failure();
  return node.setResult(node.reshape(*result, shape));
}

ArrayRef<OpEntry> convoy::onnximport::getMicrosoftQuantizedElementwiseOps() {
  static constexpr OpEntry ops[] = {
      {"QLinearAdd", importQLinearAdd, 7, 8,
       InputTypes(kByte, kFloat, kByte, kByte, kFloat, kByte, kFloat, kByte)},
      {"QLinearConcat", importQLinearConcat, 5, kVariadic,
       InputTypes(kFloat, kByte, kByte, kFloat, kByte).repeatLast(3)},
      OpEntry{"QLinearLeakyRelu", importQLinearLeakyRelu, 4, 5,
              InputTypes(kByte, kFloat, kByte, kFloat, kByte)}
          .with(ruleOfKeptSizes),
      {"QLinearMul", importQLinearMul, 7, 8,
       InputTypes(kByte, kFloat, kByte, kByte, kFloat, kByte, kFloat, kByte)},
      OpEntry{"QLinearSigmoid", importQLinearSigmoid, 4, 5,
              InputTypes(kByte, kFloat, kByte, kFloat, kByte)}
          .with(ruleOfKeptSizes),
      {"QLinearSoftmax", importQLinearSoftmax, 4, 5,
       InputTypes(kByte, kFloat, kByte, kFloat, kByte), 1, kNoEnd, "X_scale must be constant"},
      {"QLinearWhere", importQLinearWhere, 9, 9,
       InputTypes(kBool, kByte, kFloat, kByte, kByte, kFloat, kByte, kFloat, kByte)},
  };
  return ops;
}
