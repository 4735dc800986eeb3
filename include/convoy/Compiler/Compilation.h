//===- Compilation.h - From a model file to an artefact ---------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The interface for programs that compile models. Nothing here prints, or ends the program.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_COMPILER_COMPILATION_H
#define CONVOY_COMPILER_COMPILATION_H

#include "convoy/Compiler/CompileOptions.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>
#include <memory>
#include <string>

namespace convoy {

/// Functions that a compilation calls while it runs. A function may be null.
struct CompileHandlers {
  /// Gets an error, a warning or a remark, as text that names file, node and tensor. After the
  /// first error, further errors and warnings are dropped, since they follow from it. May be
  /// called by any thread, but by one at a time.
  std::function<void(mlir::DiagnosticSeverity, llvm::StringRef)> onDiagnostic;
  /// Called when a phase begins.
  std::function<void(Phase)> onPhase;
  /// Gets the table of the passes' times, if the option `timePasses` is set.
  std::function<void(llvm::StringRef)> onTimes;
};

/// A model, the options to compile it with, and the target.
class Compilation {
public:
  /// Checks the options and resolves the target; does not read the model. The error names
  /// the options that are at fault.
  static llvm::Expected<std::unique_ptr<Compilation>>
  create(llvm::StringRef model, CompileOptions options, CompileHandlers handlers = {});

  llvm::StringRef getModel() const { return model; }
  const CompileOptions &getOptions() const { return options; }
  const CompileHandlers &getHandlers() const { return handlers; }
  cnn::TargetAttr getTarget() const { return target; }
  /// Sets the file of times that --tune wrote.
  void setTuning(llvm::StringRef file) { options.tuning = file.str(); }

  /// Imports the model and runs the phases up to and including `last`. Of the target phase,
  /// only the passes run. Null after an error, which the handler got.
  mlir::OwningOpRef<mlir::ModuleOp> runTo(Phase last);

  /// Compiles the model into the file `output`, which appears complete or not at all. Text is
  /// written to the standard output if `output` is "-". The handler gets errors.
  mlir::LogicalResult compile(llvm::StringRef output);

  /// Gives the handler `error`. Always returns failure.
  mlir::LogicalResult report(llvm::Error error);

  /// Success if `result` is a success and the handler got no error. If `result` is a failure
  /// and the handler got no error, gives it one.
  mlir::LogicalResult conclude(mlir::LogicalResult result);

private:
  Compilation(llvm::StringRef model, CompileOptions options, CompileHandlers handlers);
  void handle(mlir::Diagnostic &diagnostic);
  mlir::LogicalResult writeIR(mlir::ModuleOp module, llvm::StringRef output);
  mlir::LogicalResult writeCode(mlir::ModuleOp module, llvm::StringRef output);

  std::string model;
  CompileOptions options;
  CompileHandlers handlers;
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::ScopedDiagnosticHandler diagnosticHandler;
  cnn::TargetAttr target;
  bool hasError = false;
};

} // namespace convoy

#endif // CONVOY_COMPILER_COMPILATION_H
