//===- InspectGpu.cpp - convoy inspect --target=cuda ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InspectGpu.h"

#include "Layers.h"
#include "convoy/Machine/Gpu.h"
#include "convoy/Pipelines/Compiler.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::driver;

namespace {
struct LaunchRow {
  std::string layer, kernel;
  SmallVector<int64_t> grid, block;
  int64_t flops = 0, computedFlops = 0, bytes = 0, dynamicBytes = 0;
  KernelResources resources;
  double occupancy = 0, seconds = 0;
};
} // namespace

static std::vector<LaunchRow> listLaunches(ModuleOp module) {
  std::vector<LaunchRow> rows;
  auto layers = module->getAttrOfType<ArrayAttr>("cnn.layers");
  module.walk([&](gpu::LaunchFuncOp launch) {
    LaunchRow row;
    if (layers && rows.size() < layers.size())
      row.layer = cast<StringAttr>(layers[rows.size()]).str();
    row.kernel = launch.getKernelName().str();
    auto read = [](gpu::KernelDim3 extents) {
      SmallVector<int64_t> values;
      for (Value extent : {extents.x, extents.y, extents.z})
        values.push_back(getConstantIntValue(extent).value_or(0));
      return values;
    };
    row.grid = read(launch.getGridSizeOperandValues());
    row.block = read(launch.getBlockSizeOperandValues());
    if (Value size = launch.getDynamicSharedMemorySize())
      row.dynamicBytes = getConstantIntValue(size).value_or(0);
    auto number = [&](StringRef name) {
      auto attr = launch->getAttrOfType<IntegerAttr>(name);
      return attr ? attr.getInt() : 0;
    };
    row.flops = number(cnn::kFlopsAttrName);
    row.computedFlops = number(cnn::kComputedFlopsAttrName);
    if (row.computedFlops == 0)
      row.computedFlops = row.flops;
    row.bytes = number(cnn::kBytesAttrName);
    rows.push_back(std::move(row));
  });
  return rows;
}

static std::string formatTime(double seconds) {
  return llvm::formatv("{0:f2} us", seconds * 1e6);
}

static void printText(ArrayRef<LaunchRow> rows, const GpuDescription &gpu,
                      StringRef archName) {
  std::vector<std::vector<std::string>> table = {{"layer", "kernel", "grid", "block",
                                                  "registers", "spilled", "shared",
                                                  "occupancy", "FLOPs", "bytes", "roofline"}};
  double seconds = 0, flops = 0, bytes = 0;
  for (const LaunchRow &row : rows) {
    const KernelResources &resources = row.resources;
    table.push_back({row.layer, row.kernel, joinShape(row.grid), joinShape(row.block),
                     std::to_string(resources.registers),
                     std::to_string(resources.spillStores + resources.spillLoads),
                     formatCount(double(resources.sharedBytes)) + "B",
                     llvm::formatv("{0:f0} %", row.occupancy * 100),
                     row.flops ? formatCount(double(row.flops)) : "",
                     formatCount(double(row.bytes)) + "B", formatTime(row.seconds)});
    seconds += row.seconds;
    flops += double(row.flops);
    bytes += double(row.bytes);
  }
  table.push_back({"total", std::to_string(rows.size()) + " launches", "", "", "", "", "", "",
                   formatCount(flops), formatCount(bytes) + "B", formatTime(seconds)});
  llvm::outs() << archName << ", roofline of " << gpu.name << '\n';
  printTable(table);
}

static void printJSON(StringRef model, ArrayRef<LaunchRow> rows, const GpuDescription &gpu) {
  llvm::json::OStream json(llvm::outs(), 1);
  auto extents = [&](StringRef key, ArrayRef<int64_t> values) {
    json.attributeArray(key, [&] {
      for (int64_t value : values)
        json.value(value);
    });
  };
  json.object([&] {
    json.attribute("model", llvm::json::fixUTF8(model));
    json.attribute("arch", gpu.arch);
    json.attribute("gpu", gpu.name);
    json.attributeArray("launches", [&] {
      for (const LaunchRow &row : rows)
        json.object([&] {
          json.attribute("layer", llvm::json::fixUTF8(row.layer));
          json.attribute("kernel", row.kernel);
          extents("grid", row.grid);
          extents("block", row.block);
          json.attribute("registers", row.resources.registers);
          json.attribute("spill_stores", row.resources.spillStores);
          json.attribute("spill_loads", row.resources.spillLoads);
          json.attribute("shared_bytes", row.resources.sharedBytes);
          json.attribute("serialized", row.resources.isSerialized);
          json.attribute("occupancy", row.occupancy);
          json.attribute("flops", row.flops);
          json.attribute("bytes", row.bytes);
          json.attribute("roofline_seconds", row.seconds);
        });
    });
  });
  llvm::outs() << '\n';
}

int convoy::driver::inspectGpu(StringRef model, ModuleOp module, bool asJSON,
                               DiagnosticPrinter &printer) {
  std::vector<LaunchRow> rows = listLaunches(module);
  cnn::GpuAttr target = cnn::getTarget(module).getGpu();
  const GpuDescription &gpu = describeGpu(target);
  if (failed(lowerToTarget(module)))
    return printer.getFailure();
  llvm::Expected<std::vector<KernelResources>> measured = measureKernels(module, gpu.arch);
  if (!measured)
    return fail(measured.takeError());
  llvm::StringMap<KernelResources> resources;
  for (KernelResources &kernel : *measured)
    resources[kernel.name] = kernel;
  for (LaunchRow &row : rows) {
    row.resources = resources.lookup(row.kernel);
    row.resources.sharedBytes += row.dynamicBytes;
    row.occupancy = getOccupancy(gpu, llvm::product_of(row.block), row.resources.registers,
                                 row.resources.sharedBytes);
    row.seconds = std::max(double(row.computedFlops) / gpu.getFlops(target.getPrecision()),
                           double(row.bytes) / gpu.bandwidth);
  }
  if (asJSON)
    printJSON(model, rows, gpu);
  else
    printText(rows, gpu, target.getArchName(gpu.arch));
  return kDone;
}
