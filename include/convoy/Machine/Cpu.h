//===- Cpu.h - The CPUs that code is made for -------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The tables in Cpu.cpp have one row for each set of vector instructions and one for each CPU.
// Passes, cost models and kernels take every number about a CPU from there. docs/targets.md
// says where the numbers come from and how to add a row.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_MACHINE_CPU_H
#define CONVOY_MACHINE_CPU_H

#include "convoy/Machine/Link.h"
#include "llvm/TargetParser/Triple.h"

namespace convoy {

/// A set of vector instructions, and how many of its registers kernels use for sums. The other
/// registers are for the values that a step loads and multiplies; with more sums, LLVM would
/// spill.
struct VectorUnit {
  llvm::StringRef name;
  llvm::Triple::ArchType arch;
  /// LLVM's names of the features, separated by commas. A CPU has these vectors if it has all
  /// of the features.
  llvm::StringRef features;
  /// Number of f32 lanes of a register, and number of registers.
  int64_t lanes, registers;
  /// Number of sums in the register tile of a convolution or a dense layer, and of a matrix
  /// product.
  int64_t convSums, matmulSums;
  /// Number of output pixels in the register tile of a pool, of a depthwise convolution, and
  /// of a channel-wise convolution whose groups keep their inputs in registers, to shuffle
  /// them.
  int64_t poolPixels, depthwisePixels, groupPixels;
  /// The most input channels whose loop a convolution unrolls. A loop over eight channels is
  /// over so soon that leaving it shows: unrolled, 1x1 layers took four fifths of the time
  /// (AVX2 on Zen 3). NEON spills if it is unrolled. With AVX-512 a loop has sixteen channels,
  /// and unrolling it has not been measured.
  int64_t unrolledChannels;
  /// Name of the row for CPUs that have these vectors and no row of their own.
  llvm::StringRef usualCpu;
};

/// The type of the inputs of a dot.
enum class DotType { u8, i8, i16, bf16 };

/// How a CPU multiplies integers or bf16: by an instruction that multiplies inputs and weights
/// and, in each lane of 32 bits, adds up the products of neighbours.
struct DotInstruction {
  /// What a lane multiplies: two neighbours of i16 or bf16, or four of 8 bits. Weights of 8
  /// bits are i8.
  DotType type;
  llvm::Triple::ArchType arch;
  /// LLVM's names of the features that a CPU needs, separated by commas.
  llvm::StringRef features;
  /// Number of sums in a register.
  int64_t lanes;
  /// LLVM's name. The operands are the old sums if `addsToSum`, the inputs and the weights.
  llvm::StringRef intrinsic;
  bool addsToSum;
  /// LLVM's name of an instruction that first makes sums of two products of bytes, which
  /// saturate at 16 bits; usually empty. `intrinsic` adds up these sums then.
  llvm::StringRef byteProduct = "";

  int64_t getInputs() const { return type == DotType::u8 || type == DotType::i8 ? 4 : 2; }
};

/// An instruction that multiplies a matrix of inputs by a matrix of weights and adds the
/// result to a matrix of sums. The matrices are in tiles: registers of up to 16 rows of 64
/// bytes. Each row of the inputs has up to 16 dots, each row of the weights a dot for each of
/// 16 output channels, and the sums are i32 or f32.
struct TileInstruction {
  /// The type of the inputs, as for a DotInstruction.
  DotType type;
  llvm::Triple::ArchType arch;
  /// LLVM's names of the features that a CPU needs, separated by commas.
  llvm::StringRef features;
  /// LLVM's name. The operands are the numbers of the tiles of sums, inputs and weights.
  llvm::StringRef intrinsic;
};
inline constexpr int64_t kTileRows = 16, kTileRowBytes = 64;

/// LLVM's names of the instructions of x86 that describe tiles, load, store and clear them,
/// and end their use.
inline constexpr llvm::StringLiteral kTileConfigure = "llvm.x86.ldtilecfg",
                                     kTileLoad = "llvm.x86.tileloadd64",
                                     kTileStore = "llvm.x86.tilestored64",
                                     kTileClear = "llvm.x86.tilezero",
                                     kTileRelease = "llvm.x86.tilerelease";

/// A CPU. Numbers are those of one core, unless a field says more.
struct CpuDescription {
  /// LLVM's name, as for --mcpu.
  llvm::StringRef name;
  const VectorUnit *vectors;
  /// Bytes of the L2 cache. If cores share it, one core's share.
  int64_t l2Bytes;
  /// Cycles per second while all cores multiply, roughly; and vector multiply-adds per cycle.
  double clock, multiplyAdds;
  /// Bytes of a cache line.
  int64_t lineBytes = 64;
  /// How many floating-point operations, at the peak rate, take as long as reading one byte
  /// from memory while no other core reads: 4.5 to 6.6 on Zen 3, 4 and 5.
  double flopsPerByte = 5.5;
  /// How many floating-point operations take as long as making one value of a transformed
  /// filter and writing it into the L2 cache: 9 on Zen 5.
  double flopsPerFilterValue = 9.0;
  /// The most bytes of weights of one layer that the last-level cache may keep until the next
  /// run.
  int64_t keptBytes = 16 << 20;
  /// Bytes per second that all cores together read from memory, and that a copy reads and
  /// writes.
  double memoryBandwidth = 20e9, copyBandwidth = 10e9;
  /// Seconds that it takes to start a layer.
  double layerSeconds = 1e-6;
  Link link = kUsualLink;
};

/// All rows.
llvm::ArrayRef<VectorUnit> listVectorUnits();
llvm::ArrayRef<CpuDescription> listCpus();
llvm::ArrayRef<DotInstruction> listDotInstructions();
llvm::ArrayRef<TileInstruction> listTileInstructions();

/// The row of this name, or null.
const CpuDescription *findCpu(llvm::StringRef name);

/// The row of this name, if it is of the architecture of `vectors`; otherwise the row of the
/// usual CPU with `vectors`.
const CpuDescription &getCpuRow(llvm::StringRef name, const VectorUnit &vectors);

/// The target's instruction that multiplies `inputs` neighbouring integers in its widest
/// vectors; null if it has none, or is a GPU.
const DotInstruction *findDotInstruction(cnn::TargetAttr target, int64_t inputs);
/// The same for two neighbours of bf16; not all CPUs have it.
const DotInstruction *findBF16Dot(cnn::TargetAttr target);

/// The target's instruction that multiplies tiles of dots of this type; null if it has none.
const TileInstruction *findTileInstruction(cnn::TargetAttr target, DotType type);

/// The CPU of a target: its row, but with the vectors and the L2 cache that the target says.
CpuDescription getCpu(cnn::TargetAttr target);

} // namespace convoy

#endif // CONVOY_MACHINE_CPU_H
