//===- RolledLoops.cpp - Loops that stay loops ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Loops.h"
#include "SizeRules.h"
#include "TensorReader.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;

/// The most often that the import of a loop begins.
static constexpr unsigned kMaxAttempts = 6;
/// How large an integer of a loop is assumed to become until that is known.
static constexpr int64_t kAssumedNumber = 1 << 20;

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

/// How to bound the number of iterations.
static std::string adviseBound(const TripCount &trips) {
  SmallVector<std::string> inputs;
  if (trips.count)
    inputs = findModelInputs(trips.count);
  return "set it with --max-iterations=N" +
         (inputs.empty() ? "" : ", or make it a constant with" + makeBindOptions(inputs));
}

static bool isEmpty(Value value) { return NodeImporter::getType(value).getNumElements() == 0; }

/// Whether the loop carries its variable of this number. What has no elements is a constant
/// everywhere.
static bool isCarried(const LoopState &state, unsigned number) {
  return !state.facts[number].isInvariant && !isEmpty(state.rolled->variables[number].value);
}

/// Whether a variable begins as a constant that may be a counter.
static bool mayCount(Value first) {
  std::optional<cnn::ConstantData> data = cnn::ConstantData::get(first);
  return data && data->getNumElements() == 1 &&
         (data->getElementType().isInteger(64) || data->getElementType().isInteger(32)) &&
         data->getInt(0) >= 0 && data->getInt(0) <= kAssumedNumber;
}

LogicalResult convoy::onnximport::beginRolled(NodeImporter &node, Value goesOn,
                                              const TripCount &trips,
                                              ArrayRef<SizedValue> firsts) {
  LoopState &state = node.getLoop();
  RolledLoop &loop = state.rolled.emplace();
  state.facts.resize(firsts.size());
  loop.firsts.assign(firsts.begin(), firsts.end());
  loop.variables = loop.firsts;
  SmallVector<Value> sizes;
  for (const OpenSize &size : state.open) {
    DimSize &extent = loop.variables[size.variable].extents[size.dim];
    sizes.push_back(node.materialize(extent));
    extent.bound = size.bound;
  }
  Value zero = node.scalar(node.getBuilder().getI64Type(), 0);
  FailureOr<Value> begins = limit(node, goesOn, zero, trips);
  if (failed(begins))
    return failure();
  SmallVector<Value> inits = {*begins, zero};
  for (auto [number, variable] : llvm::enumerate(loop.variables)) {
    SmallVector<int64_t> bounds = getBounds(variable.extents);
    if (failed(node.checkShape(bounds, NodeImporter::getElementType(variable.value))))
      return failure();
    FailureOr<Value> first = enlarge(node, variable.value, bounds);
    if (failed(first))
      return failure();
    variable.value = *first;
    if (isCarried(state, number))
      inits.push_back(*first);
  }
  inits.append(sizes);
  loop.begin = cnn::LoopBeginOp::create(node.getBuilder(), node.getLoc(),
                                        TypeRange(ValueRange(inits)), inits);
  unsigned next = 2;
  for (auto [number, variable] : llvm::enumerate(loop.variables)) {
    if (!isCarried(state, number))
      continue;
    variable.value = loop.begin.getVariables()[next++];
    if (mayCount(firsts[number].value))
      if (int64_t most = state.facts[number].most.value_or(kAssumedNumber); most >= 0)
        node.declareNumber(variable.value, most);
  }
  for (const OpenSize &size : state.open)
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

static bool hasOpenSize(const LoopState &state, unsigned variable) {
  return llvm::any_of(state.open,
                      [&](const OpenSize &size) { return size.variable == variable; });
}

/// Opens the sizes of a variable that differ in the next iteration. Returns whether there is
/// one that was not open, or whose bound was too small.
static bool openSizes(LoopState &state, unsigned number, const SizedValue &next,
                      const TripCount &trips) {
  const SizedValue &variable = state.rolled->variables[number];
  bool isNew = false;
  for (auto [dim, before, after] : llvm::enumerate(variable.extents, next.extents)) {
    if (before == after)
      continue;
    OpenSize *open = findOpen(state, number, dim);
    int64_t bound = findBound(state.rolled->firsts[number].extents[dim], before, after, trips);
    if (open && bound <= open->bound)
      continue;
    isNew = true;
    if (open)
      open->bound = bound;
    else
      state.open.push_back({number, int64_t(dim), bound});
  }
  return isNew;
}

/// The operation that decides a condition, behind casts and the like.
static Operation *findDecision(Value condition) {
  while (Operation *op = condition.getDefiningOp()) {
    LinearNumber linear = findLinear(condition);
    auto cast = dyn_cast<cnn::CastOp>(op);
    bool moves = isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op);
    if (linear.base != condition && linear.added == 0)
      condition = linear.base;
    else if (moves || (cast && cast.getInput() != condition))
      condition = op->getOperand(0);
    else
      return op;
  }
  return nullptr;
}

/// The largest value of `variable` for which the loop goes on, if the condition says that.
/// `linear` is the variable's next value.
static std::optional<int64_t> findLimit(Value goesOn, const LinearNumber &next) {
  auto decision = dyn_cast_or_null<cnn::BinaryOp>(findDecision(goesOn));
  if (!decision)
    return std::nullopt;
  BinaryKind kind = decision.getKind();
  if (kind == BinaryKind::logical_and) {
    std::optional<int64_t> limit = findLimit(decision.getLhs(), next);
    return limit ? limit : findLimit(decision.getRhs(), next);
  }
  bool isLess = kind == BinaryKind::less || kind == BinaryKind::less_equal;
  if (!isLess && kind != BinaryKind::greater && kind != BinaryKind::greater_equal)
    return std::nullopt;
  LinearNumber small = findLinear(isLess ? decision.getLhs() : decision.getRhs());
  LinearNumber large = findLinear(isLess ? decision.getRhs() : decision.getLhs());
  std::optional<cnn::ConstantData> most = cnn::ConstantData::get(large.base);
  if (small.base != next.base || !most || !most->getElementType().isIntOrIndex())
    return std::nullopt;
  bool isStrict = kind == BinaryKind::less || kind == BinaryKind::greater;
  return most->getInt(0) + large.added - isStrict - small.added + next.added;
}

/// The largest number that a counter holds; nothing if that is not known, or the variable is
/// no counter.
static std::optional<int64_t> findMost(const LoopState &state, unsigned number, Value goesOn,
                                       const SizedValue &next, const TripCount &trips) {
  Value first = state.rolled->firsts[number].value;
  LinearNumber linear = findLinear(next.value);
  if (linear.base != state.rolled->variables[number].value || linear.added < 0)
    return std::nullopt;
  int64_t start = cnn::ConstantData::get(first)->getInt(0), last;
  std::optional<int64_t> most;
  if (trips.most && !llvm::MulOverflow(*trips.most, linear.added, last))
    most = start + last;
  if (std::optional<int64_t> limit = findLimit(goesOn, linear))
    most = std::min(most.value_or(*limit), std::max(*limit, start));
  return most && *most <= kAssumedNumber ? most : std::nullopt;
}

/// Finds how far the counters of a loop count. Those of which that is not known are numbers
/// like all others, unless `isPending`: the next attempt may know more. Returns whether
/// something is new.
static bool findCounters(LoopState &state, Value goesOn, ArrayRef<SizedValue> nexts,
                         const TripCount &trips, bool isPending) {
  bool isNew = false;
  for (auto [number, next] : llvm::enumerate(nexts)) {
    std::optional<int64_t> &known = state.facts[number].most;
    if (!isCarried(state, number) || !mayCount(state.rolled->firsts[number].value) ||
        (known && *known < 0))
      continue;
    std::optional<int64_t> most = findMost(state, number, goesOn, next, trips);
    if (!most && isPending)
      continue;
    isNew |= known != most.value_or(-1);
    known = most.value_or(-1);
  }
  return isNew;
}

/// Compares the variables of an iteration with those of the next. Returns whether more is
/// known now, so that the loop must begin again.
static FailureOr<bool> learn(NodeImporter &node, Value goesOn, const TripCount &trips,
                             ArrayRef<SizedValue> nexts) {
  LoopState &state = node.getLoop();
  bool isNew = false;
  for (auto [number, next] : llvm::enumerate(nexts)) {
    const SizedValue &variable = state.rolled->variables[number];
    VariableFact &fact = state.facts[number];
    if (fact.isInvariant)
      continue;
    LinearNumber linear = findLinear(next.value);
    bool isSame =
        next.value == variable.value || (linear.base == variable.value && linear.added == 0 &&
                                         mayCount(state.rolled->firsts[number].value));
    if (isSame && next.extents == variable.extents && !hasOpenSize(state, number)) {
      fact.isInvariant = isNew = true;
      continue;
    }
    if (NodeImporter::getElementType(variable.value) !=
            NodeImporter::getElementType(next.value) ||
        variable.extents.size() != next.extents.size())
      return node.error("has a variable " + Twine(number) + " of type " +
                        describeType(variable.value) + ", after an iteration it is " +
                        describeType(next.value) +
                        ": its element type and its rank must not change");
    isNew |= openSizes(state, number, next, trips);
  }
  isNew |= findCounters(state, goesOn, nexts, trips, isNew);
  if (isNew && ++state.attempts == kMaxAttempts)
    return node.error("has variables that grow without a bound that is known" +
                      (trips.most ? "" : ": " + adviseBound(trips)));
  return isNew;
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
  for (auto [number, variable] : llvm::enumerate(results.variables))
    if (isCarried(state, number))
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
  FailureOr<bool> again = learn(node, goesOn, trips, nexts);
  if (failed(again))
    return failure();
  if (*again) {
    LoopResults none;
    none.beginAgain = true;
    return none;
  }
  std::optional<cnn::ConstantData> always = cnn::ConstantData::get(goesOn);
  bool isCounted = always && always->getInt(0) != 0;
  std::optional<cnn::ConstantData> begins =
      cnn::ConstantData::get(state.rolled->begin.getInits()[0]);
  if (isCounted && !trips.count && begins && begins->getInt(0) != 0)
    return node.error("never ends: it has no trip count (input 0), and its condition is "
                      "always true");
  if (!rows.empty() && !trips.most)
    return node.error("collects a tensor of each iteration, and the largest number of "
                      "iterations is not known: " +
                      adviseBound(trips));
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
  for (auto [number, next] : llvm::enumerate(nexts)) {
    if (!isCarried(state, number))
      continue;
    FailureOr<Value> fitting =
        changeBounds(node, next.value, getBounds(state.rolled->variables[number].extents));
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
  auto end = cnn::LoopEndOp::create(
      builder, node.getLoc(), types, begin.getGoesOn(), values, collected,
      trips.limit ? builder.getI64IntegerAttr(trips.limit) : IntegerAttr());
  if (failed(checkRows(node, end, rows)))
    return failure();
  bool isExact = isCounted && cnn::ConstantData::get(trips.count);
  return getResults(node, end, trips, isExact, rows);
}
