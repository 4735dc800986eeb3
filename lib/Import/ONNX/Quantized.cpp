//===- Quantized.cpp - What importers of quantised operators share --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Quantized.h"

#include "TensorReader.h"
#include "onnx.pb.h"
#include "llvm/Support/Format.h"
#include <cmath>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::ComputeBuffer;
using cnn::Scalar;
using cnn::Scalars;
using onnx::TensorProto;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

QuantizedRange QuantizedRange::get(Type type, int32_t dataType) {
  unsigned width = type.getIntOrFloatBitWidth();
  if (dataType == TensorProto::INT4 || dataType == TensorProto::UINT4)
    width = 4;
  if (dataType == TensorProto::INT2 || dataType == TensorProto::UINT2)
    width = 2;
  if (type.isUnsignedInteger())
    return {0, double((uint64_t(1) << width) - 1)};
  double half = double(uint64_t(1) << (width - 1));
  return {-half, half - 1};
}

FailureOr<Value> convoy::onnximport::readParameter(NodeImporter &node, unsigned index,
                                                   int64_t count, int64_t trailing) {
  Value value = node.getInput(index);
  int64_t elements = NodeImporter::getType(value).getNumElements();
  if (elements == 1)
    return node.reshape(value, {});
  if (elements != count || NodeImporter::getRank(value) != 1) {
    std::string message = node.describeInput(index) + " has shape " +
                          formatShape(node.getShape(index)) + ", expected one element";
    return node.error(message + (count > 1 ? " or " + Twine(count) : Twine()));
  }
  SmallVector<int64_t> shape(trailing + 1, 1);
  shape.front() = count;
  return node.reshape(value, shape);
}

LogicalResult convoy::onnximport::checkScale(NodeImporter &node, unsigned index,
                                             bool mayBeZero) {
  Value value = node.getInput(index);
  std::optional<cnn::ConstantData> data = value ? cnn::ConstantData::get(value) : std::nullopt;
  for (int64_t i = 0, count = data ? data->getNumElements() : 0; i < count; ++i) {
    double scale = data->getDouble(i);
    if (!std::isfinite(scale) || scale < 0 || (scale == 0 && !mayBeZero)) {
      std::string number;
      llvm::raw_string_ostream(number) << llvm::format("%g", scale);
      return node.error(node.describeInput(index) + " has the scale " + number +
                        ", expected a positive number; quantise the model again");
    }
  }
  return success();
}

FailureOr<QuantizedOperand>
convoy::onnximport::readQuantized(NodeImporter &node, int value, unsigned scale,
                                  unsigned zeroPoint, int64_t count, int64_t trailing) {
  QuantizedOperand result;
  result.value = value < 0 ? Value() : node.getInput(value);
  Value zero = node.getInput(zeroPoint);
  Type type = NodeImporter::getElementType(result.value ? result.value
                                           : zero       ? zero
                                                        : node.getInput(0));
  if (zero && NodeImporter::getElementType(zero) != type)
    return node.error(node.describeInput(zeroPoint) + " is not of the type of " +
                      node.describeInput(value));
  if (failed(checkScale(node, scale, /*mayBeZero=*/value >= 0)))
    return failure();
  FailureOr<Value> readScale = readParameter(node, scale, count, trailing);
  FailureOr<Value> readZero = zero ? readParameter(node, zeroPoint, count, trailing)
                                   : FailureOr<Value>(node.scalar(type, 0));
  if (failed(readScale) || failed(readZero))
    return failure();
  result.scale = *readScale;
  result.zeroPoint = *readZero;
  return result;
}

FailureOr<Value> convoy::onnximport::sumLastDimension(NodeImporter &node, Value value) {
  ArrayRef<int64_t> shape = NodeImporter::getShape(value);
  Type i32 = node.getBuilder().getI32Type();
  return node.computeElements("integer_sum", value, shape.drop_back(), i32,
                              [&](ComputeBody &body, ArrayRef<Scalar> at) {
                                return sumOver(body, shape.back(), body.number(i32, 0),
                                               [&](ArrayRef<Scalar> k) {
                                                 Scalars index(at);
                                                 index.push_back(k[0]);
                                                 return loadInteger(body, 0, index);
                                               });
                              });
}

bool convoy::onnximport::isZero(Value zeroPoint) {
  std::optional<cnn::ConstantData> data = cnn::ConstantData::get(zeroPoint);
  return data && data->getSplatDouble() == 0.0;
}

bool convoy::onnximport::areConstant(NodeImporter &node, ArrayRef<unsigned> indices) {
  return llvm::none_of(
      indices, [&](unsigned index) { return node.getInput(index) && node.isFed(index); });
}

FailureOr<Value> convoy::onnximport::subtractZero(NodeImporter &node, Value value,
                                                  Value zeroPoint) {
  Type i16 = node.getBuilder().getI16Type();
  FailureOr<Value> result = node.create<cnn::CastOp>(value, i16);
  if (isZero(zeroPoint) || failed(result))
    return result;
  FailureOr<Value> widened = node.create<cnn::CastOp>(zeroPoint, i16);
  if (failed(widened))
    return failure();
  return node.binary(cnn::BinaryKind::sub, *result, *widened);
}

FailureOr<Value> convoy::onnximport::scaleSums(NodeImporter &node, Value sums, Value factors) {
  FailureOr<Value> floats = node.create<cnn::CastOp>(sums, node.getBuilder().getF32Type());
  return failed(floats) ? floats : node.binary(cnn::BinaryKind::mul, *floats, factors);
}

FailureOr<Value> convoy::onnximport::requantize(NodeImporter &node, Value sums, Value factors,
                                                Value zeroPoint) {
  FailureOr<Value> scaled = scaleSums(node, sums, factors);
  if (failed(scaled))
    return failure();
  return node.create<cnn::QuantizeOp>(*scaled, node.scalar(node.getBuilder().getF32Type(), 1),
                                      zeroPoint);
}

LogicalResult convoy::onnximport::requireTypeOfZero(NodeImporter &node, Value zeroPoint,
                                                    Value tensor, StringRef name) {
  if (NodeImporter::getElementType(zeroPoint) == NodeImporter::getElementType(tensor))
    return success();
  return node.error("the zero point of the " + name + " is not of its type");
}

LogicalResult convoy::onnximport::requireBroadcast(NodeImporter &node, unsigned index,
                                                   ArrayRef<int64_t> shape,
                                                   ArrayRef<int64_t> target) {
  bool fits = shape.size() <= target.size();
  for (size_t i = 0; fits && i < shape.size(); ++i) {
    int64_t extent = shape[shape.size() - 1 - i];
    fits = extent == 1 || extent == target[target.size() - 1 - i];
  }
  if (fits)
    return success();
  return node.error(node.describeInput(index) + " has shape " + formatShape(shape) +
                    ", which does not broadcast to " + formatShape(target));
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

Scalar convoy::onnximport::loadBroadcast(ComputeBuffer buffer, ArrayRef<Scalar> at) {
  ArrayRef<int64_t> shape = buffer.getShape();
  Scalars indices;
  for (auto [extent, index] : llvm::zip_equal(shape, at.take_back(shape.size())))
    indices.push_back(extent == 1 ? index.constant(0) : index);
  return buffer.load(indices);
}

Scalar convoy::onnximport::loadInteger(ComputeBody &body, unsigned input,
                                       ArrayRef<Scalar> at) {
  return loadBroadcast(body.input(input), at).to(body.b().getI32Type());
}

Scalar convoy::onnximport::loadFloat(ComputeBody &body, unsigned input, ArrayRef<Scalar> at) {
  return loadBroadcast(body.input(input), at).to(body.b().getF32Type());
}

Scalar convoy::onnximport::loadCentred(ComputeBody &body, unsigned value, unsigned zeroPoint,
                                       ArrayRef<Scalar> at) {
  return loadInteger(body, value, at) - loadInteger(body, zeroPoint, at);
}

Scalar convoy::onnximport::sumOver(ComputeBody &body, ArrayRef<int64_t> extents, Scalar start,
                                   llvm::function_ref<Scalar(ArrayRef<Scalar>)> term) {
  Scalars indices;
  std::function<Scalar(Scalar)> nest = [&](Scalar sum) {
    if (indices.size() == extents.size())
      return sum + term(indices);
    return body
        .loop(extents[indices.size()], {sum},
              [&](Scalar i, ArrayRef<Scalar> carried) {
                indices.push_back(i);
                Scalar next = nest(carried[0]);
                indices.pop_back();
                return Scalars{next};
              })
        .front();
  };
  return nest(start);
}

Scalar convoy::onnximport::quantize(Scalar quotient, Scalar zeroPoint, QuantizedRange range,
                                    Type type) {
  Scalar zero = zeroPoint.to(quotient.getType());
  Scalar inside = quotient.clamp(range.low - zero, range.high - zero);
  Scalar rounded = inside.apply(cnn::UnaryKind::round).to(zeroPoint.getType());
  return (rounded + zeroPoint).to(type);
}

Scalar convoy::onnximport::roundTo(Scalar value, Type type) {
  return type.isF16() || type.isBF16() ? value.to(type).to(value.getType()) : value;
}
