//===- Ptxas.cpp - NVIDIA's assembler -------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ptxas.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy;
using llvm::StringRef;
namespace fs = llvm::sys::fs;

std::optional<std::string> convoy::findPtxas() {
  llvm::SmallVector<std::string> folders;
  static int anchor;
  std::string program = fs::getMainExecutable(nullptr, &anchor);
  folders.push_back(llvm::sys::path::parent_path(program).str());
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (std::optional<std::string> toolkit = llvm::sys::Process::GetEnv(variable))
      folders.push_back(*toolkit + "/bin");
  folders.push_back("/usr/local/cuda/bin");
  llvm::SmallVector<StringRef> paths(folders.begin(), folders.end());
  for (llvm::ArrayRef<StringRef> where :
       {llvm::ArrayRef(paths).take_front(), {}, llvm::ArrayRef(paths).drop_front()}) {
    llvm::ErrorOr<std::string> found = llvm::sys::findProgramByName("ptxas", where);
    if (found)
      return *found;
  }
  return std::nullopt;
}

/// Reads the resources of each kernel from the output of `ptxas --verbose`.
static std::vector<KernelResources> parseResources(StringRef text) {
  std::vector<KernelResources> kernels;
  auto numberBefore = [](StringRef line, StringRef unit) {
    size_t end = line.find(unit);
    int64_t number = 0;
    if (end != StringRef::npos)
      (void)line.take_front(end).rtrim().rsplit(' ').second.getAsInteger(10, number);
    return number;
  };
  llvm::SmallVector<StringRef> lines, serialized;
  text.split(lines, '\n');
  for (StringRef line : lines) {
    if (line.contains("wgmma.mma_async instructions are serialized")) {
      serialized.push_back(line.rsplit("the function '").second.split('\'').first);
    } else if (line.contains("Compiling entry function '")) {
      kernels.emplace_back();
      kernels.back().name = line.split('\'').second.split('\'').first.str();
    } else if (kernels.empty()) {
      continue;
    } else if (line.contains("bytes spill stores")) {
      kernels.back().spillStores = numberBefore(line, "bytes spill stores");
      kernels.back().spillLoads = numberBefore(line, "bytes spill loads");
    } else if (line.contains("Used ")) {
      (void)line.split("Used ").second.split(' ').first.getAsInteger(10,
                                                                     kernels.back().registers);
      kernels.back().sharedBytes = numberBefore(line, "bytes smem");
    }
  }
  for (KernelResources &kernel : kernels)
    kernel.isSerialized = llvm::is_contained(serialized, kernel.name);
  return kernels;
}

llvm::Expected<Assembled> convoy::assemblePtx(StringRef ptxas, StringRef ptx, StringRef arch) {
  llvm::SmallString<128> source, object, log;
  auto remove = llvm::scope_exit([&] {
    for (StringRef path : {StringRef(source), StringRef(object), StringRef(log)})
      if (!path.empty())
        (void)fs::remove(path);
  });
  int descriptor;
  if (std::error_code code = fs::createTemporaryFile("convoy", "ptx", descriptor, source))
    return llvm::createStringError(code, "cannot make a temporary file");
  {
    llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
    os << ptx;
    os.close();
    if (os.has_error()) {
      std::error_code code = os.error();
      os.clear_error();
      return llvm::createFileError(source, code);
    }
  }
  if (std::error_code code = fs::createTemporaryFile("convoy", "cubin", object))
    return llvm::createStringError(code, "cannot make a temporary file");
  if (std::error_code code = fs::createTemporaryFile("convoy", "log", log))
    return llvm::createStringError(code, "cannot make a temporary file");

  llvm::SmallVector<StringRef> arguments = {ptxas,       "--gpu-name",    arch,
                                            "--verbose", "--opt-level",   "3",
                                            source,      "--output-file", object};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(ptxas, arguments, /*Env=*/std::nullopt,
                                         {StringRef(""), StringRef(log), StringRef(log)},
                                         /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  auto output = llvm::MemoryBuffer::getFile(log);
  StringRef text = output ? (*output)->getBuffer() : StringRef();
  if (status != 0)
    return llvm::createStringError(
        ptxas + ": fails for " + arch + ": " +
        (message.empty() ? text.trim().split('\n').first.str() : message));
  auto code = llvm::MemoryBuffer::getFile(object);
  if (!code)
    return llvm::createFileError(object, code.getError());
  return Assembled{(*code)->getBuffer().str(), parseResources(text)};
}
