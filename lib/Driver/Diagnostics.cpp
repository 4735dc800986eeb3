//===- Diagnostics.cpp - Messages on stderr -------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"

#include "Ranks.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

using namespace convoy;
using namespace convoy::driver;
using llvm::StringRef;
using mlir::DiagnosticSeverity;

/// Set while the terminal shows a progress line.
static bool hasProgressLine = false;

static void clearProgressLine() {
  if (hasProgressLine)
    llvm::errs() << "\r\033[K";
  hasProgressLine = false;
}

/// Prints the message as one line: line breaks and control characters become spaces.
static void printLine(StringRef kind, StringRef message) {
  clearProgressLine();
  std::string line = message.rtrim().str();
  for (char &c : line)
    if (static_cast<unsigned char>(c) < 32 || c == 127)
      c = ' ';
  llvm::errs() << "convoy: " << kind << ": " << line << '\n';
}

void convoy::driver::printError(const llvm::Twine &message) {
  printLine("error", message.str());
}

int convoy::driver::fail(llvm::Error error) {
  if (error.isA<PeerError>()) {
    llvm::consumeError(std::move(error));
    return kInputError;
  }
  printLine("error", llvm::toString(std::move(error)));
  return kInputError;
}

/// The file that the command reads, for a message when there is no memory to make one.
static std::string outOfMemory = "convoy: error: out of memory\n";

void convoy::driver::nameFileInFatalErrors(StringRef path) {
  outOfMemory = ("convoy: error: " + path + ": out of memory\n").str();
}

void convoy::driver::installFatalErrorHandlers() {
  llvm::install_fatal_error_handler([](void *, const char *reason, bool) {
    printLine("error", reason);
    _exit(kInputError);
  });
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) {
    [[maybe_unused]] ssize_t written =
        write(STDERR_FILENO, outOfMemory.data(), outOfMemory.size());
    _exit(kInputError);
  });
}

//===----------------------------------------------------------------------===//
// Progress
//===----------------------------------------------------------------------===//

Progress::Progress(bool isVerbose)
    : isVerbose(isVerbose), isTerminal(llvm::sys::Process::StandardErrIsDisplayed()) {}

Progress::~Progress() { clearProgressLine(); }

void Progress::show(StringRef step) {
  if (isVerbose) {
    llvm::errs() << "convoy: " << step << '\n';
  } else if (isTerminal) {
    clearProgressLine();
    llvm::errs() << "convoy: " << step << " ...";
    hasProgressLine = true;
  }
}

//===----------------------------------------------------------------------===//
// Diagnostics of the compiler
//===----------------------------------------------------------------------===//

CompileHandlers convoy::driver::makeHandlers(bool showRemarks, Progress *progress) {
  CompileHandlers handlers;
  handlers.onDiagnostic = [showRemarks](DiagnosticSeverity severity, StringRef text) {
    switch (severity) {
    case DiagnosticSeverity::Error:
      return printLine("error", text);
    case DiagnosticSeverity::Warning:
      return printLine("warning", text);
    case DiagnosticSeverity::Remark:
      if (showRemarks)
        printLine("remark", text);
      return;
    case DiagnosticSeverity::Note:
      return;
    }
  };
  handlers.onTimes = [](StringRef table) { llvm::errs() << table; };
  if (progress)
    handlers.onPhase = [progress](Phase phase) { progress->show(stringifyPhase(phase)); };
  return handlers;
}
