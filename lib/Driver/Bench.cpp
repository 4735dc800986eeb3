//===- Bench.cpp - convoy bench -------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BenchReport.h"
#include "Diagnostics.h"
#include "Inputs.h"
#include "ModelOptions.h"
#include "PeakRate.h"

#include "convoy/Compiler/Layers.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <algorithm>
#include <chrono>

using namespace convoy;
using namespace convoy::driver;
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
} // namespace

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

using Clock = std::chrono::steady_clock;

static double getMilliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

static llvm::Expected<Report> measure(const Artefact &artefact, const Request &request,
                                      Ranks &ranks) {
  // The first run allocates the outputs, so that later runs measure only the model.
  llvm::Expected<Execution> execution = runOnce(
      artefact, request.inputOptions, request.threads, ranks, request.modelOptions.gpu);
  if (!execution)
    return execution.takeError();
  auto runAgain = [&] { return ranks.abortUnlessAlone(execution->run()); };
  constexpr size_t leastRuns = 5;
  Report report;
  report.threads = execution->context.getThreadCount();
  if (artefact.isForGpu())
    report.gpu = "cuda:" + std::to_string(request.modelOptions.gpu.value_or(0));
  for (int64_t i = 1; i < request.warmup; ++i)
    if (llvm::Error error = runAgain())
      return std::move(error);
  Clock::time_point start = Clock::now(), now = start;
  auto isEnough = [&] {
    if (request.runs)
      return int64_t(report.runs.size()) >= request.runs;
    return report.runs.size() >= leastRuns &&
           getMilliseconds(now - start) >= request.seconds * 1000;
  };
  bool isDone = false;
  do {
    Clock::time_point before = Clock::now();
    if (llvm::Error error = runAgain())
      return std::move(error);
    now = Clock::now();
    report.runs.push_back(getMilliseconds(now - before));
    // The first rank's clock decides for all.
    isDone = isEnough();
    if (llvm::Error error = ranks.broadcast(&isDone, sizeof(isDone)))
      return std::move(error);
  } while (!isDone);
  llvm::sort(report.runs);
  if (!request.profile)
    return report;

  std::vector<std::vector<int64_t>> times(artefact.getLayers().size());
  for (size_t i = 0; i < report.runs.size(); ++i) {
    llvm::Expected<std::vector<int64_t>> profile = execution->profile();
    if (!profile)
      return ranks.abortUnlessAlone(profile.takeError());
    for (auto [layer, nanoseconds] : llvm::zip_equal(times, *profile))
      layer.push_back(nanoseconds);
  }
  for (auto [name, layerTimes] : llvm::zip_equal(artefact.getLayers(), times)) {
    LayerTime &layer = report.layers.emplace_back();
    layer.name = name;
    auto median = layerTimes.begin() + layerTimes.size() / 2;
    std::nth_element(layerTimes.begin(), median, layerTimes.end());
    layer.milliseconds = double(*median) / 1e6;
  }
  return report;
}

/// Adds the multiply-adds of each layer, counted in the imported model. An artefact does not
/// have them.
static void addMacs(Report &report, const Request &request) {
  llvm::Expected<std::unique_ptr<Compilation>> compilation =
      Compilation::create(request.model, request.modelOptions.compile,
                          makeHandlers(/*showRemarks=*/false, /*progress=*/nullptr));
  if (!compilation) {
    fail(compilation.takeError());
    return;
  }
  mlir::FailureOr<LayerList> list = listLayers(**compilation);
  if (failed(list))
    return;
  llvm::StringMap<int64_t> macs;
  for (const LayerInfo &layer : list->layers)
    macs[layer.name] += layer.cost.macs;
  // If a layer became several launches, the longest one gets its multiply-adds. On a GPU,
  // several kernels of a layer are named NAME/KERNEL.
  llvm::StringMap<LayerTime *> longest;
  for (LayerTime &layer : report.layers) {
    StringRef name = layer.name;
    LayerTime *&best = longest[macs.contains(name) ? name : name.rsplit('/').first];
    if (!best || layer.milliseconds > best->milliseconds)
      best = &layer;
  }
  for (auto &[name, best] : longest) {
    best->macs = macs.lookup(name);
    if (best->name == name)
      continue;
    // Several launches of this kernel share the work.
    llvm::SmallVector<LayerTime *> rounds;
    for (LayerTime &layer : report.layers)
      if (layer.name == best->name)
        rounds.push_back(&layer);
    for (LayerTime *round : rounds)
      round->macs = macs.lookup(name) / int64_t(rounds.size());
  }
  if (report.gpu.empty())
    report.peakGigaflops = report.threads * measurePeakGigaflops();
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

static void readArguments(Arguments &arguments, Request &request, Ranks &ranks) {
  ranks.read(arguments);
  arguments.positional(request.model);
  arguments.count(OPT_threads, request.threads, 1, kMaxThreads);
  arguments.count(OPT_runs, request.runs, 1);
  arguments.number(OPT_seconds, request.seconds);
  arguments.count(OPT_warmup, request.warmup, 1);
  arguments.flag(OPT_profile, request.profile);
  arguments.flag(OPT_json, request.asJSON);
  request.inputOptions.read(arguments);
  request.modelOptions.readDevice(arguments);
  request.modelOptions.read(arguments);
}

int convoy::driver::benchCommand(Arguments &arguments) {
  Request request;
  request.inputOptions.seed = 0;
  Ranks ranks;
  readArguments(arguments, request, ranks);
  if (std::optional<int> code = arguments.finish())
    return *code;
  if (llvm::Error error = ranks.open())
    return fail(std::move(error));
  int code = kDone;
  std::optional<Artefact> artefact =
      loadOrCompile(request.model, request.modelOptions, arguments, code);
  if (!artefact)
    return code;
  llvm::Expected<Report> report = measure(*artefact, request, ranks);
  if (!report)
    return fail(report.takeError());
  if (!ranks.isFirst())
    return kDone;
  if (request.profile && isModelPath(request.model))
    addMacs(*report, request);
  if (request.asJSON)
    printJSON(*report, request.model);
  else
    printText(*report);
  return kDone;
}
