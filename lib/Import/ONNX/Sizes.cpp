//===- Sizes.cpp - What is known of sizes that a program computes ---------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Ranges.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;

//===----------------------------------------------------------------------===//
// The least and the largest value of an element
//===----------------------------------------------------------------------===//

namespace {

/// An integer lies between `low` and `high`.
struct Interval {
  int64_t low, high;
  /// Whether it does so even if a float that it is computed from is not a number (NaN).
  bool isSure = true;
};

/// Follows elements of integer tensors back to sizes and constants.
class RangeFinder {
public:
  explicit RangeFinder(const SizeTable &table)
      : table(table), others([this](Value tensor, int64_t element) {
          std::optional<Interval> range = find(tensor, element);
          return range ? std::optional(NumberRange{double(range->low), double(range->high)})
                       : std::nullopt;
        }) {}

  /// The range of an element, by its number in the order of memory. Nothing if it is not
  /// known.
  std::optional<Interval> find(Value tensor, int64_t element);
  /// The tensor, of rank 0 or with one element, that holds the element; null if the element
  /// is computed otherwise. Follows operations that only move elements.
  Value findSource(Value tensor, int64_t &element);

private:
  std::optional<Interval> findBinary(cnn::BinaryOp op, int64_t element);
  std::optional<Interval> findReduced(cnn::ReduceOp op, int64_t element);
  std::optional<Interval> findSimple(Value tensor, int64_t element);

  /// More operations between a size and its use mean that it is not simple arithmetic.
  static constexpr int kMaxSteps = 1 << 10;
  const SizeTable &table;
  /// For elements that come from floats, or that are picked by indices that are data.
  NumberRangeFinder others;
  int steps = 0;
};

} // namespace

/// The greatest size of a tensor; so sums of some sizes do not overflow.
static constexpr int64_t kMaxSize = int64_t(1) << 40;

static int64_t limit(int64_t value) { return std::clamp(value, -kMaxSize, kMaxSize); }

/// The least and the largest of `f` at the four corners of two ranges.
static Interval findCorners(Interval lhs, Interval rhs,
                            llvm::function_ref<int64_t(int64_t, int64_t)> f) {
  int64_t corners[] = {f(lhs.low, rhs.low), f(lhs.low, rhs.high), f(lhs.high, rhs.low),
                       f(lhs.high, rhs.high)};
  auto [low, high] = std::minmax_element(std::begin(corners), std::end(corners));
  return {limit(*low), limit(*high)};
}

static std::optional<Interval> applySurely(BinaryKind kind, Interval lhs, Interval rhs) {
  switch (kind) {
  case BinaryKind::add:
    return Interval{limit(lhs.low + rhs.low), limit(lhs.high + rhs.high)};
  case BinaryKind::sub:
    return Interval{limit(lhs.low - rhs.high), limit(lhs.high - rhs.low)};
  case BinaryKind::mul:
    return findCorners(lhs, rhs,
                       [](int64_t x, int64_t y) { return llvm::MulOverflow(x, y, x), x; });
  case BinaryKind::min:
    return Interval{std::min(lhs.low, rhs.low), std::min(lhs.high, rhs.high)};
  case BinaryKind::max:
    return Interval{std::max(lhs.low, rhs.low), std::max(lhs.high, rhs.high)};
  case BinaryKind::div:
    if (rhs.low < 1)
      return std::nullopt;
    return findCorners(lhs, rhs, [](int64_t x, int64_t y) { return x / y; });
  case BinaryKind::mod:
    return rhs.low < 1 ? std::nullopt : std::optional(Interval{0, rhs.high - 1});
  case BinaryKind::equal:
    if (lhs.high < rhs.low || rhs.high < lhs.low)
      return Interval{0, 0};
    return Interval{0, 1};
  case BinaryKind::greater:
  case BinaryKind::greater_equal:
  case BinaryKind::less:
  case BinaryKind::less_equal:
    return Interval{0, 1};
  default:
    return std::nullopt;
  }
}

static std::optional<Interval> apply(BinaryKind kind, Interval lhs, Interval rhs) {
  std::optional<Interval> result = applySurely(kind, lhs, rhs);
  if (result)
    result->isSure = lhs.isSure && rhs.isSure;
  return result;
}

/// The number of the element of an operand that broadcasts to the result's element.
static int64_t findOperandElement(Value operand, Value result, int64_t element) {
  ArrayRef<int64_t> from = NodeImporter::getShape(operand),
                    to = NodeImporter::getShape(result);
  int64_t number = 0, stride = 1;
  for (int64_t dim = int64_t(to.size()) - 1, own = int64_t(from.size()) - 1; own >= 0;
       --dim, --own) {
    if (from[own] != 1)
      number += element % to[dim] * stride;
    stride *= from[own];
    element /= to[dim];
  }
  return number;
}

/// Whether a cast is between integers that hold all sizes, and so changes none.
static bool keepsSizes(cnn::CastOp cast) {
  auto isWide = [](Value value) {
    Type type = NodeImporter::getElementType(value);
    return type.isIntOrIndex() && type.getIntOrFloatBitWidth() >= 32;
  };
  return isWide(cast.getInput()) && isWide(cast->getResult(0));
}

Value RangeFinder::findSource(Value tensor, int64_t &element) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (++steps > kMaxSteps)
      return tensor;
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op)) {
      tensor = op->getOperand(0);
      continue;
    }
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
      if (slice.getSourceType().getRank() != 1 || slice.getType().getRank() != 1 ||
          !slice.hasUnitStride() || ShapedType::isDynamic(slice.getStaticOffset(0)))
        return tensor;
      element += slice.getStaticOffset(0);
      tensor = slice.getSource();
      continue;
    }
    if (auto concat = dyn_cast<cnn::ConcatOp>(op);
        concat && NodeImporter::getRank(tensor) == 1) {
      for (Value input : concat.getInputs()) {
        int64_t count = NodeImporter::getType(input).getNumElements();
        tensor = input;
        if (element < count)
          break;
        element -= count;
      }
      continue;
    }
    if (auto gather = dyn_cast<cnn::GatherOp>(op)) {
      std::optional<cnn::ConstantData> indices = cnn::ConstantData::get(gather.getIndices());
      if (!indices || NodeImporter::getRank(gather.getInput()) != 1)
        return tensor;
      int64_t index = indices->getInt(element);
      element = index < 0 ? index + NodeImporter::getShape(gather.getInput())[0] : index;
      tensor = gather.getInput();
      continue;
    }
    if (auto broadcast = dyn_cast<cnn::BroadcastOp>(op)) {
      element = findOperandElement(broadcast.getInput(), tensor, element);
      tensor = broadcast.getInput();
      continue;
    }
    if (auto select = dyn_cast<cnn::SelectOp>(op)) {
      Value condition = select.getCondition();
      std::optional<Interval> range =
          find(condition, findOperandElement(condition, tensor, element));
      if (!range || range->low != range->high)
        return tensor;
      Value chosen = range->low ? select.getLhs() : select.getRhs();
      element = findOperandElement(chosen, tensor, element);
      tensor = chosen;
      continue;
    }
    if (auto cast = dyn_cast<cnn::CastOp>(op); cast && keepsSizes(cast)) {
      tensor = cast.getInput();
      continue;
    }
    return tensor;
  }
  return tensor;
}

std::optional<Interval> RangeFinder::find(Value tensor, int64_t element) {
  tensor = findSource(tensor, element);
  if (steps > kMaxSteps)
    return std::nullopt;
  if (std::optional<Interval> simple = findSimple(tensor, element))
    return simple;
  NumberRange range = others.find(tensor, makePlace(NodeImporter::getShape(tensor), element));
  if (range.low < -double(kMaxSize) || range.high > double(kMaxSize))
    return std::nullopt;
  return Interval{int64_t(range.low), int64_t(range.high), /*isSure=*/false};
}

/// The range of an element that is computed from single integers.
std::optional<Interval> RangeFinder::findSimple(Value tensor, int64_t element) {
  if (auto bound = table.bounds.find({tensor, element}); bound != table.bounds.end())
    return Interval{0, bound->second};
  if (std::optional<cnn::ConstantData> data = cnn::ConstantData::get(tensor)) {
    if (!data->getElementType().isIntOrIndex())
      return std::nullopt;
    int64_t value = data->getInt(element);
    return Interval{value, value};
  }
  Operation *op = tensor.getDefiningOp();
  if (auto check = dyn_cast_or_null<cnn::CheckRangeOp>(op))
    return Interval{int64_t(check.getMinimum()), int64_t(check.getMaximum())};
  if (auto binary = dyn_cast_or_null<cnn::BinaryOp>(op))
    return findBinary(binary, element);
  if (auto reduce = dyn_cast_or_null<cnn::ReduceOp>(op))
    return findReduced(reduce, element);
  if (auto select = dyn_cast_or_null<cnn::SelectOp>(op)) {
    std::optional<Interval> yes =
        find(select.getLhs(), findOperandElement(select.getLhs(), tensor, element));
    std::optional<Interval> no =
        find(select.getRhs(), findOperandElement(select.getRhs(), tensor, element));
    if (yes && no)
      return Interval{std::min(yes->low, no->low), std::max(yes->high, no->high),
                      yes->isSure && no->isSure};
  }
  return std::nullopt;
}

std::optional<Interval> RangeFinder::findBinary(cnn::BinaryOp op, int64_t element) {
  Value result = op->getResult(0);
  if (!NodeImporter::getElementType(result).isIntOrIndex())
    return std::nullopt;
  std::optional<Interval> lhs =
      find(op.getLhs(), findOperandElement(op.getLhs(), result, element));
  std::optional<Interval> rhs =
      find(op.getRhs(), findOperandElement(op.getRhs(), result, element));
  return lhs && rhs ? apply(op.getKind(), *lhs, *rhs) : std::nullopt;
}

std::optional<Interval> RangeFinder::findReduced(cnn::ReduceOp op, int64_t element) {
  BinaryKind kind;
  switch (op.getKind()) {
  case cnn::ReduceKind::max:
    kind = BinaryKind::max;
    break;
  case cnn::ReduceKind::min:
    kind = BinaryKind::min;
    break;
  case cnn::ReduceKind::sum:
    kind = BinaryKind::add;
    break;
  case cnn::ReduceKind::prod:
    kind = BinaryKind::mul;
    break;
  default:
    return std::nullopt;
  }
  Value input = op.getInput();
  if (NodeImporter::getRank(input) != 1 || op.getAxes().size() != 1)
    return std::nullopt;
  std::optional<Interval> result = find(input, 0);
  for (int64_t i = 1; i < NodeImporter::getShape(input)[0] && result; ++i) {
    std::optional<Interval> next = find(input, i);
    result = next ? apply(kind, *result, *next) : std::nullopt;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Single numbers
//===----------------------------------------------------------------------===//

/// f32 holds all integers up to this one.
static constexpr int64_t kMaxExact = 1 << 24;

static bool isNumber(Value value) {
  return NodeImporter::getType(value).getNumElements() == 1;
}

/// The integer that a constant of one element holds.
static std::optional<int64_t> getInteger(Value value) {
  std::optional<cnn::ConstantData> data = cnn::ConstantData::get(value);
  if (!data || !isNumber(value))
    return std::nullopt;
  if (data->getElementType().isIntOrIndex())
    return data->getInt(0);
  double number = data->getDouble(0);
  if (!(std::abs(number) <= kMaxExact) || number != std::trunc(number))
    return std::nullopt;
  return int64_t(number);
}

LinearNumber convoy::onnximport::findLinear(Value number) {
  LinearNumber result{number, 0};
  if (!isNumber(number))
    return result;
  while (true) {
    int64_t element = 0;
    Value source = RangeFinder(SizeTable()).findSource(result.base, element);
    if (!isNumber(source))
      return result;
    result.base = source;
    auto sum = source.getDefiningOp<cnn::BinaryOp>();
    if (!sum || !NodeImporter::getElementType(source).isIntOrIndex())
      return result;
    std::optional<int64_t> left = getInteger(sum.getLhs()), right = getInteger(sum.getRhs());
    if (sum.getKind() == BinaryKind::add && left) {
      result = {sum.getRhs(), result.added + *left};
    } else if (sum.getKind() == BinaryKind::add && right) {
      result = {sum.getLhs(), result.added + *right};
    } else if (sum.getKind() == BinaryKind::sub && right) {
      result = {sum.getLhs(), result.added - *right};
    } else {
      return result;
    }
  }
}

std::optional<int64_t> convoy::onnximport::findDifference(Value lhs, Value rhs) {
  LinearNumber left = findLinear(lhs), right = findLinear(rhs);
  if (left.base == right.base)
    return left.added - right.added;
  auto least = left.base.getDefiningOp<cnn::BinaryOp>();
  if (!least || least.getKind() != BinaryKind::min || !isNumber(left.base))
    return std::nullopt;
  // The difference to the least is at most the difference to each of the two.
  std::optional<int64_t> difference = findDifference(least.getLhs(), rhs);
  std::optional<int64_t> other = findDifference(least.getRhs(), rhs);
  if (!difference || (other && *other < *difference))
    difference = other;
  return difference ? std::optional(*difference + left.added) : std::nullopt;
}

void NodeImporter::declareNumber(Value number, int64_t bound) {
  importer.getSizeTable().bounds[{number, 0}] = bound;
}

Value NodeImporter::computeAsInteger(Value number) {
  Type i64 = builder.getI64Type();
  if (!isNumber(number))
    return {};
  if (std::optional<int64_t> value = getInteger(number))
    return constant(cnn::makeConstant(RankedTensorType::get(getShape(number), i64),
                                      std::vector<int64_t>{*value}));
  Operation *op = number.getDefiningOp();
  FailureOr<Value> result = failure();
  if (auto cast = dyn_cast_or_null<cnn::CastOp>(op)) {
    if (getElementType(cast.getInput()).isIntOrIndex())
      result = create<cnn::CastOp>(cast.getInput(), i64);
  } else if (isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op)) {
    if (Value source = computeAsInteger(op->getOperand(0)))
      result = reshape(source, getShape(number));
  } else if (auto binary = dyn_cast_or_null<cnn::BinaryOp>(op)) {
    bool isExact = llvm::is_contained(
        {BinaryKind::add, BinaryKind::sub, BinaryKind::mul, BinaryKind::min, BinaryKind::max},
        binary.getKind());
    Value lhs = isExact ? computeAsInteger(binary.getLhs()) : Value();
    if (Value rhs = lhs ? computeAsInteger(binary.getRhs()) : Value())
      result = this->binary(binary.getKind(), lhs, rhs);
  }
  if (failed(result))
    return {};
  std::optional<Interval> range = RangeFinder(importer.getSizeTable()).find(*result, 0);
  bool isExact = range && range->low >= -kMaxExact && range->high <= kMaxExact;
  return isExact ? *result : Value();
}

//===----------------------------------------------------------------------===//
// Extents
//===----------------------------------------------------------------------===//

SmallVector<int64_t> convoy::onnximport::getBounds(ArrayRef<DimSize> extents) {
  return llvm::map_to_vector(extents, [](const DimSize &extent) { return extent.bound; });
}

bool NodeImporter::hasSizes() const {
  return llvm::any_of(sizes, [](const auto &own) { return !own.empty(); });
}

SmallVector<DimSize> NodeImporter::getExtents(unsigned index) const {
  SmallVector<DimSize> extents;
  for (auto [dim, bound] : llvm::enumerate(getShape(index)))
    extents.emplace_back(bound, hasSizes(index) ? sizes[index][dim] : Value());
  return extents;
}

DimSize NodeImporter::declareSize(Value size, int64_t bound) {
  if (std::optional<cnn::ConstantData> data = cnn::ConstantData::get(size))
    return data->getInt(0);
  SizeTable &table = importer.getSizeTable();
  SizeTable::Number number(size, 0);
  number.first = RangeFinder(table).findSource(size, number.second);
  int64_t &known = table.bounds.try_emplace(number, bound).first->second;
  known = std::min(known, bound);
  return {bound, table.values.try_emplace(number, size).first->second};
}

std::optional<DimSize> NodeImporter::findExtent(Value tensor, int64_t element, bool mayClamp) {
  SizeTable &table = importer.getSizeTable();
  RangeFinder finder(table);
  std::optional<Interval> range = finder.find(tensor, element);
  if (!range || (!mayClamp && (range->low < 0 || !range->isSure)))
    return std::nullopt;
  if (range->low == range->high && range->isSure)
    return range->low;
  int64_t bound = std::max<int64_t>(range->high, 0), place = element;
  Value source = finder.findSource(tensor, place);
  if (Value known = table.values.lookup({source, place}))
    return DimSize(bound, known);
  FailureOr<Value> size = extractNumber(source, place);
  // A size is never negative.
  if (succeeded(size) && (range->low < 0 || !range->isSure))
    size = binary(BinaryKind::max, *size, scalar(builder.getI64Type(), 0));
  if (succeeded(size) && !range->isSure)
    size = binary(BinaryKind::min, *size, scalar(builder.getI64Type(), bound));
  if (failed(size))
    return std::nullopt;
  DimSize extent = declareSize(*size, bound);
  if (extent.size)
    table.values.try_emplace({source, place}, extent.size);
  return extent;
}

std::optional<SmallVector<int64_t>> NodeImporter::findConstantInts(Value tensor) {
  int64_t count = tensor ? getType(tensor).getNumElements() : 0;
  if (count == 0 || count > cnn::kMaxInlineElements || !getElementType(tensor).isIntOrIndex())
    return std::nullopt;
  SmallVector<int64_t> result;
  for (int64_t i = 0; i < count; ++i) {
    std::optional<Interval> range = RangeFinder(importer.getSizeTable()).find(tensor, i);
    if (!range || !range->isSure || range->low != range->high)
      return std::nullopt;
    result.push_back(range->low);
  }
  return result;
}

FailureOr<Value> NodeImporter::extractNumber(Value tensor, int64_t element) {
  int64_t count = getType(tensor).getNumElements();
  FailureOr<Value> number = reshape(tensor, {count});
  if (succeeded(number) && count > 1)
    number = slice(*number, {element}, {1}, {1});
  if (failed(number) || failed(number = reshape(*number, {})))
    return failure();
  return create<cnn::CastOp>(*number, builder.getI64Type());
}

std::optional<SmallVector<DimSize>> NodeImporter::readExtents(unsigned index) {
  Value tensor = getInput(index);
  SmallVector<DimSize> result;
  if (!tensor || getConstant(index)) {
    std::optional<SmallVector<int64_t>> constants = getConstantInts(index);
    if (!constants)
      return std::nullopt;
    result.assign(constants->begin(), constants->end());
    return result;
  }
  int64_t count = getType(tensor).getNumElements();
  for (int64_t i = 0; i < count && count <= cnn::kMaxInlineElements; ++i)
    if (std::optional<DimSize> extent = findExtent(tensor, i))
      result.push_back(*extent);
  if (int64_t(result.size()) == count && getElementType(tensor).isIntOrIndex())
    return result;
  (void)notConstant(index, /*mayBeLimited=*/true);
  return std::nullopt;
}

std::optional<DimSize> NodeImporter::readExtent(unsigned index, int64_t most) {
  Value tensor = getInput(index);
  if (getType(tensor).getNumElements() != 1) {
    (void)error(describeInput(index) + " has " + Twine(getType(tensor).getNumElements()) +
                " elements, expected 1");
    return std::nullopt;
  }
  if (getConstant(index)) {
    std::optional<SmallVector<int64_t>> constant = getConstantInts(index);
    return constant ? std::optional<DimSize>(constant->front()) : std::nullopt;
  }
  if (std::optional<DimSize> known = findExtent(tensor, 0))
    return combine(BinaryKind::min, *known, most);
  FailureOr<Value> number = extractNumber(tensor, 0);
  if (failed(number))
    return std::nullopt;
  number = binary(BinaryKind::max, *number, scalar(builder.getI64Type(), 0));
  number = binary(BinaryKind::min, *number, scalar(builder.getI64Type(), most));
  return declareSize(*number, most);
}

FailureOr<Value> NodeImporter::declareIndices(FailureOr<Value> indices) {
  if (succeeded(indices))
    importer.getSizeTable().indices.insert(*indices);
  return indices;
}

bool NodeImporter::isNeverNegative(Value tensor) {
  // Operations that move elements; the first operand has them all.
  while (Operation *op = tensor.getDefiningOp()) {
    if (importer.getSizeTable().indices.contains(tensor))
      return true;
    auto cast = dyn_cast<cnn::CastOp>(op);
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp,
             linalg::TransposeOp, cnn::BroadcastOp, cnn::GatherOp>(op) &&
        !(cast && keepsSizes(cast)))
      break;
    tensor = op->getOperand(0);
  }
  if (auto check = tensor.getDefiningOp<cnn::CheckRangeOp>())
    return int64_t(check.getMinimum()) >= 0;
  std::optional<cnn::ConstantData> data = cnn::ConstantData::get(tensor);
  if (!data || !data->getElementType().isIntOrIndex())
    return false;
  for (int64_t i = 0, e = data->isSplat() ? 1 : data->getNumElements(); i < e; ++i)
    if (data->getInt(i) < 0)
      return false;
  return true;
}

FailureOr<Value> NodeImporter::findOnce(Value input, ArrayRef<DimSize> extents,
                                        llvm::function_ref<FailureOr<Value>()> find) {
  SmallVector<Value> key = {input};
  for (const DimSize &extent : extents)
    key.push_back(extent.size);
  for (const auto &[known, result] : importer.getSizeTable().found)
    if (known == key)
      return result;
  FailureOr<Value> result = find();
  if (succeeded(result))
    importer.getSizeTable().found.push_back({key, *result});
  return result;
}

Value NodeImporter::materialize(DimSize extent) {
  return extent.size ? extent.size : scalar(builder.getI64Type(), extent.bound);
}

DimSize NodeImporter::combine(BinaryKind kind, DimSize lhs, DimSize rhs) {
  auto isExactly = [](DimSize extent, int64_t value) {
    return extent.isConstant() && extent.bound == value;
  };
  Interval left{lhs.size ? 0 : lhs.bound, lhs.bound},
      right{rhs.size ? 0 : rhs.bound, rhs.bound};
  Interval range = *apply(kind, left, right);
  if (std::optional<int64_t> most; kind == BinaryKind::sub && lhs.size && rhs.size &&
                                   (most = findDifference(lhs.size, rhs.size)))
    range.high = std::clamp<int64_t>(*most, 0, range.high);
  if (range.low == range.high)
    return range.low;
  if (lhs == rhs && (kind == BinaryKind::min || kind == BinaryKind::max))
    return lhs;
  if (kind == BinaryKind::max && rhs.isConstant() && rhs.bound <= 0)
    return lhs;
  if (((kind == BinaryKind::add || kind == BinaryKind::sub) && isExactly(rhs, 0)) ||
      ((kind == BinaryKind::mul || kind == BinaryKind::div) && isExactly(rhs, 1)))
    return lhs;
  if (kind == BinaryKind::min && rhs.isConstant() && rhs.bound >= lhs.bound)
    return lhs;
  if (kind == BinaryKind::min && lhs.isConstant() && lhs.bound >= rhs.bound)
    return rhs;
  auto getNumber = [](DimSize extent) { return extent.size ? 0 : extent.bound; };
  Value &result =
      importer.getSizeTable()
          .combined[{int(kind), lhs.size, getNumber(lhs), rhs.size, getNumber(rhs)}];
  if (!result) {
    result = *binary(kind, materialize(lhs), materialize(rhs));
    if (range.low < 0)
      result = *binary(BinaryKind::max, result, scalar(builder.getI64Type(), 0));
  }
  return declareSize(result, std::max<int64_t>(range.high, 0));
}

LogicalResult NodeImporter::setResult(FailureOr<Value> value, ArrayRef<DimSize> extents,
                                      unsigned index) {
  if (failed(value))
    return failure();
  auto isOpen = [](const DimSize &extent) { return bool(extent.size); };
  if (index < results.size())
    resultSizes[index].clear();
  if (index < results.size() && llvm::any_of(extents, isOpen))
    for (const DimSize &extent : extents)
      resultSizes[index].push_back(extent.size);
  return setResult(*value, index);
}
