//===- Layers.cpp - The layers of a model ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Compiler/Layers.h"

#include "convoy/Dialect/Cnn/Utils/Locations.h"
#include "convoy/Dialect/Cnn/Utils/Outputs.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace convoy;

static bool isLayer(Operation &op) {
  return op.getNumResults() == 1 && !matchPattern(&op, m_Constant()) &&
         !isa<tensor::EmptyOp>(op);
}

/// Adds a layer's cost to `total`, without those of its weights that are in `seen` already.
static void addCost(LayerCost &total, Operation &op, const LayerCost &cost,
                    llvm::DenseSet<Value> &seen) {
  total.macs += cost.macs;
  total.outputBytes += cost.outputBytes;
  total.parameters += cost.parameters;
  total.weightBytes += cost.weightBytes;
  for (Value parameter : getParameters(&op))
    if (!seen.insert(parameter).second) {
      total.parameters -= cast<ShapedType>(parameter.getType()).getNumElements();
      total.weightBytes -= computeLayerCost(parameter.getDefiningOp()).outputBytes;
    }
}

/// The outputs of an imported model.
static std::vector<OutputShape> listOutputs(ModuleOp module) {
  std::vector<OutputShape> outputs;
  for (Attribute attr :
       cnn::getModelOutputs(module->getAttrOfType<ArrayAttr>("cnn.outputs"))) {
    auto entry = cast<DictionaryAttr>(attr);
    auto type = cast<ShapedType>(entry.getAs<TypeAttr>("type").getValue());
    OutputShape &output = outputs.emplace_back();
    output.name = entry.getAs<StringAttr>("name").str();
    output.shape = type.getShape().vec();
    output.isBounded.resize(output.shape.size());
    for (auto [dim, result] : llvm::enumerate(cnn::getSizeResults(attr)))
      output.isBounded[dim] = result >= 0;
  }
  return outputs;
}

FailureOr<LayerList> convoy::listLayers(Compilation &compilation) {
  OwningOpRef<ModuleOp> module = compilation.runTo(Phase::Import);
  if (!module)
    return failure();
  LayerList list;
  auto main = module->lookupSymbol<func::FuncOp>("main");
  if (!main || main.empty())
    return list;
  list.outputs = listOutputs(*module);
  ReceptiveFields fields(main);
  llvm::DenseSet<Value> seen;
  for (Operation &op : main.front().without_terminator()) {
    if (!isLayer(op))
      continue;
    LayerInfo layer;
    layer.name = cnn::getNodeName(op.getLoc()).str();
    layer.kind = getLayerKind(&op);
    if (auto type = dyn_cast<ShapedType>(op.getResult(0).getType()))
      layer.shape = type.getShape().vec();
    layer.field = fields.get(op.getResult(0)).vec();
    layer.cost = computeLayerCost(&op);
    addCost(list.total, op, layer.cost, seen);
    list.layers.push_back(std::move(layer));
  }
  return list;
}
