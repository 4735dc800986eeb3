//===- OutputFile.h - Files that appear complete or not at all --*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_RUNTIME_OUTPUTFILE_H
#define CONVOY_RUNTIME_OUTPUTFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace convoy {

/// Checks that a file can be written at `path`. If not (a missing folder, a folder in the
/// place of the file, no permission, or one of the files `inputs`, which would be destroyed),
/// the error is one line. Leaves no file behind.
llvm::Error checkWritable(llvm::StringRef path, llvm::ArrayRef<std::string> inputs = {});

/// Writes a temporary file beside `path`. It is renamed to `path` if `write` and the system
/// succeed, and removed otherwise. A device or pipe is written directly, and "-" is the
/// standard output. Errors of the system name `path`; errors of `write` are passed on.
llvm::Error writeOutputFile(llvm::StringRef path,
                            llvm::function_ref<llvm::Error(llvm::raw_fd_ostream &)> write);

} // namespace convoy

#endif // CONVOY_RUNTIME_OUTPUTFILE_H
