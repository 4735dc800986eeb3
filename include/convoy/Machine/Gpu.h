//===- Gpu.h - The GPUs that kernels are made for ---------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// One row for each compute capability, in Gpu.cpp. Passes, cost models and kernels take
// every number about the GPU from here. No GPU has confirmed the estimates made of them.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_MACHINE_GPU_H
#define CONVOY_MACHINE_GPU_H

#include "convoy/Machine/Link.h"

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
  /// Of a multiprocessor that multiplies with warp groups, in a cycle: tf32 multiply-adds,
  /// and bytes that it gets out of the L2 cache. 0 where there are no such instructions.
  double warpgroupMacs = 0, warpgroupBytes = 0;
  /// Seconds that a kernel in a CUDA graph costs besides its work: until it starts after the
  /// one before, and the latency of its first loads and last stores, which nothing hides.
  double launchSeconds = 3e-6;
  Link link = kUsualLink;

  /// Whether there is code that runs on this GPU alone: sm_90a for sm_90.
  bool hasSpecificCode() const { return warpgroupMacs > 0; }
  /// Multiply-adds of f32 that a multiprocessor does while its share of the L2 cache's rate
  /// brings an f32.
  double getMacsPerFloat() const { return sizeof(float) * (f32Flops / 2) / l2Bandwidth; }
  double getFlops(cnn::GpuPrecision precision) const;
};

/// What all of these GPUs have: registers of 32 bits in a multiprocessor, and bytes of shared
/// memory that a block may have without asking the driver for more.
inline constexpr int64_t kGpuRegisters = 64 * 1024;
inline constexpr int64_t kGpuStaticSharedBytes = 48 * 1024;
/// Bytes that a thread moves at a time, at most.
inline constexpr int64_t kGpuAccessBytes = 16;
/// Channels of a block on a GPU: a pixel's block is 64 bytes, which four threads copy with
/// 16 bytes each.
inline constexpr int64_t kGpuBlock = 16;

/// All rows but that of describePortableGpu(), by rising compute capability.
llvm::ArrayRef<GpuDescription> listGpus();

/// The GPU that stands for all in plans that several share: between an A100 and an H100.
const GpuDescription &describePortableGpu();

/// The GPU that choices are made for where code is for several: the last of the target's.
const GpuDescription &describeGpu(cnn::GpuAttr gpu);

/// The GPU that stands for compute capability `arch` of a row.
const GpuDescription &describeGpuArch(int64_t arch);

/// The part of a multiprocessor's warps that can be resident when each block has `threads`
/// threads of `registers` registers each and `sharedBytes` of shared memory.
double getOccupancy(const GpuDescription &gpu, int64_t threads, int64_t registers,
                    int64_t sharedBytes);

} // namespace convoy

#endif // CONVOY_MACHINE_GPU_H
