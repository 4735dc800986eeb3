//===- OutputFile.h - Files that appear complete or not at all --*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_RUNTIME_OUTPUTFILE_H
#define CONVOY_RUNTIME_OUTPUTFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace convoy {

/// Fails in one line if no file can be written at `path`: a missing folder, a
/// folder in place of the file, no permission. Leaves no trace.
llvm::Error checkWritable(llvm::StringRef path);

/// Writes to a temporary file beside `path` that takes its name when `write`
/// and the system succeed, and is removed otherwise. A device or pipe is
/// written in place, and "-" is the standard output. Errors of the system name
/// `path`; those of `write` are passed on.
llvm::Error writeOutputFile(llvm::StringRef path,
                            llvm::function_ref<llvm::Error(llvm::raw_fd_ostream &)> write);

} // namespace convoy

#endif // CONVOY_RUNTIME_OUTPUTFILE_H
