//===- ModelOptions.h - How a model is to be compiled -----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_MODELOPTIONS_H
#define CONVOY_LIB_DRIVER_MODELOPTIONS_H

#include "Arguments.h"
#include "convoy/Pipelines/Compiler.h"

namespace convoy::driver {

/// The options that every command with a MODEL.onnx shares.
struct ModelOptions {
  CompileOptions compile;
  bool isVerbose = false;

  /// Reads --shape and -v.
  void read(Arguments &arguments);
  /// Reads --mcpu, --conv-algorithm, --weights and the partition options.
  void readCodeOptions(Arguments &arguments);
  /// Reads --devices, --strategy and --link.
  void readPartitionOptions(Arguments &arguments);

  /// The machine to compile for, as text; empty after wrong usage, which is
  /// reported.
  std::string describeTarget(mlir::MLIRContext &context, const Arguments &arguments) const;
};

/// Whether the path names a model to compile, not an artefact.
bool isModelPath(llvm::StringRef path);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_MODELOPTIONS_H
