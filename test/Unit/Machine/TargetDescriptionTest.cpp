//===- TargetDescriptionTest.cpp ------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Machine/TargetDescription.h"

#include "convoy/Machine/Cpu.h"
#include "convoy/Machine/Gpu.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

#include "gtest/gtest.h"

using namespace convoy;

namespace {

/// Two hosts that differ in everything.
const Host kServer = {"x86_64-pc-linux-gnu", "icelake-server", "+avx2,+avx512f,+avx512vl,+fma",
                      3 << 20};
const Host kBoard = {"aarch64-unknown-linux-musl", "cortex-a72", "+neon", 0};

struct TargetDescription : testing::Test {
  TargetDescription() { context.loadDialect<cnn::CnnDialect>(); }

  /// The whole target, or the error's text.
  std::string print(llvm::StringRef triple, llvm::StringRef cpu, const Host &host) {
    llvm::Expected<cnn::TargetAttr> target =
        describeTarget(&context, triple, cpu, {}, cnn::Precision::f32, host);
    if (!target)
      return llvm::toString(target.takeError());
    std::string text;
    llvm::raw_string_ostream(text) << *target;
    return text;
  }

  /// Vectors and caches, or the error's text.
  std::string describe(llvm::StringRef triple, llvm::StringRef cpu,
                       const Host &host = kServer) {
    llvm::Expected<cnn::TargetAttr> target =
        describeTarget(&context, triple, cpu, {}, cnn::Precision::f32, host);
    if (!target)
      return llvm::toString(target.takeError());
    return llvm::formatv("{0} lanes, {1} registers, {2} KiB", target->getVectorLanes(),
                         target->getVectorRegisters(), target->getL2() / 1024);
  }

  mlir::MLIRContext context;
};

TEST_F(TargetDescription, VectorsAndCachesFollowTheCpu) {
  EXPECT_EQ(describe("x86_64-linux-gnu", "x86-64-v3"), "8 lanes, 16 registers, 512 KiB");
  EXPECT_EQ(describe("x86_64-linux-gnu", "x86-64-v4"), "16 lanes, 32 registers, 1024 KiB");
  EXPECT_EQ(describe("x86_64-linux-gnu", "znver3"), "8 lanes, 16 registers, 512 KiB");
  EXPECT_EQ(describe("x86_64-linux-gnu", "sapphirerapids"),
            "16 lanes, 32 registers, 2048 KiB");
  EXPECT_EQ(describe("aarch64-linux-gnu", ""), "4 lanes, 32 registers, 512 KiB");
  EXPECT_EQ(describe("aarch64-linux-gnu", "apple-m1"), "4 lanes, 32 registers, 3072 KiB");
}

TEST_F(TargetDescription, CpusWithoutARowHaveThatOfTheirVectors) {
  for (llvm::StringRef name : {"cannonlake", "meteorlake", "neoverse-n3"})
    ASSERT_EQ(findCpu(name), nullptr) << name.str();
  EXPECT_EQ(describe("", "cannonlake"), describe("", "x86-64-v4"));
  EXPECT_EQ(describe("", "meteorlake"), describe("", "x86-64-v3"));
  EXPECT_EQ(describe("", "neoverse-n3"), describe("", "generic"));
}

TEST_F(TargetDescription, NamedCpusAreTheSameOnEveryHost) {
  EXPECT_NE(print("", "", kServer), print("", "", kBoard));
  llvm::SmallVector<llvm::StringRef> names = {"cannonlake", "meteorlake", "neoverse-n3"};
  for (const CpuDescription &cpu : listCpus())
    names.push_back(cpu.name);
  for (llvm::StringRef name : names)
    EXPECT_EQ(print("", name, kServer), print("", name, kBoard));
}

TEST_F(TargetDescription, NativeIsTheHost) {
  for (llvm::StringRef name : {"", "native"}) {
    EXPECT_EQ(describe("", name, kServer), "16 lanes, 32 registers, 3072 KiB");
    // If the operating system does not tell the size of the L2 cache, the row does.
    EXPECT_EQ(describe("", name, kBoard), "4 lanes, 32 registers, 256 KiB");
  }
  // A virtual machine may hide some features of the CPU.
  Host hidden = kServer;
  hidden.features = "+avx2,-avx512f,-avx512vl,+fma";
  EXPECT_EQ(describe("", "native", hidden), "8 lanes, 16 registers, 3072 KiB");
  EXPECT_NE(describe("aarch64-linux-gnu", "native").find("needs the host's own triple"),
            std::string::npos);
}

TEST_F(TargetDescription, UnknownNamesSayWhatToWrite) {
  EXPECT_NE(describe("x86_64-linux-gnu", "pentium9000").find("unknown CPU 'pentium9000'"),
            std::string::npos);
  EXPECT_NE(describe("", "pentium9000").find("unknown CPU 'pentium9000' for x86_64"),
            std::string::npos);
  EXPECT_NE(describe("sparc-linux-gnu", "").find("unsupported target triple"),
            std::string::npos);
  EXPECT_NE(describe("x86_64-linux-gnu", "x86-64-v2").find("needs at least x86-64-v3"),
            std::string::npos);
}

//===----------------------------------------------------------------------===//
// The rows
//===----------------------------------------------------------------------===//

TEST_F(TargetDescription, EveryRowIsACpuOfLlvmWithTheseVectors) {
  llvm::StringSet<> names;
  for (const CpuDescription &row : listCpus()) {
    SCOPED_TRACE(row.name.str());
    EXPECT_TRUE(names.insert(row.name).second);
    llvm::Expected<cnn::TargetAttr> target = describeTarget(&context, "", row.name);
    ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
    CpuDescription cpu = getCpu(*target);
    EXPECT_EQ(cpu.vectors, row.vectors);
    EXPECT_EQ(target->getVectorLanes(), row.vectors->lanes);
    EXPECT_EQ(target->getVectorRegisters(), row.vectors->registers);
    EXPECT_EQ(target->getL2(), row.l2Bytes);
    EXPECT_EQ(cpu.clock, row.clock);
  }
}

TEST_F(TargetDescription, FieldsOfCpusAreSane) {
  auto isWithin = [](double value, double least, double most) {
    return least <= value && value <= most;
  };
  for (const CpuDescription &cpu : listCpus()) {
    SCOPED_TRACE(cpu.name.str());
    EXPECT_TRUE(isWithin(double(cpu.l2Bytes), 128 << 10, 16 << 20));
    EXPECT_TRUE(isWithin(cpu.clock, 1e9, 6e9));
    EXPECT_TRUE(isWithin(cpu.multiplyAdds, 1, 4));
    EXPECT_TRUE(cpu.lineBytes == 64 || cpu.lineBytes == 128);
    EXPECT_TRUE(isWithin(cpu.flopsPerByte, 0.5, 50));
    EXPECT_TRUE(isWithin(cpu.flopsPerFilterValue, 1, 100));
    EXPECT_TRUE(isWithin(double(cpu.keptBytes), 1 << 20, 1 << 30));
    EXPECT_TRUE(isWithin(cpu.memoryBandwidth, 1e9, 1e12));
    EXPECT_TRUE(isWithin(cpu.copyBandwidth, 1e9, cpu.memoryBandwidth));
    EXPECT_TRUE(isWithin(cpu.layerSeconds, 1e-8, 1e-4));
    EXPECT_TRUE(cpu.link.bandwidth > 0 && cpu.link.latency >= 0);
  }
}

TEST_F(TargetDescription, SumsLeaveRegistersForOperands) {
  for (const VectorUnit &unit : listVectorUnits()) {
    SCOPED_TRACE(unit.name.str());
    for (int64_t sums : {unit.convSums, unit.matmulSums, unit.poolPixels, unit.depthwisePixels,
                         unit.groupPixels}) {
      EXPECT_GT(sums, 0);
      EXPECT_LT(sums, unit.registers);
    }
    const CpuDescription *usual = findCpu(unit.usualCpu);
    ASSERT_NE(usual, nullptr);
    EXPECT_EQ(usual->vectors, &unit);
  }
}

TEST_F(TargetDescription, AGpuWithoutARowIsLikeAnOlderOne) {
  EXPECT_EQ(describeGpuArch(75).arch, 80);
  EXPECT_EQ(describeGpuArch(87).arch, 86);
  EXPECT_EQ(describeGpuArch(999).arch, listGpus().back().arch);
}

TEST_F(TargetDescription, FieldsOfGpusAreSane) {
  int64_t last = 0;
  for (const GpuDescription &gpu : listGpus()) {
    SCOPED_TRACE(gpu.name.str());
    EXPECT_GT(gpu.arch, last);
    last = gpu.arch;
    EXPECT_EQ(&describeGpuArch(gpu.arch), &gpu);
    GpuOptions options;
    options.archs = {gpu.arch};
    options.archSpecific = gpu.hasSpecificCode();
    EXPECT_TRUE(bool(describeTarget(&context, "", "x86-64-v3", options)));
    EXPECT_GT(gpu.multiprocessors, 0);
    EXPECT_LE(gpu.f32Flops, gpu.tf32Flops);
    EXPECT_LE(gpu.tf32Flops, gpu.f16Flops);
    EXPECT_LE(gpu.bandwidth, gpu.l2Bandwidth);
    EXPECT_GE(gpu.sharedBytes, kGpuStaticSharedBytes);
    EXPECT_EQ(gpu.warpgroupMacs > 0, gpu.warpgroupBytes > 0);
  }
  // 33e12 f32 multiply-adds per second, while the L2 cache delivers 5.5e12 bytes.
  EXPECT_EQ(describePortableGpu().getMacsPerFloat(), 24.0);
}

TEST_F(TargetDescription, DotInstructionsFollowTheFeatures) {
  auto find = [&](llvm::StringRef cpu, int64_t inputs, bool hasGpu = false) -> std::string {
    std::optional<GpuOptions> gpu;
    if (hasGpu)
      gpu.emplace();
    llvm::Expected<cnn::TargetAttr> target = describeTarget(&context, "", cpu, gpu);
    if (!target)
      return llvm::toString(target.takeError());
    const DotInstruction *dot = findDotInstruction(*target, inputs);
    if (!dot)
      return "none";
    return (dot->byteProduct.empty() ? dot->intrinsic : dot->byteProduct).str();
  };
  auto findBF16 = [&](llvm::StringRef cpu) -> std::string {
    llvm::Expected<cnn::TargetAttr> target = describeTarget(&context, "", cpu);
    if (!target)
      return llvm::toString(target.takeError());
    const DotInstruction *dot = findBF16Dot(*target);
    return dot ? dot->intrinsic.str() : "none";
  };
  EXPECT_EQ(findBF16("x86-64-v4"), "none");
  EXPECT_EQ(findBF16("alderlake"), "none");
  EXPECT_EQ(findBF16("cooperlake"), "llvm.x86.avx512bf16.dpbf16ps.512");
  EXPECT_EQ(findBF16("znver4"), "llvm.x86.avx512bf16.dpbf16ps.512");
  EXPECT_EQ(findBF16("neoverse-n1"), "none");
  EXPECT_EQ(findBF16("neoverse-v1"), "llvm.aarch64.neon.bfdot.v4f32.v8bf16");
  EXPECT_EQ(find("x86-64-v3", 4), "llvm.x86.avx2.pmadd.ub.sw");
  EXPECT_EQ(find("x86-64-v3", 2), "llvm.x86.avx2.pmadd.wd");
  EXPECT_EQ(find("x86-64-v4", 4), "llvm.x86.avx512.pmaddubs.w.512");
  EXPECT_EQ(find("x86-64-v4", 2), "llvm.x86.avx512.pmaddw.d.512");
  EXPECT_EQ(find("alderlake", 4), "llvm.x86.avx512.vpdpbusd.256");
  for (llvm::StringRef cpu : {"cascadelake", "sapphirerapids", "znver4", "znver5"})
    EXPECT_EQ(find(cpu, 4), "llvm.x86.avx512.vpdpbusd.512") << cpu.str();
  EXPECT_EQ(find("cortex-a72", 4), "none");
  EXPECT_EQ(find("cortex-a76", 2), "none");
  EXPECT_EQ(find("cortex-a76", 4), "llvm.aarch64.neon.sdot.v4i32.v16i8");
  EXPECT_EQ(find("neoverse-v1", 4), "llvm.aarch64.neon.usdot.v4i32.v16i8");
  EXPECT_EQ(find("znver4", 4, /*hasGpu=*/true), "none");
}

TEST_F(TargetDescription, TileInstructionsFollowTheFeatures) {
  auto find = [&](llvm::StringRef cpu, DotType type) -> std::string {
    llvm::Expected<cnn::TargetAttr> target = describeTarget(&context, "", cpu);
    if (!target)
      return llvm::toString(target.takeError());
    const TileInstruction *tile = findTileInstruction(*target, type);
    return tile ? tile->intrinsic.str() : "none";
  };
  for (llvm::StringRef cpu : {"sapphirerapids", "emeraldrapids", "graniterapids"}) {
    EXPECT_EQ(find(cpu, DotType::u8), "llvm.x86.tdpbusd") << cpu.str();
    EXPECT_EQ(find(cpu, DotType::bf16), "llvm.x86.tdpbf16ps") << cpu.str();
    EXPECT_EQ(find(cpu, DotType::i16), "none") << cpu.str();
  }
  for (llvm::StringRef cpu : {"icelake-server", "znver5", "x86-64-v4", "neoverse-v1"})
    EXPECT_EQ(find(cpu, DotType::bf16), "none") << cpu.str();
}

TEST_F(TargetDescription, LinksAreTheTargets) {
  llvm::Expected<cnn::TargetAttr> cpu = describeTarget(&context, "", "x86-64-v3");
  ASSERT_TRUE(bool(cpu));
  Link link = getLink(*cpu, -1, -1);
  EXPECT_EQ(link.bandwidth, findCpu("x86-64-v3")->link.bandwidth);
  EXPECT_EQ(link.latency, findCpu("x86-64-v3")->link.latency);
  link = getLink(*cpu, 5, 0);
  EXPECT_EQ(link.bandwidth, 5);
  EXPECT_EQ(link.latency, 0);
}

} // namespace
