//===- Compilation.cpp - From a model file to an artefact -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Compiler/Compilation.h"

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Dialect/Cnn/Utils/Locations.h"
#include "convoy/Pipelines/ConstantPrograms.h"
#include "convoy/Runtime/OutputFile.h"
#include "convoy/Target/Target.h"
#include "mlir/IR/AsmState.h"

using namespace mlir;
using namespace convoy;

Compilation::Compilation(StringRef model, CompileOptions options, CompileHandlers handlers)
    : model(model), options(std::move(options)), handlers(std::move(handlers)),
      context(makeContext()), diagnosticHandler(context.get(), [this](Diagnostic &diagnostic) {
        handle(diagnostic);
      }) {}

llvm::Expected<std::unique_ptr<Compilation>>
Compilation::create(StringRef model, CompileOptions options, CompileHandlers handlers) {
  if (llvm::Error error = checkCompileOptions(options))
    return std::move(error);
  std::unique_ptr<Compilation> result(
      new Compilation(model, std::move(options), std::move(handlers)));
  llvm::Expected<cnn::TargetAttr> target =
      resolveTarget(result->context.get(), result->options);
  if (!target)
    return target.takeError();
  result->target = *target;
  return std::move(result);
}

//===----------------------------------------------------------------------===//
// Diagnostics
//===----------------------------------------------------------------------===//

void Compilation::handle(Diagnostic &diagnostic) {
  DiagnosticSeverity severity = diagnostic.getSeverity();
  if (severity == DiagnosticSeverity::Note ||
      (hasError && severity != DiagnosticSeverity::Remark))
    return;
  hasError |= severity == DiagnosticSeverity::Error;
  if (handlers.onDiagnostic)
    handlers.onDiagnostic(severity, cnn::formatDiagnostic(diagnostic, model));
}

LogicalResult Compilation::report(llvm::Error error) {
  return emitError(UnknownLoc::get(context.get()), llvm::toString(std::move(error)));
}

LogicalResult Compilation::conclude(LogicalResult result) {
  if (failed(result) && !hasError)
    return emitError(cnn::getFileLoc(context.get(), model),
                     "compilation failed inside of the compiler, please report it");
  return failure(hasError);
}

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> Compilation::runTo(Phase last) {
  if (handlers.onPhase)
    handlers.onPhase(Phase::Import);
  ImportOptions importOptions;
  importOptions.shapes = options.shapes;
  importOptions.bindings = options.bindings;
  importOptions.limits = options.limits;
  importOptions.maxIterations = options.maxIterations;
  importOptions.evaluate = [](ArrayRef<Value> values) { return evaluateOnHost(values); };
  OwningOpRef<ModuleOp> module = importONNX(*context, model, importOptions);
  if (module) {
    (*module)->setAttr(cnn::kTargetAttrName, target);
    PipelineOptions pipeline;
    pipeline.partition = options.getPartition();
    pipeline.schedule = options.getSchedule();
    pipeline.dumpFolder = options.dumpFolder;
    pipeline.onPhase = handlers.onPhase;
    if (options.timePasses)
      pipeline.onTimes = handlers.onTimes;
    if (failed(runPhases(*module, Phase::Simplify, last, pipeline)))
      module = nullptr;
  }
  if (failed(conclude(success(bool(module)))))
    return nullptr;
  return module;
}

LogicalResult Compilation::writeIR(ModuleOp module, StringRef output) {
  OpPrintingFlags flags;
  if (options.elideWeights || output == "-")
    flags.elideLargeElementsAttrs(16).elideLargeResourceString(64);
  if (options.printLocations)
    flags.enableDebugInfo();
  if (llvm::Error error = writeOutputFile(output, [&](llvm::raw_fd_ostream &os) {
        module->print(os, flags);
        os << '\n';
        return llvm::Error::success();
      }))
    return report(std::move(error));
  return success();
}

static EmitKind getEmitKind(OutputKind kind) {
  switch (kind) {
  case OutputKind::Lib:
    return EmitKind::Lib;
  case OutputKind::Obj:
    return EmitKind::Obj;
  case OutputKind::Exe:
    return EmitKind::Exe;
  case OutputKind::Asm:
    return EmitKind::Asm;
  case OutputKind::LLVMIR:
    return EmitKind::LLVMIR;
  case OutputKind::MLIR:
    break;
  }
  llvm_unreachable("MLIR is written before there is code");
}

LogicalResult Compilation::writeCode(ModuleOp module, StringRef output) {
  // The original weights are packed by now.
  cnn::releaseUnusedBlobs(module);
  EmitOptions emitOptions;
  emitOptions.releaseWeights = true;
  if (llvm::Error error = emitArtefact(module, getEmitKind(options.emit), output, emitOptions))
    return report(std::move(error));
  return success();
}

LogicalResult Compilation::compile(StringRef output) {
  std::optional<Phase> last = options.getLastPhase();
  OwningOpRef<ModuleOp> module = runTo(last.value_or(Phase::Target));
  if (!module)
    return failure();
  return conclude(last ? writeIR(*module, output) : writeCode(*module, output));
}
