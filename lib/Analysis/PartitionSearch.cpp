//===- PartitionSearch.cpp - Choosing how devices share a network ---------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/Partition.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// The most states that are kept after a step.
constexpr size_t kMaxStates = 4096;
/// The most forms of a value: each is one bit of a mask.
constexpr size_t kMaxForms = 32;

using Forms = SmallVector<Distribution>;
using Mask = uint32_t;

/// One operation, and the ways in which devices can share it.
struct Step {
  Operation *op;
  std::vector<OpSplit> splits;
};

/// The forms of all live values after some step, and how the search came to them.
struct State {
  /// For each live value, the set of forms in which devices have it.
  SmallVector<Mask> masks;
  /// The estimated time of all steps up to here.
  double seconds = 0;
  /// The index of the state before the last step, and of the last step's split.
  size_t previous = 0;
  size_t split = 0;
};

class Search {
public:
  Search(func::FuncOp function, int64_t devices, PartitionStrategy strategy, const Link &link)
      : function(function), devices(devices), strategy(strategy), link(link),
        target(getTarget(function)) {}

  FailureOr<std::vector<OpSplit>> run();

private:
  LogicalResult listSteps();
  LogicalResult listSplits(Step &step);
  std::vector<SmallVector<int64_t>> listBounds(Operation *op, const PartitionFactor &factor);
  void keepPreferred(Step &step);
  size_t addForm(Value value, const Distribution &form);
  double convert(OpOperand &operand, const OpSplit &split, Mask &mask);
  void advance(const Step &step);

  func::FuncOp function;
  int64_t devices;
  PartitionStrategy strategy;
  Link link;
  TargetAttr target;

  /// The numbers of channels that groups of convolutions have, by the number of all channels.
  std::map<int64_t, llvm::SetVector<int64_t>> groupSizes;
  std::vector<Step> steps;
  /// All forms that a value may have. The first is the whole value.
  DenseMap<Value, Forms> forms;
  /// The operations in the bodies of loops. All devices compute them: communication is in no
  /// loop.
  DenseSet<Operation *> looped;
  /// The last step that reads a value.
  DenseMap<Value, size_t> lastUse;
  /// The values that the next steps read, in the order of State::masks.
  SmallVector<Value> live;
  /// The states before the first step, and after each step.
  std::vector<std::vector<State>> history;
};

/// The index of a form of `value`, which is added if it is new.
size_t Search::addForm(Value value, const Distribution &form) {
  Forms &known = forms[value];
  if (known.empty())
    known.push_back(Distribution());
  size_t index = llvm::find(known, form) - known.begin();
  if (index == known.size())
    known.push_back(form);
  return index;
}

/// The ways to cut a factor: as the operands may be distributed already, between the groups of
/// a convolution with as many channels, between vectors, and evenly.
std::vector<SmallVector<int64_t>> Search::listBounds(Operation *op,
                                                     const PartitionFactor &factor) {
  std::vector<SmallVector<int64_t>> all;
  auto add = [&](SmallVector<int64_t> bounds) {
    if (!llvm::is_contained(all, bounds) && checkBounds(factor, bounds, devices).empty())
      all.push_back(std::move(bounds));
  };
  for (OpOperand &operand : op->getOpOperands()) {
    const FactorDim &dim = factor.operands[operand.getOperandNumber()];
    if (!dim.isSplit() || isFreelyDistributed(operand.get()))
      continue;
    for (const Distribution &form : forms[operand.get()]) {
      if (form.dim != dim.dim ||
          llvm::any_of(form.bounds, [&](int64_t bound) { return bound % dim.size; }))
        continue;
      SmallVector<int64_t> bounds;
      for (int64_t bound : form.bounds)
        bounds.push_back(bound / dim.size);
      add(bounds);
    }
  }
  // Cuts at multiples of 16, 8, 4 or 2 remain cuts between rows when later layers halve the
  // map.
  if (factor.kind == FactorKind::height || factor.kind == FactorKind::width)
    for (int64_t rows : {16, 8, 4, 2})
      add(cutEvenly(factor.extent, rows, devices));
  bool ofChannels = factor.kind == FactorKind::channel ||
                    factor.kind == FactorKind::input_channel ||
                    factor.kind == FactorKind::output_channel;
  if (ofChannels) {
    for (int64_t size : groupSizes[factor.extent])
      add(cutEvenly(factor.extent, size, devices));
    add(cutEvenly(factor.extent, target.getVectorLanes(), devices));
  }
  add(cutEvenly(factor.extent, 1, devices));
  return all;
}

LogicalResult Search::listSplits(Step &step) {
  Operation *op = step.op;
  FailureOr<std::optional<OpSplit>> fixed = getFixedSplit(op, devices);
  if (failed(fixed))
    return failure();
  if (looped.contains(op)) {
    step.splits.emplace_back();
  } else if (*fixed) {
    step.splits.push_back(**fixed);
  } else {
    step.splits.push_back(OpSplit());
    if (auto partitionable = dyn_cast<PartitionOpInterface>(op);
        partitionable && strategy != PartitionStrategy::None) {
      SmallVector<PartitionFactor> factors = partitionable.getPartitionFactors();
      bool hasRows = llvm::any_of(factors, [&](const PartitionFactor &factor) {
        return factor.kind == FactorKind::height && factor.extent >= devices;
      });
      for (PartitionFactor &factor : factors) {
        // Columns are as good as rows. Twice as many choices would not be better.
        if (factor.kind == FactorKind::width && hasRows)
          continue;
        for (SmallVector<int64_t> &bounds : listBounds(op, factor)) {
          OpSplit split;
          split.factor = factor;
          split.bounds = std::move(bounds);
          step.splits.push_back(std::move(split));
        }
      }
    }
    if (strategy != PartitionStrategy::Auto)
      keepPreferred(step);
  }
  for (Value result : op->getResults())
    for (const OpSplit &split : step.splits)
      if (forms[result].size() < kMaxForms)
        addForm(result, split.getResult());
  llvm::erase_if(step.splits, [&](const OpSplit &split) {
    return llvm::any_of(op->getResults(), [&](Value result) {
      return !llvm::is_contained(forms[result], split.getResult());
    });
  });
  return success();
}

/// Keeps only the split that a fixed strategy prefers.
void Search::keepPreferred(Step &step) {
  auto isPreferred = [&](const OpSplit &split) {
    if (!split.factor)
      return false;
    FactorKind kind = split.factor->kind;
    if (strategy == PartitionStrategy::Batch)
      return kind == FactorKind::batch;
    if (strategy == PartitionStrategy::Rows)
      return kind == FactorKind::height;
    if (kind == FactorKind::group || kind == FactorKind::output_channel)
      return true;
    if (kind != FactorKind::channel)
      return false;
    // Other operations on channels are shared only if an operand is distributed that way.
    for (OpOperand &operand : step.op->getOpOperands()) {
      Distribution wanted = split.getOperand(operand.getOperandNumber());
      if (!wanted.isReplicated() && !isFreelyDistributed(operand.get()) &&
          llvm::is_contained(forms[operand.get()], wanted))
        return true;
    }
    return false;
  };
  auto found = llvm::find_if(step.splits, isPreferred);
  OpSplit chosen = found == step.splits.end() ? OpSplit() : *found;
  step.splits = {chosen};
}

LogicalResult Search::listSteps() {
  for (auto conv : function.getOps<ConvOpInterface>())
    if (int64_t groups = conv.getGroups(); groups >= devices)
      for (int64_t channels : {conv.getInputChannels(), conv.getOutputChannels()})
        groupSizes[channels].insert(channels / groups);
  for (auto end : function.getOps<LoopEndOp>())
    looped.insert_range(end.findBody());
  for (BlockArgument argument : function.getArguments()) {
    addForm(argument, Distribution());
    live.push_back(argument);
  }
  for (Operation &op : function.front()) {
    if (!isPartitioned(&op))
      continue;
    Step step;
    step.op = &op;
    if (failed(listSplits(step)))
      return failure();
    for (Value operand : op.getOperands())
      lastUse[operand] = steps.size();
    for (Value result : op.getResults())
      lastUse.try_emplace(result, steps.size());
    steps.push_back(std::move(step));
  }
  return success();
}

/// Brings an operand into the form that a split wants. Returns the seconds that this takes,
/// and adds the whole value to `mask` if it is gathered.
double Search::convert(OpOperand &operand, const OpSplit &split, Mask &mask) {
  const Forms &known = forms[operand.get()];
  Forms present;
  for (size_t i = 0; i < known.size(); ++i)
    if (mask >> i & 1)
      present.push_back(known[i]);
  bool isGathered = false;
  Traffic traffic = getOperandTraffic(operand, split, present, target, isGathered);
  if (isGathered)
    mask |= 1;
  return traffic.getSeconds(link);
}

/// Computes the states after a step from the states before it.
void Search::advance(const Step &step) {
  std::map<SmallVector<Mask>, State> best;
  std::vector<double> work;
  for (const OpSplit &split : step.splits) {
    double seconds = step.op->hasTrait<OpTrait::IsTerminator>()
                         ? 0
                         : getDeviceWork(step.op, split, target).seconds;
    if (split.factor && split.factor->isReduction)
      seconds += getReduceTraffic(cast<ShapedType>(step.op->getResult(0).getType()), devices)
                     .getSeconds(link);
    work.push_back(seconds);
  }
  const std::vector<State> &before = history.back();
  for (size_t previous = 0; previous < before.size(); ++previous)
    for (auto [index, split] : llvm::enumerate(step.splits)) {
      State next = before[previous];
      next.previous = previous;
      next.split = index;
      next.seconds += work[index];
      for (OpOperand &operand : step.op->getOpOperands()) {
        auto found = llvm::find(live, operand.get());
        if (found != live.end())
          next.seconds += convert(operand, split, next.masks[found - live.begin()]);
      }
      for (Value result : step.op->getResults())
        next.masks.push_back(
            Mask(1) << (llvm::find(forms[result], split.getResult()) - forms[result].begin()));
      // Values that no later step reads do not distinguish states.
      SmallVector<Mask> masks;
      size_t number = history.size() - 1;
      auto keep = [&](Value value, Mask mask) {
        if (lastUse.lookup(value) > number)
          masks.push_back(mask);
      };
      for (auto [value, mask] : llvm::zip(live, next.masks))
        keep(value, mask);
      for (auto [result, mask] :
           llvm::zip(step.op->getResults(), ArrayRef(next.masks).drop_front(live.size())))
        keep(result, mask);
      next.masks = masks;
      auto [entry, isNew] = best.try_emplace(std::move(masks), next);
      if (!isNew && next.seconds < entry->second.seconds)
        entry->second = std::move(next);
    }
  std::vector<State> after;
  for (auto &entry : best)
    after.push_back(std::move(entry.second));
  llvm::stable_sort(after,
                    [](const State &a, const State &b) { return a.seconds < b.seconds; });
  if (after.size() > kMaxStates)
    after.resize(kMaxStates);
  live.append(step.op->result_begin(), step.op->result_end());
  llvm::erase_if(live,
                 [&](Value value) { return lastUse.lookup(value) <= history.size() - 1; });
  history.push_back(std::move(after));
}

FailureOr<std::vector<OpSplit>> Search::run() {
  if (failed(listSteps()))
    return failure();
  State start;
  start.masks.assign(live.size(), 1);
  history.push_back({start});
  for (const Step &step : steps)
    advance(step);
  std::vector<OpSplit> chosen(steps.size());
  size_t state = 0;
  for (size_t i = steps.size(); i-- > 0;) {
    const State &reached = history[i + 1][state];
    chosen[i] = steps[i].splits[reached.split];
    state = reached.previous;
  }
  return chosen;
}

} // namespace

FailureOr<std::vector<OpSplit>> convoy::choosePartition(func::FuncOp function, int64_t devices,
                                                        PartitionStrategy strategy,
                                                        const Link &link) {
  return Search(function, devices, strategy, link).run();
}
