//===- Tuning.cpp - Measured choices of convolutions ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Compiler/Tuning.h"

#include "convoy/Analysis/ConvTuning.h"
#include "convoy/Analysis/LayerSchedule.h"
#include "convoy/Compiler/Cache.h"
#include "convoy/Dialect/Cnn/Utils/Locations.h"
#include "convoy/Runtime/Execution.h"
#include "convoy/Runtime/OutputFile.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"

#include <chrono>

using namespace convoy;
using llvm::StringRef;
using mlir::FailureOr;
using mlir::LogicalResult;
namespace fs = llvm::sys::fs;

/// How often each candidate is timed. Candidates take turns, because a machine's speed
/// drifts.
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
  Tuner(Compilation &parent, const TuneOptions &tuning) : parent(parent), tuning(tuning) {}

  FailureOr<TuneReport> run();

private:
  llvm::Error findFile();
  std::unique_ptr<Compilation> makeCompilation(StringRef tuningFile = "");
  LogicalResult listConvs();
  /// Chooses for each convolution the next schedule that has no time and no candidate;
  /// nothing if no schedule is left.
  std::optional<ConvTuning> chooseNext() const;
  LogicalResult compileCandidate(ConvTuning choices);
  LogicalResult compileCandidates();
  llvm::Error timeCandidates();
  llvm::Error timeCandidate(const Candidate &candidate);
  /// Keeps the times of a candidate's layers.
  void keepTimes(const Candidate &candidate, const llvm::StringMap<double> &times);
  TuneReport makeReport() const;

  void show(const llvm::Twine &step) const {
    if (tuning.onStep)
      tuning.onStep(step.str());
  }
  double elapsed() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  Compilation &parent;
  const TuneOptions &tuning;
  llvm::SmallString<128> folder, file;
  std::vector<Conv> convs;
  std::vector<Candidate> candidates;
  /// The times known so far: of earlier runs, read from `file`, and of this one.
  ConvTuning known;
};

} // namespace

/// Names the file of times by a key of everything that the times depend on, and reads it if
/// it exists.
llvm::Error Tuner::findFile() {
  llvm::Expected<llvm::SmallString<128>> made = makeCacheFolder();
  if (!made)
    return made.takeError();
  folder = *made;
  CacheKey key;
  key.add(parent.getTarget());
  key.add(stringifyWeightType(parent.getOptions().weights));
  key.add(std::to_string(tuning.threads));
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

/// Makes a compilation of the model, for the parent's target, that chooses schedules by the
/// times in `tuningFile`. Its errors and warnings go to the parent's handler. Null after an
/// error, which is reported.
std::unique_ptr<Compilation> Tuner::makeCompilation(StringRef tuningFile) {
  CompileOptions options = parent.getOptions();
  for (const CompileOption &option : listCompileOptions())
    if (option.effect == OptionEffect::ShapesOutput || option.effect == OptionEffect::Observes)
      option.reset(options);
  options.tuning = tuningFile.str();
  CompileHandlers handlers;
  handlers.onDiagnostic = [this](mlir::DiagnosticSeverity severity, StringRef text) {
    if (severity != mlir::DiagnosticSeverity::Remark && parent.getHandlers().onDiagnostic)
      parent.getHandlers().onDiagnostic(severity, text);
  };
  llvm::Expected<std::unique_ptr<Compilation>> made =
      Compilation::create(parent.getModel(), std::move(options), std::move(handlers));
  if (made)
    return std::move(*made);
  (void)parent.report(made.takeError());
  return nullptr;
}

LogicalResult Tuner::listConvs() {
  std::unique_ptr<Compilation> compilation = makeCompilation();
  if (!compilation)
    return mlir::failure();
  mlir::OwningOpRef<mlir::ModuleOp> module = compilation->runTo(Phase::Schedule);
  if (!module)
    return mlir::failure();
  module->walk([&](cnn::ConvOpInterface op) {
    auto schedules = listSchedules(op, compilation->getTarget());
    convs.push_back({cnn::getNodeName(op->getLoc()).str(), describeConv(op),
                     llvm::map_to_vector(schedules, getScheduleName)});
  });
  return mlir::success();
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

LogicalResult Tuner::compileCandidate(ConvTuning choices) {
  Candidate candidate;
  auto makePath = [&](StringRef extension, std::unique_ptr<llvm::FileRemover> &remover) {
    llvm::SmallString<128> path;
    fs::createUniquePath(folder + "/tuning-%%%%%%%%" + extension, path, /*MakeAbsolute=*/true);
    remover = std::make_unique<llvm::FileRemover>(path);
    return std::string(path);
  };
  std::string tuningPath = makePath(".json", candidate.tuningFile);
  candidate.artefactPath = makePath(".so", candidate.artefact);
  if (llvm::Error error = writeOutputFile(tuningPath, [&](llvm::raw_fd_ostream &os) {
        choices.write(os);
        return llvm::Error::success();
      }))
    return parent.report(std::move(error));
  candidate.choices = std::move(choices);
  std::unique_ptr<Compilation> compilation = makeCompilation(tuningPath);
  if (!compilation || failed(compilation->compile(candidate.artefactPath)))
    return mlir::failure();
  candidates.push_back(std::move(candidate));
  return mlir::success();
}

LogicalResult Tuner::compileCandidates() {
  double longest = 0;
  // Compiling may take half of the time. The other half is for repeating measurements, so
  // that noise can be told from differences.
  while (tuning.seconds > 0 &&
         (candidates.empty() || elapsed() + longest < tuning.seconds / 2)) {
    std::optional<ConvTuning> choices = chooseNext();
    if (!choices)
      break;
    show("tune: compile candidate " + llvm::Twine(candidates.size() + 1));
    double before = elapsed();
    if (failed(compileCandidate(std::move(*choices))))
      return mlir::failure();
    longest = std::max(longest, elapsed() - before);
  }
  return mlir::success();
}

/// Runs a compiled model once, on random inputs.
static llvm::Expected<Execution> runOnce(const Artefact &artefact, int64_t threads) {
  llvm::Expected<Context> context = artefact.createContext(int(threads));
  if (!context)
    return context.takeError();
  std::vector<Tensor> inputs;
  for (const TensorInfo &info : artefact.getInputs()) {
    llvm::Expected<Tensor> input = makeInput(info);
    if (!input)
      return input.takeError();
    fillRandom(*input, /*seed=*/0, inputs.size());
    inputs.push_back(std::move(*input));
  }
  return Execution::create(std::move(*context), std::move(inputs));
}

/// Keeps the least time of each layer.
llvm::Error Tuner::timeCandidate(const Candidate &candidate) {
  llvm::Expected<Artefact> artefact = Artefact::load(candidate.artefactPath);
  if (!artefact)
    return artefact.takeError();
  llvm::Expected<Execution> execution = runOnce(*artefact, tuning.threads);
  if (!execution)
    return execution.takeError();
  constexpr int runs = 5;
  llvm::StringMap<double> times;
  for (int run = 0; run < runs; ++run) {
    llvm::Expected<std::vector<int64_t>> profile = execution->profile();
    if (!profile)
      return profile.takeError();
    llvm::StringMap<double> own;
    // If a layer became several launches, its time is their sum. Their names then end with
    // their kind.
    for (auto [name, nanoseconds] : llvm::zip(artefact->getLayers(), *profile)) {
      bool isLayer = llvm::any_of(convs, [&](const Conv &conv) { return conv.layer == name; });
      own[isLayer ? llvm::StringRef(name) : llvm::StringRef(name).rsplit('/').first] +=
          double(nanoseconds) / 1000;
    }
    for (const auto &entry : own) {
      double &least = times.try_emplace(entry.first(), entry.second).first->second;
      least = std::min(least, entry.second);
    }
  }
  keepTimes(candidate, times);
  return llvm::Error::success();
}

void Tuner::keepTimes(const Candidate &candidate, const llvm::StringMap<double> &times) {
  // Equal convolutions have one entry, the mean of their times.
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
}

llvm::Error Tuner::timeCandidates() {
  for (int pass = 0; pass < kPasses && (pass == 0 || elapsed() < tuning.seconds); ++pass)
    for (const Candidate &candidate : candidates)
      if (llvm::Error error = timeCandidate(candidate))
        return error;
  return writeOutputFile(file, [&](llvm::raw_fd_ostream &os) {
    known.write(os);
    return llvm::Error::success();
  });
}

TuneReport Tuner::makeReport() const {
  TuneReport report;
  if (fs::exists(file))
    report.file = std::string(file);
  report.numConvs = convs.size();
  for (const Conv &conv : convs) {
    const std::string &first = conv.schedules.front();
    const std::string &best = conv.schedules[known.choose(conv.text, conv.schedules)];
    std::optional<double> before = known.getTime(conv.text, first);
    std::optional<double> after = known.getTime(conv.text, best);
    if (before && after)
      report.timed.push_back({conv.layer, first, best, *before, *after});
  }
  return report;
}

FailureOr<TuneReport> Tuner::run() {
  if (llvm::Error error = findFile())
    return parent.report(std::move(error));
  if (failed(listConvs()) || failed(compileCandidates()))
    return mlir::failure();
  if (!candidates.empty()) {
    show("tune: time candidates");
    if (llvm::Error error = timeCandidates())
      return parent.report(std::move(error));
  }
  return makeReport();
}

FailureOr<TuneReport> convoy::tune(Compilation &compilation, const TuneOptions &options) {
  return Tuner(compilation, options).run();
}
