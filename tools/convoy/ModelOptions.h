//===- ModelOptions.h - How a model is to be compiled -----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TOOLS_CONVOY_MODELOPTIONS_H
#define CONVOY_TOOLS_CONVOY_MODELOPTIONS_H

#include "Options.h"
#include "convoy/Pipelines/Compiler.h"

namespace convoy::tool {

/// The options that every command with a MODEL.onnx shares.
struct ModelOptions {
  CompileOptions compile;
  bool isVerbose = false;

  /// Declares --shape and -v; the options hold references to this structure.
  void declare(Options &options);
  /// Declares --mcpu.
  void declareCpu(Options &options);

  /// The machine to compile for, as text; empty after wrong usage, which is
  /// reported.
  std::string describeTarget(mlir::MLIRContext &context, const Options &options) const;
};

/// Whether the path names a model to compile, not an artefact.
bool isModelPath(llvm::StringRef path);

} // namespace convoy::tool

#endif // CONVOY_TOOLS_CONVOY_MODELOPTIONS_H
