//===- Commands.h - The subcommands of convoy -------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TOOLS_CONVOY_COMMANDS_H
#define CONVOY_TOOLS_CONVOY_COMMANDS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace convoy::tool {

/// Each takes the words behind its name and returns the exit code.
int compileCommand(llvm::ArrayRef<llvm::StringRef> words);
int runCommand(llvm::ArrayRef<llvm::StringRef> words);
int benchCommand(llvm::ArrayRef<llvm::StringRef> words);
int checkCommand(llvm::ArrayRef<llvm::StringRef> words);
int inspectCommand(llvm::ArrayRef<llvm::StringRef> words);

} // namespace convoy::tool

#endif // CONVOY_TOOLS_CONVOY_COMMANDS_H
