//===- Inspect.cpp - convoy inspect ---------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"
#include "InspectGpu.h"
#include "InspectPartition.h"
#include "Layers.h"
#include "ModelOptions.h"

#include "convoy/Analysis/ReceptiveField.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;
using namespace convoy;
using namespace convoy::driver;

static ArrayRef<int64_t> getOutputShape(const Layer &layer) {
  auto type = dyn_cast<ShapedType>(layer.op->getResult(0).getType());
  return type ? type.getShape() : ArrayRef<int64_t>();
}

/// "11", or "11x7" where dimensions differ, or "-" without an image.
static std::string joinExtents(ArrayRef<FieldExtent> dims, double FieldExtent::*member) {
  if (dims.empty())
    return "-";
  bool allEqual = llvm::all_of(
      dims, [&](const FieldExtent &dim) { return dim.*member == dims.front().*member; });
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(
      allEqual ? dims.take_front() : dims, os,
      [&](const FieldExtent &dim) { os << llvm::format("%g", dim.*member); }, "x");
  return text;
}

/// Sums over the layers; a weight that two of them share counts once.
static LayerCost getTotal(ArrayRef<Layer> layers) {
  LayerCost total;
  llvm::DenseSet<Value> seen;
  for (const Layer &layer : layers) {
    total.macs += layer.cost.macs;
    total.outputBytes += layer.cost.outputBytes;
    LayerCost alone = layer.cost;
    for (Value parameter : getParameters(layer.op))
      if (!seen.insert(parameter).second) {
        LayerCost shared = computeLayerCost(parameter.getDefiningOp());
        alone.parameters -= cast<ShapedType>(parameter.getType()).getNumElements();
        alone.weightBytes -= shared.outputBytes;
      }
    total.parameters += alone.parameters;
    total.weightBytes += alone.weightBytes;
  }
  return total;
}

static void printText(ArrayRef<Layer> layers, const ReceptiveFields &fields) {
  std::vector<std::vector<std::string>> rows = {
      {"layer", "op", "output", "field", "stride", "parameters", "MACs", "bytes"}};
  for (const Layer &layer : layers) {
    ArrayRef<FieldExtent> field = fields.get(layer.op->getResult(0));
    const LayerCost &cost = layer.cost;
    rows.push_back({layer.name, layer.kind, joinShape(getOutputShape(layer)),
                    joinExtents(field, &FieldExtent::size),
                    joinExtents(field, &FieldExtent::stride),
                    cost.parameters ? formatCount(double(cost.parameters)) : "",
                    cost.macs ? formatCount(double(cost.macs)) : "",
                    formatCount(double(cost.outputBytes + cost.weightBytes)) + "B"});
  }
  LayerCost total = getTotal(layers);
  rows.push_back({"total", std::to_string(layers.size()) + " layers", "", "", "",
                  formatCount(double(total.parameters)), formatCount(double(total.macs)),
                  formatCount(double(total.outputBytes + total.weightBytes)) + "B"});
  printTable(rows);
}

static void printCost(llvm::json::OStream &json, const LayerCost &cost) {
  json.attribute("parameters", cost.parameters);
  json.attribute("macs", cost.macs);
  json.attribute("output_bytes", cost.outputBytes);
  json.attribute("weight_bytes", cost.weightBytes);
}

static void printJSON(StringRef model, ArrayRef<Layer> layers, const ReceptiveFields &fields) {
  llvm::json::OStream json(llvm::outs(), 1);
  auto extents = [&](StringRef key, ArrayRef<FieldExtent> dims, double FieldExtent::*member) {
    json.attributeArray(key, [&] {
      for (const FieldExtent &dim : dims)
        json.value(dim.*member);
    });
  };
  json.object([&] {
    json.attribute("model", llvm::json::fixUTF8(model));
    json.attributeArray("layers", [&] {
      for (const Layer &layer : layers)
        json.object([&] {
          ArrayRef<FieldExtent> field = fields.get(layer.op->getResult(0));
          json.attribute("name", llvm::json::fixUTF8(layer.name));
          json.attribute("op", layer.kind);
          json.attributeArray("output", [&] {
            for (int64_t dim : getOutputShape(layer))
              json.value(dim);
          });
          extents("receptive_field", field, &FieldExtent::size);
          extents("stride", field, &FieldExtent::stride);
          printCost(json, layer.cost);
        });
    });
    json.attributeObject("total", [&] { printCost(json, getTotal(layers)); });
  });
  llvm::outs() << '\n';
}

int convoy::driver::inspectCommand(Arguments &arguments) {
  std::string model;
  PartitionFiles files;
  bool asJSON = false;
  ModelOptions modelOptions;
  arguments.positional(model);
  arguments.flag(OPT_json, asJSON);
  modelOptions.read(arguments);
  modelOptions.readTargetOptions(arguments);
  modelOptions.readPartitionOptions(arguments);
  arguments.text(OPT_svg, files.drawing);
  arguments.text(OPT_onnx_out, files.onnx);
  bool devices = false;
  arguments.flag(OPT_devices, devices);
  if (std::optional<int> code = arguments.finish())
    return *code;
  if (!devices && !(files.drawing.empty() && files.onnx.empty()))
    return arguments.usageError("--svg and --onnx-out write a partition: they need --devices");

  if (std::optional<int> code = modelOptions.resolveTarget(arguments))
    return *code;
  std::unique_ptr<MLIRContext> context = makeContext();
  if (modelOptions.compile.gpu && modelOptions.describeTarget(*context, arguments).empty())
    return kUsageError;
  DiagnosticPrinter printer(*context, model, modelOptions.isVerbose);
  bool showsKernels = modelOptions.compile.gpu && !devices;
  if (!showsKernels && !modelOptions.compile.schedule.convAlgorithm.empty())
    return arguments.usageError("--conv-algorithm changes what --target=cuda shows, without "
                                "--devices");
  Phase last = showsKernels ? Phase::Codegen : devices ? Phase::Simplify : Phase::Import;
  OwningOpRef<ModuleOp> module = compileTo(*context, model, last, modelOptions.compile);
  if (!module || printer.hasError())
    return printer.getFailure();
  if (devices)
    return inspectPartition(model, *module, modelOptions.compile.partition, asJSON, files,
                            printer);
  if (showsKernels)
    return inspectGpu(model, *module, asJSON, printer);
  std::vector<Layer> layers = listLayers(*module);
  ReceptiveFields fields(module->lookupSymbol<func::FuncOp>("main"));
  if (asJSON)
    printJSON(model, layers, fields);
  else
    printText(layers, fields);
  return kDone;
}
