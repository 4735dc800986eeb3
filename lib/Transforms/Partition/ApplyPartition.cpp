//===- ApplyPartition.cpp - Pass cnn-apply-partition ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/Partition.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Partition/Passes.h"

#include "convoy/Transforms/Utils/Slice.h"
#include "mlir/Transforms/RegionUtils.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNAPPLYPARTITION
#include "convoy/Transforms/Partition/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// The slice `[begin, end)` of a constant along dimension `dim`.
ElementsAttr sliceConstant(const ConstantData &data, int64_t dim, int64_t begin, int64_t end) {
  SmallVector<int64_t> shape(data.getShape());
  int64_t outer = llvm::product_of(ArrayRef(shape).take_front(dim));
  int64_t inner =
      llvm::product_of(ArrayRef(shape).drop_front(dim + 1)) * data.getElementBytes();
  int64_t row = shape[dim] * inner;
  shape[dim] = end - begin;
  auto type = data.getType().clone(shape);
  if (data.isSplat())
    return makeConstantFromBytes(type, data.getBytes());
  if (outer == 1)
    return makeConstantFromBytes(type,
                                 data.getBytes().slice(begin * inner, (end - begin) * inner));
  std::vector<char> bytes;
  bytes.reserve(outer * (end - begin) * inner);
  for (int64_t i = 0; i < outer; ++i)
    llvm::append_range(bytes,
                       data.getBytes().slice(i * row + begin * inner, (end - begin) * inner));
  return makeConstantFromBytes(type, bytes);
}

/// Writes one device's program.
class DeviceProgram {
public:
  DeviceProgram(func::FuncOp function, ModuleOp module, int64_t device, int64_t devices)
      : builder(module.getBodyRegion()), function(function), device(device), devices(devices) {
  }

  LogicalResult build();

private:
  /// A value of the original program as this device has it: distributed or whole.
  using Form = std::pair<Distribution, Value>;

  Value getOperand(OpOperand &operand, const OpSplit &split);
  Value getConstantPart(Value constant, const Distribution &wanted);
  Value slice(Location loc, Value whole, const Distribution &form, int64_t before,
              int64_t after);
  Value dropHalo(Location loc, Value part, const OpSplit &split);
  LogicalResult mapCaptures(Operation &op, Operation *copy);
  Location getLoc(Location of, StringRef what);

  OpBuilder builder;
  func::FuncOp function;
  int64_t device, devices;
  /// For each value of the original program, all forms that this device has of it.
  DenseMap<Value, SmallVector<Form>> forms;
};

/// The location `of`, with `what` put before its name. Profiles show this name.
Location DeviceProgram::getLoc(Location of, StringRef what) {
  if (auto name = dyn_cast<NameLoc>(of))
    return NameLoc::get(builder.getStringAttr(what + " " + name.getName().getValue()),
                        name.getChildLoc());
  return of;
}

/// This device's slice of `whole` in the distribution `form`, with `before` and `after` more
/// elements of the neighbours' slices, as far as there are such elements.
Value DeviceProgram::slice(Location loc, Value whole, const Distribution &form, int64_t before,
                           int64_t after) {
  int64_t extent = cast<ShapedType>(whole.getType()).getDimSize(form.dim);
  int64_t begin = std::max<int64_t>(0, form.bounds[device] - before);
  int64_t end = std::min(form.bounds[device + 1] + after, extent);
  return createSlice(builder, loc, whole, form.dim, begin, end - begin);
}

/// This device's own slice of `part`, a result that is larger because it was computed from an
/// operand with its halo.
Value DeviceProgram::dropHalo(Location loc, Value part, const OpSplit &split) {
  int64_t front = device > 0 ? std::min(split.factor->haloBefore, split.bounds[device]) : 0;
  return createSlice(builder, loc, part, split.getResult().dim, front,
                     split.bounds[device + 1] - split.bounds[device]);
}

Value DeviceProgram::getConstantPart(Value constant, const Distribution &wanted) {
  SmallVector<Form> &known = forms[constant];
  for (const Form &form : known)
    if (form.first == wanted)
      return form.second;
  Value part;
  std::optional<ConstantData> data = ConstantData::get(constant);
  if (wanted.isReplicated() || !data) {
    part = builder.clone(*constant.getDefiningOp())->getResult(0);
    if (!wanted.isReplicated())
      part = slice(constant.getLoc(), part, wanted, 0, 0);
  } else {
    part = createConstant(
        builder, constant.getLoc(),
        sliceConstant(*data, wanted.dim, wanted.bounds[device], wanted.bounds[device + 1]));
  }
  known.push_back({wanted, part});
  return part;
}

Value DeviceProgram::getOperand(OpOperand &operand, const OpSplit &split) {
  Value value = operand.get();
  Distribution wanted = split.getOperand(operand.getOperandNumber());
  if (isFreelyDistributed(value))
    return getConstantPart(value, wanted);
  int64_t before = 0, after = 0;
  if (split.needsHalo(operand.getOperandNumber())) {
    before = split.factor->haloBefore;
    after = split.factor->haloAfter;
  }
  bool needsHalo = split.needsHalo(operand.getOperandNumber());
  SmallVector<Form> &known = forms[value];
  SmallVector<Distribution> present;
  for (const Form &form : known)
    present.push_back(form.first);
  auto find = [&](const Distribution &form) {
    return known[llvm::find(present, form) - present.begin()].second;
  };
  OperandPlan plan = planOperand(present, wanted, needsHalo);
  Location loc = value.getLoc();
  Value whole;
  if (plan.gather) {
    whole =
        AllGatherOp::create(builder, getLoc(loc, "gather"), value.getType(),
                            find(*plan.gather), device, plan.gather->dim, plan.gather->bounds)
            ->getResult(0);
    known.push_back({Distribution(), whole});
  } else if (plan.slice || wanted.isReplicated()) {
    whole = find(Distribution());
  }
  if (wanted.isReplicated())
    return whole;
  if (plan.slice) {
    Value part = slice(loc, whole, wanted, before, after);
    if (!needsHalo)
      known.push_back({wanted, part});
    return part;
  }
  Value part = find(wanted);
  if (!plan.exchangeHalo)
    return part;
  auto type = cast<RankedTensorType>(part.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[wanted.dim] += (device > 0 ? before : 0) + (device + 1 < devices ? after : 0);
  return HaloExchangeOp::create(builder, getLoc(loc, "halo of"), type.clone(shape), part,
                                device, wanted.dim, wanted.bounds, before, after)
      ->getResult(0);
}

/// Makes the regions of `copy`, such as that of a tensor.pad with its value, use this device's
/// forms of the values that the regions of `op` use from outside.
LogicalResult DeviceProgram::mapCaptures(Operation &op, Operation *copy) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op.getRegions(), captured);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(copy);
  for (Value value : captured) {
    Value own;
    if (isFreelyDistributed(value)) {
      own = getConstantPart(value, Distribution());
    } else {
      for (const Form &form : forms[value])
        if (form.first.isReplicated())
          own = form.second;
    }
    if (!own)
      return copy->emitError("has a region that uses a value that devices share");
    for (Region &region : copy->getRegions())
      replaceAllUsesInRegionWith(value, own, region);
  }
  return success();
}

LogicalResult DeviceProgram::build() {
  auto main =
      func::FuncOp::create(builder, function.getLoc(), "main", function.getFunctionType());
  Block *body = main.addEntryBlock();
  for (auto [from, to] : llvm::zip(function.getArguments(), body->getArguments())) {
    to.setLoc(from.getLoc());
    forms[from] = {{Distribution(), to}};
  }
  builder.setInsertionPointToEnd(body);
  for (Operation &op : function.front()) {
    if (op.getNumResults() && isFreelyDistributed(op.getResult(0)))
      continue;
    FailureOr<OpSplit> split = getSplit(&op, devices);
    if (failed(split))
      return failure();
    SmallVector<Value> operands;
    for (OpOperand &operand : op.getOpOperands())
      operands.push_back(getOperand(operand, *split));
    if (!split->factor) {
      IRMapping mapping;
      for (auto [from, to] : llvm::zip(op.getOperands(), operands))
        mapping.map(from, to);
      Operation *copy = builder.clone(op, mapping);
      if (failed(mapCaptures(op, copy)))
        return failure();
      for (auto [from, to] : llvm::zip(op.getResults(), copy->getResults()))
        forms[from] = {{Distribution(), to}};
      continue;
    }
    const PartitionFactor &factor = *split->factor;
    int64_t begin = split->bounds[device], end = split->bounds[device + 1];
    Value part =
        cast<PartitionOpInterface>(op).buildPart(builder, operands, factor, begin, end);
    if (Operation *made = part.getDefiningOp(); made && failed(mapCaptures(op, made)))
      return failure();
    if (factor.isReduction)
      part = AllReduceOp::create(builder, getLoc(op.getLoc(), "sum of"), part.getType(), part,
                                 device, devices)
                 ->getResult(0);
    else if (factor.keepsHalo)
      part = dropHalo(op.getLoc(), part, *split);
    forms[op.getResult(0)] = {{split->getResult(), part}};
  }
  return success();
}

struct ApplyPartition : convoy::cnn::impl::CnnApplyPartitionBase<ApplyPartition> {
  using CnnApplyPartitionBase::CnnApplyPartitionBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto function = module.lookupSymbol<func::FuncOp>("main");
    if (!function || !function.getBody().hasOneBlock()) {
      module.emitError("cnn-apply-partition needs a function @main of straight-line "
                       "code");
      return signalPassFailure();
    }
    OpBuilder builder(&getContext());
    for (int64_t device = 0; device < devices; ++device) {
      builder.setInsertionPointToEnd(module.getBody());
      auto part =
          ModuleOp::create(builder, module.getLoc(), "device_" + std::to_string(device));
      // Attributes that later phases read.
      for (StringRef name : {"cnn.inputs", "cnn.outputs"})
        if (Attribute attr = module->getAttr(name))
          part->setAttr(name, attr);
      if (failed(DeviceProgram(function, part, device, devices).build()))
        return signalPassFailure();
    }
    function.erase();
    module->setAttr("cnn.device_count", builder.getI64IntegerAttr(devices));
  }
};

} // namespace
