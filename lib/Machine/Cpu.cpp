//===- Cpu.cpp - The CPUs that code is made for ---------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Machine/Cpu.h"

#include "convoy/Machine/ByteShuffle.h"

#include "convoy/Machine/Gpu.h"
#include "convoy/Machine/TargetDescription.h"
#include "llvm/ADT/STLExtras.h"

using namespace convoy;
using namespace convoy::cnn;
using llvm::Triple;

//===----------------------------------------------------------------------===//
// Vectors: the widest of an architecture first
//===----------------------------------------------------------------------===//

// Name, architecture, features; lanes and registers; sums of convolutions and of matrix
// products; pixels of pools, depthwise and channel-wise convolutions; unrolled channels;
// the usual CPU.
static constexpr VectorUnit kVectorUnits[] = {
    {"AVX-512", Triple::x86_64, "avx512f,avx512vl,avx512bw", 16, 32, 28, 24, 14, 14, 12, 0,
     "x86-64-v4"},
    {"AVX2 and FMA", Triple::x86_64, "avx2,fma", 8, 16, 12, 12, 6, 6, 6, 8, "x86-64-v3"},
    {"NEON", Triple::aarch64, "neon", 4, 32, 28, 24, 14, 14, 12, 0, "generic"},
};
static constexpr const VectorUnit *kAVX512 = &kVectorUnits[0], *kAVX2 = &kVectorUnits[1],
                                  *kNEON = &kVectorUnits[2];

//===----------------------------------------------------------------------===//
// Dot products: the best of an architecture first
//===----------------------------------------------------------------------===//

// Type of the inputs, architecture, features, lanes, intrinsic, whether it adds to a sum,
// product of bytes.
static constexpr DotInstruction kDotInstructions[] = {
    {DotType::u8, Triple::x86_64, "avx512vnni", 16, "llvm.x86.avx512.vpdpbusd.512", true},
    {DotType::u8, Triple::x86_64, "avxvnni", 8, "llvm.x86.avx512.vpdpbusd.256", true},
    {DotType::u8, Triple::aarch64, "i8mm", 4, "llvm.aarch64.neon.usdot.v4i32.v16i8", true},
    {DotType::i8, Triple::aarch64, "dotprod", 4, "llvm.aarch64.neon.sdot.v4i32.v16i8", true},
    {DotType::u8, Triple::x86_64, "avx512bw", 16, "llvm.x86.avx512.pmaddw.d.512", false,
     "llvm.x86.avx512.pmaddubs.w.512"},
    {DotType::u8, Triple::x86_64, "avx2", 8, "llvm.x86.avx2.pmadd.wd", false,
     "llvm.x86.avx2.pmadd.ub.sw"},
    // With VNNI, LLVM makes one instruction of this one and the addition to the sum.
    {DotType::i16, Triple::x86_64, "avx512bw", 16, "llvm.x86.avx512.pmaddw.d.512", false},
    {DotType::i16, Triple::x86_64, "avx2", 8, "llvm.x86.avx2.pmadd.wd", false},
    {DotType::bf16, Triple::x86_64, "avx512bf16", 16, "llvm.x86.avx512bf16.dpbf16ps.512",
     true},
    {DotType::bf16, Triple::aarch64, "bf16", 4, "llvm.aarch64.neon.bfdot.v4f32.v8bf16", true},
};

// Type of the inputs, architecture, features, intrinsic.
static constexpr TileInstruction kTileInstructions[] = {
    {DotType::u8, Triple::x86_64, "amx-int8,avx512f", "llvm.x86.tdpbusd"},
    {DotType::bf16, Triple::x86_64, "amx-bf16,avx512f", "llvm.x86.tdpbf16ps"},
};

//===----------------------------------------------------------------------===//
// CPUs
//===----------------------------------------------------------------------===//

static constexpr int64_t KiB = 1024;
static constexpr double GHz = 1e9;

// Name, vectors, L2 cache, clock, vector multiply-adds per cycle, bytes of a cache line if not
// 64.
static constexpr CpuDescription kCpus[] = {
    // Any CPU of a level: the vectors that all of them have, the L2 cache of a usual server.
    {"x86-64-v3", kAVX2, 512 * KiB, 3.0 * GHz, 2},
    {"x86-64-v4", kAVX512, 1024 * KiB, 3.0 * GHz, 2},
    {"generic", kNEON, 512 * KiB, 3.0 * GHz, 2},
    // Intel.
    {"haswell", kAVX2, 256 * KiB, 3.0 * GHz, 2},
    {"broadwell", kAVX2, 256 * KiB, 3.0 * GHz, 2},
    {"skylake", kAVX2, 256 * KiB, 3.5 * GHz, 2},
    {"alderlake", kAVX2, 1280 * KiB, 4.0 * GHz, 2},
    {"raptorlake", kAVX2, 2048 * KiB, 4.0 * GHz, 2},
    {"skylake-avx512", kAVX512, 1024 * KiB, 2.5 * GHz, 2},
    {"cascadelake", kAVX512, 1024 * KiB, 2.7 * GHz, 2},
    {"cooperlake", kAVX512, 1024 * KiB, 2.7 * GHz, 2},
    {"icelake-client", kAVX512, 512 * KiB, 3.0 * GHz, 1},
    {"tigerlake", kAVX512, 1280 * KiB, 3.5 * GHz, 1},
    {"rocketlake", kAVX512, 512 * KiB, 4.0 * GHz, 1},
    {"icelake-server", kAVX512, 1280 * KiB, 3.0 * GHz, 2},
    {"sapphirerapids", kAVX512, 2048 * KiB, 3.0 * GHz, 2},
    {"emeraldrapids", kAVX512, 2048 * KiB, 3.0 * GHz, 2},
    {"graniterapids", kAVX512, 2048 * KiB, 3.0 * GHz, 2},
    // AMD. Zen 1 computes 256-bit vectors in halves, Zen 4 512-bit vectors.
    {"znver1", kAVX2, 512 * KiB, 3.0 * GHz, 1},
    {"znver2", kAVX2, 512 * KiB, 3.0 * GHz, 2},
    {"znver3", kAVX2, 512 * KiB, 3.0 * GHz, 2},
    {"znver4", kAVX512, 1024 * KiB, 3.5 * GHz, 1},
    {"znver5", kAVX512, 1024 * KiB, 3.5 * GHz, 2},
    // Arm and its licensees.
    {"cortex-a72", kNEON, 256 * KiB, 1.8 * GHz, 1},
    {"cortex-a76", kNEON, 512 * KiB, 2.4 * GHz, 2},
    {"neoverse-n1", kNEON, 1024 * KiB, 2.5 * GHz, 2},
    {"neoverse-n2", kNEON, 1024 * KiB, 2.75 * GHz, 2},
    {"neoverse-v1", kNEON, 1024 * KiB, 2.6 * GHz, 4},
    {"neoverse-v2", kNEON, 1024 * KiB, 2.8 * GHz, 4},
    {"ampere1", kNEON, 2048 * KiB, 3.0 * GHz, 2},
    // Apple's performance cores, which share an L2 cache.
    {"apple-m1", kNEON, 3072 * KiB, 3.2 * GHz, 4, 128},
    {"apple-m2", kNEON, 4096 * KiB, 3.5 * GHz, 4, 128},
    {"apple-m3", kNEON, 4096 * KiB, 4.0 * GHz, 4, 128},
    {"apple-m4", kNEON, 4096 * KiB, 4.4 * GHz, 4, 128},
};

//===----------------------------------------------------------------------===//
// Looking up
//===----------------------------------------------------------------------===//

llvm::ArrayRef<VectorUnit> convoy::listVectorUnits() { return kVectorUnits; }

llvm::ArrayRef<CpuDescription> convoy::listCpus() { return kCpus; }

llvm::ArrayRef<DotInstruction> convoy::listDotInstructions() { return kDotInstructions; }

static const DotInstruction *findDot(TargetAttr target,
                                     llvm::function_ref<bool(const DotInstruction &)> fits) {
  if (target.getGpu())
    return nullptr;
  Triple::ArchType arch = Triple(target.getTriple()).getArch();
  for (const DotInstruction &dot : kDotInstructions)
    if (fits(dot) && dot.arch == arch && dot.lanes == target.getVectorLanes() &&
        hasFeatures(target, dot.features))
      return &dot;
  return nullptr;
}

const DotInstruction *convoy::findDotInstruction(TargetAttr target, int64_t inputs) {
  return findDot(target, [=](const DotInstruction &dot) {
    return dot.type != DotType::bf16 && dot.getInputs() == inputs;
  });
}

const DotInstruction *convoy::findBF16Dot(TargetAttr target) {
  return findDot(target, [](const DotInstruction &dot) { return dot.type == DotType::bf16; });
}

llvm::ArrayRef<TileInstruction> convoy::listTileInstructions() { return kTileInstructions; }

const TileInstruction *convoy::findTileInstruction(TargetAttr target, DotType type) {
  if (target.getGpu() || target.getVectorLanes() != kTileRows)
    return nullptr;
  Triple::ArchType arch = Triple(target.getTriple()).getArch();
  for (const TileInstruction &tile : kTileInstructions)
    if (tile.type == type && tile.arch == arch && hasFeatures(target, tile.features))
      return &tile;
  return nullptr;
}

bool convoy::hasByteShuffle(TargetAttr target) {
  return !target.getGpu() && Triple(target.getTriple()).getArch() == Triple::x86_64 &&
         hasFeatures(target, "avx2");
}

const CpuDescription *convoy::findCpu(llvm::StringRef name) {
  const CpuDescription *found =
      llvm::find_if(kCpus, [&](const CpuDescription &cpu) { return cpu.name == name; });
  return found == std::end(kCpus) ? nullptr : found;
}

/// The unit with as many registers as the target. In IR that was written by hand, the target
/// may have another number: then the widest unit that does not have more.
static const VectorUnit &getVectorUnit(TargetAttr target) {
  Triple::ArchType arch = Triple(target.getTriple()).getArch();
  for (const VectorUnit &unit : kVectorUnits)
    if (unit.arch == arch && unit.registers <= target.getVectorRegisters())
      return unit;
  return arch == Triple::aarch64 ? *kNEON : *kAVX2;
}

const CpuDescription &convoy::getCpuRow(llvm::StringRef name, const VectorUnit &vectors) {
  const CpuDescription *row = findCpu(name);
  return row && row->vectors->arch == vectors.arch ? *row : *findCpu(vectors.usualCpu);
}

CpuDescription convoy::getCpu(TargetAttr target) {
  const VectorUnit &vectors = getVectorUnit(target);
  CpuDescription cpu = getCpuRow(target.getCpu(), vectors);
  cpu.vectors = &vectors;
  cpu.l2Bytes = target.getL2();
  return cpu;
}

const Link &convoy::getLink(TargetAttr target) {
  if (GpuAttr gpu = target.getGpu())
    return describeGpu(gpu).link;
  return getCpuRow(target.getCpu(), getVectorUnit(target)).link;
}

Link convoy::getLink(TargetAttr target, double bandwidth, double latency) {
  Link link = getLink(target);
  if (!(bandwidth < 0))
    link.bandwidth = bandwidth;
  if (!(latency < 0))
    link.latency = latency;
  return link;
}
