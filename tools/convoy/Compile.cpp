//===- Compile.cpp - convoy compile ---------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Diagnostics.h"
#include "ModelOptions.h"

#include "convoy/Runtime/OutputFile.h"
#include "mlir/IR/AsmState.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::tool;

namespace {
/// What the command line asks for.
struct Request {
  ModelOptions options;
  std::string model, output;
  /// The last phase of a run that ends in IR.
  std::optional<Phase> last;
  bool elideWeights = false;
  bool printLocations = false;
};
} // namespace

static void declare(Options &options, Request &request) {
  CompileOptions &compile = request.options.compile;
  options.positional("MODEL.onnx", request.model);
  options.text("o", "OUT", "file to write; - is the standard output, for text",
               request.output);
  options.value("emit", "KIND",
                "lib (a shared library, the default), obj, exe (a program\n"
                "that reads and writes .npy files), asm, llvm-ir, or mlir\n"
                "(the kernels before they become LLVM IR)",
                [&](StringRef word) -> llvm::Error {
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
                    return llvm::createStringError(
                        "'" + word + "' is not lib, obj, exe, asm, llvm-ir or mlir");
                  compile.emit = *kind;
                  return llvm::Error::success();
                });
  request.options.declareCpu(options);
  options.text("mtriple", "TRIPLE", "x86_64-linux-gnu or aarch64-linux-gnu (default: this machine)",
               compile.triple);
  request.options.declare(options);
  options.value("stop-after", "PHASE",
                "write the IR after import, simplify, partition,\n"
                "schedule, bufferize, codegen or target",
                [&](StringRef word) -> llvm::Error {
                  request.last = parsePhase(word);
                  if (!request.last)
                    return llvm::createStringError(
                        "'" + word + "' is not import, simplify, partition, schedule, "
                                     "bufferize, codegen or target");
                  return llvm::Error::success();
                });
  options.flag("elide-weights",
               "leave weights out of printed IR (always so on the\nstandard output)",
               request.elideWeights);
  options.flag("print-locations", "print the ONNX nodes' names as locations of the IR",
               request.printLocations);
  options.text("dump-ir", "DIR",
               "write the IR after each pass that changed it into DIR,\n"
               "without weights, and an index.txt",
               compile.dumpFolder);
  options.flag("time-passes", "print the time of each pass on stderr", compile.timePasses);
  options.example("convoy compile resnet50.onnx -o resnet50.so");
  options.example("convoy compile detector.onnx -o detector.so --shape image=1x3x320x320");
  options.example("convoy compile resnet50.onnx --stop-after=simplify");
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

int convoy::tool::compileCommand(llvm::ArrayRef<StringRef> words) {
  Request request;
  Options options("compile", "MODEL.onnx -o OUT [options]",
                  "Compiles an ONNX model into native code that needs nothing but the C library.");
  declare(options, request);
  if (std::optional<int> code = options.parse(words))
    return *code;
  CompileOptions &compile = request.options.compile;
  bool isText = request.last || compile.emit == EmitKind::Asm || compile.emit == EmitKind::LLVMIR;
  if (request.output.empty() && request.last)
    request.output = "-";
  if (request.output.empty())
    return options.usageError("no -o OUT given");
  if (request.output == "-" && !isText)
    return options.usageError("'-o -' needs --stop-after or --emit=asm, llvm-ir or mlir");

  // The linker writes no devices; better said before the work than after it.
  llvm::sys::fs::file_status status;
  if (!isText && !llvm::sys::fs::status(request.output, status) &&
      llvm::sys::fs::exists(status) && !llvm::sys::fs::is_regular_file(status))
    return fail(llvm::createStringError(request.output + ": is not a regular file"));

  std::unique_ptr<MLIRContext> context = makeContext();
  if (request.options.describeTarget(*context, options).empty())
    return kUsageError;
  if (llvm::Error error = checkWritable(request.output))
    return fail(std::move(error));

  Progress progress(request.options.isVerbose);
  compile.onPhase = [&](Phase phase) { progress.show(getPhaseName(phase)); };
  DiagnosticPrinter printer(*context, request.model, request.options.isVerbose);
  LogicalResult result = request.last ? writeIR(*context, request)
                                      : convoy::compile(*context, request.model, request.output,
                                                        compile);
  return failed(result) || printer.hasError() ? printer.getFailure() : kDone;
}
