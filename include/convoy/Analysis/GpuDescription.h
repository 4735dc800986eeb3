//===- GpuDescription.h - What GPUs can do ----------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_GPUDESCRIPTION_H
#define CONVOY_ANALYSIS_GPUDESCRIPTION_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

/// A GPU of a compute capability, from its maker's data sheet and the CUDA programming
/// guide's table of technical specifications.
struct GpuDescription {
  int64_t arch;
  llvm::StringRef name;
  int64_t multiprocessors;
  /// Of a multiprocessor: resident warps and blocks, and bytes of shared memory; a block
  /// takes 1 KiB more than it asks for.
  int64_t warps, blocks, sharedBytes;
  /// Operations a second without sparsity, a multiply-add being two, and bytes a second.
  double f32Flops, tf32Flops, f16Flops, bandwidth;
  /// Bytes of the L2 cache, and bytes a second from it: data sheets leave these out, and 22
  /// bytes a clock and multiprocessor, as others measured on an H100, stand for them.
  int64_t l2Bytes;
  double l2Bandwidth;

  double getFlops(cnn::GpuPrecision precision) const;
};

/// The GPU that choices are made for where code is for several: the last of the target's.
const GpuDescription &describeGpu(cnn::GpuAttr gpu);

/// The GPU that stands for compute capability `arch` of listGpuArchs().
const GpuDescription &describeGpuArch(int64_t arch);

/// The part of a multiprocessor's warps that can be resident when each block has `threads`
/// threads of `registers` registers each and `sharedBytes` of shared memory.
double getOccupancy(const GpuDescription &gpu, int64_t threads, int64_t registers,
                    int64_t sharedBytes);

} // namespace convoy

#endif // CONVOY_ANALYSIS_GPUDESCRIPTION_H
