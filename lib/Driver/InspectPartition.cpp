//===- InspectPartition.cpp - convoy inspect --devices --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InspectPartition.h"

#include "convoy/Import/ONNX/Import.h"
#include "convoy/Runtime/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::driver;

/// Wider drawings cannot be read.
static constexpr int64_t kMaxDrawnDevices = 8;

static std::string formatTime(double seconds) {
  if (seconds < 1e-3)
    return llvm::formatv("{0:f1} us", seconds * 1e6);
  return llvm::formatv("{0:f2} ms", seconds * 1e3);
}

std::string convoy::driver::formatShares(const OpSplit &split) {
  if (!split.factor)
    return "all";
  SmallVector<int64_t> parts;
  for (size_t i = 0; i + 1 < split.bounds.size(); ++i)
    parts.push_back(split.bounds[i + 1] - split.bounds[i]);
  if (llvm::all_equal(parts) && parts.size() > 2)
    return llvm::formatv("{0} x {1}", parts.size(), parts.front());
  if (parts.size() > 4)
    return llvm::formatv("{0} x {1} to {2}", parts.size(), *llvm::min_element(parts),
                         *llvm::max_element(parts));
  return llvm::join(llvm::map_range(parts, [](int64_t part) { return std::to_string(part); }),
                    " + ");
}

static std::string formatFactor(const OpSplit &split) {
  if (!split.factor)
    return "";
  std::string name = cnn::stringifyFactorKind(split.factor->kind).str();
  llvm::replace(name, '_', ' ');
  return name;
}

namespace {
/// Sums over the rows; times are of the busiest device.
struct Summary {
  DeviceWork work;
  Traffic traffic;
  double communication = 0, seconds = 0, alone = 0;
};
} // namespace

static Summary summarize(ArrayRef<PartitionRow> rows, const Link &link) {
  Summary sum;
  for (const PartitionRow &row : rows) {
    sum.work.parameters += row.work.parameters;
    sum.work.weightBytes += row.work.weightBytes;
    sum.work.macs += row.work.macs;
    sum.work.bytes += row.work.bytes;
    sum.work.seconds += row.work.seconds;
    sum.traffic += row.traffic;
    sum.communication += row.traffic.getSeconds(link);
    if (row.op->getNumResults())
      sum.alone += getDeviceWork(row.op, OpSplit(), cnn::getTarget(row.op)).seconds;
  }
  sum.seconds = sum.work.seconds + sum.communication;
  return sum;
}

static std::string formatBytes(int64_t bytes) {
  return bytes ? formatCount(double(bytes)) + "B" : "";
}

static std::string getRowName(const PartitionRow &row) {
  return row.op->getNumResults() ? getNodeName(row.op->getLoc()).str() : "results";
}

static std::string getRowKind(const PartitionRow &row) {
  return row.op->getNumResults() ? getLayerKind(row.op) : "";
}

static void printText(ArrayRef<PartitionRow> rows, int64_t devices, const Link &link) {
  std::vector<std::vector<std::string>> table = {{"layer", "op", "shared along", "parts",
                                                  "parameters", "MACs", "bytes", "exchanged",
                                                  "time"}};
  for (const PartitionRow &row : rows) {
    double seconds = row.work.seconds + row.traffic.getSeconds(link);
    table.push_back({getRowName(row), getRowKind(row), formatFactor(row.split),
                     row.op->getNumResults() ? formatShares(row.split) : "",
                     row.work.parameters ? formatCount(double(row.work.parameters)) : "",
                     row.work.macs ? formatCount(double(row.work.macs)) : "",
                     formatBytes(row.work.bytes), formatBytes(row.traffic.total),
                     seconds ? formatTime(seconds) : ""});
  }
  Summary sum = summarize(rows, link);
  table.push_back({"total", std::to_string(rows.size() - 1) + " layers", "", "",
                   formatCount(double(sum.work.parameters)),
                   formatCount(double(sum.work.macs)), formatBytes(sum.work.bytes),
                   formatBytes(sum.traffic.total), formatTime(sum.seconds)});
  printTable(table);
  llvm::outs() << "\nparameters, MACs and bytes: of the busiest of " << devices
               << " devices; exchanged: received by all of them\n"
               << "estimated: " << formatTime(sum.work.seconds) << " of work and "
               << formatTime(sum.communication) << " of communication; one device alone takes "
               << formatTime(sum.alone) << '\n';
}

static void printJSON(StringRef model, ArrayRef<PartitionRow> rows, int64_t devices,
                      const Link &link) {
  llvm::json::OStream json(llvm::outs(), 1);
  auto cost = [&](const DeviceWork &work, const Traffic &traffic, double seconds) {
    json.attribute("parameters", work.parameters);
    json.attribute("weight_bytes", work.weightBytes);
    json.attribute("macs", work.macs);
    json.attribute("bytes", work.bytes);
    json.attribute("exchanged_bytes", traffic.total);
    json.attribute("exchanges", traffic.exchanges);
    json.attribute("seconds", seconds);
  };
  json.object([&] {
    json.attribute("model", llvm::json::fixUTF8(model));
    json.attribute("devices", devices);
    json.attributeArray("layers", [&] {
      for (const PartitionRow &row : rows)
        json.object([&] {
          json.attribute("name", llvm::json::fixUTF8(getRowName(row)));
          json.attribute("op", getRowKind(row));
          if (row.split.factor) {
            json.attribute("factor", cnn::stringifyFactorKind(row.split.factor->kind));
            json.attributeArray("bounds", [&] {
              for (int64_t bound : row.split.bounds)
                json.value(bound);
            });
          }
          cost(row.work, row.traffic, row.work.seconds + row.traffic.getSeconds(link));
        });
    });
    Summary sum = summarize(rows, link);
    json.attributeObject("total", [&] {
      cost(sum.work, sum.traffic, sum.seconds);
      json.attribute("seconds_alone", sum.alone);
    });
  });
  llvm::outs() << '\n';
}

/// What ONNX can say of the rows: the result's axis, or the input's for a reduction.
static std::vector<NodeSharding> listShardings(ArrayRef<PartitionRow> rows) {
  std::vector<NodeSharding> nodes;
  for (const PartitionRow &row : rows) {
    StringRef name = getNodeName(row.op->getLoc());
    if (name.empty() || !row.op->getNumResults() || !isa<cnn::PartitionOpInterface>(row.op))
      continue;
    NodeSharding sharding;
    sharding.node = name.str();
    if (row.split.factor) {
      sharding.ofResult = !row.split.factor->isReduction;
      sharding.axis = sharding.ofResult ? row.split.factor->result.dim
                                        : row.split.factor->operands.front().dim;
    }
    nodes.push_back(std::move(sharding));
  }
  return nodes;
}

int convoy::driver::inspectPartition(StringRef model, ModuleOp module,
                                     const PartitionOptions &options, bool asJSON,
                                     const PartitionFiles &files, DiagnosticPrinter &printer) {
  if (!files.drawing.empty() && options.devices > kMaxDrawnDevices)
    return fail(
        llvm::createStringError("--svg draws up to " + Twine(kMaxDrawnDevices) + " devices"));
  if (failed(assignPartition(module, options)) || printer.hasError())
    return printer.getFailure();
  FailureOr<std::vector<PartitionRow>> rows =
      describePartition(module.lookupSymbol<func::FuncOp>("main"), options.devices);
  if (failed(rows))
    return printer.getFailure();
  Link link = getLink(cnn::getTarget(module), options.bandwidth, options.latency);
  if (!files.onnx.empty())
    if (llvm::Error error =
            writeShardedONNX(model, files.onnx, options.devices, listShardings(*rows)))
      return fail(std::move(error));
  if (!files.drawing.empty())
    if (llvm::Error error = writeOutputFile(files.drawing, [&](llvm::raw_fd_ostream &os) {
          drawPartition(os, model, *rows, options.devices);
          return llvm::Error::success();
        }))
      return fail(std::move(error));
  if (asJSON)
    printJSON(model, *rows, options.devices, link);
  else
    printText(*rows, options.devices, link);
  return kDone;
}
