//===- Bench.cpp - convoy bench -------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cache.h"
#include "Commands.h"
#include "Diagnostics.h"
#include "Inputs.h"
#include "Layers.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <numeric>

using namespace convoy;
using namespace convoy::tool;
using llvm::StringRef;

namespace {
struct Request {
  std::string model;
  ModelOptions modelOptions;
  InputOptions inputOptions;
  int64_t threads = 0, warmup = 3;
  /// 0: as many as fit into `seconds`.
  int64_t runs = 0;
  double seconds = 2;
  bool asJSON = false, profile = false;
};

struct LayerTime {
  std::string name;
  double milliseconds = 0;
  /// Multiply-adds of the layers of that name; 0 if unknown.
  int64_t macs = 0;

  double getGigaflops() const {
    return milliseconds > 0 ? 2 * double(macs) / (milliseconds * 1e6) : 0;
  }
};

struct Report {
  int threads = 0;
  /// In milliseconds, ascending.
  std::vector<double> runs;
  std::vector<LayerTime> layers;

  double getMin() const { return runs.front(); }
  double getMedian() const {
    size_t half = runs.size() / 2;
    return runs.size() % 2 ? runs[half] : (runs[half - 1] + runs[half]) / 2;
  }
  double getMean() const {
    return std::accumulate(runs.begin(), runs.end(), 0.0) / double(runs.size());
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

using Clock = std::chrono::steady_clock;

static double getMilliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

static llvm::Expected<Report> measure(const Artefact &artefact, const Request &request) {
  llvm::Expected<std::vector<Tensor>> inputs = request.inputOptions.read(artefact);
  if (!inputs)
    return inputs.takeError();
  llvm::Expected<Context> context = artefact.createContext(int(request.threads));
  if (!context)
    return context.takeError();
  // The first run makes the outputs, so that the others measure only the model.
  llvm::Expected<std::vector<Tensor>> outputs = context->run(*inputs);
  if (!outputs)
    return outputs.takeError();
  std::vector<const void *> inputPointers;
  std::vector<void *> outputPointers;
  for (const Tensor &tensor : *inputs)
    inputPointers.push_back(tensor.getData());
  for (Tensor &tensor : *outputs)
    outputPointers.push_back(tensor.getData());

  constexpr size_t leastRuns = 5;
  Report report;
  report.threads = context->getThreadCount();
  for (int64_t i = 1; i < request.warmup; ++i)
    if (llvm::Error error = context->run(inputPointers, outputPointers))
      return std::move(error);
  Clock::time_point start = Clock::now(), now = start;
  auto isEnough = [&] {
    if (request.runs)
      return int64_t(report.runs.size()) >= request.runs;
    return report.runs.size() >= leastRuns &&
           getMilliseconds(now - start) >= request.seconds * 1000;
  };
  do {
    Clock::time_point before = Clock::now();
    if (llvm::Error error = context->run(inputPointers, outputPointers))
      return std::move(error);
    now = Clock::now();
    report.runs.push_back(getMilliseconds(now - before));
  } while (!isEnough());
  llvm::sort(report.runs);
  if (!request.profile)
    return report;

  if (llvm::Error error = context->enableProfile(true))
    return std::move(error);
  for (size_t i = 0; i < report.runs.size(); ++i)
    if (llvm::Error error = context->run(inputPointers, outputPointers))
      return std::move(error);
  llvm::Expected<Context::Profile> profile = context->readProfile();
  if (!profile)
    return profile.takeError();
  for (auto [name, nanoseconds] : llvm::zip(artefact.getLayers(), profile->nanoseconds)) {
    LayerTime &layer = report.layers.emplace_back();
    layer.name = name;
    layer.milliseconds = double(nanoseconds) / 1e6 / double(std::max<int64_t>(profile->runs, 1));
  }
  return report;
}

/// Adds the multiply-adds that the model's IR tells. An artefact tells none.
static void addMacs(Report &report, Request &request) {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  DiagnosticPrinter printer(*context, request.model, /*showRemarks=*/false);
  CompileOptions &compile = request.modelOptions.compile;
  compile.onPhase = nullptr;
  auto module = compileTo(*context, request.model, Phase::Import, compile);
  if (!module)
    return;
  llvm::StringMap<int64_t> macs;
  for (const Layer &layer : listLayers(*module))
    macs[layer.name] += layer.cost.macs;
  // The time of a layer that became several launches is that of the longest.
  llvm::StringMap<LayerTime *> longest;
  for (LayerTime &layer : report.layers) {
    LayerTime *&best = longest[layer.name];
    if (!best || layer.milliseconds > best->milliseconds)
      best = &layer;
  }
  for (auto &entry : longest)
    entry.second->macs = macs.lookup(entry.first());
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static std::string formatNumber(const char *format, double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(format, value);
  return text;
}

static void printText(const Report &report) {
  llvm::raw_ostream &os = llvm::outs();
  os << llvm::format("min %.3f ms  median %.3f ms  mean %.3f ms", report.getMin(),
                     report.getMedian(), report.getMean());
  os << "  (" << report.runs.size() << (report.runs.size() == 1 ? " run, " : " runs, ")
     << report.threads << (report.threads == 1 ? " thread)\n" : " threads)\n");
  if (report.layers.empty())
    return;
  double total = 0;
  bool hasMacs = false;
  for (const LayerTime &layer : report.layers) {
    total += layer.milliseconds;
    hasMacs |= layer.macs != 0;
  }
  std::vector<std::vector<std::string>> rows = {{"layer", "", "ms", "percent"}};
  if (hasMacs)
    rows.front().push_back("GFLOP/s");
  auto addRow = [&](StringRef name, double milliseconds, double gigaflops) {
    rows.push_back({name.str(), "", formatNumber("%.3f", milliseconds),
                    formatNumber("%.1f", total > 0 ? 100 * milliseconds / total : 0)});
    if (hasMacs)
      rows.back().push_back(gigaflops > 0 ? formatNumber("%.1f", gigaflops) : "");
  };
  LayerTime sum;
  for (const LayerTime &layer : report.layers) {
    addRow(layer.name, layer.milliseconds, layer.getGigaflops());
    sum.milliseconds += layer.milliseconds;
    sum.macs += layer.macs;
  }
  addRow("total", sum.milliseconds, sum.getGigaflops());
  os << '\n';
  printTable(rows);
}

static void printJSON(const Report &report, StringRef model) {
  llvm::json::OStream json(llvm::outs(), 1);
  auto number = [&](StringRef key, double value) {
    json.attributeBegin(key);
    json.rawValue(formatNumber("%.6f", value));
    json.attributeEnd();
  };
  json.object([&] {
    json.attribute("model", llvm::json::fixUTF8(model));
    json.attribute("threads", report.threads);
    json.attribute("runs", int64_t(report.runs.size()));
    number("min_ms", report.getMin());
    number("median_ms", report.getMedian());
    number("mean_ms", report.getMean());
    if (!report.layers.empty())
      json.attributeArray("layers", [&] {
        for (const LayerTime &layer : report.layers)
          json.object([&] {
            json.attribute("name", llvm::json::fixUTF8(layer.name));
            number("ms", layer.milliseconds);
            if (layer.macs)
              number("gflops", layer.getGigaflops());
          });
      });
  });
  llvm::outs() << '\n';
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

static void declare(Options &options, Request &request) {
  options.positional("ARTEFACT or MODEL.onnx", request.model);
  options.count("threads", "N", "default: one for each core", request.threads, 1, kMaxThreads);
  options.count("runs", "N", "how many runs to time (default: as many as fit into\n--seconds)",
                request.runs, 1);
  options.number("seconds", "S", "how long to time (default: 2)", request.seconds);
  options.count("warmup", "N", "runs before the timed ones (default: 3)", request.warmup, 1);
  options.flag("profile",
               "time each layer too, in further runs; with a MODEL.onnx\n"
               "also its GFLOP/s (a multiply-add is two)",
               request.profile);
  options.flag("json", "print JSON", request.asJSON);
  request.inputOptions.declare(options);
  request.modelOptions.declareCpu(options);
  request.modelOptions.declare(options);
  options.example("convoy bench resnet50.so --threads 1");
  options.example("convoy bench resnet50.onnx --profile");
}

int convoy::tool::benchCommand(llvm::ArrayRef<StringRef> words) {
  Request request;
  request.inputOptions.seed = 0;
  Options options("bench", "ARTEFACT|MODEL.onnx [options]",
                  "Times a model on random or given inputs. A MODEL.onnx is compiled first, into "
                  "a cache\n($CONVOY_CACHE_DIR, by default ~/.cache/convoy).");
  declare(options, request);
  if (std::optional<int> code = options.parse(words))
    return *code;
  int code = kDone;
  std::optional<Artefact> artefact =
      loadOrCompile(request.model, request.modelOptions, options, code);
  if (!artefact)
    return code;
  llvm::Expected<Report> report = measure(*artefact, request);
  if (!report)
    return fail(report.takeError());
  if (request.profile && isModelPath(request.model))
    addMacs(*report, request);
  if (request.asJSON)
    printJSON(*report, request.model);
  else
    printText(*report);
  return kDone;
}
