//===- Diagnostics.h - Messages on stderr -----------------------*- C++ -*-===//
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

/// After this, fatal errors inside of LLVM and a lack of memory print one line and end the
/// program with exit code 1.
void installFatalErrorHandlers();

/// From now on, the line about a lack of memory names this file.
void nameFileInFatalErrors(llvm::StringRef path);

/// Shows the current phase of a compilation: in one line on a terminal, which is cleared at
/// the end. Shows nothing if stderr is no terminal. With `isVerbose` each phase is printed on
/// a line of its own in both cases.
class Progress {
public:
  explicit Progress(bool isVerbose);
  ~Progress();
  void show(llvm::StringRef step);

private:
  bool isVerbose, isTerminal;
};

/// Handlers that print a compilation's error as one line, its warnings and its table of
/// times; its remarks if asked for. Each phase is shown by `progress`, which may be null.
CompileHandlers makeHandlers(bool showRemarks, Progress *progress);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_DIAGNOSTICS_H
