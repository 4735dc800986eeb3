//===- Compile.cpp - convoy compile ---------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"
#include "Inputs.h"
#include "ModelOptions.h"

#include "convoy/Compiler/Tuning.h"
#include "convoy/Runtime/OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"

using namespace convoy;
using namespace convoy::driver;

namespace {
/// The parsed command line.
struct Request {
  ModelOptions options;
  std::string model, output;
  bool tune = false;
  /// For how long and for how many threads.
  TuneOptions tuning;
};
} // namespace

static void readArguments(Arguments &arguments, Request &request) {
  arguments.positional(request.model);
  arguments.text(OPT_o, request.output);
  request.options.read(arguments);
  arguments.flag(OPT_tune, request.tune);
  arguments.flag(OPT_tune_seconds, request.tune);
  arguments.number(OPT_tune_seconds, request.tuning.seconds);
  arguments.count(OPT_threads, request.tuning.threads, 1, kMaxThreads);
}

/// Checks --tune against other options. Returns the exit code after wrong usage.
static std::optional<int> checkTuning(const Request &request, const Arguments &arguments) {
  const CompileOptions &compile = request.options.compile;
  if (!request.tune) {
    if (request.tuning.threads)
      return arguments.usageError("--threads needs --tune: a compiled model runs with any "
                                  "number of threads");
    return std::nullopt;
  }
  if (compile.platform.value_or(Platform::Cpu) != Platform::Cpu)
    return arguments.usageError("--tune is for --target=cpu");
  if (!compile.triple.empty())
    return arguments.usageError("--tune times code on this machine, which --mtriple excludes");
  return std::nullopt;
}

/// Checks the request and sets the default output. Returns the exit code after wrong usage.
static std::optional<int> check(Request &request, const Arguments &arguments) {
  const CompileOptions &compile = request.options.compile;
  if (request.output.empty() && compile.isText())
    request.output = "-";
  if (request.output.empty())
    return arguments.usageError("no -o OUT given");
  if (request.output == "-" && !compile.isText())
    return arguments.usageError("'-o -' needs --stop-after or --emit=asm, llvm-ir or mlir");
  if (request.tune && compile.convAlgorithm)
    return arguments.usageError("--tune and --conv-algorithm exclude each other");
  if (request.tune && compile.devices > 1)
    return arguments.usageError("--tune and --devices exclude each other");
  if (std::optional<int> code = request.options.check(arguments))
    return code;
  return checkTuning(request, arguments);
}

static void printReport(const TuneReport &report) {
  double modelled = 0, tuned = 0;
  int changed = 0;
  for (const TunedConv &conv : report.timed) {
    modelled += conv.modelledTime;
    tuned += conv.tunedTime;
    if (conv.tuned == conv.modelled)
      continue;
    ++changed;
    llvm::errs() << "convoy: tuned " << conv.layer << ": " << conv.tuned
                 << llvm::format(" %.0f us, ", conv.tunedTime) << conv.modelled
                 << llvm::format(" %.0f us\n", conv.modelledTime);
  }
  llvm::errs() << "convoy: tuned " << report.timed.size() << " of " << report.numConvs
               << " convolutions: "
               << llvm::format("%.2f ms, the cost model's choice %.2f ms; ", tuned / 1000,
                               modelled / 1000)
               << changed << " differ\n";
}

/// Times schedules of convolutions, and lets the compilation choose by these times. Returns
/// the exit code.
static int tuneConvolutions(Compilation &compilation, TuneOptions options, bool isVerbose) {
  Progress progress(isVerbose);
  options.onStep = [&](llvm::StringRef step) { progress.show(step); };
  mlir::FailureOr<TuneReport> report = tune(compilation, options);
  if (failed(report))
    return kInputError;
  if (isVerbose)
    printReport(*report);
  compilation.setTuning(report->file);
  return kDone;
}

int convoy::driver::compileCommand(Arguments &arguments) {
  Request request;
  readArguments(arguments, request);
  if (std::optional<int> code = arguments.finish())
    return *code;
  if (std::optional<int> code = check(request, arguments))
    return *code;

  // The linker cannot write to a device file. Say so before the work, not after it.
  llvm::sys::fs::file_status status;
  if (!request.options.compile.isText() && !llvm::sys::fs::status(request.output, status) &&
      llvm::sys::fs::exists(status) && !llvm::sys::fs::is_regular_file(status))
    return fail(llvm::createStringError(request.output + ": is not a regular file"));

  Progress progress(request.options.isVerbose);
  int code = kDone;
  std::unique_ptr<Compilation> compilation =
      makeCompilation(request.model, request.options, arguments, &progress, code);
  if (!compilation)
    return code;
  if (llvm::Error error =
          checkWritable(request.output, listInputFiles(request.model, request.options)))
    return fail(std::move(error));
  if (request.tune)
    if (int failure =
            tuneConvolutions(*compilation, request.tuning, request.options.isVerbose))
      return failure;
  return succeeded(compilation->compile(request.output)) ? kDone : kInputError;
}
