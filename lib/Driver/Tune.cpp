//===- Tune.cpp - Measured choices of convolutions ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tune.h"

#include "Cache.h"
#include "Diagnostics.h"
#include "Inputs.h"
#include "Layers.h"

#include "convoy/Analysis/ConvTuning.h"
#include "convoy/Analysis/LayerSchedule.h"
#include "convoy/Machine/TargetDescription.h"
#include "convoy/Runtime/OutputFile.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"

#include <chrono>

using namespace convoy;
using namespace convoy::driver;
using llvm::StringRef;
namespace fs = llvm::sys::fs;

/// How often each compilation is timed, in turn with the others: a machine's speed drifts.
static constexpr int kPasses = 5;

namespace {

/// A convolution of the model.
struct Conv {
  std::string layer, text;
  /// Names of its schedules.
  llvm::SmallVector<std::string> schedules;
};

/// A compilation of the model in which each convolution has one of its schedules.
struct Candidate {
  ConvTuning choices;
  std::unique_ptr<llvm::FileRemover> tuningFile, artefact;
  std::string artefactPath;
};

class Tuner {
public:
  Tuner(StringRef model, const CompileOptions &options, double seconds, int64_t threads)
      : model(model), options(options), seconds(seconds), threads(threads) {
    this->options.emit = EmitKind::Lib;
    this->options.dumpFolder.clear();
    this->options.timePasses = false;
    this->options.onPhase = nullptr;
    this->options.schedule.tuning.clear();
  }

  int run(bool isVerbose);
  StringRef getFile() const { return file; }

private:
  llvm::Error findFile();
  int listConvs();
  /// Chooses for each convolution the next schedule that has no time and no candidate;
  /// nothing where none is left.
  std::optional<ConvTuning> chooseNext() const;
  int compileCandidate(ConvTuning choices);
  llvm::Error timeCandidates();
  llvm::Error timeCandidate(const Candidate &candidate);
  void printReport() const;

  double elapsed() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  StringRef model;
  CompileOptions options;
  double seconds;
  int64_t threads;
  llvm::SmallString<128> folder, file;
  std::vector<Conv> convs;
  std::vector<Candidate> candidates;
  /// What is known so far.
  ConvTuning known;
};

} // namespace

/// Names the file after all that the times depend on, and reads it.
llvm::Error Tuner::findFile() {
  llvm::Expected<llvm::SmallString<128>> made = makeCacheFolder();
  if (!made)
    return made.takeError();
  folder = *made;
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  llvm::Expected<cnn::TargetAttr> target =
      describeTarget(context.get(), options.triple, options.cpu, options.gpu);
  if (!target)
    return target.takeError();
  CacheKey key;
  std::string text;
  llvm::raw_string_ostream(text) << *target;
  key.add(text);
  key.add(options.schedule.weights);
  key.add(std::to_string(threads));
  file = folder;
  llvm::sys::path::append(file, "tuning-" + key.str() + ".json");
  if (!fs::exists(file))
    return llvm::Error::success();
  llvm::Expected<ConvTuning> read = ConvTuning::read(file);
  if (!read)
    return read.takeError();
  known = std::move(*read);
  return llvm::Error::success();
}

int Tuner::listConvs() {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  DiagnosticPrinter printer(*context, model, /*showRemarks=*/false);
  auto module = compileTo(*context, model, Phase::Schedule, options);
  if (!module)
    return printer.getFailure();
  cnn::TargetAttr target = cnn::getTarget(*module);
  module->walk([&](cnn::ConvOpInterface op) {
    auto schedules = listSchedules(op, target);
    convs.push_back({getNodeName(op->getLoc()).str(), describeConv(op),
                     llvm::map_to_vector(schedules, getScheduleName)});
  });
  return kDone;
}

std::optional<ConvTuning> Tuner::chooseNext() const {
  ConvTuning choices;
  bool isNew = false;
  for (const Conv &conv : convs) {
    const auto *next = llvm::find_if(conv.schedules, [&](const std::string &schedule) {
      return !known.getTime(conv.text, schedule) &&
             llvm::none_of(candidates, [&](const Candidate &candidate) {
               return candidate.choices.getTime(conv.text, schedule).has_value();
             });
    });
    isNew |= next != conv.schedules.end();
    choices.setTime(conv.text, next == conv.schedules.end() ? conv.schedules.front() : *next,
                    0);
  }
  return isNew ? std::optional(std::move(choices)) : std::nullopt;
}

int Tuner::compileCandidate(ConvTuning choices) {
  Candidate candidate;
  auto makePath = [&](StringRef extension, std::unique_ptr<llvm::FileRemover> &remover) {
    llvm::SmallString<128> path;
    fs::createUniquePath(folder + "/tuning-%%%%%%%%" + extension, path, /*MakeAbsolute=*/true);
    remover = std::make_unique<llvm::FileRemover>(path);
    return std::string(path);
  };
  options.schedule.tuning = makePath(".json", candidate.tuningFile);
  candidate.artefactPath = makePath(".so", candidate.artefact);
  if (llvm::Error error =
          writeOutputFile(options.schedule.tuning, [&](llvm::raw_fd_ostream &os) {
            choices.write(os);
            return llvm::Error::success();
          }))
    return fail(std::move(error));
  candidate.choices = std::move(choices);
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  DiagnosticPrinter printer(*context, model, /*showRemarks=*/false);
  if (failed(compile(*context, model, candidate.artefactPath, options)))
    return printer.getFailure();
  candidates.push_back(std::move(candidate));
  return kDone;
}

/// Keeps the least time of each layer.
llvm::Error Tuner::timeCandidate(const Candidate &candidate) {
  llvm::Expected<Artefact> artefact = Artefact::load(candidate.artefactPath);
  if (!artefact)
    return artefact.takeError();
  InputOptions inputs;
  inputs.seed = 0;
  Ranks alone;
  llvm::Expected<Execution> execution = runOnce(*artefact, inputs, threads, alone);
  if (!execution)
    return execution.takeError();
  constexpr int runs = 5;
  llvm::StringMap<double> times;
  for (int run = 0; run < runs; ++run) {
    llvm::Expected<std::vector<int64_t>> profile = execution->profile();
    if (!profile)
      return profile.takeError();
    llvm::StringMap<double> own;
    // A layer that became several launches takes the time of all.
    for (auto [name, nanoseconds] : llvm::zip(artefact->getLayers(), *profile))
      own[name] += double(nanoseconds) / 1000;
    for (const auto &entry : own) {
      double &least = times.try_emplace(entry.first(), entry.second).first->second;
      least = std::min(least, entry.second);
    }
  }
  // Equal convolutions count as one, by their mean.
  llvm::StringMap<std::pair<double, int>> sums;
  for (const Conv &conv : convs)
    if (auto time = times.find(conv.layer); time != times.end()) {
      auto &[sum, count] = sums[conv.text];
      sum += time->second;
      ++count;
    }
  for (const Conv &conv : convs) {
    auto sum = sums.find(conv.text);
    if (sum == sums.end())
      continue;
    double mean = sum->second.first / sum->second.second;
    for (const std::string &schedule : conv.schedules)
      if (candidate.choices.getTime(conv.text, schedule)) {
        std::optional<double> before = known.getTime(conv.text, schedule);
        known.setTime(conv.text, schedule, before ? std::min(*before, mean) : mean);
      }
  }
  return llvm::Error::success();
}

llvm::Error Tuner::timeCandidates() {
  for (int pass = 0; pass < kPasses && (pass == 0 || elapsed() < seconds); ++pass)
    for (const Candidate &candidate : candidates)
      if (llvm::Error error = timeCandidate(candidate))
        return error;
  return writeOutputFile(file, [&](llvm::raw_fd_ostream &os) {
    known.write(os);
    return llvm::Error::success();
  });
}

void Tuner::printReport() const {
  double modelled = 0, tuned = 0;
  int changed = 0, timed = 0;
  for (const Conv &conv : convs) {
    const std::string &first = conv.schedules.front();
    const std::string &best = conv.schedules[known.choose(conv.text, conv.schedules)];
    std::optional<double> before = known.getTime(conv.text, first);
    std::optional<double> after = known.getTime(conv.text, best);
    if (!before || !after)
      continue;
    ++timed;
    modelled += *before;
    tuned += *after;
    if (best == first)
      continue;
    ++changed;
    llvm::errs() << "convoy: tuned " << conv.layer << ": " << best
                 << llvm::format(" %.0f us, ", *after) << first
                 << llvm::format(" %.0f us\n", *before);
  }
  llvm::errs() << "convoy: tuned " << timed << " of " << convs.size() << " convolutions: "
               << llvm::format("%.2f ms, the cost model's choice %.2f ms; ", tuned / 1000,
                               modelled / 1000)
               << changed << " differ\n";
}

int Tuner::run(bool isVerbose) {
  Progress progress(isVerbose);
  if (llvm::Error error = findFile())
    return fail(std::move(error));
  if (int code = listConvs())
    return code;
  double longest = 0;
  // Half of the time is for compiling, so that the other half tells the noise apart.
  while (seconds > 0 && (candidates.empty() || elapsed() + longest < seconds / 2)) {
    std::optional<ConvTuning> choices = chooseNext();
    if (!choices)
      break;
    progress.show("tune: compile candidate " + std::to_string(candidates.size() + 1));
    double before = elapsed();
    if (int code = compileCandidate(std::move(*choices)))
      return code;
    longest = std::max(longest, elapsed() - before);
  }
  if (!candidates.empty()) {
    progress.show("tune: time candidates");
    if (llvm::Error error = timeCandidates())
      return fail(std::move(error));
  }
  if (isVerbose)
    printReport();
  return kDone;
}

int convoy::driver::tune(StringRef model, ModelOptions &options, double seconds,
                         int64_t threads) {
  Tuner tuner(model, options.compile, seconds, threads);
  if (int code = tuner.run(options.isVerbose))
    return code;
  if (fs::exists(tuner.getFile()))
    options.compile.schedule.tuning = tuner.getFile();
  return kDone;
}
