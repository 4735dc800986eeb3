//===- Compilation.h - From a model file to an artefact ---------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// What programs that compile models call. Nothing here prints or ends the program.
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

/// What a compilation tells while it runs; null for what nobody wants to know.
struct CompileHandlers {
  /// An error, a warning or a remark that names file, node and tensor. Of the errors only
  /// the first comes, and no warning after it: they follow from it. May come from any
  /// thread, one at a time.
  std::function<void(mlir::DiagnosticSeverity, llvm::StringRef)> onDiagnostic;
  /// A phase begins.
  std::function<void(Phase)> onPhase;
  /// The table of the passes' times, with `timePasses`.
  std::function<void(llvm::StringRef)> onTimes;
};

/// A model, how it is to be compiled, and the machine that it is compiled for.
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
  /// Of a file that --tune wrote.
  void setTuning(llvm::StringRef file) { options.tuning = file.str(); }

  /// Imports the model and runs the phases up to `last` (of the target phase, its passes).
  /// Null after an error, which the handler got.
  mlir::OwningOpRef<mlir::ModuleOp> runTo(Phase last);

  /// Compiles the model into the file `output`, which appears complete or not at all.
  /// Text goes to the standard output if `output` is "-". The handler gets errors.
  mlir::LogicalResult compile(llvm::StringRef output);

  /// Gives the handler an error that no diagnostic was made of. Always fails.
  mlir::LogicalResult report(llvm::Error error);

  /// Success if `result` is that and the handler got no error. After a failure the handler
  /// got one.
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
