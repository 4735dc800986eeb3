//===- Ranges.cpp - The least and the largest value of elements -----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ranges.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;
using cnn::UnaryKind;

Place convoy::onnximport::makePlace(ArrayRef<int64_t> shape, int64_t element) {
  Place place(shape.size());
  for (auto [extent, index] : llvm::reverse(llvm::zip_equal(shape, place))) {
    index = element % extent;
    element /= extent;
  }
  return place;
}

/// The number of an element in the order of memory; nothing if the place has several.
static std::optional<int64_t> findNumber(ArrayRef<int64_t> shape, const Place &place) {
  int64_t number = 0;
  for (auto [extent, index] : llvm::zip_equal(shape, place)) {
    if (index == kAnyIndex)
      return std::nullopt;
    number = number * extent + index;
  }
  return number;
}

/// A place on the other side of a reshape. One side has a dimension for each group of
/// dimensions of the other side, which has the extents `shape`; `fromMany` if `place` is
/// there.
static Place regroup(const Place &place, ArrayRef<ReassociationIndices> groups,
                     ArrayRef<int64_t> shape, bool fromMany) {
  // A tensor of rank 0 has no groups.
  if (groups.empty())
    return Place(fromMany ? 0 : shape.size(), 0);
  Place result;
  for (auto [number, group] : llvm::enumerate(groups)) {
    auto extents = llvm::map_to_vector(group, [&](int64_t dim) { return shape[dim]; });
    if (fromMany) {
      Place part = llvm::map_to_vector<4>(group, [&](int64_t dim) { return place[dim]; });
      // Where a group has one dimension of more than 1, its index is all that counts.
      for (auto [extent, index] : llvm::zip_equal(extents, part))
        index = extent == 1 ? 0 : index;
      std::optional<int64_t> index = findNumber(extents, part);
      result.push_back(index.value_or(kAnyIndex));
      continue;
    }
    Place part(group.size(), kAnyIndex);
    if (place[number] != kAnyIndex)
      part = makePlace(extents, place[number]);
    llvm::append_range(result, part);
  }
  return result;
}

/// `range`, of numbers of a type before they are rounded to it.
static NumberRange roundTo(Type type, NumberRange range) {
  auto floats = dyn_cast<FloatType>(type);
  if (!floats)
    return range;
  auto round = [&](double value) {
    bool losesInfo;
    APFloat number(value);
    number.convert(floats.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
    return number.convertToDouble();
  };
  return {round(range.low), round(range.high)};
}

/// Whether a type holds all numbers of a range. Others become different ones.
static bool fits(Type type, NumberRange range) {
  if (isa<FloatType>(type))
    return true;
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  bool isUnsigned = type.isUnsignedInteger() || width == 1;
  // Larger integers are not exact here.
  double limit = std::ldexp(1.0, std::min(int(width) - !isUnsigned, 52));
  return range.low >= (isUnsigned ? 0 : -limit) && range.high < limit;
}

NumberRange NumberRangeFinder::findOperand(Value tensor, Place place) {
  std::optional<int64_t> number = findNumber(NodeImporter::getShape(tensor), place);
  if (number && NodeImporter::getElementType(tensor).isIntOrIndex())
    return findInteger(tensor, *number).value_or(NumberRange());
  return find(tensor, std::move(place));
}

NumberRange NumberRangeFinder::find(Value tensor, Place place) {
  // Many elements are computed from the same ones.
  auto [known, isNew] = found.try_emplace({tensor.getAsOpaquePointer(), place});
  if (isNew && found.size() < kMaxPlaces) {
    NumberRange range = findNew(tensor, place);
    found[{tensor.getAsOpaquePointer(), place}] = range;
    return range;
  }
  return known->second;
}

NumberRange NumberRangeFinder::findNew(Value tensor, Place place) {
  if (std::optional<cnn::ConstantData> data = cnn::ConstantData::get(tensor))
    return findConstant(*data, place);
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return {};
  return TypeSwitch<Operation *, NumberRange>(op)
      .Case([&](tensor::CollapseShapeOp op) {
        return findOperand(op.getSrc(), regroup(place, op.getReassociationIndices(),
                                                op.getSrcType().getShape(), false));
      })
      .Case([&](tensor::ExpandShapeOp op) {
        return findOperand(op.getSrc(), regroup(place, op.getReassociationIndices(),
                                                op.getResultType().getShape(), true));
      })
      .Case([&](tensor::ExtractSliceOp op) {
        if (op.getSourceType().getRank() != op.getType().getRank() ||
            ShapedType::isDynamicShape(op.getStaticOffsets()) ||
            ShapedType::isDynamicShape(op.getStaticStrides()))
          return NumberRange();
        for (auto [index, offset, step] :
             llvm::zip_equal(place, op.getStaticOffsets(), op.getStaticStrides()))
          if (index != kAnyIndex)
            index = offset + index * step;
        return findOperand(op.getSource(), place);
      })
      .Case([&](linalg::TransposeOp op) {
        Place source(place);
        for (auto [dim, from] : llvm::enumerate(op.getPermutation()))
          source[from] = place[dim];
        return findOperand(op.getInput(), source);
      })
      .Case([&](cnn::CheckRangeOp op) {
        return NumberRange{double(int64_t(op.getMinimum())), double(int64_t(op.getMaximum()))};
      })
      .Case([&](cnn::CastOp op) { return findCast(op, place); })
      .Case([&](cnn::UnaryOp op) { return findUnary(op, place); })
      .Case([&](cnn::BinaryOp op) { return findBinary(op, place); })
      .Case([&](cnn::ConcatOp op) { return findConcat(op, place); })
      .Case([&](cnn::GatherOp op) { return findGather(op, place); })
      .Case([&](cnn::BroadcastOp op) { return findBroadcast(op.getInput(), place); })
      .Case<cnn::SelectOp, cnn::ChooseOp>([&](auto op) {
        NumberRange range = findBroadcast(op.getLhs(), place);
        range.join(findBroadcast(op.getRhs(), place));
        return range;
      })
      .Case([&](cnn::ReduceOp op) {
        if (op.getKind() != cnn::ReduceKind::max && op.getKind() != cnn::ReduceKind::min)
          return NumberRange();
        return findOperand(op.getInput(),
                           Place(NodeImporter::getRank(op.getInput()), kAnyIndex));
      })
      .Default([](Operation *) { return NumberRange(); });
}

NumberRange NumberRangeFinder::findConstant(const cnn::ConstantData &data,
                                            const Place &place) {
  auto get = [&](int64_t i) {
    double value =
        data.getElementType().isIntOrIndex() ? double(data.getInt(i)) : data.getDouble(i);
    return std::isnan(value) ? NumberRange() : NumberRange{value, value};
  };
  if (data.isSplat())
    return get(0);
  if (std::optional<int64_t> number = findNumber(data.getShape(), place))
    return get(*number);
  if (data.getNumElements() == 0 || data.getNumElements() > int64_t(kMaxPlaces))
    return {};
  NumberRange range = get(0);
  for (int64_t i = 1; i < data.getNumElements(); ++i)
    range.join(get(i));
  return range;
}

NumberRange NumberRangeFinder::findCast(cnn::CastOp op, const Place &place) {
  NumberRange range = findOperand(op.getInput(), place);
  Type from = NodeImporter::getElementType(op.getInput()),
       to = NodeImporter::getElementType(op->getResult(0));
  if (!to.isIntOrIndex())
    return roundTo(to, range);
  if (isa<FloatType>(from))
    range = {std::trunc(range.low), std::trunc(range.high)};
  return fits(to, range) ? range : NumberRange();
}

NumberRange NumberRangeFinder::findUnary(cnn::UnaryOp op, const Place &place) {
  NumberRange range = findOperand(op.getInput(), place);
  auto get = [](FloatAttr bound, double otherwise) {
    return bound ? bound.getValueAsDouble() : otherwise;
  };
  cnn::FunctionAttr function = op.getFunction();
  switch (function.getKind()) {
  case UnaryKind::identity:
    return range;
  case UnaryKind::relu:
    return {std::max(range.low, 0.0), std::max(range.high, 0.0)};
  case UnaryKind::clip: {
    double low = get(function.getAlpha(), -HUGE_VAL), high = get(function.getBeta(), HUGE_VAL);
    auto clip = [&](double value) { return std::min(std::max(value, low), high); };
    return {clip(range.low), clip(range.high)};
  }
  case UnaryKind::neg:
    return {-range.high, -range.low};
  case UnaryKind::floor:
    return {std::floor(range.low), std::floor(range.high)};
  case UnaryKind::ceil:
    return {std::ceil(range.low), std::ceil(range.high)};
  case UnaryKind::round:
    return {std::nearbyint(range.low), std::nearbyint(range.high)};
  case UnaryKind::abs: {
    double high = std::max(std::abs(range.low), std::abs(range.high));
    bool hasZero = range.low <= 0 && range.high >= 0;
    return {hasZero ? 0 : std::min(std::abs(range.low), std::abs(range.high)), high};
  }
  case UnaryKind::sigmoid:
  case UnaryKind::hard_sigmoid:
    return {0, 1};
  default:
    return {};
  }
}

NumberRange NumberRangeFinder::findBinary(cnn::BinaryOp op, const Place &place) {
  NumberRange lhs = findBroadcast(op.getLhs(), place), rhs = findBroadcast(op.getRhs(), place);
  Type type = NodeImporter::getElementType(op->getResult(0));
  auto findCorners = [&](auto f) -> NumberRange {
    double corners[] = {f(lhs.low, rhs.low), f(lhs.low, rhs.high), f(lhs.high, rhs.low),
                        f(lhs.high, rhs.high)};
    if (llvm::any_of(corners, [](double value) { return std::isnan(value); }))
      return {};
    auto [low, high] = std::minmax_element(std::begin(corners), std::end(corners));
    return roundTo(type, {*low, *high});
  };
  NumberRange range;
  switch (op.getKind()) {
  case BinaryKind::add:
    range = findCorners(std::plus<double>());
    break;
  case BinaryKind::sub:
    range = findCorners(std::minus<double>());
    break;
  case BinaryKind::mul:
    range = findCorners(std::multiplies<double>());
    break;
  case BinaryKind::div:
    if (rhs.low > 0)
      range = findCorners(std::divides<double>());
    if (type.isIntOrIndex())
      range = {std::trunc(range.low), std::trunc(range.high)};
    break;
  case BinaryKind::min:
    return {std::min(lhs.low, rhs.low), std::min(lhs.high, rhs.high)};
  case BinaryKind::max:
    return {std::max(lhs.low, rhs.low), std::max(lhs.high, rhs.high)};
  default:
    return {};
  }
  return fits(type, range) ? range : NumberRange();
}

NumberRange NumberRangeFinder::findConcat(cnn::ConcatOp op, Place place) {
  int64_t axis = op.getAxis();
  std::optional<NumberRange> all;
  for (Value input : op.getInputs()) {
    int64_t extent = NodeImporter::getShape(input)[axis];
    if (place[axis] != kAnyIndex) {
      if (place[axis] < extent)
        return findOperand(input, place);
      place[axis] -= extent;
      continue;
    }
    NumberRange own = findOperand(input, place);
    if (all)
      all->join(own);
    else
      all = own;
  }
  return all.value_or(NumberRange());
}

NumberRange NumberRangeFinder::findGather(cnn::GatherOp op, const Place &place) {
  int64_t axis = op.getAxis(), rank = NodeImporter::getRank(op.getIndices());
  int64_t index = kAnyIndex;
  if (std::optional<cnn::ConstantData> data = cnn::ConstantData::get(op.getIndices())) {
    Place where(ArrayRef(place).slice(axis, rank));
    if (std::optional<int64_t> number = findNumber(data->getShape(), where)) {
      index = data->getInt(*number);
      index += index < 0 ? NodeImporter::getShape(op.getInput())[axis] : 0;
    }
  }
  Place source(ArrayRef(place).take_front(axis));
  source.push_back(index);
  llvm::append_range(source, ArrayRef(place).drop_front(axis + rank));
  return findOperand(op.getInput(), source);
}

NumberRange NumberRangeFinder::findBroadcast(Value operand, const Place &place) {
  ArrayRef<int64_t> shape = NodeImporter::getShape(operand);
  Place own(ArrayRef(place).take_back(shape.size()));
  for (auto [extent, index] : llvm::zip_equal(shape, own))
    if (extent == 1)
      index = 0;
  return findOperand(operand, own);
}
