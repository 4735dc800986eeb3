//===- RowScatter.cpp - ScatterElements of whole rows ---------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Exporters write an assignment to some rows of a tensor as a ScatterElements whose indices
// are broadcast, and several assignments as one after the other. A table says for each row of
// the result from which tensor it comes, so that each row is copied once.
//
//===----------------------------------------------------------------------===//

#include "RowScatter.h"

#include "ElementIndex.h"
#include "SizeRules.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

namespace {

/// Data as OUTER x ROWS x INNER, some of whose rows are replaced by those of `parts`.
struct Rows {
  int64_t outer, rows, inner;
  Value data;
  SmallVector<Value> parts;
  /// For each row, its number among the rows of all parts, or -1 if it is one of the data.
  Value sources;
};

} // namespace

static constexpr StringLiteral kReplaceRows = "replace_rows";
/// More parts are no use: each makes the choice of a row more expensive.
static constexpr size_t kMaxParts = 8;

/// The largest divisor of `count` up to 256: elements that are copied at a time.
static int64_t chooseRun(int64_t count) {
  int64_t run = std::min<int64_t>(count, 256);
  while (count % run)
    --run;
  return run;
}

/// `data` as rows along `axis`. If it has replaced rows already, what they were replaced by.
static FailureOr<Rows> readRows(NodeImporter &node, Value data, int64_t axis) {
  ArrayRef<int64_t> shape = NodeImporter::getShape(data);
  Rows rows;
  rows.outer = llvm::product_of(shape.take_front(axis));
  rows.rows = shape[axis];
  rows.inner = llvm::product_of(shape.drop_front(axis + 1));
  Value source = data;
  while (
      isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(source.getDefiningOp()))
    source = source.getDefiningOp()->getOperand(0);
  int64_t run = chooseRun(rows.inner);
  SmallVector<int64_t> points = {rows.outer, rows.rows, rows.inner / run};
  if (auto known = source.getDefiningOp<cnn::ComputeOp>();
      known && known.getKind() == kReplaceRows && known.getPoints() == ArrayRef(points) &&
      known.getInputs().size() < kMaxParts) {
    auto isPart = [](Value input) { return NodeImporter::getRank(input) > 1; };
    ValueRange others = known.getInputs().drop_front();
    rows.data = known.getInputs().front();
    llvm::append_range(rows.parts, llvm::make_filter_range(others, isPart));
    rows.sources = others[rows.parts.size()];
    return rows;
  }
  std::optional<cnn::ConstantData> constant = cnn::ConstantData::get(data);
  FailureOr<Value> matrix =
      constant && constant->isSplat()
          ? node.constant(cnn::makeConstantFromBytes(
                RankedTensorType::get({}, constant->getElementType()), constant->getBytes()))
          : node.reshape(data, {rows.outer, rows.rows, rows.inner / run, run});
  if (failed(matrix))
    return failure();
  rows.data = *matrix;
  return rows;
}

/// Replaces rows by those of `part`, of extent `extent` along the axis: row `i` goes to the
/// row that element `i` of `indices` says, and of several for one row the last one counts.
static LogicalResult addPart(NodeImporter &node, Rows &rows, Value part, Value indices,
                             DimSize extent) {
  int64_t before = 0, run = chooseRun(rows.inner);
  for (Value known : rows.parts)
    before += NodeImporter::getShape(known)[1];
  SmallVector<Value> operands = {indices};
  Counted counted(extent, operands);
  if (rows.sources)
    operands.push_back(rows.sources);
  Type i64 = node.getBuilder().getI64Type();
  FailureOr<Value> sources =
      node.compute("row_sources", {1}, operands, {rows.rows}, i64, [&](ComputeBody &body) {
        body.loop(rows.rows, [&](Scalar row) {
          Scalar source = body.number(i64, -1);
          if (rows.sources)
            source = body.input(operands.size() - 1).load({row});
          body.output().store(source, {row});
        });
        body.loop(body.index(0), counted.getEnd(body, 0), {},
                  [&](Scalar i, ArrayRef<Scalar>) -> Scalars {
                    Scalar row = toElementIndex(body.input(0).load({i}), rows.rows);
                    body.output().store((i + before).to(i64), {row});
                    return {};
                  });
      });
  FailureOr<Value> matrix =
      node.reshape(part, {rows.outer, extent.bound, rows.inner / run, run});
  if (failed(sources) || failed(matrix))
    return failure();
  rows.sources = *sources;
  rows.parts.push_back(*matrix);
  return success();
}

/// The rows in one tensor, of which only those in `extent` count.
static FailureOr<Value> joinRows(NodeImporter &node, const Rows &rows, DimSize extent) {
  SmallVector<Value> operands = {rows.data};
  llvm::append_range(operands, rows.parts);
  unsigned last = operands.size();
  operands.push_back(rows.sources);
  Counted counted(extent, operands);
  int64_t run = chooseRun(rows.inner), runs = rows.inner / run;
  auto write = [&](ComputeBody &body) {
    Scalar outer = body.at(0), row = body.at(1), piece = body.at(2);
    auto copy = [&](unsigned number, Scalar from) {
      body.vectorLoop(run, [&](Scalar i) {
        Scalars at = {outer, from, piece, i};
        if (body.input(number).getRank() == 0)
          at.clear();
        body.output().store(body.input(number).load(at), {outer, row, piece, i});
      });
    };
    body.when(counted.contains(body, row), [&] {
      Scalar source = body.input(last).load({row}).toIndex();
      body.when(source < 0, [&] { copy(0, row); });
      int64_t begin = 0;
      for (unsigned number = 1; number < last; ++number) {
        int64_t end = begin + body.input(number).getShape()[1];
        body.when((source >= begin) & (source < end), [&] { copy(number, source - begin); });
        begin = end;
      }
    });
  };
  return node.compute(kReplaceRows, {rows.outer, rows.rows, runs}, operands,
                      {rows.outer, rows.rows, runs, run},
                      NodeImporter::getElementType(rows.data), write);
}

Value convoy::onnximport::findRowIndices(NodeImporter &node, int64_t axis) {
  auto broadcast = node.getInput(1).getDefiningOp<cnn::BroadcastOp>();
  ArrayRef<int64_t> data = node.getShape(0), part = node.getShape(1);
  if (!broadcast)
    return Value();
  ArrayRef<int64_t> own = NodeImporter::getShape(broadcast.getInput());
  int64_t missing = part.size() - own.size();
  if (llvm::product_of(own) != part[axis] || axis < missing ||
      own[axis - missing] != part[axis])
    return Value();
  SmallVector<DimSize> dataExtents = node.getExtents(0), extents = node.getExtents(1);
  for (int64_t dim = 0; dim < int64_t(data.size()); ++dim)
    if (dim != axis && (data[dim] != part[dim] || !(dataExtents[dim] == extents[dim])))
      return Value();
  return broadcast.getInput();
}

FailureOr<Value> convoy::onnximport::scatterRows(NodeImporter &node, int64_t axis,
                                                 Value indices) {
  Value input = node.getInput(0);
  FailureOr<Value> list = node.reshape(indices, {node.getShape(1)[axis]});
  FailureOr<Rows> rows = readRows(node, input, axis);
  if (failed(list) || failed(rows) ||
      failed(addPart(node, *rows, node.getInput(2), *list, node.getExtents(1)[axis])))
    return failure();
  FailureOr<Value> joined = joinRows(node, *rows, node.getExtents(0)[axis]);
  if (failed(joined))
    return failure();
  return node.reshape(*joined, NodeImporter::getShape(input));
}
