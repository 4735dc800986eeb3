//===- InspectPartition.cpp - convoy inspect --devices --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"
#include "Format.h"
#include "Inspect.h"

#include "convoy/Runtime/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace convoy;
using namespace convoy::driver;
using llvm::ArrayRef;
using llvm::StringRef;

/// Wider drawings cannot be read.
static constexpr int64_t kMaxDrawnDevices = 8;

static std::string formatTime(double seconds) {
  if (seconds < 1e-3)
    return llvm::formatv("{0:f1} us", seconds * 1e6);
  return llvm::formatv("{0:f2} ms", seconds * 1e3);
}

/// "48 + 48", "16 x 4", or "all" without a factor.
static std::string formatShares(const PartitionedLayer &layer) {
  if (layer.isResults)
    return "";
  if (layer.factor.empty())
    return "all";
  llvm::SmallVector<int64_t> parts;
  for (size_t i = 0; i + 1 < layer.bounds.size(); ++i)
    parts.push_back(layer.bounds[i + 1] - layer.bounds[i]);
  if (llvm::all_equal(parts) && parts.size() > 2)
    return llvm::formatv("{0} x {1}", parts.size(), parts.front());
  if (parts.size() > 4)
    return llvm::formatv("{0} x {1} to {2}", parts.size(), *llvm::min_element(parts),
                         *llvm::max_element(parts));
  return llvm::join(llvm::map_range(parts, [](int64_t part) { return std::to_string(part); }),
                    " + ");
}

static std::string formatFactor(std::string factor) {
  llvm::replace(factor, '_', ' ');
  return factor;
}

static std::string getName(const PartitionedLayer &layer) {
  return layer.isResults ? "results" : layer.name;
}

static void printText(const PartitionedLayers &partition) {
  std::vector<std::vector<std::string>> table = {{"layer", "op", "shared along", "parts",
                                                  "parameters", "MACs", "bytes", "exchanged",
                                                  "time"}};
  for (const PartitionedLayer &layer : partition.layers)
    table.push_back({getName(layer), layer.kind, formatFactor(layer.factor),
                     formatShares(layer),
                     layer.work.parameters ? formatCount(double(layer.work.parameters)) : "",
                     layer.work.macs ? formatCount(double(layer.work.macs)) : "",
                     formatBytes(layer.work.bytes), formatBytes(layer.traffic.total),
                     layer.seconds ? formatTime(layer.seconds) : ""});
  const PartitionedLayer &total = partition.total;
  table.push_back({"total", std::to_string(partition.layers.size() - 1) + " layers", "", "",
                   formatCount(double(total.work.parameters)),
                   formatCount(double(total.work.macs)), formatBytes(total.work.bytes),
                   formatBytes(total.traffic.total), formatTime(total.seconds)});
  printTable(table);
  llvm::outs() << "\nparameters, MACs and bytes: of the busiest of " << partition.devices
               << " devices; exchanged: received by all of them\n"
               << "estimated: " << formatTime(total.work.seconds) << " of work and "
               << formatTime(partition.communicationSeconds)
               << " of communication; one device alone takes "
               << formatTime(total.aloneSeconds) << '\n';
}

static void printJSON(StringRef model, const PartitionedLayers &partition) {
  llvm::json::OStream json(llvm::outs(), 1);
  auto cost = [&](const PartitionedLayer &layer) {
    json.attribute("parameters", layer.work.parameters);
    json.attribute("weight_bytes", layer.work.weightBytes);
    json.attribute("macs", layer.work.macs);
    json.attribute("bytes", layer.work.bytes);
    json.attribute("exchanged_bytes", layer.traffic.total);
    json.attribute("exchanges", layer.traffic.exchanges);
    json.attribute("seconds", layer.seconds);
  };
  json.object([&] {
    json.attribute("model", llvm::json::fixUTF8(model));
    json.attribute("devices", partition.devices);
    json.attributeArray("layers", [&] {
      for (const PartitionedLayer &layer : partition.layers)
        json.object([&] {
          json.attribute("name", llvm::json::fixUTF8(getName(layer)));
          json.attribute("op", layer.kind);
          if (!layer.factor.empty()) {
            json.attribute("factor", layer.factor);
            json.attributeArray("bounds", [&] {
              for (int64_t bound : layer.bounds)
                json.value(bound);
            });
          }
          cost(layer);
        });
    });
    json.attributeObject("total", [&] {
      cost(partition.total);
      json.attribute("seconds_alone", partition.total.aloneSeconds);
    });
  });
  llvm::outs() << '\n';
}

int convoy::driver::inspectPartition(Compilation &compilation, bool asJSON,
                                     const PartitionFiles &files) {
  StringRef model = compilation.getModel();
  if (!files.drawing.empty() && compilation.getOptions().devices > kMaxDrawnDevices)
    return fail(llvm::createStringError("--svg draws up to " + llvm::Twine(kMaxDrawnDevices) +
                                        " devices"));
  mlir::FailureOr<PartitionedLayers> partition = partitionLayers(compilation);
  if (failed(partition))
    return kInputError;
  if (!files.onnx.empty())
    if (llvm::Error error =
            writeShardedONNX(model, files.onnx, partition->devices, partition->shardings))
      return fail(std::move(error));
  if (!files.drawing.empty())
    if (llvm::Error error = writeOutputFile(files.drawing, [&](llvm::raw_fd_ostream &os) {
          drawPartition(os, model, *partition);
          return llvm::Error::success();
        }))
      return fail(std::move(error));
  return printList(compilation, partition, asJSON, printText, printJSON);
}
