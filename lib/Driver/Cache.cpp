//===- Cache.cpp - Compiled models kept between runs ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cache.h"

#include "Diagnostics.h"
#include "convoy/Import/ONNX/ExternalFiles.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace convoy;
using namespace convoy::driver;
using llvm::StringRef;
namespace fs = llvm::sys::fs;

llvm::Expected<llvm::SmallString<128>> convoy::driver::makeCacheFolder() {
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

/// Changes whenever the file does, without reading it.
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

static llvm::Expected<std::string> makeKey(StringRef model, const ModelOptions &options,
                                           StringRef target) {
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
  for (const auto &[name, shape] : options.compile.shapes) {
    key.add(name);
    key.add(llvm::join(llvm::map_range(shape, [](int64_t dim) { return std::to_string(dim); }),
                       "x"));
  }
  key.add(target);
  key.add(options.compile.schedule.convAlgorithm);
  key.add(options.compile.schedule.weights);
  const PartitionOptions &partition = options.compile.partition;
  if (partition.hasDevices())
    key.add(llvm::formatv("{0} {1} {2} {3}", partition.devices, partition.strategy,
                          partition.bandwidth, partition.latency)
                .str());
  return key.str();
}

static std::optional<Artefact> compileIntoCache(StringRef model, ModelOptions &modelOptions,
                                                const Arguments &arguments, int &code) {
  auto failWith = [&](llvm::Error error) {
    code = fail(std::move(error));
    return std::nullopt;
  };
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  std::string target = modelOptions.describeTarget(*context, arguments);
  if (target.empty()) {
    code = kUsageError;
    return std::nullopt;
  }
  llvm::Expected<std::string> key = makeKey(model, modelOptions, target);
  if (!key)
    return failWith(key.takeError());
  llvm::Expected<llvm::SmallString<128>> folder = makeCacheFolder();
  if (!folder)
    return failWith(folder.takeError());
  // pruneCache removes only files of such names.
  llvm::SmallString<128> path(*folder);
  llvm::sys::path::append(path, "llvmcache-" + *key + ".so");
  if (fs::exists(path)) {
    if (llvm::Expected<Artefact> artefact = Artefact::load(path))
      return std::move(*artefact);
    else // What a crash of the machine left behind is made again.
      llvm::consumeError(artefact.takeError());
  }

  Progress progress(modelOptions.isVerbose);
  modelOptions.compile.onPhase = [&](Phase phase) { progress.show(getPhaseName(phase)); };
  DiagnosticPrinter printer(*context, model, modelOptions.isVerbose);
  if (failed(compile(*context, model, path, modelOptions.compile)) || printer.hasError()) {
    code = printer.getFailure();
    return std::nullopt;
  }
  llvm::CachePruningPolicy policy;
  policy.Expiration = std::chrono::hours(30 * 24);
  policy.MaxSizePercentageOfAvailableSpace = 25;
  llvm::pruneCache(*folder, policy);
  llvm::Expected<Artefact> artefact = Artefact::load(path);
  if (!artefact)
    return failWith(artefact.takeError());
  return std::move(*artefact);
}

std::optional<Artefact> convoy::driver::loadOrCompile(StringRef path,
                                                      ModelOptions &modelOptions,
                                                      const Arguments &arguments, int &code) {
  if (isModelPath(path)) {
    if (std::optional<int> usage = modelOptions.resolveTarget(arguments)) {
      code = *usage;
      return std::nullopt;
    }
    return compileIntoCache(path, modelOptions, arguments, code);
  }
  const CompileOptions &compile = modelOptions.compile;
  if (!compile.shapes.empty() || !compile.cpu.empty() ||
      !compile.schedule.convAlgorithm.empty() || compile.schedule.weights != "f32" ||
      compile.partition.hasDevices() || modelOptions.hasTargetOptions()) {
    code = arguments.usageError("--shape, --target, --gpu-arch, --precision, --mcpu, "
                                "--conv-algorithm, --weights and --devices need a "
                                "MODEL.onnx: " +
                                path + " is compiled already");
    return std::nullopt;
  }
  llvm::Expected<Artefact> artefact = Artefact::load(path);
  if (artefact)
    return std::move(*artefact);
  code = fail(artefact.takeError());
  return std::nullopt;
}
