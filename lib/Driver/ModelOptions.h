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
  /// The GPU that is to run the model, of --device.
  std::optional<int64_t> gpu;

  /// Reads --shape and -v.
  void read(Arguments &arguments);
  /// Reads --mcpu, --weights, the target and the partition options.
  void readCodeOptions(Arguments &arguments);
  /// Reads --target, --gpu-arch, --precision and --conv-algorithm.
  void readTargetOptions(Arguments &arguments);
  /// Reads --device.
  void readDevice(Arguments &arguments);
  /// Reads --devices, --strategy and --link.
  void readPartitionOptions(Arguments &arguments);

  /// Whether an option says how code for a GPU is to be made, or that it is.
  bool hasTargetOptions() const;
  /// Makes `compile.gpu` of the options for GPUs, when all are known. Returns the exit
  /// code after wrong usage, which is reported.
  std::optional<int> resolveTarget(const Arguments &arguments);
  /// The machine to compile for, as text; empty after wrong usage, which is
  /// reported.
  std::string describeTarget(mlir::MLIRContext &context, const Arguments &arguments) const;

private:
  std::string target;
  std::vector<int64_t> gpuArchs;
  bool gpuArchSpecific = false;
  std::optional<cnn::GpuPrecision> precision;
};

/// Whether the path names a model to compile, not an artefact.
bool isModelPath(llvm::StringRef path);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_MODELOPTIONS_H
