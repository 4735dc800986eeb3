//===- ModelOptions.h - How a model is to be compiled -----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_MODELOPTIONS_H
#define CONVOY_LIB_DRIVER_MODELOPTIONS_H

#include "Arguments.h"
#include "Diagnostics.h"
#include "convoy/Compiler/Compilation.h"
#include "convoy/Runtime/Artefact.h"

namespace convoy::driver {

/// The options that every command with a MODEL.onnx shares.
struct ModelOptions {
  CompileOptions compile;
  bool isVerbose = false;
  /// The number of the GPU that is to run the model, from --device.
  std::optional<int64_t> gpu;

  /// Reads every option of a compilation that the command has, and -v.
  void read(Arguments &arguments);
  /// Reads --device.
  void readDevice(Arguments &arguments);

  /// Checks the options against each other after all are read. --device sets the platform
  /// to CUDA. Returns the exit code after wrong usage, which is reported.
  std::optional<int> check(const Arguments &arguments);
};

/// Whether the path names a model to compile, not an artefact.
bool isModelPath(llvm::StringRef path);

/// The files that are read to compile the model, or to run the artefact, at `path`.
std::vector<std::string> listInputFiles(llvm::StringRef path, const ModelOptions &options);

/// Makes a compilation of checked options; `progress` may be null. If that fails, reports
/// wrong usage, sets `code` and returns null.
std::unique_ptr<Compilation> makeCompilation(llvm::StringRef model,
                                             const ModelOptions &options,
                                             const Arguments &arguments, Progress *progress,
                                             int &code);

/// Loads the artefact at `path`. If it is a model instead, compiles it into the cache, unless
/// the cache has it already, and loads it from there. On failure, which is reported, returns
/// nothing and sets `code`.
std::optional<Artefact> loadOrCompile(llvm::StringRef path, ModelOptions &options,
                                      const Arguments &arguments, int &code);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_MODELOPTIONS_H
