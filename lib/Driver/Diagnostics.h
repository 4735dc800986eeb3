//===- Diagnostics.h - What the user reads on stderr ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_DIAGNOSTICS_H
#define CONVOY_LIB_DRIVER_DIAGNOSTICS_H

#include "Arguments.h"
#include "convoy/Compiler/Compilation.h"

namespace convoy::driver {

/// Prints `convoy: error: ...` as one line.
void printError(const llvm::Twine &message);

/// Prints the error and returns the exit code of a bad input.
int fail(llvm::Error error);

/// Makes errors inside of LLVM and a lack of memory one line and exit code 1.
void installFatalErrorHandlers();

/// The phase that a compilation is in, on one line of a terminal that vanishes
/// in the end; silent in a pipe. `isVerbose` prints a line for each phase anywhere.
class Progress {
public:
  explicit Progress(bool isVerbose);
  ~Progress();
  void show(llvm::StringRef step);

private:
  bool isVerbose, isTerminal;
};

/// Prints what a compilation tells: its error as one line, warnings, the table of times;
/// remarks if asked for; and each phase to `progress`, which may be null.
CompileHandlers makeHandlers(bool showRemarks, Progress *progress);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_DIAGNOSTICS_H
