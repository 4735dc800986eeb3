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
  /// The floating-point operations of the layer, those that the kernel executes, and the bytes
  /// that it reads and writes if each byte is moved once.
  int64_t flops = 0, computedFlops = 0, bytes = 0;
  /// What the kernel needs; its shared memory includes the dynamic part that the launch asks
  /// for.
  KernelResources resources;
  /// The fraction of a multiprocessor's warps that can be resident, and the larger of the
  /// times that the operations and the bytes take at the GPU's peak rates.
  double occupancy = 0, seconds = 0;
};

struct GpuLaunchList {
  /// The last compute capability of the target, such as 90 and "sm_90", and the name of the
  /// GPU whose peak rates are used for it.
  int64_t arch = 0;
  std::string archName, gpuName;
  /// In the order in which they run.
  std::vector<GpuLaunch> launches;
};

/// Compiles the model for the GPUs of its target, and lists the launches with what each takes
/// of the last of these GPUs. The handler gets errors.
mlir::FailureOr<GpuLaunchList> listGpuLaunches(Compilation &compilation);

} // namespace convoy

#endif // CONVOY_COMPILER_GPULAUNCHES_H
