//===- Inspect.cpp - convoy inspect ---------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inspect.h"

#include "Diagnostics.h"
#include "Format.h"
#include "ModelOptions.h"

#include "convoy/Compiler/Layers.h"
#include "convoy/Runtime/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace convoy;
using namespace convoy::driver;
using llvm::ArrayRef;
using llvm::StringRef;

/// "11", or "11x7" if dimensions differ, or "-" if the tensor is no image.
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

static void printText(const LayerList &list) {
  std::vector<std::vector<std::string>> rows = {
      {"layer", "op", "output", "field", "stride", "parameters", "MACs", "bytes"}};
  for (const LayerInfo &layer : list.layers) {
    const LayerCost &cost = layer.cost;
    rows.push_back({layer.name, layer.kind, joinShape(layer.shape),
                    joinExtents(layer.field, &FieldExtent::size),
                    joinExtents(layer.field, &FieldExtent::stride),
                    cost.parameters ? formatCount(double(cost.parameters)) : "",
                    cost.macs ? formatCount(double(cost.macs)) : "",
                    formatCount(double(cost.outputBytes + cost.weightBytes)) + "B"});
  }
  const LayerCost &total = list.total;
  rows.push_back({"total", std::to_string(list.layers.size()) + " layers", "", "", "",
                  formatCount(double(total.parameters)), formatCount(double(total.macs)),
                  formatCount(double(total.outputBytes + total.weightBytes)) + "B"});
  printTable(rows);
  for (const OutputShape &output : list.outputs) {
    if (!llvm::is_contained(output.isBounded, true))
      continue;
    llvm::outs() << "output " << output.name << " depends on data: ";
    llvm::interleave(
        llvm::zip(output.shape, output.isBounded), llvm::outs(),
        [](auto size) {
          llvm::outs() << (std::get<1>(size) ? "<=" : "") << std::get<0>(size);
        },
        "x");
    llvm::outs() << '\n';
  }
}

static void printCost(llvm::json::OStream &json, const LayerCost &cost) {
  json.attribute("parameters", cost.parameters);
  json.attribute("macs", cost.macs);
  json.attribute("output_bytes", cost.outputBytes);
  json.attribute("weight_bytes", cost.weightBytes);
}

static void printJSON(StringRef model, const LayerList &list) {
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
      for (const LayerInfo &layer : list.layers)
        json.object([&] {
          json.attribute("name", llvm::json::fixUTF8(layer.name));
          json.attribute("op", layer.kind);
          json.attributeArray("output", [&] {
            for (int64_t dim : layer.shape)
              json.value(dim);
          });
          extents("receptive_field", layer.field, &FieldExtent::size);
          extents("stride", layer.field, &FieldExtent::stride);
          printCost(json, layer.cost);
        });
    });
    json.attributeArray("outputs", [&] {
      for (const OutputShape &output : list.outputs)
        json.object([&] {
          json.attribute("name", llvm::json::fixUTF8(output.name));
          json.attributeArray("shape", [&] {
            for (int64_t dim : output.shape)
              json.value(dim);
          });
          json.attributeArray("is_bounded", [&] {
            for (bool isBounded : output.isBounded)
              json.value(isBounded);
          });
        });
    });
    json.attributeObject("total", [&] { printCost(json, list.total); });
  });
  llvm::outs() << '\n';
}

int convoy::driver::inspectLayers(Compilation &compilation, bool asJSON) {
  return printList(compilation, listLayers(compilation), asJSON, printText, printJSON);
}

int convoy::driver::inspectCommand(Arguments &arguments) {
  std::string model;
  PartitionFiles files;
  bool asJSON = false, devices = false;
  ModelOptions modelOptions;
  arguments.positional(model);
  arguments.flag(OPT_json, asJSON);
  modelOptions.read(arguments);
  arguments.text(OPT_svg, files.drawing);
  arguments.text(OPT_onnx_out, files.onnx);
  arguments.flag(OPT_devices, devices);
  if (std::optional<int> code = arguments.finish())
    return *code;
  if (!devices && !(files.drawing.empty() && files.onnx.empty()))
    return arguments.usageError("--svg and --onnx-out write a partition: they need --devices");

  if (std::optional<int> code = modelOptions.check(arguments))
    return *code;
  int code = kDone;
  std::unique_ptr<Compilation> compilation =
      makeCompilation(model, modelOptions, arguments, /*progress=*/nullptr, code);
  if (!compilation)
    return code;
  for (const std::string &file : {files.drawing, files.onnx})
    if (!file.empty())
      if (llvm::Error error = checkWritable(file, listInputFiles(model, modelOptions)))
        return fail(std::move(error));
  if (!files.drawing.empty() && files.drawing == files.onnx)
    return arguments.usageError("--svg and --onnx-out name the same file");
  bool showsKernels = compilation->getTarget().getGpu() && !devices;
  if (!showsKernels && modelOptions.compile.convAlgorithm)
    return arguments.usageError("--conv-algorithm changes what --target=cuda shows, without "
                                "--devices");
  if (devices)
    return inspectPartition(*compilation, asJSON, files);
  return showsKernels ? inspectGpu(*compilation, asJSON) : inspectLayers(*compilation, asJSON);
}
