//===- Quantization.cpp - QuantizeLinear and its relatives ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Quantized.h"
#include "SizeRules.h"
#include "TensorReader.h"
#include "onnx.pb.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;
using onnx::TensorProto;

namespace {

/// Which scale and zero point an element of the data has.
struct Granularity {
  /// The shape of the scale, which broadcasts to the data but for the blocks.
  SmallVector<int64_t> shape;
  /// So many elements along `axis` share their parameters.
  int64_t axis = 0, block = 1;

  /// The point of the parameters for a point of the data.
  Scalars getParameterPoint(ArrayRef<Scalar> at) const {
    Scalars result(at);
    if (block > 1)
      result[axis] = result[axis].floorDiv(result[axis].integer(block));
    return result;
  }
};

} // namespace

/// From the shape of input 1, the scale, and the attributes.
static FailureOr<Granularity> readGranularity(NodeImporter &node) {
  ArrayRef<int64_t> data = node.getShape(0), scale = node.getShape(1);
  int64_t rank = data.size();
  bool hasAxis = node.getOpset() >= 13 || node.hasAttribute("axis");
  int64_t axis = hasAxis ? node.getInt("axis", 1) : 1;
  int64_t block = node.getOpset() >= 21 ? node.getInt("block_size", 0) : 0;
  if (block < 0)
    return node.error("attribute 'block_size' is " + Twine(block));
  Granularity result;
  // A scale of one element is the scale of all, whatever its shape and the axis.
  if (llvm::all_of(scale, [](int64_t extent) { return extent == 1; }) && block == 0)
    return result;
  // A list of numbers is along the only axis there is.
  FailureOr<int64_t> normal = node.normalizeAxis(rank == 1 ? 0 : axis, rank);
  if (failed(normal))
    return failure();
  result.axis = *normal;
  SmallVector<int64_t> expected;
  if (block == 0) {
    expected = {data[result.axis]};
    result.shape.assign(rank - result.axis, 1);
    result.shape.front() = expected.front();
  } else {
    result.block = block;
    expected.assign(data.begin(), data.end());
    expected[result.axis] = llvm::divideCeil(data[result.axis], block);
    result.shape = expected;
  }
  if (scale != ArrayRef<int64_t>(expected))
    return node.error(node.describeInput(1) + " has shape " + formatShape(scale) +
                      ", expected " + formatShape(expected) + " for axis " +
                      Twine(result.axis) + " of " + formatShape(data));
  return result;
}

/// Input `index`, a scale or zero point, in the shape of the granularity.
static FailureOr<Value> readParameter(NodeImporter &node, unsigned index,
                                      const Granularity &granularity) {
  // ONNX Runtime's quantiser writes a list of one scale with a scalar as zero point.
  bool isOne = NodeImporter::getType(node.getInput(index)).getNumElements() == 1 &&
               llvm::product_of(granularity.shape) == 1;
  if (node.getShape(index) != node.getShape(1) && !isOne)
    return node.error(node.describeInput(index) + " has shape " +
                      formatShape(node.getShape(index)) + ", the scale " +
                      formatShape(node.getShape(1)));
  return node.reshape(node.getInput(index), granularity.shape);
}

//===----------------------------------------------------------------------===//
// QuantizeLinear
//===----------------------------------------------------------------------===//

static bool isTiny(Type type) {
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() <= 8;
}

/// The element type of the result, and its ONNX data type if it is known.
static FailureOr<std::pair<Type, int32_t>> readResultType(NodeImporter &node) {
  Type type = node.getBuilder().getIntegerType(8, /*isSigned=*/false);
  int32_t dataType = TensorProto::UINT8;
  if (node.getOpset() >= 21 && node.getInt("output_dtype", 0) != 0) {
    dataType = node.getInt("output_dtype", 0);
    if (!(type = node.getDataType("output_dtype", 0)))
      return failure();
  }
  Value zeroPoint = node.getInput(2);
  if (!zeroPoint)
    return std::pair(type, dataType);
  if (node.getOpset() >= 21 && node.getInt("output_dtype", 0) != 0) {
    if (NodeImporter::getElementType(zeroPoint) != type)
      return node.error(node.describeInput(2) +
                        " is not of the type that attribute 'output_dtype' asks for");
    return std::pair(type, dataType);
  }
  return std::pair(NodeImporter::getElementType(zeroPoint), node.getInputDataType(2));
}

static LogicalResult importQuantizeLinear(NodeImporter &node) {
  FailureOr<Granularity> granularity = readGranularity(node);
  auto resultType = readResultType(node);
  if (failed(granularity) || failed(resultType))
    return failure();
  auto [type, dataType] = *resultType;
  bool saturate = node.getOpset() < 19 || node.getInt("saturate", 1) != 0;
  Type precision = NodeImporter::getElementType(node.getInput(1));
  if (node.getOpset() >= 23 && node.getInt("precision", 0) != 0 &&
      !(precision = node.getDataType("precision", 0)))
    return failure();
  FailureOr<Value> scale = readParameter(node, 1, *granularity);
  if (failed(checkScale(node, 1, /*mayBeZero=*/false)) || failed(scale))
    return failure();
  SmallVector<Value> inputs = {node.getInput(0), *scale};
  // The zero point of a float of 8 bits is always 0.
  if (node.getInput(2) && !isTiny(type)) {
    FailureOr<Value> zeroPoint = readParameter(node, 2, *granularity);
    if (failed(zeroPoint))
      return failure();
    inputs.push_back(*zeroPoint);
  }
  auto divide = [&, precision = precision](ComputeBody &body, ArrayRef<Scalar> at) {
    Scalar x = roundTo(loadFloat(body, 0, at), precision);
    Scalar divisor =
        roundTo(loadFloat(body, 1, granularity->getParameterPoint(at)), precision);
    return roundTo(x / divisor, precision);
  };
  ArrayRef<int64_t> shape = node.getShape(0);
  if (isTiny(type)) {
    FailureOr<Value> result = node.computeElements("quantize", inputs, shape,
                                                   node.getBuilder().getF32Type(), divide);
    if (failed(result) || failed(result = node.create<cnn::CastOp>(*result, type)))
      return failure();
    if (Operation *cast = result->getDefiningOp(); cast && !saturate)
      cast->setAttr("saturate", node.getBuilder().getBoolAttr(false));
    return node.setResult(result);
  }
  QuantizedRange range = QuantizedRange::get(type, dataType);
  bool isWhole = range.high - range.low + 1 == std::ldexp(1.0, type.getIntOrFloatBitWidth());
  if (granularity->block == 1 && isWhole && type.getIntOrFloatBitWidth() >= 8 &&
      precision.isF32() && NodeImporter::getElementType(inputs[0]).isF32() &&
      NodeImporter::getElementType(*scale).isF32())
    return node.setResult(node.create<cnn::QuantizeOp>(
        inputs[0], *scale, inputs.size() > 2 ? inputs[2] : node.scalar(type, 0)));
  return node.setResult(node.computeElements(
      "quantize", inputs, shape, type,
      [&, type = type](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar zero = inputs.size() > 2
                          ? loadInteger(body, 2, granularity->getParameterPoint(at))
                          : body.number(body.b().getI32Type(), 0);
        return quantize(divide(body, at), zero, range, type);
      }));
}

//===----------------------------------------------------------------------===//
// DequantizeLinear
//===----------------------------------------------------------------------===//

/// The f32 elements of a constant. Null if an operand is none.
static Value dequantizeConstant(NodeImporter &node, ValueRange inputs,
                                const Granularity &granularity) {
  SmallVector<cnn::ConstantData> constants;
  for (Value input : inputs) {
    std::optional<cnn::ConstantData> data = cnn::ConstantData::get(input);
    if (!data)
      return {};
    constants.push_back(*data);
  }
  const cnn::ConstantData &data = constants[0];
  ArrayRef<int64_t> shape = data.getShape();
  // Steps through the parameters, for each dimension of the data.
  size_t rank = shape.size(), first = rank - granularity.shape.size();
  SmallVector<int64_t> steps(rank, 0), index(rank, 0);
  int64_t step = 1;
  for (size_t dim = rank; dim-- > first; step *= granularity.shape[dim - first])
    steps[dim] = granularity.shape[dim - first] == 1 ? 0 : step;
  auto type = RankedTensorType::get(shape, node.getBuilder().getF32Type());
  bool isFloat = isa<FloatType>(data.getElementType());
  return node.constant(cnn::fillConstant<float>(type, [&](MutableArrayRef<float> out) {
    for (auto [i, element] : llvm::enumerate(out)) {
      int64_t parameter = 0;
      for (size_t dim = first; dim < rank; ++dim)
        parameter +=
            steps[dim] *
            (int64_t(dim) == granularity.axis ? index[dim] / granularity.block : index[dim]);
      double x = isFloat ? data.getDouble(i) : double(data.getInt(i));
      if (constants.size() > 2)
        x -= double(constants[2].getInt(parameter));
      element = float(x) * float(constants[1].getDouble(parameter));
      for (size_t dim = rank; dim-- > 0 && ++index[dim] == shape[dim];)
        index[dim] = 0;
    }
  }));
}

static LogicalResult importDequantizeLinear(NodeImporter &node) {
  FailureOr<Granularity> granularity = readGranularity(node);
  if (failed(granularity))
    return failure();
  Type from = NodeImporter::getElementType(node.getInput(0));
  Type type = NodeImporter::getElementType(node.getInput(1));
  if (node.getOpset() >= 23 && node.getInt("output_dtype", 0) != 0 &&
      !(type = node.getDataType("output_dtype", 0)))
    return failure();
  if (!isa<FloatType>(type) || isTiny(type))
    return node.error(node.describeInput(1) + " is of no type that a result can have");
  FailureOr<Value> scale = readParameter(node, 1, *granularity);
  if (failed(checkScale(node, 1, /*mayBeZero=*/true)) || failed(scale))
    return failure();
  SmallVector<Value> inputs = {node.getInput(0), *scale};
  if (node.getInput(2) && NodeImporter::getElementType(node.getInput(2)) != from)
    return node.error(node.describeInput(2) + " is not of the type of " +
                      node.describeInput(0));
  if (node.getInput(2) && !isTiny(from)) {
    FailureOr<Value> zeroPoint = readParameter(node, 2, *granularity);
    if (failed(zeroPoint))
      return failure();
    inputs.push_back(*zeroPoint);
  }
  if (granularity->block == 1 && isa<IntegerType>(from) && from.getIntOrFloatBitWidth() >= 8 &&
      type.isF32() && NodeImporter::getElementType(*scale).isF32())
    return node.setResult(node.create<cnn::DequantizeOp>(
        inputs[0], *scale, inputs.size() > 2 ? inputs[2] : node.scalar(from, 0)));
  if (type.isF32())
    if (Value constant = dequantizeConstant(node, inputs, *granularity))
      return node.setResult(constant);
  return node.setResult(node.computeElements("dequantize", inputs, node.getShape(0), type,
                                             [&](ComputeBody &body, ArrayRef<Scalar> at) {
                                               Scalars parameters =
                                                   granularity->getParameterPoint(at);
                                               Scalar factor = loadFloat(body, 1, parameters);
                                               if (isTiny(from))
                                                 return loadFloat(body, 0, at) * factor;
                                               Scalar x = loadInteger(body, 0, at);
                                               if (inputs.size() > 2)
                                                 x = x - loadInteger(body, 2, parameters);
                                               return x.to(factor.getType()) * factor;
                                             }));
}

//===----------------------------------------------------------------------===//
// DynamicQuantizeLinear
//===----------------------------------------------------------------------===//

FailureOr<QuantizedOperand> convoy::onnximport::quantizeDynamically(NodeImporter &node,
                                                                    Value input) {
  Builder &b = node.getBuilder();
  Type f32 = b.getF32Type(), byte = b.getIntegerType(8, /*isSigned=*/false);
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(NodeImporter::getRank(input)));
  FailureOr<Value> low =
      node.create<cnn::ReduceOp>(input, cnn::ReduceKind::min, axes, /*keep_dims=*/false);
  FailureOr<Value> high =
      node.create<cnn::ReduceOp>(input, cnn::ReduceKind::max, axes, /*keep_dims=*/false);
  if (failed(low) || failed(high))
    return failure();
  QuantizedRange range = QuantizedRange::get(byte);
  // A tensor of zeros has the scale 1, as in ONNX Runtime; the formula would give 0.
  FailureOr<Value> scale =
      node.compute("quantization_scale", {1}, {*low, *high}, {}, f32, [&](ComputeBody &body) {
        Scalar zero = body.number(f32, 0);
        Scalar least = loadFloat(body, 0, {}).min(zero);
        Scalar largest = loadFloat(body, 1, {}).max(zero);
        Scalar width = (largest - least) / range.high;
        body.output().store((largest == least).select(zero.constant(1), width), {});
      });
  if (failed(scale))
    return failure();
  FailureOr<Value> zeroPoint = node.compute(
      "quantization_zero_point", {1}, {*low, *scale}, {}, byte, [&](ComputeBody &body) {
        Scalar zero = body.number(f32, 0), least = loadFloat(body, 0, {}).min(zero);
        Scalar quotient = zero - least / loadFloat(body, 1, {});
        Scalar none = body.number(body.b().getI32Type(), 0);
        body.output().store(quantize(quotient, none, range, byte), {});
      });
  if (failed(zeroPoint))
    return failure();
  FailureOr<Value> result = node.create<cnn::QuantizeOp>(input, *scale, *zeroPoint);
  if (failed(result))
    return failure();
  return QuantizedOperand{*result, *scale, *zeroPoint};
}

static LogicalResult importDynamicQuantizeLinear(NodeImporter &node) {
  SmallVector<DimSize> extents = node.getExtents(0);
  FailureOr<Value> input = node.getInput(0);
  if (node.hasSizes(0)) {
    // A zero is always within the range.
    Value zero = node.scalar(NodeImporter::getElementType(*input), 0);
    input = fillBeyond(node, *input, extents, zero);
  }
  if (failed(input))
    return failure();
  FailureOr<QuantizedOperand> result = quantizeDynamically(node, *input);
  if (failed(result))
    return failure();
  (void)node.setResult(result->value, extents, 0);
  (void)node.setResult(result->scale, 1);
  return node.setResult(result->zeroPoint, 2);
}

ArrayRef<OpEntry> convoy::onnximport::getQuantizationOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"DequantizeLinear", importDequantizeLinear, 2, 3,
              InputTypes(kQuantized | kInt32, kFloat | kSmallFloat, kQuantized | kInt32), 10}
          .with(ruleOfKeptSizes),
      OpEntry{"DynamicQuantizeLinear", importDynamicQuantizeLinear, 1, 1, kFloat, 11}.with(
          ruleOfItself),
      OpEntry{"QuantizeLinear", importQuantizeLinear, 2, 3,
              InputTypes(kFloat | kInt32, kFloat | kSmallFloat | kInt32, kQuantized), 10}
          .with(ruleOfKeptSizes),
  };
  return ops;
}

ArrayRef<OpEntry> convoy::onnximport::getMicrosoftQuantizationOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"DequantizeLinear", importDequantizeLinear, 2, 3,
              InputTypes(kQuantized | kInt32, kFloat | kSmallFloat, kQuantized | kInt32)}
          .with(ruleOfKeptSizes),
      OpEntry{"QuantizeLinear", importQuantizeLinear, 2, 3,
              InputTypes(kFloat | kInt32, kFloat | kSmallFloat | kInt32, kQuantized)}
          .with(ruleOfKeptSizes),
  };
  return ops;
}
