//===- Compile.cpp - convoy compile ---------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"
#include "Inputs.h"
#include "ModelOptions.h"
#include "Tune.h"

#include "convoy/Runtime/OutputFile.h"
#include "mlir/IR/AsmState.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::driver;

namespace {
/// What the command line asks for.
struct Request {
  ModelOptions options;
  std::string model, output;
  /// The last phase of a run that ends in IR.
  std::optional<Phase> last;
  bool elideWeights = false;
  bool printLocations = false;
  /// Whether to tune, for how long, and for how many threads.
  bool tune = false;
  double tuneSeconds = kTuneSeconds;
  int64_t threads = 0;
};
} // namespace

static void readArguments(Arguments &arguments, Request &request) {
  CompileOptions &compile = request.options.compile;
  arguments.positional(request.model);
  arguments.text(OPT_o, request.output);
  arguments.value(OPT_emit, [&](StringRef word) -> llvm::Error {
    using Kind = std::optional<EmitKind>;
    if (word == "mlir") {
      request.last = Phase::Codegen;
      return llvm::Error::success();
    }
    Kind kind = llvm::StringSwitch<Kind>(word)
                    .Case("lib", EmitKind::Lib)
                    .Case("obj", EmitKind::Obj)
                    .Case("exe", EmitKind::Exe)
                    .Case("asm", EmitKind::Asm)
                    .Case("llvm-ir", EmitKind::LLVMIR)
                    .Default(std::nullopt);
    if (!kind)
      return llvm::createStringError("'" + word +
                                     "' is not lib, obj, exe, asm, llvm-ir or mlir");
    compile.emit = *kind;
    return llvm::Error::success();
  });
  request.options.readCodeOptions(arguments);
  arguments.text(OPT_mtriple, compile.triple);
  request.options.read(arguments);
  arguments.value(OPT_stop_after, [&](StringRef word) -> llvm::Error {
    request.last = parsePhase(word);
    if (!request.last)
      return llvm::createStringError("'" + word +
                                     "' is not import, simplify, partition, schedule, "
                                     "bufferize, codegen or target");
    return llvm::Error::success();
  });
  arguments.flag(OPT_elide_weights, request.elideWeights);
  arguments.flag(OPT_print_locations, request.printLocations);
  arguments.text(OPT_dump_ir, compile.dumpFolder);
  arguments.flag(OPT_time_passes, compile.timePasses);
  arguments.flag(OPT_tune, request.tune);
  arguments.flag(OPT_tune_seconds, request.tune);
  arguments.number(OPT_tune_seconds, request.tuneSeconds);
  arguments.count(OPT_threads, request.threads, 1, kMaxThreads);
}

/// Runs the phases up to the wanted one and writes the IR.
static LogicalResult writeIR(MLIRContext &context, const Request &request) {
  OwningOpRef<ModuleOp> module =
      compileTo(context, request.model, *request.last, request.options.compile);
  if (!module)
    return failure();
  OpPrintingFlags flags;
  if (request.elideWeights || request.output == "-")
    flags.elideLargeElementsAttrs(16).elideLargeResourceString(64);
  if (request.printLocations)
    flags.enableDebugInfo();
  llvm::Error error = writeOutputFile(request.output, [&](llvm::raw_fd_ostream &os) {
    module->print(os, flags);
    os << '\n';
    return llvm::Error::success();
  });
  if (error)
    return emitError(UnknownLoc::get(&context), llvm::toString(std::move(error)));
  return success();
}

int convoy::driver::compileCommand(Arguments &arguments) {
  Request request;
  readArguments(arguments, request);
  if (std::optional<int> code = arguments.finish())
    return *code;
  CompileOptions &compile = request.options.compile;
  bool isText =
      request.last || compile.emit == EmitKind::Asm || compile.emit == EmitKind::LLVMIR;
  if (request.output.empty() && request.last)
    request.output = "-";
  if (request.output.empty())
    return arguments.usageError("no -o OUT given");
  if (request.output == "-" && !isText)
    return arguments.usageError("'-o -' needs --stop-after or --emit=asm, llvm-ir or mlir");

  if (request.tune && !compile.schedule.convAlgorithm.empty())
    return arguments.usageError("--tune and --conv-algorithm exclude each other");
  if (request.tune && compile.partition.hasDevices())
    return arguments.usageError("--tune and --devices exclude each other");
  if (std::optional<int> code = request.options.resolveTarget(arguments))
    return *code;
  if (request.tune && compile.gpu)
    return arguments.usageError("--tune is for --target=cpu");
  if (request.tune && !compile.triple.empty())
    return arguments.usageError("--tune times code on this machine, which --mtriple excludes");
  if (request.threads && !request.tune)
    return arguments.usageError("--threads needs --tune: a compiled model runs with any "
                                "number of threads");

  // The linker writes no devices; better said before the work than after it.
  llvm::sys::fs::file_status status;
  if (!isText && !llvm::sys::fs::status(request.output, status) &&
      llvm::sys::fs::exists(status) && !llvm::sys::fs::is_regular_file(status))
    return fail(llvm::createStringError(request.output + ": is not a regular file"));

  std::unique_ptr<MLIRContext> context = makeContext();
  if (request.options.describeTarget(*context, arguments).empty())
    return kUsageError;
  if (llvm::Error error = checkWritable(request.output))
    return fail(std::move(error));

  if (request.tune)
    if (int code = tune(request.model, request.options, request.tuneSeconds, request.threads))
      return code;

  Progress progress(request.options.isVerbose);
  compile.onPhase = [&](Phase phase) { progress.show(getPhaseName(phase)); };
  DiagnosticPrinter printer(*context, request.model, request.options.isVerbose);
  LogicalResult result =
      request.last ? writeIR(*context, request)
                   : convoy::compile(*context, request.model, request.output, compile);
  return failed(result) || printer.hasError() ? printer.getFailure() : kDone;
}
