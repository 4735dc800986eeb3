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

/// What the command line says of a GPU that is to run the kernels.
struct GpuOptions {
  cnn::GpuPlatform platform = cnn::GpuPlatform::cuda;
  cnn::GpuPrecision precision = cnn::GpuPrecision::f32;
  /// Compute capabilities such as 80; the usual ones if empty.
  std::vector<int64_t> archs;
  /// Whether code is for the one capability in `archs` alone: sm_90a.
  bool archSpecific = false;
};

/// What "native" stands for, and the only way in which the machine that compiles has a say.
struct Host {
  std::string triple, cpu;
  /// LLVM's features, each with a sign: a virtual machine may hide some of the CPU's.
  std::string features;
  /// Bytes of a core's L2 cache; 0 where the operating system does not tell.
  int64_t l2Bytes = 0;

  /// This machine.
  static Host query();
};

/// The target of `triple` and `cpu`. An empty CPU or "native" is the host's, with its
/// features and caches; where `triple` is another architecture's, an empty CPU is the usual
/// one there. A named CPU is the same on every machine: an empty triple is then Linux on
/// the architecture that has it, and LLVM and the rows of Cpu.h say the rest; a CPU
/// without a row has that of `x86-64-v3`, `x86-64-v4` or `generic`, by its vectors. Unknown
/// names are an error that lists what to write instead. Initialises LLVM's targets on first
/// use.
llvm::Expected<cnn::TargetAttr> describeTarget(mlir::MLIRContext *context,
                                               llvm::StringRef triple, llvm::StringRef cpu,
                                               const std::optional<GpuOptions> &gpu = {},
                                               const Host &host = Host::query());

} // namespace convoy

#endif // CONVOY_MACHINE_TARGETDESCRIPTION_H
