//===- Constant.cpp - Operators that make constants -----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "SizeRules.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

static LogicalResult importConstant(NodeImporter &node) {
  Builder &builder = node.getBuilder();
  auto floats = [&](ArrayRef<float> values, ArrayRef<int64_t> shape) {
    auto type = RankedTensorType::get(shape, builder.getF32Type());
    return node.setResult(node.constant(DenseElementsAttr::get(type, values)));
  };
  auto ints = [&](ArrayRef<int64_t> values, ArrayRef<int64_t> shape) {
    auto type = RankedTensorType::get(shape, builder.getI64Type());
    return node.setResult(node.constant(DenseElementsAttr::get(type, values)));
  };
  for (StringRef name : {"value", "sparse_value"}) {
    if (!node.hasAttribute(name))
      continue;
    ElementsAttr value = node.getTensor(name);
    return value ? node.setResult(node.constant(value)) : failure();
  }
  if (node.hasAttribute("value_float"))
    return floats(node.getFloat("value_float", 0), {});
  if (node.hasAttribute("value_int"))
    return ints(node.getInt("value_int", 0), {});
  if (auto values = node.getFloats("value_floats"))
    return floats(*values, int64_t(values->size()));
  if (auto values = node.getInts("value_ints"))
    return ints(*values, int64_t(values->size()));
  return node.error("has no 'value' of a supported kind (a tensor or numbers)");
}

static LogicalResult importConstantOfShape(NodeImporter &node) {
  std::optional<SmallVector<DimSize>> extents = node.readExtents(0);
  if (!extents)
    return failure();
  SmallVector<int64_t> shape = getBounds(*extents);
  ElementsAttr value;
  if (node.hasAttribute("value"))
    value = node.getTensor("value");
  else
    value = cnn::makeFloats(node.getContext(), 1, {0.0f});
  std::optional<cnn::ConstantData> data = cnn::ConstantData::get(value);
  if (!data)
    return failure();
  if (data->getNumElements() != 1)
    return node.error("attribute 'value' has " + Twine(data->getNumElements()) +
                      " elements, expected 1");
  if (failed(node.checkShape(shape, data->getElementType())))
    return failure();
  auto type = RankedTensorType::get(shape, data->getElementType());
  if (type.getNumElements() == 0)
    return node.setResult(node.constant(cnn::makeConstantFromBytes(type, {})));
  return node.setResult(node.constant(cnn::makeConstantFromBytes(type, data->getBytes())),
                        *extents);
}

static LogicalResult importShape(NodeImporter &node) {
  ArrayRef<int64_t> shape = node.getShape(0);
  int64_t rank = shape.size(), start = node.getInt("start", 0), end = node.getInt("end", rank);
  auto clamp = [&](int64_t position) {
    return std::clamp<int64_t>(position < 0 ? position + rank : position, 0, rank);
  };
  start = clamp(start);
  end = std::max(clamp(end), start);
  SmallVector<DimSize> extents = node.getExtents(0);
  ArrayRef<DimSize> taken = ArrayRef(extents).slice(start, end - start);
  if (llvm::all_of(taken, [](const DimSize &extent) { return extent.isConstant(); }))
    return node.setResult(node.integers(shape.slice(start, end - start)));
  SmallVector<Value> parts;
  for (const DimSize &extent : taken) {
    FailureOr<Value> part = node.reshape(node.materialize(extent), {1});
    if (failed(part))
      return failure();
    parts.push_back(*part);
  }
  return node.setResult(node.create<cnn::ConcatOp>(parts, 0));
}

static LogicalResult importSize(NodeImporter &node) {
  DimSize count = 1;
  for (const DimSize &extent : node.getExtents(0))
    count = node.combine(cnn::BinaryKind::mul, count, extent);
  return node.setResult(node.materialize(count));
}

/// `first`, `first + step`, and so on, computed in `T`, the element type of `type`.
template <typename T> static ElementsAttr makeRange(RankedTensorType type, T first, T step) {
  std::vector<T> values;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    values.push_back(first + T(i) * step);
  return cnn::makeConstant(type, std::move(values));
}

/// A range that begins or ends at numbers that are computed from sizes: nothing, if this is
/// not one.
static std::optional<LogicalResult> importSizedRange(NodeImporter &node) {
  bool isConstant = node.getConstant(0) && node.getConstant(1);
  if (isConstant || !node.getConstant(2))
    return std::nullopt;
  for (unsigned i : {0, 1})
    if (!NodeImporter::getElementType(node.getInput(i)).isInteger(64) ||
        NodeImporter::getType(node.getInput(i)).getNumElements() != 1)
      return std::nullopt;
  int64_t step = node.getConstant(2)->getInt(0);
  std::optional<DimSize> first = node.findExtent(node.getInput(0), 0);
  std::optional<DimSize> end = node.findExtent(node.getInput(1), 0);
  if (!first || !end || step < 1 || (first->isConstant() && first->bound < 0))
    return std::nullopt;
  auto round = [&](DimSize extent) {
    return node.combine(cnn::BinaryKind::div,
                        node.combine(cnn::BinaryKind::add, extent, step - 1), step);
  };
  DimSize count =
      node.combine(cnn::BinaryKind::max, node.combine(cnn::BinaryKind::sub, *end, *first), 0);
  count = round(count);
  Type i64 = node.getBuilder().getI64Type();
  auto type = RankedTensorType::get(count.bound, i64);
  if (failed(node.checkShape(type.getShape(), i64)))
    return failure();
  if (first->isConstant())
    return node.setResult(node.constant(makeRange<int64_t>(type, first->bound, step)),
                          {count});
  return node.setResult(
      node.computeElements("range", first->size, type.getShape(), i64,
                           [&](cnn::ComputeBody &body, ArrayRef<cnn::Scalar> at) {
                             return body.input(0).load({}) + at[0].to(i64) * step;
                           }),
      {count});
}

static LogicalResult importRange(NodeImporter &node) {
  constexpr double maxCount = 1 << 24;
  if (std::optional<LogicalResult> sized = importSizedRange(node))
    return *sized;
  node.ignoreAttribute("stash_type"); // 16-bit floats are computed in f32 and rounded.
  std::optional<cnn::ConstantData> bounds[3];
  for (unsigned i = 0; i < 3; ++i) {
    bounds[i] = node.getConstant(i);
    if (!bounds[i])
      return node.notConstant(i);
    if (bounds[i]->getNumElements() != 1)
      return node.error(node.describeInput(i) + " is not a scalar");
    if (bounds[i]->getElementType() != bounds[0]->getElementType())
      return node.error("inputs have different element types");
  }
  Type type = bounds[0]->getElementType();
  auto makeType = [&](double count) { return RankedTensorType::get(int64_t(count), type); };
  auto checkCount = [&](double &count) -> LogicalResult {
    if (!(count <= maxCount))
      return node.error("makes more than 2^24 elements");
    count = std::max(count, 0.0);
    return success();
  };
  double first = bounds[0]->getDouble(0), step = bounds[2]->getDouble(0);
  double count = std::ceil((bounds[1]->getDouble(0) - first) / step);
  if (step == 0)
    return node.error("has a step of 0");
  if (failed(checkCount(count)))
    return failure();
  if (type.isF64())
    return node.setResult(node.constant(makeRange<double>(makeType(count), first, step)));
  if (isa<FloatType>(type)) {
    ElementsAttr values =
        makeRange<float>(makeType(count).clone(node.getBuilder().getF32Type()), first, step);
    return node.setResult(
        node.constant(type.isF32() ? values : cnn::roundConstant(values, type)));
  }
  int64_t start = bounds[0]->getInt(0), delta = bounds[2]->getInt(0);
  if (type.isInteger(64))
    return node.setResult(node.constant(makeRange<int64_t>(makeType(count), start, delta)));
  if (type.isInteger(32))
    return node.setResult(node.constant(makeRange<int32_t>(makeType(count), start, delta)));
  return node.setResult(node.constant(makeRange<int16_t>(makeType(count), start, delta)));
}

ArrayRef<OpEntry> convoy::onnximport::getConstantOps() {
  static constexpr OpEntry ops[] = {
      {"Constant", importConstant, 0, 0, kAny, 1, kNoEnd, "no strings"},
      {"ConstantOfShape", importConstantOfShape, 1, 1, kInteger, 9, kNoEnd,
       "the shape must be constant, or computed from sizes"},
      {"Range", importRange, 3, 3, kFloat | kIndex | kInt16, 11, kNoEnd,
       "all inputs must be constant, or start and limit computed from sizes; at most 2^24 "
       "elements"},
      OpEntry{"Shape", importShape, 1, 1}.with(ruleOfItself),
      OpEntry{"Size", importSize, 1, 1}.with(ruleOfItself),
  };
  return ops;
}
