//===- Diagnostics.h - What the user reads on stderr ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_DIAGNOSTICS_H
#define CONVOY_LIB_DRIVER_DIAGNOSTICS_H

#include "Arguments.h"
#include "convoy/Pipelines/Compiler.h"
#include "mlir/IR/Diagnostics.h"

namespace convoy::driver {

/// Prints `convoy: error: ...` as one line.
void printError(const llvm::Twine &message);

/// Prints the error and returns the exit code of a bad input.
int fail(llvm::Error error);

/// Makes errors inside of LLVM and a lack of memory one line and exit code 1.
void installFatalErrorHandlers();

/// The phase that a compilation is in, on one line of a terminal that vanishes
/// in the end; silent in a pipe. `isVerbose` prints a line a phase anywhere.
class Progress {
public:
  explicit Progress(bool isVerbose);
  ~Progress();
  void show(llvm::StringRef step);

private:
  bool isVerbose, isTerminal;
};

/// Prints the diagnostics of one compilation: its first error, as one line that
/// names model and node, and nothing that follows from it; warnings; and
/// remarks if asked for.
class DiagnosticPrinter {
public:
  DiagnosticPrinter(mlir::MLIRContext &context, llvm::StringRef model, bool showRemarks);
  bool hasError() const { return printedError; }
  /// The exit code of a failed compilation; complains if nothing did so far.
  int getFailure() const;

private:
  void print(mlir::Diagnostic &diagnostic);
  std::string format(mlir::Diagnostic &diagnostic) const;

  std::string model;
  bool showRemarks;
  bool printedError = false;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_DIAGNOSTICS_H
