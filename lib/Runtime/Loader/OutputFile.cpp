//===- OutputFile.cpp - Files that appear complete or not at all ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Runtime/OutputFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace convoy;
namespace fs = llvm::sys::fs;

/// True for a file that exists and cannot be replaced by renaming, such as /dev/null or a
/// pipe.
static bool isSpecialFile(llvm::StringRef path) {
  fs::file_status status;
  return !fs::status(path, status) && fs::exists(status) && !fs::is_regular_file(status);
}

llvm::Error convoy::checkWritable(llvm::StringRef path, llvm::ArrayRef<std::string> inputs) {
  if (path == "-")
    return llvm::Error::success();
  for (const std::string &input : inputs)
    if (fs::is_regular_file(input) && fs::equivalent(path, input))
      return llvm::createStringError(path + ": is an input (" + input +
                                     "), which would be lost: write to another file");
  if (path.empty() || llvm::sys::path::is_separator(path.back()))
    return llvm::createFileError(path, std::make_error_code(std::errc::is_a_directory));
  if (fs::is_directory(path))
    return llvm::createFileError(path, std::make_error_code(std::errc::is_a_directory));
  if (isSpecialFile(path)) {
    if (std::error_code error = fs::access(path, fs::AccessMode::Write))
      return llvm::createFileError(path, error);
    return llvm::Error::success();
  }
  llvm::Expected<fs::TempFile> file = fs::TempFile::create(path + ".%%%%%%.tmp");
  if (!file)
    return llvm::createFileError(path, file.takeError());
  return file->discard();
}

/// Runs `write`, and returns its error or that of the stream. If the stream's error were not
/// cleared, its destructor would end the program.
static llvm::Error writeStream(llvm::StringRef path, llvm::raw_fd_ostream &os,
                               llvm::function_ref<llvm::Error(llvm::raw_fd_ostream &)> write) {
  llvm::Error error = write(os);
  os.flush();
  std::error_code code = os.error();
  os.clear_error();
  if (error || !code)
    return error;
  return llvm::createFileError(path, code);
}

llvm::Error
convoy::writeOutputFile(llvm::StringRef path,
                        llvm::function_ref<llvm::Error(llvm::raw_fd_ostream &)> write) {
  if (path == "-")
    return writeStream("standard output", llvm::outs(), write);
  if (isSpecialFile(path)) {
    std::error_code code;
    llvm::raw_fd_ostream os(path, code, fs::OF_None);
    if (code)
      return llvm::createFileError(path, code);
    return writeStream(path, os, write);
  }
  llvm::Expected<fs::TempFile> file = fs::TempFile::create(path + ".%%%%%%.tmp");
  if (!file)
    return llvm::createFileError(path, file.takeError());
  llvm::Error error = llvm::Error::success();
  {
    llvm::raw_fd_ostream os(file->FD, /*shouldClose=*/false);
    error = writeStream(path, os, write);
  }
  if (error)
    return llvm::joinErrors(std::move(error), file->discard());
  if (llvm::Error failed = file->keep(path))
    return llvm::createFileError(path, std::move(failed));
  return llvm::Error::success();
}
