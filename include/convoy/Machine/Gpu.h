//===- Gpu.h - The GPUs that kernels are made for ---------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The table in Gpu.cpp has one row for each compute capability. Passes, cost models and
// kernels take every number about a GPU from there. The estimates that are made from these
// numbers have not been confirmed on any GPU.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_MACHINE_GPU_H
#define CONVOY_MACHINE_GPU_H

#include "convoy/Machine/Link.h"

namespace convoy {

/// A GPU that stands for all of its compute capability. The numbers are from its maker's data
/// sheet and from the table of technical specifications in the CUDA programming guide.
struct GpuDescription {
  /// The compute capability, such as 80.
  int64_t arch;
  llvm::StringRef name;
  int64_t multiprocessors;
  /// The most warps and blocks that are resident on a multiprocessor, and its bytes of shared
  /// memory. A block takes 1 KiB more than it asks for.
  int64_t warps, blocks, sharedBytes;
  /// Operations per second without sparsity, where a multiply-add counts as two; and bytes per
  /// second from memory.
  double f32Flops, tf32Flops, f16Flops, bandwidth;
  /// Bytes of the L2 cache, and bytes per second from it. Data sheets leave the rate out; here
  /// it is 22 bytes per clock and multiprocessor, as others measured on an H100.
  int64_t l2Bytes;
  double l2Bandwidth;
  /// For a multiprocessor that multiplies with warp groups: tf32 multiply-adds per cycle, and
  /// bytes per cycle from the L2 cache. 0 if the GPU has no such instructions.
  double warpgroupMacs = 0, warpgroupBytes = 0;
  /// Seconds that a kernel in a CUDA graph takes besides its work: the gap after the kernel
  /// before it, and the latency of its first loads and last stores, which nothing hides.
  double launchSeconds = 3e-6;
  Link link = kUsualLink;

  /// Whether code can be specific to this compute capability, as sm_90a for sm_90.
  bool hasSpecificCode() const { return warpgroupMacs > 0; }
  /// How many f32 multiply-adds a multiprocessor does in the time in which it gets one f32
  /// from the L2 cache.
  double getMacsPerFloat() const { return sizeof(float) * (f32Flops / 2) / l2Bandwidth; }
  double getFlops(cnn::Precision precision) const;
};

/// The same for all of these GPUs: the number of 32-bit registers of a multiprocessor, and the
/// bytes of shared memory that a block may have without asking the driver for more.
inline constexpr int64_t kGpuRegisters = 64 * 1024;
inline constexpr int64_t kGpuStaticSharedBytes = 48 * 1024;
/// The most bytes that a thread moves at a time.
inline constexpr int64_t kGpuAccessBytes = 16;
/// Channels in a block of blocked data on a GPU. A block of one pixel has 64 bytes, which four
/// threads copy with 16 bytes each.
inline constexpr int64_t kGpuBlock = 16;

/// All rows, by rising compute capability, without that of describePortableGpu().
llvm::ArrayRef<GpuDescription> listGpus();

/// The row for plans that the code for several GPUs shares: a GPU between an A100 and an H100.
const GpuDescription &describePortableGpu();

/// The GPU for which choices are made: the last of the target's compute capabilities.
const GpuDescription &describeGpu(cnn::GpuAttr gpu);

/// The row of compute capability `arch`, or of the next older one that has a row; the first
/// row if none is older.
const GpuDescription &describeGpuArch(int64_t arch);

/// The fraction of a multiprocessor's warps that can be resident if each block has `threads`
/// threads with `registers` registers each, and `sharedBytes` bytes of shared memory.
double getOccupancy(const GpuDescription &gpu, int64_t threads, int64_t registers,
                    int64_t sharedBytes);

} // namespace convoy

#endif // CONVOY_MACHINE_GPU_H
