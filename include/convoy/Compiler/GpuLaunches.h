//===- GpuLaunches.h - What kernels take of a GPU ---------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_COMPILER_GPULAUNCHES_H
#define CONVOY_COMPILER_GPULAUNCHES_H

#include "convoy/Compiler/Compilation.h"
#include "convoy/Target/Target.h"

#include <string>
#include <vector>

namespace convoy {

/// One launch of a kernel.
struct GpuLaunch {
  std::string layer, kernel;
  /// Blocks of the grid and threads of a block, along x, y and z.
  std::vector<int64_t> grid, block;
  /// Operations that count for the layer, those that the kernel executes, and bytes that it
  /// reads and writes if each is moved once.
  int64_t flops = 0, computedFlops = 0, bytes = 0;
  /// Of the kernel, with shared memory that is only asked for at the launch.
  KernelResources resources;
  /// The part of a multiprocessor's warps that can be resident, and the time that
  /// operations and bytes take at the GPU's peak.
  double occupancy = 0, seconds = 0;
};

struct GpuLaunchList {
  /// The last GPU of the target: 90, "sm_90" and the name of the one whose peak counts.
  int64_t arch = 0;
  std::string archName, gpuName;
  /// In the order in which they run.
  std::vector<GpuLaunch> launches;
};

/// Compiles the model for its GPUs and lists what each launch takes of the last of them.
/// The handler gets errors.
mlir::FailureOr<GpuLaunchList> listGpuLaunches(Compilation &compilation);

} // namespace convoy

#endif // CONVOY_COMPILER_GPULAUNCHES_H
