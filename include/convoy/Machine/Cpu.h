//===- Cpu.h - The CPUs that code is made for -------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// One row for each set of vector instructions and one for each CPU, in Cpu.cpp. Passes,
// cost models and kernels take every number about the CPU from here. docs/targets.md says
// where the numbers come from and how to add a row.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_MACHINE_CPU_H
#define CONVOY_MACHINE_CPU_H

#include "convoy/Machine/Link.h"
#include "llvm/TargetParser/Triple.h"

namespace convoy {

/// A set of vector instructions, and how many of its registers kernels fill with sums. The
/// others hold what a step multiplies or loads; with more sums, LLVM spills.
struct VectorUnit {
  llvm::StringRef name;
  llvm::Triple::ArchType arch;
  /// LLVM's names of the instructions, separated by commas; a CPU has the unit if it has
  /// all of them.
  llvm::StringRef features;
  /// f32 lanes of a register, and how many registers there are.
  int64_t lanes, registers;
  /// Sums in a register tile of a convolution or a dense layer, and of a matrix product.
  int64_t convSums, matmulSums;
  /// Output pixels in a tile of a pool, of a depthwise convolution, and of a channel-wise
  /// one whose groups keep their inputs in registers, to shuffle them.
  int64_t poolPixels, depthwisePixels, groupPixels;
  /// Name of the row for CPUs that have this unit and no row of their own.
  llvm::StringRef usualCpu;
};

/// A CPU, one core of it unless a field says more.
struct CpuDescription {
  /// LLVM's name, as --mcpu takes it.
  llvm::StringRef name;
  const VectorUnit *vectors;
  /// Bytes of the L2 cache; of a shared one, a core's share.
  int64_t l2Bytes;
  /// Cycles a second while all cores multiply, roughly, and vector multiply-adds in a cycle.
  double clock, multiplyAdds;
  /// Bytes that caches move at a time.
  int64_t lineBytes = 64;
  /// Floating-point operations at the peak in the time of one byte from memory, where one
  /// core reads alone: 4.5 to 6.6 on Zen 3, 4 and 5.
  double flopsPerByte = 5.5;
  /// Floating-point operations in the time that it takes to make one value of a transformed
  /// filter and to write it into the L2 cache: 9 on Zen 5.
  double flopsPerFilterValue = 9.0;
  /// Weights of one layer up to which the last cache may keep them until the next run.
  int64_t keptBytes = 16 << 20;
  /// Bytes a second from memory where all cores read, and of a copy's reads and writes.
  double memoryBandwidth = 20e9, copyBandwidth = 10e9;
  /// Seconds that starting a layer takes.
  double layerSeconds = 1e-6;
  Link link = kUsualLink;
};

/// All rows.
llvm::ArrayRef<VectorUnit> listVectorUnits();
llvm::ArrayRef<CpuDescription> listCpus();

/// The row of this name, or null.
const CpuDescription *findCpu(llvm::StringRef name);

/// The row of this name on the vectors' architecture, or else of the vectors' usual CPU.
const CpuDescription &getCpuRow(llvm::StringRef name, const VectorUnit &vectors);

/// The CPU of a target: its row, with the vectors and the L2 cache that the target has.
CpuDescription getCpu(cnn::TargetAttr target);

} // namespace convoy

#endif // CONVOY_MACHINE_CPU_H
