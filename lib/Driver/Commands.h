//===- Commands.h - The subcommands of convoy -------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_COMMANDS_H
#define CONVOY_LIB_DRIVER_COMMANDS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Option/Option.h"

namespace convoy::driver {

class Arguments;

/// Bits of an option in Options.td: the commands that have it.
enum CommandVisibility : unsigned {
  CompileCommand = llvm::opt::DefaultVis << 1,
  RunCommand = llvm::opt::DefaultVis << 2,
  BenchCommand = llvm::opt::DefaultVis << 3,
  CheckCommand = llvm::opt::DefaultVis << 4,
  InspectCommand = llvm::opt::DefaultVis << 5,
  OperatorsCommand = llvm::opt::DefaultVis << 6,
};

/// A subcommand of convoy.
struct Command {
  llvm::StringRef name;
  CommandVisibility visibility;
  /// Its line in `convoy --help`.
  llvm::StringRef summary;
  /// The usage after the name, such as "MODEL.onnx -o OUT [options]".
  llvm::StringRef synopsis;
  /// The argument without a dash, in words, for errors; may be empty.
  llvm::StringRef positional;
  llvm::StringRef description;
  /// The words after the name, one example per line.
  llvm::StringRef examples;
  /// Returns the exit code.
  int (*run)(Arguments &arguments);
};

int compileCommand(Arguments &arguments);
int runCommand(Arguments &arguments);
int benchCommand(Arguments &arguments);
int checkCommand(Arguments &arguments);
int inspectCommand(Arguments &arguments);
int operatorsCommand(Arguments &arguments);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_COMMANDS_H
