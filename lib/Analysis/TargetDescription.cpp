//===- TargetDescription.cpp - From a CPU name to #cnn.target -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/TargetDescription.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <unistd.h>

using namespace convoy;

/// A cache size that the operating system tells, or `otherwise`.
static int64_t getCacheSize(int name, int64_t otherwise) {
  long size = sysconf(name);
  return size > 0 ? size : otherwise;
}

llvm::ArrayRef<int64_t> convoy::listGpuArchs() {
  static constexpr int64_t archs[] = {80, 86, 89, 90, 100, 120};
  return archs;
}

/// Compute capabilities that get machine code unless the command line names some.
static constexpr int64_t kUsualGpuArchs[] = {80, 90};

/// Channels of a block on a GPU: a pixel's block is 64 bytes, which four threads copy
/// with 16 bytes each.
static constexpr int64_t kGpuBlock = 16;

/// The one that has architecture-specific code to offer: wgmma.
static constexpr int64_t kSpecificGpuArch = 90;

static llvm::Expected<cnn::GpuAttr> describeGpu(mlir::MLIRContext *context,
                                                const GpuOptions &gpu) {
  if (gpu.archSpecific && gpu.archs.size() != 1)
    return llvm::createStringError("code for sm_90a runs on nothing else: name it alone");
  llvm::SmallVector<int64_t> archs(gpu.archs.begin(), gpu.archs.end());
  if (archs.empty())
    archs.assign(std::begin(kUsualGpuArchs), std::end(kUsualGpuArchs));
  llvm::sort(archs);
  archs.erase(llvm::unique(archs), archs.end());
  for (int64_t arch : archs)
    if (!llvm::is_contained(listGpuArchs(), arch) ||
        (gpu.archSpecific && arch != kSpecificGpuArch)) {
      llvm::SmallVector<std::string> known;
      for (int64_t other : listGpuArchs())
        known.push_back(cnn::GpuAttr::getArchName(other, /*specific=*/false));
      known.push_back(cnn::GpuAttr::getArchName(kSpecificGpuArch, /*specific=*/true));
      return llvm::createStringError("unknown GPU '" +
                                     cnn::GpuAttr::getArchName(arch, gpu.archSpecific) +
                                     "': use " + llvm::join(known, ", "));
    }
  return cnn::GpuAttr::get(context, gpu.platform, gpu.precision, archs, gpu.archSpecific);
}

llvm::Expected<cnn::TargetAttr> convoy::describeTarget(mlir::MLIRContext *context,
                                                       llvm::StringRef tripleName,
                                                       llvm::StringRef cpuName,
                                                       const std::optional<GpuOptions> &gpu) {
  [[maybe_unused]] static bool initialised = [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
    return true;
  }();

  llvm::Triple host(llvm::sys::getDefaultTargetTriple());
  llvm::Triple triple(tripleName.empty() ? host.str() : llvm::Triple::normalize(tripleName));
  std::string reason;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, reason);
  if (!target || !(triple.isX86() || triple.isAArch64()) || !triple.isArch64Bit())
    return llvm::createStringError("unsupported target triple '" + tripleName +
                                   "': use x86_64-linux-gnu or aarch64-linux-gnu");
  bool isHost = triple.getArch() == host.getArch();
  bool native = cpuName.empty() ? isHost : cpuName == "native";
  if (native && !isHost)
    return llvm::createStringError("--mcpu=native needs the host's own triple, not '" +
                                   tripleName + "'");

  std::string cpu = native            ? llvm::sys::getHostCPUName().str()
                    : cpuName.empty() ? (triple.isX86() ? "x86-64-v3" : "generic")
                                      : cpuName.str();
  // A virtual machine may hide instructions that the CPU's name implies.
  std::string features;
  if (native) {
    llvm::SmallVector<std::string> list;
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      list.push_back((feature.second ? "+" : "-") + feature.first().str());
    llvm::sort(list);
    features = llvm::join(list, ",");
  }
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(triple, triple.isX86() ? "x86-64" : "generic", ""));
  if (!subtarget->isCPUStringValid(cpu))
    return llvm::createStringError("unknown CPU '" + cpu + "' for " + triple.str() +
                                   ": try native, x86-64-v3, x86-64-v4 or what 'llc "
                                   "-mcpu=help' lists");
  subtarget.reset(target->createMCSubtargetInfo(triple, cpu, features));

  int64_t lanes = 4, registers = 32;
  if (triple.isX86()) {
    bool avx512 =
        subtarget->checkFeatures("+avx512f") && subtarget->checkFeatures("+avx512vl");
    bool avx2 = subtarget->checkFeatures("+avx2") && subtarget->checkFeatures("+fma");
    if (!avx2)
      return llvm::createStringError("CPU '" + cpu +
                                     "' has no AVX2 and FMA: Convoy's code "
                                     "needs at least x86-64-v3");
    lanes = avx512 ? 16 : 8;
    registers = avx512 ? 32 : 16;
    // LLVM keeps to 256 bits on some processors unless told otherwise.
    if (avx512)
      features += (features.empty() ? "" : ",") + std::string("-prefer-256-bit");
  }
  int64_t l1 = isHost ? getCacheSize(_SC_LEVEL1_DCACHE_SIZE, 32768) : 32768;
  int64_t l2 = isHost ? getCacheSize(_SC_LEVEL2_CACHE_SIZE, 524288) : 524288;
  cnn::GpuAttr gpuAttr;
  if (gpu) {
    llvm::Expected<cnn::GpuAttr> described = describeGpu(context, *gpu);
    if (!described)
      return described.takeError();
    gpuAttr = *described;
    lanes = kGpuBlock;
  }
  return cnn::TargetAttr::get(context, triple.str(), cpu, features, lanes, registers, l1, l2,
                              gpuAttr);
}
