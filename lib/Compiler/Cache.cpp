//===- Cache.cpp - Compiled models kept between runs ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Compiler/Cache.h"

#include "convoy/Import/ONNX/ExternalFiles.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace convoy;
using llvm::StringRef;
namespace fs = llvm::sys::fs;

llvm::Expected<llvm::SmallString<128>> convoy::makeCacheFolder() {
  llvm::SmallString<128> folder;
  if (auto given = llvm::sys::Process::GetEnv("CONVOY_CACHE_DIR"); given && !given->empty()) {
    folder = *given;
  } else if (llvm::sys::path::cache_directory(folder)) {
    llvm::sys::path::append(folder, "convoy");
  } else {
    return llvm::createStringError("no home directory: set CONVOY_CACHE_DIR to a folder for "
                                   "compiled models");
  }
  // Code that somebody else can write must not be loaded.
  if (std::error_code error = fs::create_directories(folder, true, fs::perms::owner_all))
    return llvm::createStringError("cannot make the cache folder " + folder + ": " +
                                   error.message() + " (set CONVOY_CACHE_DIR to another)");
  return folder;
}

/// A text that changes whenever the file does. The file is not read for it.
static std::string describeVersion(StringRef path) {
  fs::file_status status;
  if (fs::status(path, status))
    return "absent";
  return std::to_string(status.getSize()) + "@" +
         std::to_string(status.getLastModificationTime().time_since_epoch().count());
}

CacheKey::CacheKey() {
  add(CONVOY_VERSION " " LLVM_VERSION_STRING);
  add(describeVersion(fs::getMainExecutable(nullptr, nullptr)));
}

void CacheKey::add(StringRef part) {
  // The length first, so that parts cannot run into each other.
  hasher.update(std::to_string(part.size()) + ":");
  hasher.update(part);
}

std::string CacheKey::str() { return llvm::toHex(hasher.final<16>(), /*LowerCase=*/true); }

void CacheKey::add(cnn::TargetAttr target) {
  std::string text;
  llvm::raw_string_ostream(text) << target;
  add(text);
}

void CacheKey::add(const CompileOptions &options) {
  for (const CompileOption &option : listCompileOptions())
    switch (option.effect) {
    case OptionEffect::ChangesCode:
    case OptionEffect::RefinesAnother:
      add(option.name);
      add(option.print(options));
      break;
    case OptionEffect::DescribesTarget: // The resolved target is part of the key instead.
    case OptionEffect::ShapesOutput:
    case OptionEffect::Observes:
      break;
    }
}

static llvm::Expected<std::string> makeKey(const Compilation &compilation) {
  StringRef model = compilation.getModel();
  auto buffer = llvm::MemoryBuffer::getFile(model, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError(model + ": " + buffer.getError().message());
  CacheKey key;
  key.add((*buffer)->getBuffer());
  for (const std::string &file : listExternalFiles(model)) {
    key.add(file);
    key.add(describeVersion(file));
  }
  for (const InputBinding &binding : compilation.getOptions().bindings)
    if (auto value = llvm::MemoryBuffer::getFile(binding.file, /*IsText=*/false,
                                                 /*RequiresNullTerminator=*/false))
      key.add((*value)->getBuffer()); // The import reports a file that cannot be read.
  key.add(compilation.getTarget());
  key.add(compilation.getOptions());
  return key.str();
}

mlir::FailureOr<Artefact> convoy::compileIntoCache(Compilation &compilation) {
  llvm::Expected<std::string> key = makeKey(compilation);
  if (!key)
    return compilation.report(key.takeError());
  llvm::Expected<llvm::SmallString<128>> folder = makeCacheFolder();
  if (!folder)
    return compilation.report(folder.takeError());
  // pruneCache removes only files whose names begin with "llvmcache-".
  llvm::SmallString<128> path(*folder);
  llvm::sys::path::append(path, "llvmcache-" + *key + ".so");
  if (fs::exists(path)) {
    if (llvm::Expected<Artefact> artefact = Artefact::load(path, compilation.getModel()))
      return std::move(*artefact);
    else // A broken file, as after a crash of the machine, is compiled again.
      llvm::consumeError(artefact.takeError());
  }
  if (mlir::failed(compilation.compile(path)))
    return mlir::failure();
  llvm::CachePruningPolicy policy;
  policy.Expiration = std::chrono::hours(30 * 24);
  policy.MaxSizePercentageOfAvailableSpace = 25;
  llvm::pruneCache(*folder, policy);
  llvm::Expected<Artefact> artefact = Artefact::load(path, compilation.getModel());
  if (!artefact)
    return compilation.report(artefact.takeError());
  return std::move(*artefact);
}
