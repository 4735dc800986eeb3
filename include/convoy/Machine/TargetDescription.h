//===- TargetDescription.h - From a CPU name to #cnn.target -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_MACHINE_TARGETDESCRIPTION_H
#define CONVOY_MACHINE_TARGETDESCRIPTION_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "llvm/Support/Error.h"

#include <optional>

namespace convoy {

/// The GPU that is to run the kernels, as the command line describes it.
struct GpuOptions {
  cnn::GpuPlatform platform = cnn::GpuPlatform::cuda;
  /// Compute capabilities such as 80; the usual ones if empty.
  std::vector<int64_t> archs;
  /// Whether the code is for the single capability in `archs` alone (sm_90a).
  bool archSpecific = false;
};

/// The machine that compiles, which "native" means. Nothing else about it influences a target.
struct Host {
  std::string triple, cpu;
  /// LLVM's features, each with its sign. A virtual machine may hide some features of the CPU.
  std::string features;
  /// Bytes of a core's L2 cache; 0 if the operating system does not tell.
  int64_t l2Bytes = 0;

  /// This machine.
  static Host query();
};

/// The target of `triple` and `cpu`.
/// - An empty CPU or "native" means the host's CPU, with its features and caches. If `triple`
///   has another architecture than the host, an empty CPU means the usual CPU there, and
///   "native" is an error.
/// - A named CPU gives the same target on every machine. If the triple is empty, it is Linux
///   on the architecture that has this CPU. LLVM and the rows of Cpu.h say everything else. A
///   CPU without a row gets the row `x86-64-v3`, `x86-64-v4` or `generic`, by its vectors.
/// An unknown name is an error, which lists what to write instead. Initialises LLVM's targets
/// on first use.
llvm::Expected<cnn::TargetAttr> describeTarget(mlir::MLIRContext *context,
                                               llvm::StringRef triple, llvm::StringRef cpu,
                                               const std::optional<GpuOptions> &gpu = {},
                                               cnn::Precision precision = cnn::Precision::f32,
                                               const Host &host = Host::query());

/// The target whose kernels are `target`'s, but whose instructions are those of the CPU that
/// compiles and runs them.
cnn::TargetAttr emulate(cnn::TargetAttr target);

/// Whether the CPU of a target has all of the features, which LLVM's names say, separated by
/// commas.
bool hasFeatures(cnn::TargetAttr target, llvm::StringRef features);

} // namespace convoy

#endif // CONVOY_MACHINE_TARGETDESCRIPTION_H
