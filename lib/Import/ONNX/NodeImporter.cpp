//===- NodeImporter.cpp - One ONNX node being imported --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"

#include "Importer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include <limits>
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using onnx::AttributeProto;

NodeImporter::NodeImporter(Importer &importer, onnx::NodeProto &node, OpBuilder &builder,
                           Location loc, int64_t opset)
    : importer(importer), node(node), builder(builder), loc(loc), opset(opset),
      results(node.output_size()), resultSizes(node.output_size()) {}

StringRef NodeImporter::getOpType() const { return node.op_type(); }

LogicalResult NodeImporter::error(const Twine &message) {
  if (firstError.empty())
    firstError = message.str();
  return failure();
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

std::string NodeImporter::describeInput(unsigned index) const {
  std::string name = int(index) < node.input_size() ? node.input(index) : "";
  return ("input " + Twine(index) + " ('" + name + "')").str();
}

int32_t NodeImporter::getInputDataType(unsigned index) const {
  return int(index) < node.input_size() ? importer.getDataType(node.input(index)) : 0;
}

SmallVector<std::string> convoy::onnximport::findModelInputs(Value value) {
  llvm::SetVector<Value> reached;
  reached.insert(value);
  for (size_t i = 0; i < reached.size(); ++i)
    if (Operation *op = reached[i].getDefiningOp())
      op->walk([&](Operation *inner) {
        reached.insert(inner->operand_begin(), inner->operand_end());
      });
  SmallVector<std::string> names;
  for (Value source : reached)
    if (auto name = dyn_cast<NameLoc>(source.getLoc());
        isa<BlockArgument>(source) && name &&
        source.getParentBlock() == value.getParentBlock())
      names.push_back(name.getName().str());
  return names;
}

std::string convoy::onnximport::makeBindOptions(ArrayRef<std::string> inputs) {
  std::string options;
  for (const std::string &name : inputs)
    options += " --bind " + name + "=FILE";
  return options;
}

std::string convoy::onnximport::describeType(Value value) {
  std::string text = formatShape(NodeImporter::getShape(value)) + " ";
  llvm::raw_string_ostream(text) << NodeImporter::getElementType(value);
  return text;
}

LogicalResult NodeImporter::notConstant(unsigned index, bool mayBeLimited) {
  Value input = getInput(index);
  if (!input)
    return error("has no input " + Twine(index));
  SmallVector<std::string> names = findModelInputs(input);
  std::string message = describeInput(index) + " is not a constant";
  if (names.empty())
    return error(message + ": export the model with a fixed value");
  StringRef those = names.size() > 1 ? "them" : "it";
  if (names != ArrayRef<std::string>(node.input(index)))
    message += ", it is computed from the model's input" +
               std::string(names.size() > 1 ? "s '" : " '") + llvm::join(names, "', '") + "'";
  std::string otherwise;
  for (const std::string &name : names)
    if (mayBeLimited)
      otherwise += " --max " + name + "=N";
  if (mayBeLimited)
    otherwise = ", say how large " + those.str() + " can be with" + otherwise;
  return error(message + ": bind " + those + " with" + makeBindOptions(names) + otherwise +
               ", or export the model with a fixed value");
}

std::optional<cnn::ConstantData> NodeImporter::getConstant(unsigned index) {
  Value value = getInput(index);
  if (!value)
    return std::nullopt;
  if (std::optional<cnn::ConstantData> data = cnn::ConstantData::get(value))
    return data;
  // Other small operands are probably needed next. Together they take less time. Weights that
  // are dequantised stay integers for cnn-raise-quantization.
  SmallVector<Value> candidates = {value};
  for (Value input : inputs)
    if (input && getType(input).getNumElements() <= cnn::kMaxInlineElements &&
        !input.getDefiningOp<cnn::DequantizeOp>())
      candidates.push_back(input);
  importer.evaluate(candidates);
  for (Value &input : inputs)
    input = importer.getEvaluated(input);
  return cnn::ConstantData::get(getInput(index));
}

std::optional<SmallVector<int64_t>> NodeImporter::getConstantInts(unsigned index) {
  std::optional<cnn::ConstantData> data = getConstant(index);
  if (!data) {
    std::optional<SmallVector<int64_t>> known = findConstantInts(getInput(index));
    if (!known)
      (void)notConstant(index);
    return known;
  }
  if (!data->getElementType().isIntOrIndex()) {
    (void)error(describeInput(index) + " is not of an integer type");
    return std::nullopt;
  }
  if (data->getNumElements() > cnn::kMaxInlineElements) {
    (void)error(describeInput(index) + " has too many elements");
    return std::nullopt;
  }
  SmallVector<int64_t> result;
  for (int64_t i = 0, e = data->getNumElements(); i < e; ++i)
    result.push_back(data->getInt(i));
  return result;
}

std::optional<SmallVector<float>> NodeImporter::getConstantFloats(unsigned index) {
  std::optional<cnn::ConstantData> data = getConstant(index);
  if (!data || data->getNumElements() > cnn::kMaxInlineElements) {
    (void)notConstant(index);
    return std::nullopt;
  }
  SmallVector<float> result;
  for (int64_t i = 0, e = data->getNumElements(); i < e; ++i)
    result.push_back(data->getDouble(i));
  return result;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

LogicalResult NodeImporter::requireArithmetic(Value value) {
  Type type = getElementType(value);
  unsigned width = type.getIntOrFloatBitWidth();
  if (type.isInteger(1) || width > (isa<FloatType>(type) ? 8u : 7u))
    return success();
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return error("computes with elements of type " + name +
               ", which ONNX only stores: cast to a larger type before");
}

FailureOr<Value> NodeImporter::unary(Value input, cnn::UnaryKind kind) {
  if (failed(requireArithmetic(input)))
    return failure();
  return create<cnn::UnaryOp>(input, cnn::FunctionAttr::get(getContext(), kind));
}

FailureOr<Value> NodeImporter::unary(Value input, cnn::UnaryKind kind, float alpha,
                                     float beta) {
  if (failed(requireArithmetic(input)))
    return failure();
  return create<cnn::UnaryOp>(input, cnn::FunctionAttr::get(getContext(), kind, alpha, beta));
}

FailureOr<Value> NodeImporter::binary(cnn::BinaryKind kind, Value lhs, Value rhs) {
  if (failed(requireArithmetic(lhs)))
    return failure();
  return create<cnn::BinaryOp>(lhs, rhs, kind);
}

LogicalResult NodeImporter::requireInferenceMode() {
  if (opset >= 7 || getInt("is_test", 0) != 0)
    return success();
  return error("is in training mode (is_test is 0, the default of opset " + Twine(opset) +
               "): export the model for inference, with opset 9 or later");
}

FailureOr<Value> NodeImporter::getRightOperand() {
  Value lhs = getInput(0), rhs = getInput(1);
  if (opset >= 7)
    return rhs;
  ArrayRef<int64_t> left = getShape(lhs), right = getShape(rhs);
  bool broadcasts = getInt("broadcast", 0) != 0, hasAxis = hasAttribute("axis");
  int64_t axis = getInt("axis", 0), rank = left.size();
  auto mismatch = [&](const Twine &reason) {
    return error("inputs have shapes " + formatShape(left) + " and " + formatShape(right) +
                 reason);
  };
  if (!broadcasts && left != right)
    return mismatch(", which differ, and attribute 'broadcast' is 0");
  if (!broadcasts)
    return rhs;
  SmallVector<int64_t> shape(right);
  if (hasAxis && !right.empty()) {
    FailureOr<int64_t> first = normalizeAxis(axis, rank);
    if (failed(first))
      return failure();
    if (*first + int64_t(right.size()) > rank)
      return mismatch(", which do not fit from axis " + Twine(axis) + " on");
    shape.append(rank - *first - right.size(), 1);
  }
  auto fits = [](auto pair) {
    return std::get<1>(pair) == 1 || std::get<0>(pair) == std::get<1>(pair);
  };
  if (int64_t(shape.size()) > rank ||
      !llvm::all_of(llvm::zip_equal(left.take_back(shape.size()), shape), fits))
    return mismatch(": the second does not broadcast to the first");
  return reshape(rhs, shape);
}

FailureOr<Value> NodeImporter::compute(StringRef kind, ArrayRef<int64_t> points,
                                       ValueRange inputs, ArrayRef<int64_t> shape,
                                       Type elementType,
                                       llvm::function_ref<void(cnn::ComputeBody &)> write) {
  if (failed(checkShape(shape, elementType)))
    return failure();
  auto type = RankedTensorType::get(shape, elementType);
  // Without a point, there is nothing to compute.
  if (llvm::is_contained(points, 0))
    return constant(DenseElementsAttr::getFromRawBuffer(type, {}));
  cnn::ComputeOp op = cnn::createCompute(builder, loc, kind, points, inputs, type, write);
  return op->getResult(0);
}

FailureOr<Value> NodeImporter::computeElements(
    StringRef kind, ValueRange inputs, ArrayRef<int64_t> shape, Type elementType,
    llvm::function_ref<cnn::Scalar(cnn::ComputeBody &, ArrayRef<cnn::Scalar>)> write) {
  return compute(kind, shape, inputs, shape, elementType, [&](cnn::ComputeBody &body) {
    cnn::Scalars at = body.point();
    body.output().store(write(body, at), at);
  });
}

Value NodeImporter::zeros(RankedTensorType type) {
  return constant(cast<ElementsAttr>(builder.getZeroAttr(type)));
}

FailureOr<Value> NodeImporter::foldEmpty(FailureOr<Value> value) {
  if (failed(value) || getType(*value).getNumElements() != 0 || cnn::ConstantData::get(*value))
    return value;
  return constant(cnn::makeConstantFromBytes(getType(*value), {}));
}

Value NodeImporter::constant(ElementsAttr value) {
  return cnn::createConstant(builder, loc, value);
}

Value NodeImporter::scalar(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  if (isa<FloatType>(elementType))
    return constant(DenseElementsAttr::get(type, builder.getFloatAttr(elementType, value)));
  // Unlike a builder's, this attribute may have any sign.
  auto number =
      IntegerAttr::get(elementType, APInt(elementType.getIntOrFloatBitWidth(), int64_t(value),
                                          /*isSigned=*/true, /*implicitTrunc=*/true));
  return constant(DenseElementsAttr::get(type, Attribute(number)));
}

Value NodeImporter::integers(ArrayRef<int64_t> values) {
  return constant(builder.getI64TensorAttr(values));
}

FailureOr<Value> NodeImporter::reshape(Value value, ArrayRef<int64_t> shape) {
  RankedTensorType source = getType(value);
  if (source.getShape() == shape)
    return value;
  if (failed(checkShape(shape, source.getElementType())))
    return failure();
  auto target = RankedTensorType::get(shape, source.getElementType());
  if (target.getNumElements() != source.getNumElements())
    return error("cannot reshape " + formatShape(source.getShape()) + " to " +
                 formatShape(shape));
  ElementsAttr attribute;
  if (matchPattern(value, m_Constant(&attribute)))
    return constant(cnn::reshapeConstant(attribute, target));

  // Collapses or expands `from` to the type `to`. Null if neither of the two types is the
  // other with neighbouring dimensions merged.
  auto regroup = [&](Value from, RankedTensorType to) -> Value {
    RankedTensorType type = getType(from);
    if (type == to)
      return from;
    if (type.getRank() == to.getRank())
      return {};
    auto groups = getReassociationIndicesForReshape(type, to);
    if (!groups)
      return {};
    if (type.getRank() > to.getRank())
      return builder.createOrFold<tensor::CollapseShapeOp>(loc, to, from, *groups);
    return builder.createOrFold<tensor::ExpandShapeOp>(loc, to, from, *groups);
  };
  if (Value result = regroup(value, target))
    return result;
  auto flat = RankedTensorType::get(source.getNumElements(), source.getElementType());
  return regroup(regroup(value, flat), target);
}

/// Copies elements of type `T` into their transposed places.
template <typename T>
static ElementsAttr transposeElements(const cnn::ConstantData &data, RankedTensorType target,
                                      ArrayRef<int64_t> permutation) {
  // Strides of the source in the order of the target's dimensions.
  int64_t rank = target.getRank();
  SmallVector<int64_t> strides(rank, 1), permuted;
  for (int64_t i = rank - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * data.getShape()[i + 1];
  for (int64_t dim : permutation)
    permuted.push_back(strides[dim]);
  const T *source = reinterpret_cast<const T *>(data.getBytes().data());
  auto copy = [&](MutableArrayRef<T> out) {
    if (rank == 2) {
      // Tiles keep both sides in the cache: these matrices reach 400 MB.
      constexpr int64_t tile = 32;
      int64_t rows = target.getDimSize(0), columns = target.getDimSize(1);
      for (int64_t r0 = 0; r0 < rows; r0 += tile)
        for (int64_t c0 = 0; c0 < columns; c0 += tile)
          for (int64_t r = r0; r < std::min(r0 + tile, rows); ++r)
            for (int64_t c = c0; c < std::min(c0 + tile, columns); ++c)
              out[r * columns + c] = source[c * rows + r];
      return;
    }
    SmallVector<int64_t> index(rank, 0);
    int64_t offset = 0;
    for (T &element : out) {
      element = source[offset];
      for (int64_t dim = rank - 1; dim >= 0; --dim) {
        offset += permuted[dim];
        if (++index[dim] < target.getDimSize(dim))
          break;
        offset -= permuted[dim] * index[dim];
        index[dim] = 0;
      }
    }
  };
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, uint16_t>)
    if (isa<FloatType>(target.getElementType()))
      return cnn::fillConstant<T>(target, copy);
  std::vector<T> values(target.getNumElements());
  copy(values);
  return cnn::makeConstantFromBytes(
      target, ArrayRef<char>(reinterpret_cast<const char *>(values.data()),
                             values.size() * sizeof(T)));
}

static ElementsAttr transposeConstant(const cnn::ConstantData &data, RankedTensorType target,
                                      ArrayRef<int64_t> permutation) {
  if (data.isSplat() || data.getNumElements() == 0)
    return cnn::makeConstantFromBytes(target, data.getBytes());
  switch (data.getElementBytes()) {
  case 1:
    return transposeElements<uint8_t>(data, target, permutation);
  case 2:
    return transposeElements<uint16_t>(data, target, permutation);
  case 4:
    return transposeElements<float>(data, target, permutation);
  default:
    return transposeElements<uint64_t>(data, target, permutation);
  }
}

FailureOr<Value> NodeImporter::transpose(Value value, ArrayRef<int64_t> permutation) {
  RankedTensorType source = getType(value);
  SmallVector<int64_t> shape, order;
  for (int64_t dim : permutation) {
    shape.push_back(source.getDimSize(dim));
    if (source.getDimSize(dim) != 1)
      order.push_back(dim);
  }
  // Moving dimensions of size 1 moves no element.
  if (llvm::is_sorted(order))
    return reshape(value, shape);
  auto target = RankedTensorType::get(shape, source.getElementType());
  Attribute attribute;
  if (matchPattern(value, m_Constant(&attribute)))
    if (std::optional<cnn::ConstantData> data = cnn::ConstantData::get(attribute)) {
      if (permutation.size() != 2)
        return constant(transposeConstant(*data, target, permutation));
      ElementsAttr &known = importer.getTransposed()[attribute];
      if (!known)
        known = transposeConstant(*data, target, permutation);
      return constant(known);
    }
  Value init = tensor::EmptyOp::create(builder, loc, shape, source.getElementType());
  auto op = linalg::TransposeOp::create(builder, loc, value, init, permutation);
  return op->getResult(0);
}

FailureOr<Value> NodeImporter::slice(Value value, ArrayRef<int64_t> offsets,
                                     ArrayRef<int64_t> sizes, ArrayRef<int64_t> steps) {
  if (getShape(value) == sizes)
    return value;
  // Integer constants are mostly shapes. They are sliced by gathers, which fold.
  std::optional<cnn::ConstantData> data = cnn::ConstantData::get(value);
  if (data && data->getElementType().isIntOrIndex()) {
    FailureOr<Value> result = value;
    for (size_t axis = 0; axis < sizes.size() && succeeded(result); ++axis) {
      SmallVector<int64_t> indices;
      for (int64_t i = 0; i < sizes[axis]; ++i)
        indices.push_back(offsets[axis] + i * steps[axis]);
      result = pick(*result, axis, indices);
    }
    return result;
  }
  if (llvm::is_contained(sizes, 0))
    return zeros(RankedTensorType::get(sizes, getElementType(value)));
  auto attributes = [&](ArrayRef<int64_t> values) {
    return getAsIndexOpFoldResult(getContext(), values);
  };
  return builder.createOrFold<tensor::ExtractSliceOp>(loc, value, attributes(offsets),
                                                      attributes(sizes), attributes(steps));
}

FailureOr<Value> NodeImporter::pick(Value value, int64_t axis, ArrayRef<int64_t> indices) {
  SmallVector<int64_t> identity(getShape(value)[axis]);
  std::iota(identity.begin(), identity.end(), 0);
  if (ArrayRef<int64_t>(identity) == indices)
    return value;
  return create<cnn::GatherOp>(value, integers(indices), axis);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

unsigned NodeImporter::getNumOutputs() const { return node.output_size(); }

StringRef NodeImporter::getOutputName(unsigned index) const { return node.output(index); }

bool NodeImporter::hasOutput(unsigned index) const {
  return index < getNumOutputs() && !node.output(index).empty();
}

bool NodeImporter::isFed(unsigned index) const { return importer.isFed(node.input(index)); }

bool NodeImporter::isOutputUsed(unsigned index) const {
  return hasOutput(index) && importer.isRead(node.output(index));
}

LogicalResult NodeImporter::requireUnusedOutputs(unsigned first, StringRef reason) {
  for (unsigned i = first; i < getNumOutputs(); ++i)
    if (isOutputUsed(i))
      return error("output " + Twine(i) + " ('" + node.output(i) + "') is used: " + reason);
  return success();
}

LogicalResult NodeImporter::setResult(FailureOr<Value> value, unsigned index) {
  if (failed(value))
    return failure();
  if (index < results.size())
    results[index] = *value;
  return success();
}
