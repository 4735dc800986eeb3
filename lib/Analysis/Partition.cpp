//===- Partition.cpp - Sharing a network between devices ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/Partition.h"

#include "convoy/Analysis/LayerCost.h"
#include "convoy/Machine/Cpu.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Distributions
//===----------------------------------------------------------------------===//

/// The distribution of a tensor if its factor is cut at `bounds`.
static Distribution distribute(const FactorDim &dim, ArrayRef<int64_t> bounds) {
  Distribution result;
  if (!dim.isSplit())
    return result;
  result.dim = dim.dim;
  for (int64_t bound : bounds)
    result.bounds.push_back(bound * dim.size);
  return result;
}

Distribution OpSplit::getOperand(unsigned index) const {
  return factor ? distribute(factor->operands[index], bounds) : Distribution();
}

Distribution OpSplit::getResult() const {
  return factor ? distribute(factor->result, bounds) : Distribution();
}

bool OpSplit::needsHalo(unsigned index) const {
  return factor && index == 0 && factor->needsHalo();
}

PartitionAttr OpSplit::getAttr(MLIRContext *context) const {
  return factor ? PartitionAttr::get(context, factor->kind, bounds) : nullptr;
}

bool convoy::isFreelyDistributed(Value value) {
  return matchPattern(value, m_Constant()) || value.getDefiningOp<tensor::EmptyOp>();
}

bool convoy::isPartitioned(Operation *op) {
  return op->hasTrait<OpTrait::IsTerminator>() ||
         (op->getNumResults() > 0 && !isFreelyDistributed(op->getResult(0)));
}

OperandPlan convoy::planOperand(ArrayRef<Distribution> forms, const Distribution &wanted,
                                bool needsHalo) {
  OperandPlan plan;
  bool hasWhole =
      llvm::any_of(forms, [](const Distribution &form) { return form.isReplicated(); });
  bool hasWanted = llvm::is_contained(forms, wanted);
  if (wanted.isReplicated()) {
    if (!hasWhole)
      plan.gather = forms.front();
  } else if (hasWanted && (!needsHalo || !hasWhole)) {
    plan.exchangeHalo = needsHalo;
  } else {
    if (!hasWhole)
      plan.gather = forms.front();
    plan.slice = true;
  }
  return plan;
}

std::string convoy::checkBounds(const PartitionFactor &factor, ArrayRef<int64_t> bounds,
                                int64_t devices) {
  if (int64_t(bounds.size()) != devices + 1)
    return llvm::formatv("has {0} bounds, expected {1} for {2} devices", bounds.size(),
                         devices + 1, devices);
  if (bounds.front() != 0 || bounds.back() != factor.extent)
    return llvm::formatv("runs from {0} to {1}, expected 0 to {2}", bounds.front(),
                         bounds.back(), factor.extent);
  int64_t least = factor.getLeastPart();
  for (int64_t device = 0; device < devices; ++device)
    if (bounds[device + 1] - bounds[device] < least)
      return llvm::formatv("gives device {0} a part of {1}, expected at least {2}", device,
                           bounds[device + 1] - bounds[device], least);
  return "";
}

FailureOr<OpSplit> convoy::getSplit(Operation *op, int64_t devices) {
  OpSplit split;
  auto attr = op->getAttrOfType<PartitionAttr>(kPartitionAttrName);
  if (!attr)
    return split;
  if (auto partitionable = dyn_cast<PartitionOpInterface>(op))
    for (PartitionFactor &factor : partitionable.getPartitionFactors())
      if (factor.kind == attr.getFactor())
        split.factor = std::move(factor);
  if (!split.factor)
    return op->emitError("cannot be shared along ") << stringifyFactorKind(attr.getFactor());
  split.bounds.assign(attr.getBounds().begin(), attr.getBounds().end());
  if (std::string problem = checkBounds(*split.factor, split.bounds, devices);
      !problem.empty())
    return op->emitError("partition ") << problem;
  return split;
}

SmallVector<int64_t> convoy::cutEvenly(int64_t extent, int64_t granule, int64_t devices) {
  int64_t units = llvm::divideCeil(extent, granule);
  if (units < devices)
    return {};
  SmallVector<int64_t> bounds;
  for (int64_t device = 0; device <= devices; ++device)
    bounds.push_back(std::min(
        extent, (units / devices * device + std::min(device, units % devices)) * granule));
  return bounds;
}

/// Whether a cut along a factor distributes the tensors as the annotations want it.
static bool fits(const PartitionFactor &factor, ArrayRef<ShardingAttr> wanted) {
  return llvm::all_of(wanted, [&](ShardingAttr sharding) {
    FactorDim dim =
        sharding.getOperand() < 0 ? factor.result : factor.operands[sharding.getOperand()];
    return dim.dim == sharding.getAxis();
  });
}

FailureOr<std::optional<OpSplit>> convoy::getFixedSplit(Operation *op, int64_t devices) {
  if (op->hasAttr(kPartitionAttrName)) {
    FailureOr<OpSplit> split = getSplit(op, devices);
    if (failed(split))
      return failure();
    return std::optional<OpSplit>(*split);
  }
  SmallVector<ShardingAttr> wanted;
  if (auto all = op->getAttrOfType<ArrayAttr>(kShardingAttrName))
    for (auto sharding : all.getAsRange<ShardingAttr>())
      if (sharding.getDevices() == devices)
        wanted.push_back(sharding);
  if (wanted.empty())
    return std::optional<OpSplit>();
  auto isWhole = [](ShardingAttr sharding) { return sharding.getAxis() < 0; };
  if (llvm::all_of(wanted, isWhole))
    return std::optional<OpSplit>(OpSplit());
  if (auto partitionable = dyn_cast<PartitionOpInterface>(op))
    for (PartitionFactor &factor : partitionable.getPartitionFactors()) {
      SmallVector<int64_t> bounds = cutEvenly(factor.extent, 1, devices);
      if (!fits(factor, wanted) || !checkBounds(factor, bounds, devices).empty())
        continue;
      OpSplit split;
      split.factor = std::move(factor);
      split.bounds = std::move(bounds);
      return std::optional<OpSplit>(std::move(split));
    }
  return op->emitError("cannot be shared by ")
         << devices << " devices as its sharding annotation says, which cuts "
         << (wanted.front().getOperand() < 0 ? "its result" : "its input") << " along axis "
         << wanted.front().getAxis() << " (correct the annotation, or remove it)";
}

//===----------------------------------------------------------------------===//
// Traffic and work
//===----------------------------------------------------------------------===//

static int64_t getLargestPart(ArrayRef<int64_t> bounds) {
  int64_t largest = 0;
  for (auto [begin, end] : llvm::zip(bounds.drop_back(), bounds.drop_front()))
    largest = std::max(largest, end - begin);
  return largest;
}

Traffic &Traffic::operator+=(const Traffic &other) {
  total += other.total;
  perDevice += other.perDevice;
  exchanges += other.exchanges;
  return *this;
}

double Traffic::getSeconds(const Link &link) const {
  return exchanges * link.latency + perDevice / link.bandwidth;
}

int64_t convoy::getCrossingBytes(ShapedType type, TargetAttr target) {
  if (type.getElementType().isF32())
    type = type.clone(target.getDataType());
  return getDenseBytes(type);
}

Traffic convoy::getGatherTraffic(ShapedType type, const Distribution &form,
                                 TargetAttr target) {
  int64_t bytes = getCrossingBytes(type, target), slice = bytes / type.getDimSize(form.dim);
  int64_t devices = form.bounds.size() - 1, least = type.getDimSize(form.dim);
  for (int64_t device = 0; device < devices; ++device)
    least = std::min(least, form.bounds[device + 1] - form.bounds[device]);
  return {bytes * (devices - 1), bytes - least * slice, 1};
}

Traffic convoy::getReduceTraffic(ShapedType type, int64_t devices) {
  // Each device adds up its share of the elements and gathers the rest.
  int64_t bytes = getDenseBytes(type);
  return {2 * bytes * (devices - 1), 2 * bytes * (devices - 1) / devices, 2};
}

Traffic convoy::getHaloTraffic(ShapedType type, const Distribution &form,
                               const PartitionFactor &factor, TargetAttr target) {
  int64_t slice = getCrossingBytes(type, target) / type.getDimSize(form.dim);
  int64_t borders = int64_t(form.bounds.size()) - 2;
  int64_t both = factor.haloBefore + factor.haloAfter;
  return {borders * both * slice,
          (borders > 1 ? both : std::max(factor.haloBefore, factor.haloAfter)) * slice, 1};
}

Traffic convoy::getOperandTraffic(OpOperand &operand, const OpSplit &split,
                                  ArrayRef<Distribution> forms, TargetAttr target,
                                  bool &isGathered) {
  unsigned number = operand.getOperandNumber();
  Distribution wanted = split.getOperand(number);
  OperandPlan plan = planOperand(forms, wanted, split.needsHalo(number));
  auto type = cast<ShapedType>(operand.get().getType());
  Traffic traffic;
  if (plan.gather)
    traffic += getGatherTraffic(type, *plan.gather, target);
  if (plan.exchangeHalo)
    traffic += getHaloTraffic(type, wanted, *split.factor, target);
  isGathered = plan.gather.has_value();
  return traffic;
}

/// The fraction of a core's peak that convolutions reach, roughly.
static constexpr double kConvEfficiency = 0.8;

/// Whether cnn-fuse-epilogue will move `op` into the operation whose result it reads.
static bool isEpilogue(Operation *op) {
  return isa<UnaryOp, BinaryOp>(op) && llvm::any_of(op->getOperands(), [](Value operand) {
           auto producer = dyn_cast_if_present<EpilogueOpInterface>(operand.getDefiningOp());
           return operand.hasOneUse() && producer && producer.getEpilogueBias();
         });
}

DeviceWork convoy::getDeviceWork(Operation *op, const OpSplit &split, TargetAttr target) {
  LayerCost cost = computeLayerCost(op);
  double share = 1;
  if (split.factor)
    share = double(getLargestPart(split.bounds)) / split.factor->extent;
  DeviceWork work;
  work.macs = std::llround(cost.macs * share);
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<ShapedType>(operand.get().getType());
    if (!type)
      continue;
    double part = split.getOperand(operand.getOperandNumber()).isReplicated() ? 1 : share;
    int64_t bytes = std::llround(getDenseBytes(type) * part);
    work.bytes += bytes;
    if (!matchPattern(operand.get(), m_Constant()))
      continue;
    work.parameters += std::llround(type.getNumElements() * part);
    work.weightBytes += bytes;
  }
  for (Value result : op->getResults())
    if (auto type = dyn_cast<ShapedType>(result.getType()))
      work.bytes +=
          std::llround(getDenseBytes(type) * (split.getResult().isReplicated() ? 1 : share));
  // Reshapes move no data, and epilogues work on results that are still in registers.
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op) || isEpilogue(op)) {
    work.bytes = 0;
    return work;
  }
  CpuDescription cpu = getCpu(target);
  double rate = cpu.multiplyAdds * cpu.clock * kConvEfficiency * target.getVectorLanes();
  work.seconds =
      cpu.layerSeconds + std::max(work.macs / rate, work.bytes / cpu.memoryBandwidth);
  return work;
}

//===----------------------------------------------------------------------===//
// A partition's traffic
//===----------------------------------------------------------------------===//

namespace {
using Forms = SmallVector<Distribution>;

/// Keeps track of the forms in which devices have values, while operations run one after
/// another.
class FormTracker {
public:
  /// Brings one operand into the form that `split` wants. Returns the traffic for that.
  Traffic use(OpOperand &operand, const OpSplit &split, TargetAttr target) {
    Value value = operand.get();
    if (isFreelyDistributed(value))
      return {};
    Forms &forms = getForms(value);
    bool isGathered = false;
    Traffic traffic = getOperandTraffic(operand, split, forms, target, isGathered);
    if (isGathered)
      forms.push_back(Distribution());
    return traffic;
  }

  /// Adds the results of `op`. Returns the traffic of their sum if `split` is a reduction.
  Traffic define(Operation *op, const OpSplit &split, int64_t devices) {
    for (Value result : op->getResults())
      all[result] = {split.getResult()};
    if (split.factor && split.factor->isReduction)
      return getReduceTraffic(cast<ShapedType>(op->getResult(0).getType()), devices);
    return {};
  }

private:
  Forms &getForms(Value value) {
    Forms &forms = all[value];
    if (forms.empty())
      forms.push_back(Distribution());
    return forms;
  }
  DenseMap<Value, Forms> all;
};
} // namespace

FailureOr<std::vector<PartitionRow>> convoy::describePartition(func::FuncOp function,
                                                               int64_t devices) {
  std::vector<PartitionRow> rows;
  FormTracker tracker;
  TargetAttr target = getTarget(function);
  for (Operation &op : function.front()) {
    if (!isPartitioned(&op))
      continue;
    FailureOr<OpSplit> split = getSplit(&op, devices);
    if (failed(split))
      return failure();
    PartitionRow row;
    row.op = &op;
    row.split = *split;
    for (OpOperand &operand : op.getOpOperands())
      row.traffic += tracker.use(operand, *split, target);
    row.traffic += tracker.define(&op, *split, devices);
    if (op.getNumResults())
      row.work = getDeviceWork(&op, *split, target);
    rows.push_back(std::move(row));
  }
  return rows;
}
