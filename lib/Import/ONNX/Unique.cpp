//===- Unique.cpp - Operator that drops what is there already -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Slices are rows of a matrix, which are sorted; equal ones then follow each other. From that
// each row learns which is the first one that equals it, and a second pass numbers these
// first rows, in sorted order or in their own.
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "Operators.h"
#include "SizeRules.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

namespace {

enum Output { kY, kIndices, kInverse, kCounts };

/// A node while it is imported.
class UniqueImporter {
public:
  UniqueImporter(NodeImporter &node) : node(node) {}

  LogicalResult import();

private:
  LogicalResult readInput();
  FailureOr<Value> makeMatrix();
  FailureOr<Value> findFirsts(Value matrix, Value order);
  FailureOr<Value> numberFirsts(Value order, Value firsts);
  LogicalResult setResults(Value table, DimSize size);
  LogicalResult setWithoutElements();

  NodeImporter &node;
  Value input;
  SmallVector<DimSize> extents;
  int64_t axis = 0, rows = 1, columns = 1;
  bool isSorted = true;
};

} // namespace

LogicalResult UniqueImporter::readInput() {
  input = node.getInput(0);
  extents = node.getExtents(0);
  isSorted = node.getInt("sorted", 1) != 0;
  int64_t rank = NodeImporter::getRank(input);
  if (node.hasAttribute("axis")) {
    FailureOr<int64_t> normal = node.normalizeAxis(node.getInt("axis", 0), rank);
    if (failed(normal))
      return failure();
    axis = *normal;
  } else if (rank != 1) {
    if (node.hasSizes(0))
      return node.error("flattens an input whose size depends on data");
    int64_t count = NodeImporter::getType(input).getNumElements();
    FailureOr<Value> flat = node.reshape(input, {count});
    if (failed(flat))
      return failure();
    input = *flat;
    extents.assign({DimSize(count)});
  }
  for (auto [dim, extent] : llvm::enumerate(extents))
    (int64_t(dim) == axis ? rows : columns) *= extent.bound;
  return success();
}

/// The slices as rows.
FailureOr<Value> UniqueImporter::makeMatrix() {
  // What does not count in a slice is equal in all.
  SmallVector<DimSize> others(extents);
  others[axis] = extents[axis].bound;
  Type element = NodeImporter::getElementType(input);
  FailureOr<Value> matrix = fillBeyond(node, input, others, node.scalar(element, 0));
  if (failed(matrix))
    return failure();
  SmallVector<int64_t> permutation = {axis};
  for (int64_t dim = 0; dim < int64_t(extents.size()); ++dim)
    if (dim != axis)
      permutation.push_back(dim);
  matrix = node.transpose(*matrix, permutation);
  return failed(matrix) ? matrix : node.reshape(*matrix, {rows, columns});
}

/// For each row the lowest number of those that equal it.
FailureOr<Value> UniqueImporter::findFirsts(Value matrix, Value order) {
  Type i64 = node.getBuilder().getI64Type();
  return node.compute(
      "first_of_equals", {1}, {matrix, order, node.materialize(extents[axis])}, {rows}, i64,
      [&](ComputeBody &body) {
        Scalar zero = body.index(0), end = body.input(2).load({}).toIndex();
        auto getRow = [&](Scalar place) { return body.input(1).load({place}).toIndex(); };
        Scalar start = getRow(zero);
        body.loop(zero, end, {start, start}, [&](Scalar place, ArrayRef<Scalar> last) {
          Scalar row = getRow(place);
          Scalar first = isRowBefore(body, last[0], row, columns).select(row, last[1]);
          body.output().store(first.to(i64), {row});
          return Scalars{row, first};
        });
        body.loop(end, body.index(rows), {}, [&](Scalar row, ArrayRef<Scalar>) -> Scalars {
          body.output().store(row.to(i64), {row});
          return {};
        });
      });
}

/// A table with the first rows after their number, with how many equal each of them, and, for
/// each row, which of them it equals.
FailureOr<Value> UniqueImporter::numberFirsts(Value order, Value firsts) {
  Type i64 = node.getBuilder().getI64Type();
  return node.compute(
      "unique", {1}, {order, firsts, node.materialize(extents[axis])}, {3, rows + 1}, i64,
      [&](ComputeBody &body) {
        Scalar zero = body.index(0), end = body.input(2).load({}).toIndex();
        auto put = [&](int64_t line, Scalar place, Scalar value) {
          body.output().store(value.to(i64), {body.index(line), place});
        };
        auto get = [&](int64_t line, Scalar place) {
          return body.output().load({body.index(line), place});
        };
        body.loop(rows + 1, [&](Scalar place) {
          for (int64_t line : {0, 1, 2})
            put(line, place, zero);
        });
        Scalars found =
            body.loop(zero, end, {zero}, [&](Scalar place, ArrayRef<Scalar> count) {
              Scalar row = isSorted ? body.input(0).load({place}).toIndex() : place;
              Scalar first = body.input(1).load({row}).toIndex();
              Scalar isFirst = first == row;
              Scalar number = isFirst.select(count[0], get(2, first + 1).toIndex());
              put(2, row + 1, number);
              put(0, number + 1, first);
              put(1, number + 1, get(1, number + 1) + 1);
              return Scalars{isFirst.select(count[0] + 1, count[0])};
            });
        put(0, zero, found[0]);
      });
}

LogicalResult UniqueImporter::setResults(Value table, DimSize size) {
  auto take = [&](int64_t line, int64_t count) -> FailureOr<Value> {
    FailureOr<Value> result = node.slice(table, {line, 1}, {1, count}, {1, 1});
    return failed(result) ? result : node.declareIndices(node.reshape(*result, {count}));
  };
  FailureOr<Value> indices = take(0, size.bound);
  if (failed(indices))
    return failure();
  SmallVector<DimSize> kept(extents);
  kept[axis] = size;
  auto set = [&](Output output, FailureOr<Value> value, ArrayRef<DimSize> ofOutput) {
    return node.hasOutput(output) ? node.setResult(value, ofOutput, output) : success();
  };
  return success(succeeded(set(kY, node.create<cnn::GatherOp>(input, *indices, axis), kept)) &&
                 succeeded(set(kIndices, indices, size)) &&
                 succeeded(set(kInverse, take(2, rows), extents[axis])) &&
                 succeeded(set(kCounts, take(1, size.bound), size)));
}

/// Slices without elements are all equal.
LogicalResult UniqueImporter::setWithoutElements() {
  int64_t count = rows ? 1 : 0;
  SmallVector<int64_t> shape(NodeImporter::getShape(input));
  shape[axis] = count;
  Type element = NodeImporter::getElementType(input);
  SmallVector<Value> values = {node.zeros(RankedTensorType::get(shape, element)),
                               node.integers(SmallVector<int64_t>(count, 0)),
                               node.integers(SmallVector<int64_t>(rows, 0)),
                               node.integers(SmallVector<int64_t>(count, rows))};
  for (auto [output, value] : llvm::enumerate(values))
    if (node.hasOutput(output) && failed(node.setResult(value, output)))
      return failure();
  return success();
}

LogicalResult UniqueImporter::import() {
  if (failed(readInput()))
    return failure();
  if (rows == 0 || columns == 0)
    return setWithoutElements();
  FailureOr<Value> matrix = makeMatrix();
  if (failed(matrix))
    return failure();
  FailureOr<Value> order = sortRows(node, *matrix, extents[axis]);
  if (failed(order))
    return failure();
  FailureOr<Value> firsts = findFirsts(*matrix, *order);
  if (failed(firsts))
    return failure();
  FailureOr<Value> table = numberFirsts(*order, *firsts);
  if (failed(table))
    return failure();
  // Of a constant, the table is known here.
  unsigned place = node.getNumInputs();
  node.addInput(*table);
  if (std::optional<cnn::ConstantData> known = node.getConstant(place))
    return setResults(node.getInput(place), known->getInt(0));
  FailureOr<Value> number = node.extractNumber(*table, 0);
  return failed(number) ? failure() : setResults(*table, node.declareSize(*number, rows));
}

static LogicalResult importUnique(NodeImporter &node) { return UniqueImporter(node).import(); }

ArrayRef<OpEntry> convoy::onnximport::getUniqueOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"Unique", importUnique, 1, 1, kNumber | kBool, 11}.with(ruleOfItself),
  };
  return ops;
}
