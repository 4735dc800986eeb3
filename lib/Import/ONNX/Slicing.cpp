//===- Slicing.cpp - Operators that cut and repeat tensors ----------------===//
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
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

//===----------------------------------------------------------------------===//
// Slice and Split
//===----------------------------------------------------------------------===//

namespace {

/// Where a Slice begins or ends. A number that is computed may count from the end, too, unless
/// it `isSize`.
struct CutEnd {
  DimSize number;
  bool isSize;

  bool isForwards() const { return number.isConstant() ? number.bound >= 0 : isSize; }
};

/// What a Slice takes of dimension `axis`.
struct Cut {
  int64_t axis, step;
  CutEnd start, end;

  bool isConstant() const { return start.number.isConstant() && end.number.isConstant(); }
};

} // namespace

static SmallVector<CutEnd> makeConstantEnds(ArrayRef<int64_t> numbers) {
  return llvm::map_to_vector(numbers, [](int64_t number) { return CutEnd{number, true}; });
}

/// Operand `index`, a list of starts or ends. They need not have a known bound, because the
/// operand has one.
static std::optional<SmallVector<CutEnd>> readCutEnds(NodeImporter &node, unsigned index) {
  Value tensor = node.getInput(index);
  if (!tensor || node.getConstant(index)) {
    std::optional<SmallVector<int64_t>> constants = node.getConstantInts(index);
    return constants ? std::optional(makeConstantEnds(*constants)) : std::nullopt;
  }
  if (node.hasSizes(index)) {
    (void)node.error(node.describeInput(index) + " has a length that depends on data");
    return std::nullopt;
  }
  SmallVector<CutEnd> ends;
  int64_t count = NodeImporter::getType(tensor).getNumElements();
  for (int64_t i = 0; i < count; ++i) {
    if (std::optional<DimSize> extent = node.findExtent(tensor, i, /*mayClamp=*/false)) {
      ends.push_back({*extent, true});
      continue;
    }
    FailureOr<Value> number = node.extractNumber(tensor, i);
    if (failed(number))
      return std::nullopt;
    ends.push_back({DimSize(INT64_MAX, *number), false});
  }
  return ends;
}

static FailureOr<SmallVector<Cut>> readCuts(NodeImporter &node, int64_t rank) {
  std::optional<SmallVector<int64_t>> axes, steps;
  std::optional<SmallVector<CutEnd>> starts, ends;
  if (node.getOpset() < 10) {
    auto first = node.getInts("starts"), last = node.getInts("ends");
    axes = node.getInts("axes");
    if (!first || !last)
      return node.error("has no attributes 'starts' and 'ends'");
    starts = makeConstantEnds(*first);
    ends = makeConstantEnds(*last);
  } else {
    if (node.getNumInputs() < 3)
      return node.error("has no inputs 'starts' and 'ends'");
    if (!(starts = readCutEnds(node, 1)) || !(ends = readCutEnds(node, 2)) ||
        (node.getInput(3) && !(axes = node.getConstantInts(3))) ||
        (node.getInput(4) && !(steps = node.getConstantInts(4))))
      return failure();
  }
  size_t count = starts->size();
  if (!axes) {
    axes.emplace(count);
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (!steps)
    steps.emplace(count, 1);
  if (ends->size() != count || axes->size() != count || steps->size() != count)
    return node.error("starts, ends, axes and steps have different lengths");
  if (failed(node.normalizeAxes(*axes, rank)))
    return failure();
  SmallVector<Cut> cuts;
  for (size_t i = 0; i < count; ++i) {
    int64_t axis = *node.normalizeAxis((*axes)[i], rank);
    if ((*steps)[i] == 0)
      return node.error("has a step of 0 in dimension " + Twine(axis));
    cuts.push_back({axis, (*steps)[i], (*starts)[i], (*ends)[i]});
  }
  return cuts;
}

/// Takes the elements from `cut.start` on, whose number follows from sizes. Both ends count
/// from the beginning, and the step is positive.
static FailureOr<Value> cutForwards(NodeImporter &node, Value value, const Cut &cut,
                                    DimSize &extent) {
  SmallVector<int64_t> sizes(NodeImporter::getShape(value));
  SmallVector<int64_t> offsets(sizes.size(), 0), steps(sizes.size(), 1);
  int64_t start = std::min(cut.start.number.bound, extent.bound);
  int64_t step = std::min(cut.step, extent.bound + 1);
  DimSize end = node.combine(BinaryKind::min, cut.end.number, extent);
  extent = node.combine(BinaryKind::max, node.combine(BinaryKind::sub, end, start), 0);
  if (step > 1)
    extent =
        node.combine(BinaryKind::div, node.combine(BinaryKind::add, extent, step - 1), step);
  offsets[cut.axis] = start;
  sizes[cut.axis] = extent.bound;
  steps[cut.axis] = step;
  return node.slice(value, offsets, sizes, steps);
}

/// The most that lies between the ends of a cut forwards, both of which are sizes; nothing if
/// that is not known.
static std::optional<int64_t> findDistance(const Cut &cut) {
  Value start = cut.start.number.size, end = cut.end.number.size;
  bool isForwards = cut.step > 0 && cut.start.isForwards() && cut.end.isForwards();
  return isForwards && start && end ? findDifference(end, start) : std::nullopt;
}

/// The same for any ends and steps.
static FailureOr<Value> cutAnyhow(NodeImporter &node, Value value, const Cut &cut,
                                  DimSize &extent) {
  SmallVector<Value> operands = {node.materialize(extent), node.materialize(cut.start.number),
                                 node.materialize(cut.end.number)};
  Type i64 = node.getBuilder().getI64Type();
  // Beyond the dimension, all steps have the same effect.
  int64_t dim = extent.bound, step = std::clamp<int64_t>(cut.step, -(dim + 1), dim + 1);
  int64_t most = llvm::divideCeil(dim, std::abs(step));
  if (step > 0 && !cut.start.isForwards() && cut.start.number.isConstant())
    most = std::min(most, int64_t(llvm::divideCeil(-cut.start.number.bound, step)));
  if (step > 0 && cut.end.isForwards())
    most = std::min(most, int64_t(llvm::divideCeil(cut.end.number.bound, step)));
  std::optional<int64_t> distance = findDistance(cut);
  if (distance)
    most = std::min<int64_t>(most, llvm::divideCeil(std::max<int64_t>(*distance, 0), step));
  bool isExact = distance && *distance >= 0 && extent.isConstant() &&
                 cut.start.number.bound + *distance <= dim &&
                 findDifference(cut.start.number.size, cut.end.number.size) == -*distance;
  // The first element, and the number of elements.
  FailureOr<Value> range =
      node.compute("slice_range", {1}, operands, {2}, i64, [&](ComputeBody &body) {
        Scalar size = body.input(0).load({}), zero = size.integer(0);
        auto locate = [&](unsigned number) {
          Scalar place = body.input(number).load({});
          return (place < zero).select(place + size, place);
        };
        Scalar highest = step > 0 ? size : size - 1;
        Scalar start = locate(1).clamp(zero, highest.max(zero));
        Scalar end = locate(2).clamp(size.integer(step > 0 ? 0 : -1), size);
        Scalar distance = step > 0 ? end - start : start - end;
        int64_t stride = std::abs(step);
        Scalar count =
            ((distance + size.integer(stride - 1)) / size.integer(stride)).max(zero);
        count = (size == zero).select(zero, count);
        body.output().store(start, {body.index(0)});
        body.output().store(count, {body.index(1)});
      });
  if (failed(range))
    return failure();
  FailureOr<Value> count = node.extractNumber(*range, 1);
  if (failed(count))
    return failure();
  extent = isExact ? DimSize(most) : node.declareSize(*count, most);
  SmallVector<int64_t> shape(NodeImporter::getShape(value));
  shape[cut.axis] = most;
  return node.computeElements(
      "slice_elements", {value, *range}, shape, NodeImporter::getElementType(value),
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalars from(at);
        Scalar start = body.input(1).load({body.index(0)});
        Scalar place = start + at[cut.axis].to(i64) * step;
        from[cut.axis] = place.clamp(place.integer(0), place.integer(dim - 1)).toIndex();
        return body.input(0).load(from);
      });
}

/// Slices dimension after dimension, some of them with sizes that are computed.
static LogicalResult sliceSized(NodeImporter &node, ArrayRef<Cut> cuts) {
  FailureOr<Value> result = node.getInput(0);
  SmallVector<DimSize> extents = node.getExtents(0);
  for (const Cut &cut : cuts) {
    if (extents[cut.axis].bound == 0)
      continue;
    bool isForwards = cut.step > 0 && cut.start.number.isConstant() &&
                      cut.start.isForwards() && cut.end.isForwards();
    result = isForwards ? cutForwards(node, *result, cut, extents[cut.axis])
                        : cutAnyhow(node, *result, cut, extents[cut.axis]);
    if (failed(result))
      return failure();
  }
  return node.setResult(result, extents);
}

static LogicalResult importSlice(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  FailureOr<SmallVector<Cut>> cuts = readCuts(node, shape.size());
  if (failed(cuts))
    return failure();
  if (node.hasSizes(0) ||
      !llvm::all_of(*cuts, [](const Cut &cut) { return cut.isConstant(); }))
    return sliceSized(node, *cuts);

  SmallVector<int64_t> offsets(shape.size(), 0), sizes(shape), strides(shape.size(), 1);
  bool reverses = false;
  for (const Cut &cut : *cuts) {
    int64_t axis = cut.axis, dim = shape[axis];
    int64_t step = cut.step, start = cut.start.number.bound, end = cut.end.number.bound;
    // All steps beyond the dimension have the same effect: they pick the first element.
    step = std::clamp<int64_t>(step, -(dim + 1), dim + 1);
    start += start < 0 ? dim : 0;
    end += end < 0 ? dim : 0;
    int64_t last = step > 0 ? dim : dim - 1, first = step > 0 ? 0 : -1;
    start = std::clamp<int64_t>(start, 0, std::max<int64_t>(last, 0));
    end = std::clamp(end, first, dim);
    int64_t distance = step > 0 ? end - start : start - end;
    offsets[axis] = start;
    strides[axis] = step;
    sizes[axis] = dim > 0 && distance > 0 ? llvm::divideCeil(distance, std::abs(step)) : 0;
    reverses |= step < 0;
  }
  if (!reverses)
    return node.setResult(node.slice(input, offsets, sizes, strides));
  FailureOr<Value> result = input;
  for (size_t axis = 0; axis < shape.size() && succeeded(result); ++axis) {
    SmallVector<int64_t> indices;
    for (int64_t i = 0; i < sizes[axis]; ++i)
      indices.push_back(offsets[axis] + i * strides[axis]);
    result = node.pick(*result, axis, indices);
  }
  return node.setResult(result);
}

/// The sizes of Split's outputs.
static FailureOr<SmallVector<int64_t>> readSplit(NodeImporter &node, int64_t extent) {
  std::optional<SmallVector<int64_t>> sizes;
  if (node.getOpset() < 2 && node.getInput(1)) {
    std::optional<SmallVector<float>> numbers = node.getConstantFloats(1);
    if (!numbers)
      return failure();
    sizes.emplace(numbers->begin(), numbers->end());
  } else if (node.getOpset() < 13)
    sizes = node.getInts("split");
  else if (node.getInput(1) && !(sizes = node.getConstantInts(1)))
    return failure();
  int64_t count = node.getNumOutputs();
  if (node.getOpset() >= 18 && node.getInt("num_outputs", count) != count)
    return node.error("attribute 'num_outputs' is not the number of outputs");
  if (!sizes) {
    int64_t size = llvm::divideCeil(extent, count);
    if (node.getOpset() < 18 && extent % count)
      return node.error(Twine(extent) + " elements do not split into " + Twine(count) +
                        " equal parts");
    sizes.emplace(count, size);
    sizes->back() = extent - size * (count - 1);
  }
  if (int64_t(sizes->size()) != count)
    return node.error("splits into " + Twine(sizes->size()) + " parts, but has " +
                      Twine(count) + " outputs");
  int64_t sum = 0;
  for (int64_t size : *sizes)
    if (size < 0 || llvm::AddOverflow(sum, size, sum))
      return node.error("splits off " + Twine(size) + " elements");
  if (sum != extent)
    return node.error("splits off " + Twine(sum) + " of " + Twine(extent) + " elements");
  return *sizes;
}

static LogicalResult importSplit(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  FailureOr<int64_t> axis = node.normalizeAxis(node.getInt("axis", 0), shape.size());
  if (failed(axis) || node.getNumOutputs() == 0)
    return failure();
  SmallVector<DimSize> extents = node.getExtents(0);
  if (extents[*axis].size)
    return node.error("splits dimension " + Twine(*axis) + ", whose size depends on data");
  FailureOr<SmallVector<int64_t>> parts = readSplit(node, shape[*axis]);
  if (failed(parts))
    return failure();
  SmallVector<int64_t> offsets(shape.size(), 0), sizes(shape), steps(shape.size(), 1);
  for (auto [index, size] : llvm::enumerate(*parts)) {
    sizes[*axis] = size;
    extents[*axis] = size;
    if (node.isOutputUsed(index) &&
        failed(node.setResult(node.slice(input, offsets, sizes, steps), extents, index)))
      return failure();
    offsets[*axis] += size;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Pad
//===----------------------------------------------------------------------===//

/// The index in the input of the element that a padded position gets. `position` may be
/// before the input's first element or after its last.
static int64_t getPadSource(StringRef mode, int64_t position, int64_t extent) {
  if (mode == "edge")
    return std::clamp<int64_t>(position, 0, extent - 1);
  if (mode == "wrap")
    return (position % extent + extent) % extent;
  // "reflect" does not repeat the border.
  int64_t period = std::max<int64_t>(2 * (extent - 1), 1);
  position = (position % period + period) % period;
  return position < extent ? position : period - position;
}

/// The pads at the beginning of every dimension, then those at the end.
static FailureOr<SmallVector<int64_t>> readPads(NodeImporter &node, int64_t rank) {
  std::optional<SmallVector<int64_t>> pads, axes;
  if (node.getOpset() < 11) {
    StringRef name = node.getOpset() < 2 ? "paddings" : "pads";
    if (!(pads = node.getInts(name)))
      return node.error("has no attribute '" + name + "'");
  } else {
    if (node.getNumInputs() < 2)
      return node.error("has no input 'pads'");
    if (!(pads = node.getConstantInts(1)) ||
        (node.getInput(3) && !(axes = node.getConstantInts(3))))
      return failure();
  }
  if (!axes) {
    axes.emplace(rank);
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (failed(node.normalizeAxes(*axes, rank)))
    return failure();
  if (pads->size() != 2 * axes->size())
    return node.error("has " + Twine(pads->size()) + " pads for " + Twine(axes->size()) +
                      " dimensions");
  SmallVector<int64_t> result(2 * rank, 0);
  for (size_t i = 0; i < axes->size(); ++i) {
    int64_t axis = *node.normalizeAxis((*axes)[i], rank);
    for (int64_t side : {0, 1}) {
      int64_t pad = (*pads)[side * axes->size() + i];
      if (std::abs(pad) > std::numeric_limits<int32_t>::max() || pad == INT64_MIN)
        return node.error("has a pad of " + Twine(pad));
      result[side * rank + axis] = pad;
    }
  }
  return result;
}

static FailureOr<double> readPadValue(NodeImporter &node) {
  if (node.getOpset() < 11)
    return node.getFloat("value", 0.0f);
  if (!node.getInput(2))
    return 0.0;
  std::optional<SmallVector<float>> value = node.getConstantFloats(2);
  if (!value)
    return failure();
  if (value->size() != 1)
    return node.error(node.describeInput(2) + " is not a scalar");
  return cnn::ConstantData::get(node.getInput(2))->getDouble(0);
}

static LogicalResult importPad(NodeImporter &node) {
  FailureOr<Value> result = node.getInput(0);
  SmallVector<int64_t> shape(NodeImporter::getShape(*result));
  int64_t rank = shape.size();
  FailureOr<SmallVector<int64_t>> pads = readPads(node, rank);
  StringRef mode = node.getString("mode", "constant");
  if (failed(pads))
    return failure();
  SmallVector<DimSize> extents = node.getExtents(0);
  for (int64_t i = 0; i < rank; ++i)
    if (extents[i].size && ((*pads)[i] || (*pads)[rank + i]))
      return node.error("pads dimension " + Twine(i) + ", whose size depends on data");
  if (!llvm::is_contained({"constant", "edge", "reflect", "wrap"}, mode))
    return node.error("attribute 'mode' is '" + mode + "', which is not supported");

  // Negative pads cut the input before positive ones extend it.
  SmallVector<int64_t> offsets(rank), sizes(rank), steps(rank, 1), low(rank), high(rank);
  for (int64_t i = 0; i < rank; ++i) {
    low[i] = std::max<int64_t>((*pads)[i], 0);
    high[i] = std::max<int64_t>((*pads)[rank + i], 0);
    offsets[i] = low[i] - (*pads)[i];
    sizes[i] = shape[i] - offsets[i] - (high[i] - (*pads)[rank + i]);
    if (sizes[i] < 0)
      return node.error("cuts dimension " + Twine(i) + " of " + Twine(shape[i]) +
                        " elements to " + Twine(sizes[i]));
    if (sizes[i] == 0 && mode != "constant" && (low[i] || high[i]))
      return node.error("has no elements in dimension " + Twine(i) + " that mode '" + mode +
                        "' could repeat");
    shape[i] = low[i] + sizes[i] + high[i];
    extents[i].bound = shape[i];
  }
  Type elementType = NodeImporter::getElementType(*result);
  if (failed(node.checkShape(shape, elementType)) ||
      failed(result = node.slice(*result, offsets, sizes, steps)))
    return failure();
  if (mode == "constant") {
    FailureOr<double> value = readPadValue(node);
    if (failed(value))
      return failure();
    if (shape == sizes)
      return node.setResult(result, extents);
    if (llvm::is_contained(sizes, 0))
      return node.setResult(
          node.create<cnn::BroadcastOp>(node.scalar(elementType, *value), shape));
    OpBuilder &builder = node.getBuilder();
    auto attributes = [&](ArrayRef<int64_t> values) {
      return getAsIndexOpFoldResult(builder.getContext(), values);
    };
    if (isa<IntegerType>(elementType) && !elementType.isSignlessInteger())
      return node.error("pads unsigned integers, which is not supported");
    TypedAttr attribute = isa<FloatType>(elementType)
                              ? TypedAttr(builder.getFloatAttr(elementType, *value))
                              : builder.getIntegerAttr(elementType, int64_t(*value));
    Value scalar = arith::ConstantOp::create(builder, node.getLoc(), attribute);
    Value padded = tensor::PadOp::create(builder, node.getLoc(),
                                         RankedTensorType::get(shape, elementType), *result,
                                         attributes(low), attributes(high), scalar);
    return node.setResult(padded, extents);
  }
  for (int64_t axis = 0; axis < rank && succeeded(result); ++axis) {
    SmallVector<int64_t> indices;
    for (int64_t i = -low[axis]; i < sizes[axis] + high[axis]; ++i)
      indices.push_back(getPadSource(mode, i, sizes[axis]));
    result = node.pick(*result, axis, indices);
  }
  return node.setResult(result, extents);
}

//===----------------------------------------------------------------------===//
// Gather, Expand, Tile
//===----------------------------------------------------------------------===//

static LogicalResult importGather(NodeImporter &node) {
  std::optional<cnn::ConstantData> data = node.getConstant(1);
  Value input = node.getInput(0), indices = node.getInput(1);
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.getInt("axis", 0), NodeImporter::getRank(input));
  if (failed(axis))
    return failure();
  int64_t extent = NodeImporter::getShape(input)[*axis];
  if (!data && extent == 0)
    return node.error("dimension " + Twine(*axis) + " of input 0 has no elements to pick");
  if (data) {
    for (int64_t i = 0, e = data->isSplat() ? 1 : data->getNumElements(); i < e; ++i)
      if (int64_t index = data->getInt(i); index < -extent || index >= extent)
        return node.error("the index " + Twine(index) + " is out of range for the " +
                          Twine(extent) + " elements of dimension " + Twine(*axis));
  }
  SmallVector<DimSize> extents = node.getExtents(0), picked = node.getExtents(1);
  FailureOr<Value> counted = countFromBegin(node, indices, extents[*axis]);
  if (failed(counted))
    return failure();
  extents.erase(extents.begin() + *axis);
  extents.insert(extents.begin() + *axis, picked.begin(), picked.end());
  return node.setResult(node.create<cnn::GatherOp>(input, *counted, *axis), extents);
}

static FailureOr<Value> broadcast(NodeImporter &node, Value input, ArrayRef<int64_t> shape) {
  if (failed(node.checkShape(shape, NodeImporter::getElementType(input))))
    return failure();
  return node.create<cnn::BroadcastOp>(input, shape);
}

static LogicalResult importExpand(NodeImporter &node) {
  std::optional<SmallVector<DimSize>> stated = node.readExtents(1);
  if (!stated)
    return failure();
  FailureOr<SmallVector<DimSize>> extents = broadcastOperand(node, *stated);
  if (failed(extents))
    return failure();
  return node.setResult(broadcast(node, node.getInput(0), getBounds(*extents)), *extents);
}

/// Tile of a tensor with sizes: the repeats follow each other without the elements between
/// them that do not count.
static LogicalResult tileSized(NodeImporter &node, ArrayRef<int64_t> repeats) {
  SmallVector<Value> operands = {node.getInput(0)};
  SmallVector<DimSize> extents = node.getExtents(0), tiled;
  Counted counted(extents, operands);
  for (auto [extent, repeat] : llvm::zip_equal(extents, repeats))
    tiled.push_back(node.combine(BinaryKind::mul, extent, repeat));
  FailureOr<Value> result = node.computeElements(
      "tile", operands, getBounds(tiled), NodeImporter::getElementType(operands[0]),
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalars from(at);
        for (auto [dim, index] : llvm::enumerate(from))
          index = index % counted.getEnd(body, dim).max(body.index(1));
        return body.input(0).load(from);
      });
  return node.setResult(result, tiled);
}

/// Inserts a dimension of 1 before each dimension to repeat, broadcasts it to the number of
/// repeats, and merges the two.
static LogicalResult importTile(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  std::optional<SmallVector<int64_t>> repeats;
  if (node.getOpset() < 6) { // The number of repeats, and the axis.
    std::optional<SmallVector<float>> count = node.getConstantFloats(1);
    std::optional<SmallVector<float>> axis = node.getConstantFloats(2);
    if (!count || !axis)
      return failure();
    if (count->size() != 1 || axis->size() != 1)
      return node.error("inputs 1 and 2 are not scalars");
    FailureOr<int64_t> normal = node.normalizeAxis(int64_t(axis->front()), shape.size());
    if (failed(normal))
      return failure();
    repeats.emplace(shape.size(), 1);
    (*repeats)[*normal] = int64_t(count->front());
  } else if (!(repeats = node.getConstantInts(1))) {
    return failure();
  }
  if (repeats->size() != shape.size())
    return node.error("has " + Twine(repeats->size()) + " repeats for rank " +
                      Twine(shape.size()));
  SmallVector<int64_t> split, repeated, merged;
  for (auto [repeat, dim] : llvm::zip_equal(*repeats, shape)) {
    int64_t extent;
    if (repeat < 0 || llvm::MulOverflow(repeat, dim, extent))
      return node.error("repeats a dimension " + Twine(repeat) + " times");
    if (repeat != 1) {
      split.push_back(1);
      repeated.push_back(repeat);
    }
    split.push_back(dim);
    repeated.push_back(dim);
    merged.push_back(extent);
  }
  if (node.hasSizes(0))
    return tileSized(node, *repeats);
  FailureOr<Value> result = node.reshape(input, split);
  if (failed(result) || failed(result = broadcast(node, *result, repeated)))
    return failure();
  return node.setResult(node.reshape(*result, merged));
}

ArrayRef<OpEntry> convoy::onnximport::getSlicingOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"Concat", importConcat, 1, kVariadic}.with(ruleOfItself),
      OpEntry{"Expand", importExpand, 2, 2, InputTypes(kAny, kInteger), 8, kNoEnd,
              "the shape must be constant, or computed from sizes"}
          .with(ruleOfItself),
      OpEntry{"Gather", importGather, 2, 2, InputTypes(kAny, kSigned)}.with(ruleOfItself),
      OpEntry{"Pad", importPad, 1, 4, InputTypes(kAny, kInteger, kAny, kInteger), 1, kNoEnd,
              "pads, axes and the value must be constant; unsigned integers not in mode "
              "constant"}
          .with(ruleOfItself),
      OpEntry{"Slice", importSlice, 1, 5, InputTypes(kAny, kInteger), 1, kNoEnd,
              "axes and steps must be constant"}
          .with(ruleOfItself),
      OpEntry{"Split", importSplit, 1, 2, InputTypes(kAny, kNumber), 1, kNoEnd,
              "split must be constant"}
          .with(ruleOfItself),
      OpEntry{"Tile", importTile, 3, 3, InputTypes(kAny, kNumber), 1, 5,
              "tiles and axis must be constant"}
          .with(ruleOfItself),
      OpEntry{"Tile", importTile, 2, 2, InputTypes(kAny, kNumber), 6, kNoEnd,
              "repeats must be constant"}
          .with(ruleOfItself),
  };
  return ops;
}
