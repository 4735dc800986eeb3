//===- RolledLoops.cpp - Loops that stay loops ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Loops.h"
#include "SizeRules.h"
#include "TensorReader.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;

/// The most often that the import of a loop begins.
static constexpr unsigned kMaxAttempts = 4;

/// `goesOn`, and whether `count` is above `iteration`.
static FailureOr<Value> limit(NodeImporter &node, Value goesOn, Value iteration,
                              const TripCount &trips) {
  if (!trips.count)
    return goesOn;
  FailureOr<Value> more = node.binary(BinaryKind::less, iteration, trips.count);
  if (failed(more))
    return failure();
  return node.binary(BinaryKind::logical_and, goesOn, *more);
}

static bool isEmpty(Value value) { return NodeImporter::getType(value).getNumElements() == 0; }

LogicalResult convoy::onnximport::beginRolled(NodeImporter &node, Value goesOn,
                                              const TripCount &trips,
                                              ArrayRef<SizedValue> firsts) {
  RolledLoop &loop = node.getLoop().rolled.emplace();
  loop.firsts.assign(firsts.begin(), firsts.end());
  loop.variables = loop.firsts;
  SmallVector<Value> sizes;
  for (const OpenSize &size : node.getLoop().open) {
    DimSize &extent = loop.variables[size.variable].extents[size.dim];
    sizes.push_back(node.materialize(extent));
    extent.bound = size.bound;
  }
  Value zero = node.scalar(node.getBuilder().getI64Type(), 0);
  FailureOr<Value> begins = limit(node, goesOn, zero, trips);
  if (failed(begins))
    return failure();
  SmallVector<Value> inits = {*begins, zero};
  for (SizedValue &variable : loop.variables) {
    SmallVector<int64_t> bounds = getBounds(variable.extents);
    if (failed(node.checkShape(bounds, NodeImporter::getElementType(variable.value))))
      return failure();
    FailureOr<Value> first = enlarge(node, variable.value, bounds);
    if (failed(first))
      return failure();
    variable.value = *first;
    // What has no elements is a constant everywhere.
    if (!isEmpty(*first))
      inits.push_back(*first);
  }
  inits.append(sizes);
  loop.begin = cnn::LoopBeginOp::create(node.getBuilder(), node.getLoc(),
                                        TypeRange(ValueRange(inits)), inits);
  unsigned next = 2;
  for (SizedValue &variable : loop.variables)
    if (!isEmpty(variable.value))
      variable.value = loop.begin.getVariables()[next++];
  for (const OpenSize &size : node.getLoop().open)
    loop.variables[size.variable].extents[size.dim] =
        node.declareSize(loop.begin.getVariables()[next++], size.bound);
  if (trips.most && *trips.most > 0)
    node.declareSize(loop.begin.getIteration(), *trips.most - 1);
  return success();
}

/// If a size grows by the same in each iteration, by how much.
static std::optional<int64_t> findGrowth(DimSize before, DimSize after) {
  if (before.isConstant() && after.isConstant())
    return after.bound - before.bound;
  if (!after.size || !before.size)
    return std::nullopt;
  auto sum = after.size.getDefiningOp<cnn::BinaryOp>();
  if (!sum || sum.getKind() != BinaryKind::add)
    return std::nullopt;
  bool isFirst = sum.getLhs() == before.size;
  std::optional<cnn::ConstantData> added =
      cnn::ConstantData::get(isFirst ? sum.getRhs() : sum.getLhs());
  if (!added || (!isFirst && sum.getRhs() != before.size))
    return std::nullopt;
  return added->getInt(0);
}

/// The largest size that a dimension of a variable has in any iteration, if it has `before` in
/// one and `after` in the next. This may be too small if `after` depends on other sizes.
static int64_t findBound(DimSize first, DimSize before, DimSize after,
                         const TripCount &trips) {
  std::optional<int64_t> growth = findGrowth(before, after);
  if (growth && *growth <= 0)
    return std::max(first.bound, before.bound);
  int64_t grown;
  if (growth && trips.most && !llvm::MulOverflow(*growth, *trips.most, grown) &&
      !llvm::AddOverflow(first.bound, grown, grown))
    return grown;
  return std::max(before.bound, after.bound);
}

static OpenSize *findOpen(LoopState &state, unsigned variable, int64_t dim) {
  for (OpenSize &size : state.open)
    if (size.variable == variable && size.dim == dim)
      return &size;
  return nullptr;
}

/// Compares the variables of an iteration with those of the next. Returns whether sizes became
/// variables, so that the loop must begin again.
static FailureOr<bool> compareSizes(NodeImporter &node, const TripCount &trips,
                                    ArrayRef<SizedValue> nexts) {
  LoopState &state = node.getLoop();
  bool isOpened = false;
  for (auto [number, pair] :
       llvm::enumerate(llvm::zip_equal(state.rolled->variables, nexts))) {
    auto &[variable, next] = pair;
    if (NodeImporter::getElementType(variable.value) !=
            NodeImporter::getElementType(next.value) ||
        variable.extents.size() != next.extents.size())
      return node.error("has a variable " + Twine(number) + " of type " +
                        describeType(variable.value) + ", after an iteration it is " +
                        describeType(next.value) +
                        ": its element type and its rank must not change");
    for (auto [dim, before, after] : llvm::enumerate(variable.extents, next.extents)) {
      if (before == after)
        continue;
      OpenSize *open = findOpen(state, number, dim);
      int64_t bound =
          findBound(state.rolled->firsts[number].extents[dim], before, after, trips);
      if (open && bound <= open->bound)
        continue;
      isOpened = true;
      if (open)
        open->bound = bound;
      else
        state.open.push_back({unsigned(number), int64_t(dim), bound});
    }
  }
  if (isOpened && ++state.attempts == kMaxAttempts)
    return node.error("has variables that grow without a bound that is known: give its trip "
                      "count (input 0) a constant value");
  return isOpened;
}

/// Fails if a row has a size that is computed in the loop.
static LogicalResult checkRows(NodeImporter &node, cnn::LoopEndOp end,
                               ArrayRef<SizedValue> rows) {
  SmallVector<Operation *> body = end.findBody();
  for (const SizedValue &row : rows)
    for (const DimSize &extent : row.extents)
      if (extent.size && (extent.size.getDefiningOp() == end.getBegin() ||
                          llvm::is_contained(body, extent.size.getDefiningOp())))
        return node.error("collects tensors whose size differs between iterations, which "
                          "cannot be one tensor");
  return success();
}

/// The results of a loop that has ended.
static LoopResults getResults(NodeImporter &node, cnn::LoopEndOp end, const TripCount &trips,
                              bool isExact, ArrayRef<SizedValue> rows) {
  LoopState &state = node.getLoop();
  LoopResults results;
  results.variables = state.rolled->variables;
  unsigned next = 2;
  for (SizedValue &variable : results.variables)
    if (!isEmpty(variable.value))
      variable.value = end.getResult(next++);
  for (const OpenSize &size : state.open)
    results.variables[size.variable].extents[size.dim] =
        node.declareSize(end.getResult(next++), size.bound);
  for (const SizedValue &row : rows) {
    SmallVector<DimSize> extents = {isExact ? DimSize(*trips.most)
                                            : node.declareSize(end.getResult(1), *trips.most)};
    llvm::append_range(extents, row.extents);
    Value all = isEmpty(row.value)
                    ? node.zeros(RankedTensorType::get(
                          getBounds(extents), NodeImporter::getElementType(row.value)))
                    : Value(end.getResult(next++));
    results.collected.push_back({all, extents});
  }
  return results;
}

FailureOr<LoopResults> convoy::onnximport::endRolled(NodeImporter &node, Value goesOn,
                                                     const TripCount &trips,
                                                     ArrayRef<SizedValue> nexts,
                                                     ArrayRef<SizedValue> rows) {
  LoopState &state = node.getLoop();
  FailureOr<bool> isOpened = compareSizes(node, trips, nexts);
  if (failed(isOpened))
    return failure();
  if (*isOpened) {
    LoopResults again;
    again.isOpened = true;
    return again;
  }
  std::optional<cnn::ConstantData> always = cnn::ConstantData::get(goesOn);
  bool isCounted = always && always->getInt(0) != 0;
  if (isCounted && !trips.count)
    return node.error("never ends: it has no trip count (input 0), and its condition is "
                      "always true");
  if (!rows.empty() && !trips.most)
    return node.error("collects a tensor of each iteration, and the largest number of "
                      "iterations is not known: give its trip count (input 0) a constant "
                      "value");
  cnn::LoopBeginOp begin = state.rolled->begin;
  OpBuilder &builder = node.getBuilder();
  FailureOr<Value> iteration =
      node.binary(BinaryKind::add, begin.getIteration(), node.scalar(builder.getI64Type(), 1));
  FailureOr<Value> more = failure();
  if (succeeded(iteration))
    more = limit(node, goesOn, *iteration, trips);
  if (failed(more))
    return failure();
  SmallVector<Value> values = {*more, *iteration}, collected;
  for (auto [next, variable] : llvm::zip_equal(nexts, state.rolled->variables)) {
    if (isEmpty(variable.value))
      continue;
    FailureOr<Value> fitting = changeBounds(node, next.value, getBounds(variable.extents));
    if (failed(fitting))
      return failure();
    values.push_back(*fitting);
  }
  for (const OpenSize &size : state.open)
    values.push_back(node.materialize(nexts[size.variable].extents[size.dim]));
  SmallVector<Type> types = llvm::map_to_vector(values, [](Value v) { return v.getType(); });
  for (const SizedValue &row : rows) {
    SmallVector<int64_t> shape = {*trips.most};
    llvm::append_range(shape, NodeImporter::getShape(row.value));
    Type element = NodeImporter::getElementType(row.value);
    if (failed(node.checkShape(shape, element)))
      return failure();
    if (isEmpty(row.value))
      continue;
    types.push_back(RankedTensorType::get(shape, element));
    collected.push_back(row.value);
  }
  auto end = cnn::LoopEndOp::create(builder, node.getLoc(), types, begin.getGoesOn(), values,
                                    collected);
  if (failed(checkRows(node, end, rows)))
    return failure();
  bool isExact = isCounted && cnn::ConstantData::get(trips.count);
  return getResults(node, end, trips, isExact, rows);
}
