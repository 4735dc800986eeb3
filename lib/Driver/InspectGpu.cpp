//===- InspectGpu.cpp - convoy inspect --target=cuda ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"
#include "Format.h"
#include "Inspect.h"

#include "convoy/Compiler/GpuLaunches.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace convoy;
using namespace convoy::driver;
using llvm::ArrayRef;
using llvm::StringRef;

static std::string formatTime(double seconds) {
  return llvm::formatv("{0:f2} us", seconds * 1e6);
}

static void printText(const GpuLaunchList &list) {
  std::vector<std::vector<std::string>> table = {{"layer", "kernel", "grid", "block",
                                                  "registers", "spilled", "shared",
                                                  "occupancy", "FLOPs", "bytes", "roofline"}};
  double seconds = 0, flops = 0, bytes = 0;
  for (const GpuLaunch &row : list.launches) {
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
  table.push_back({"total", std::to_string(list.launches.size()) + " launches", "", "", "", "",
                   "", "", formatCount(flops), formatCount(bytes) + "B", formatTime(seconds)});
  llvm::outs() << list.archName << ", roofline of " << list.gpuName << '\n';
  printTable(table);
}

static void printJSON(StringRef model, const GpuLaunchList &list) {
  llvm::json::OStream json(llvm::outs(), 1);
  auto extents = [&](StringRef key, ArrayRef<int64_t> values) {
    json.attributeArray(key, [&] {
      for (int64_t value : values)
        json.value(value);
    });
  };
  json.object([&] {
    json.attribute("model", llvm::json::fixUTF8(model));
    json.attribute("arch", list.arch);
    json.attribute("gpu", list.gpuName);
    json.attributeArray("launches", [&] {
      for (const GpuLaunch &row : list.launches)
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

int convoy::driver::inspectGpu(Compilation &compilation, bool asJSON) {
  return printList(compilation, listGpuLaunches(compilation), asJSON, printText, printJSON);
}
