//===- Finding.cpp - Operators whose results have a size that data decide -===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "OpTable.h"
#include "Operators.h"
#include "SizeRules.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

/// Element 0 of a tensor of i64 as the size of a dimension.
static FailureOr<DimSize> readCount(NodeImporter &node, Value tensor, int64_t bound) {
  FailureOr<Value> size = node.extractNumber(tensor, 0);
  if (failed(size))
    return failure();
  return node.declareSize(*size, bound);
}

//===----------------------------------------------------------------------===//
// NonZero and Compress
//===----------------------------------------------------------------------===//

/// The numbers, in the order of memory, of the elements that are not zero: a tensor of i64
/// that begins with how many there are. Elements after the last of them are 0.
static FailureOr<Value> findNonZero(NodeImporter &node, Value input,
                                    ArrayRef<DimSize> extents) {
  SmallVector<Value> operands = {input};
  Counted counted(extents, operands);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  int64_t count = NodeImporter::getType(input).getNumElements();
  Type i64 = node.getBuilder().getI64Type();
  return node.compute("non_zero", {1}, operands, {count + 1}, i64, [&](ComputeBody &body) {
    Scalar zero = body.index(0);
    Scalars found =
        body.loops(shape, {zero, zero}, [&](ArrayRef<Scalar> at, ArrayRef<Scalar> state) {
          Scalar number = state[0], element = body.input(0).load(at);
          Scalar isFound = element.getType().isInteger(1) ? element : element != 0;
          isFound = isFound & counted.contains(body, at);
          // Written in any case: the next one overwrites what is not found.
          body.output().store(state[1].to(i64), {number + 1});
          return Scalars{isFound.select(number + 1, number), state[1] + 1};
        });
    body.loop(found[0], body.index(count), {}, [&](Scalar i, ArrayRef<Scalar>) -> Scalars {
      body.output().store(body.number(i64, 0), {i + 1});
      return {};
    });
    body.output().store(found[0].to(i64), {zero});
  });
}

/// The coordinates of elements by their numbers, which begin after element 0.
static FailureOr<Value> makeCoordinates(NodeImporter &node, Value numbers,
                                        ArrayRef<int64_t> shape, int64_t count) {
  Type i64 = node.getBuilder().getI64Type();
  return node.computeElements(
      "coordinates", numbers, {int64_t(shape.size()), count}, i64,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar number = body.input(0).load({at[1] + 1}), result = number.integer(0);
        int64_t stride = 1;
        for (int64_t dim = int64_t(shape.size()) - 1; dim >= 0; --dim) {
          Scalar own = (number / number.integer(stride)) % number.integer(shape[dim]);
          result = (at[0] == dim).select(own, result);
          stride *= shape[dim];
        }
        return result;
      });
}

/// The result of NonZero for a constant.
static ElementsAttr findConstantNonZero(const cnn::ConstantData &data, Type i64) {
  ArrayRef<int64_t> shape = data.getShape();
  SmallVector<int64_t> numbers;
  bool isFloat = isa<FloatType>(data.getElementType());
  for (int64_t i = 0; i < data.getNumElements(); ++i)
    if (isFloat ? data.getDouble(i) != 0 : data.getInt(i) != 0)
      numbers.push_back(i);
  int64_t rank = shape.size(), count = numbers.size(), stride = 1;
  std::vector<int64_t> coordinates(rank * count);
  for (int64_t dim = rank - 1; dim >= 0; --dim) {
    for (auto [place, number] : llvm::enumerate(numbers))
      coordinates[dim * count + place] = number / stride % shape[dim];
    stride *= shape[dim];
  }
  return cnn::makeConstant(RankedTensorType::get({rank, count}, i64), std::move(coordinates));
}

static LogicalResult importNonZero(NodeImporter &node) {
  FailureOr<Value> input = node.getInput(0);
  SmallVector<DimSize> extents = node.getExtents(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(*input);
  int64_t rank = shape.size(), count = NodeImporter::getType(*input).getNumElements();
  Type i64 = node.getBuilder().getI64Type();
  if (rank == 0)
    return node.error("has an input of rank 0");
  if (count == 0)
    return node.setResult(
        node.constant(cnn::makeConstantFromBytes(RankedTensorType::get({rank, 0}, i64), {})));
  if (std::optional<cnn::ConstantData> data = node.getConstant(0); data && !node.hasSizes(0))
    return node.setResult(node.constant(findConstantNonZero(*data, i64)));
  FailureOr<Value> numbers =
      node.findOnce(*input, extents, [&] { return findNonZero(node, *input, extents); });
  if (failed(numbers))
    return failure();
  FailureOr<DimSize> size = readCount(node, *numbers, count);
  if (failed(size))
    return failure();
  return node.setResult(node.declareIndices(makeCoordinates(node, *numbers, shape, count)),
                        {rank, *size});
}

/// The slices whose condition is true.
static LogicalResult importCompress(NodeImporter &node) {
  FailureOr<Value> input = node.getInput(0);
  std::optional<int64_t> axis;
  if (node.hasAttribute("axis")) {
    FailureOr<int64_t> normal =
        node.normalizeAxis(node.getInt("axis", 0), NodeImporter::getRank(*input));
    if (failed(normal))
      return failure();
    axis = *normal;
  }
  SmallVector<DimSize> extents = node.getExtents(0), wanted = node.getExtents(1);
  if (!axis) {
    if (node.hasSizes(0))
      return node.error("flattens an input whose size depends on data");
    int64_t count = NodeImporter::getType(*input).getNumElements();
    input = node.reshape(*input, {count});
    extents.assign({DimSize(count)});
    axis = 0;
  }
  Value condition = node.getInput(1);
  if (failed(input) || NodeImporter::getRank(condition) != 1)
    return node.error(node.describeInput(1) + " has rank " +
                      Twine(NodeImporter::getRank(condition)) + ", expected 1");
  int64_t extent = extents[*axis].bound, count = wanted[0].bound;
  if (count > extent)
    return node.error(node.describeInput(1) + " has " + Twine(count) +
                      " elements, dimension " + Twine(*axis) + " has " + Twine(extent));
  if (std::optional<cnn::ConstantData> known = node.getConstant(1)) {
    SmallVector<int64_t> kept;
    for (int64_t index = 0; index < count; ++index)
      if (known->getInt(index))
        kept.push_back(index);
    extents[*axis] = int64_t(kept.size());
    return node.setResult(node.pick(*input, *axis, kept), extents);
  }
  if (extent == 0)
    return node.setResult(input, extents);
  FailureOr<Value> numbers = findNonZero(node, condition, wanted);
  if (failed(numbers))
    return failure();
  FailureOr<DimSize> size = readCount(node, *numbers, count);
  FailureOr<Value> indices = node.slice(*numbers, {1}, {count}, {1});
  if (failed(size) || failed(indices))
    return failure();
  extents[*axis] = *size;
  return node.setResult(node.create<cnn::GatherOp>(*input, *indices, *axis), extents);
}

//===----------------------------------------------------------------------===//
// NonMaxSuppression
//===----------------------------------------------------------------------===//

namespace {

/// The corners of a box, and its area.
struct Box {
  Scalar low[2], high[2], area;
};

} // namespace

/// The box in row `index` of input 0, of batch entry `batch`.
static Box loadBox(ComputeBody &body, Scalar batch, Scalar index, bool isCentred) {
  auto get = [&](int64_t i) { return body.input(0).load({batch, index, body.index(i)}); };
  Box box;
  for (int64_t dim : {0, 1}) {
    Scalar first = get(dim), second = get(dim + 2);
    if (isCentred) { // Centre and extent, and x comes first: it does not matter here.
      Scalar half = second / 2.0;
      box.low[dim] = first - half;
      box.high[dim] = first + half;
    } else {
      box.low[dim] = first.min(second);
      box.high[dim] = first.max(second);
    }
  }
  box.area = (box.high[0] - box.low[0]) * (box.high[1] - box.low[1]);
  return box;
}

/// Whether the part that two boxes share is more than `threshold` of what they cover.
static Scalar overlaps(const Box &lhs, const Box &rhs, Scalar threshold) {
  Scalar extent[2];
  for (int dim : {0, 1})
    extent[dim] = lhs.high[dim].min(rhs.high[dim]) - lhs.low[dim].max(rhs.low[dim]);
  Scalar shared = extent[0] * extent[1], covered = lhs.area + rhs.area - shared;
  Scalar meets =
      (extent[0] > 0) & (extent[1] > 0) & (lhs.area > 0) & (rhs.area > 0) & (covered > 0);
  return meets & (shared / covered > threshold);
}

/// Operands of the computation: boxes, scores, the order of the scores, the numbers of boxes
/// and of results, and the two thresholds.
static void writeSuppression(ComputeBody &body, bool isCentred, bool hasThreshold,
                             int64_t most) {
  Scalar batch = body.at(0), kind = body.at(1);
  Type i64 = body.b().getI64Type();
  auto put = [&](Scalar place, Scalar value) {
    body.output().store(value.to(i64), {batch, kind, place});
  };
  Scalar boxes = body.input(3).load({}).toIndex();
  Scalar wanted = body.input(4).load({});
  wanted = wanted.clamp(wanted.integer(0), wanted.integer(most)).toIndex();
  Scalar overlap = body.input(5).load({}), least = body.input(6).load({});
  body.loop(most, [&](Scalar i) { put(i + 1, body.index(0)); });
  Scalars end = body.whileLoop(
      {body.index(0), body.index(0), body.truth(true)},
      [&](ArrayRef<Scalar> state) {
        return state[2] & (state[0] < boxes) & (state[1] < wanted);
      },
      [&](ArrayRef<Scalar> state) {
        Scalar count = state[1];
        Scalar index = body.input(2).load({batch, kind, state[0]}).toIndex();
        Scalar score = body.input(1).load({batch, kind, index});
        // The scores fall, and a NaN is the last.
        Scalar goesOn = score == score;
        if (hasThreshold)
          goesOn = goesOn & (score > least);
        Box box = loadBox(body, batch, index, isCentred);
        Scalars kept = body.whileLoop(
            {body.index(0), goesOn},
            [&](ArrayRef<Scalar> inner) { return inner[1] & (inner[0] < count); },
            [&](ArrayRef<Scalar> inner) {
              Scalar other = body.output().load({batch, kind, inner[0] + 1}).toIndex();
              Box chosen = loadBox(body, batch, other, isCentred);
              return Scalars{inner[0] + 1, !overlaps(box, chosen, overlap)};
            });
        put((kept[1]).select(count + 1, body.index(0)), index);
        return Scalars{state[0] + 1, kept[1].select(count + 1, count), goesOn};
      });
  put(body.index(0), end[1]);
}

/// The rows of the result, batch entry, class and box, after a row with their number.
static void writeRows(ComputeBody &body, int64_t batches, int64_t classes, int64_t most) {
  Type i64 = body.b().getI64Type();
  auto put = [&](Scalar row, int64_t column, Scalar value) {
    body.output().store(value.to(i64), {row, body.index(column)});
  };
  Scalar total = body.loops(
      {batches, classes}, {body.index(0)}, [&](ArrayRef<Scalar> at, ArrayRef<Scalar> before) {
        Scalar count = body.input(0).load({at[0], at[1], body.index(0)}).toIndex();
        return body.loop(body.index(0), count, before, [&](Scalar i, ArrayRef<Scalar> state) {
          Scalar row = state[0] + 1;
          put(row, 0, at[0]);
          put(row, 1, at[1]);
          put(row, 2, body.input(0).load({at[0], at[1], i + 1}));
          return Scalars{row};
        });
      })[0];
  body.loop(total, body.index(batches * classes * most), {},
            [&](Scalar i, ArrayRef<Scalar>) -> Scalars {
              for (int64_t column : {0, 1, 2})
                put(i + 1, column, body.index(0));
              return {};
            });
  for (int64_t column : {0, 1, 2})
    put(body.index(0), column, total);
}

static LogicalResult importNonMaxSuppression(NodeImporter &node) {
  ArrayRef<int64_t> boxes = node.getShape(0), scores = node.getShape(1);
  if (boxes.size() != 3 || scores.size() != 3 || boxes[2] != 4 || boxes[0] != scores[0] ||
      boxes[1] != scores[2])
    return node.error("has boxes of shape " + formatShape(boxes) + " and scores of shape " +
                      formatShape(scores) +
                      ", expected BATCHxBOXESx4 and BATCHxCLASSESxBOXES");
  int64_t isCentred = node.getInt("center_point_box", 0);
  if (isCentred != 0 && isCentred != 1)
    return node.error("attribute 'center_point_box' is " + Twine(isCentred));
  SmallVector<DimSize> boxExtents = node.getExtents(0), scoreExtents = node.getExtents(1);
  if (boxExtents[0].size || scoreExtents[0].size || scoreExtents[1].size || boxExtents[2].size)
    return node.error("has a batch or a number of classes that depends on data");
  OpBuilder &builder = node.getBuilder();
  Type i64 = builder.getI64Type(), f32 = builder.getF32Type();
  auto getNumber = [&](unsigned index, Type type) -> FailureOr<Value> {
    if (!node.getInput(index))
      return node.scalar(type, 0);
    if (NodeImporter::getType(node.getInput(index)).getNumElements() != 1)
      return node.error(node.describeInput(index) + " is not one number");
    return node.reshape(node.getInput(index), {});
  };
  FailureOr<Value> wanted = getNumber(2, i64), overlap = getNumber(3, f32),
                   least = getNumber(4, f32);
  if (failed(wanted) || failed(overlap) || failed(least))
    return failure();
  int64_t batches = boxes[0], classes = scores[1], most = boxes[1];
  if (std::optional<cnn::ConstantData> known = cnn::ConstantData::get(*wanted))
    most = std::clamp<int64_t>(known->getInt(0), 0, most);
  int64_t bound = batches * classes * most;
  if (bound == 0)
    return node.setResult(
        node.constant(cnn::makeConstantFromBytes(RankedTensorType::get({0, 3}, i64), {})));
  DimSize count = node.combine(cnn::BinaryKind::min, boxExtents[1], scoreExtents[2]);
  SmallVector<DimSize> counted = {batches, classes, count};
  FailureOr<Value> known =
      fillBeyond(node, node.getInput(1), counted,
                 node.scalar(f32, std::numeric_limits<double>::quiet_NaN()));
  if (failed(known))
    return failure();
  FailureOr<Value> order = sortDescending(node, *known);
  if (failed(order))
    return failure();
  FailureOr<Value> kept = node.compute(
      "non_max_suppression", {batches, classes},
      {node.getInput(0), *known, *order, node.materialize(count), *wanted, *overlap, *least},
      {batches, classes, most + 1}, i64, [&](ComputeBody &body) {
        writeSuppression(body, isCentred, bool(node.getInput(4)), most);
      });
  if (failed(kept))
    return failure();
  FailureOr<Value> rows =
      node.compute("selected_indices", {1}, *kept, {bound + 1, 3}, i64,
                   [&](ComputeBody &body) { writeRows(body, batches, classes, most); });
  if (failed(rows))
    return failure();
  FailureOr<DimSize> size = readCount(node, *rows, bound);
  if (failed(size))
    return failure();
  return node.setResult(node.declareIndices(node.slice(*rows, {1, 0}, {bound, 3}, {1, 1})),
                        {*size, 3});
}

ArrayRef<OpEntry> convoy::onnximport::getFindingOps() {
  static constexpr OpEntry ops[] = {
      {"Compress", importCompress, 2, 2, InputTypes(kAny, kBool), 9},
      {"NonMaxSuppression", importNonMaxSuppression, 2, 5,
       InputTypes(kFloat32, kFloat32, kInt64, kFloat32), 10},
      {"NonZero", importNonZero, 1, 1, kNumber | kBool, 9},
  };
  static constexpr auto entries = withRule(ops, ruleOfItself);
  return entries;
}
