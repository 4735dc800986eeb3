//===- Gpu.cpp - The GPUs that kernels are made for -----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Machine/Gpu.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"

using namespace convoy;
using namespace convoy::cnn;

static constexpr int64_t KiB = 1024, MiB = 1024 * KiB;

// Compute capability, name, multiprocessors; warps, blocks and shared memory of a
// multiprocessor; operations per second in f32, tf32 and f16; bytes per second of memory;
// bytes of the L2 cache, and bytes per second from it; multiply-adds and bytes per cycle of a
// multiprocessor with warp groups.
static constexpr GpuDescription kGpus[] = {
    {80, "A100 SXM 80GB", 108, 64, 32, 164 * KiB, 19.5e12, 156e12, 312e12, 2.04e12, 40 * MiB,
     3.4e12},
    {86, "A10", 72, 48, 16, 100 * KiB, 31.2e12, 62.5e12, 125e12, 0.6e12, 6 * MiB, 2.7e12},
    {89, "L40S", 142, 48, 24, 100 * KiB, 91.6e12, 183e12, 362e12, 0.864e12, 96 * MiB, 7.9e12},
    {90, "H100 SXM", 132, 64, 32, 228 * KiB, 66.9e12, 494e12, 989e12, 3.35e12, 50 * MiB,
     5.7e12, 1024, 24},
    {100, "B200", 148, 64, 32, 228 * KiB, 80e12, 1.1e15, 2.25e15, 8e12, 126 * MiB, 8e12},
    {120, "RTX 5090", 170, 48, 24, 100 * KiB, 105e12, 105e12, 210e12, 1.79e12, 96 * MiB, 9e12},
};

/// The smaller of an A100's and an H100's numbers, with two exceptions: the number of
/// multiprocessors is between theirs, and the rates of f32 and of the L2 cache are about an
/// H100's.
static constexpr GpuDescription kPortableGpu = {
    80, "any", 128, 64, 32, 164 * KiB, 66e12, 156e12, 312e12, 2.04e12, 40 * MiB, 5.5e12};

llvm::ArrayRef<GpuDescription> convoy::listGpus() { return kGpus; }

const GpuDescription &convoy::describePortableGpu() { return kPortableGpu; }

double GpuDescription::getFlops(Precision precision) const {
  switch (precision) {
  case Precision::f32:
    return f32Flops;
  case Precision::tf32:
    return tf32Flops;
  case Precision::f16:
    return f16Flops;
  }
  llvm_unreachable("all precisions are listed");
}

const GpuDescription &convoy::describeGpu(GpuAttr gpu) {
  return describeGpuArch(gpu.getArchs().back());
}

const GpuDescription &convoy::describeGpuArch(int64_t arch) {
  const GpuDescription *newer =
      llvm::find_if(kGpus, [&](const GpuDescription &gpu) { return gpu.arch > arch; });
  return newer == kGpus ? *newer : *std::prev(newer);
}

double convoy::getOccupancy(const GpuDescription &gpu, int64_t threads, int64_t registers,
                            int64_t sharedBytes) {
  constexpr int64_t registerGrain = 256, sharedGrain = 128;
  int64_t warps = llvm::divideCeil(threads, 32);
  int64_t blocks = std::min(gpu.blocks, gpu.warps / warps);
  // A warp's registers are allocated in units of 256.
  int64_t warpRegisters = llvm::alignTo(std::max<int64_t>(1, registers) * 32, registerGrain);
  blocks = std::min(blocks, kGpuRegisters / warpRegisters / warps);
  int64_t blockShared = llvm::alignTo(sharedBytes + KiB, sharedGrain);
  blocks = std::min(blocks, gpu.sharedBytes / blockShared);
  return double(blocks * warps) / double(gpu.warps);
}
