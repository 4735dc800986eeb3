//===- PartitionedLayers.cpp - How devices share a model ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Compiler/PartitionedLayers.h"

#include "convoy/Compiler/Layers.h"
#include "convoy/Dialect/Cnn/Utils/Locations.h"

using namespace mlir;
using namespace convoy;

/// The shapes of the devices' parts of a result.
static std::vector<std::vector<int64_t>> listShapes(const PartitionRow &row, int64_t devices) {
  ArrayRef<int64_t> whole = cast<ShapedType>(row.op->getResult(0).getType()).getShape();
  Distribution form = row.split.getResult();
  std::vector<std::vector<int64_t>> shapes(devices, whole.vec());
  if (!form.isReplicated())
    for (auto [device, shape] : llvm::enumerate(shapes))
      shape[form.dim] = form.bounds[device + 1] - form.bounds[device];
  return shapes;
}

static PartitionedLayer describe(const PartitionRow &row, int64_t devices, const Link &link) {
  PartitionedLayer layer;
  layer.isResults = row.op->getNumResults() == 0;
  layer.work = row.work;
  layer.traffic = row.traffic;
  layer.seconds = row.work.seconds + row.traffic.getSeconds(link);
  if (row.split.factor) {
    layer.factor = cnn::stringifyFactorKind(row.split.factor->kind).str();
    layer.bounds.assign(row.split.bounds.begin(), row.split.bounds.end());
    layer.needsHalo = row.split.factor->needsHalo();
  }
  if (layer.isResults)
    return layer;
  layer.name = cnn::getNodeName(row.op->getLoc()).str();
  layer.kind = getLayerKind(row.op);
  layer.shapes = listShapes(row, devices);
  layer.aloneSeconds = getDeviceWork(row.op, OpSplit(), cnn::getTarget(row.op)).seconds;
  return layer;
}

static void add(PartitionedLayers &partition, const PartitionedLayer &layer,
                const Link &link) {
  PartitionedLayer &total = partition.total;
  total.work.parameters += layer.work.parameters;
  total.work.weightBytes += layer.work.weightBytes;
  total.work.macs += layer.work.macs;
  total.work.bytes += layer.work.bytes;
  total.work.seconds += layer.work.seconds;
  total.traffic += layer.traffic;
  total.aloneSeconds += layer.aloneSeconds;
  partition.communicationSeconds += layer.traffic.getSeconds(link);
}

/// The axis of the result along which devices share a node, or the axis of its input for a
/// reduction. Nothing if the row is no node of the model.
static std::optional<NodeSharding> getSharding(const PartitionRow &row) {
  StringRef name = cnn::getNodeName(row.op->getLoc());
  if (name.empty() || !row.op->getNumResults() || !isa<cnn::PartitionOpInterface>(row.op))
    return std::nullopt;
  NodeSharding sharding;
  sharding.node = name.str();
  if (row.split.factor) {
    sharding.ofResult = !row.split.factor->isReduction;
    sharding.axis = sharding.ofResult ? row.split.factor->result.dim
                                      : row.split.factor->operands.front().dim;
  }
  return sharding;
}

FailureOr<PartitionedLayers> convoy::partitionLayers(Compilation &compilation) {
  OwningOpRef<ModuleOp> module = compilation.runTo(Phase::Simplify);
  if (!module)
    return failure();
  const CompileOptions &options = compilation.getOptions();
  if (failed(compilation.conclude(assignPartition(*module, options.getPartition()))))
    return failure();
  FailureOr<std::vector<PartitionRow>> rows =
      describePartition(module->lookupSymbol<func::FuncOp>("main"), options.devices);
  if (failed(compilation.conclude(rows)))
    return failure();
  Link link = options.link.value_or(getLink(compilation.getTarget()));
  PartitionedLayers partition;
  partition.devices = options.devices;
  for (const PartitionRow &row : *rows) {
    partition.layers.push_back(describe(row, options.devices, link));
    add(partition, partition.layers.back(), link);
    if (std::optional<NodeSharding> sharding = getSharding(row))
      partition.shardings.push_back(std::move(*sharding));
  }
  partition.total.seconds = partition.total.work.seconds + partition.communicationSeconds;
  return partition;
}
