//===- TargetDescription.cpp - From a CPU name to #cnn.target -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Machine/TargetDescription.h"

#include "convoy/Machine/Cpu.h"
#include "convoy/Machine/Gpu.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <sys/syscall.h>
#include <unistd.h>

using namespace convoy;
using llvm::Triple;

/// Compute capabilities for which there is machine code unless the command line names some.
static constexpr int64_t kUsualGpuArchs[] = {80, 90};

static llvm::Expected<cnn::GpuAttr> makeGpu(mlir::MLIRContext *context,
                                            const GpuOptions &gpu) {
  if (gpu.archSpecific && gpu.archs.size() != 1)
    return llvm::createStringError("code for sm_90a runs on nothing else: name it alone");
  llvm::SmallVector<int64_t> archs(gpu.archs.begin(), gpu.archs.end());
  if (archs.empty())
    archs.assign(std::begin(kUsualGpuArchs), std::end(kUsualGpuArchs));
  llvm::sort(archs);
  archs.erase(llvm::unique(archs), archs.end());
  for (int64_t arch : archs) {
    auto hasCode = [&](const GpuDescription &row) {
      return row.arch == arch && (!gpu.archSpecific || row.hasSpecificCode());
    };
    if (llvm::any_of(listGpus(), hasCode))
      continue;
    llvm::SmallVector<std::string> known;
    for (const GpuDescription &row : listGpus())
      known.push_back(cnn::GpuAttr::getArchName(row.arch, /*specific=*/false));
    for (const GpuDescription &row : listGpus())
      if (row.hasSpecificCode())
        known.push_back(cnn::GpuAttr::getArchName(row.arch, /*specific=*/true));
    return llvm::createStringError("unknown GPU '" +
                                   cnn::GpuAttr::getArchName(arch, gpu.archSpecific) +
                                   "': use " + llvm::join(known, ", "));
  }
  return cnn::GpuAttr::get(context, gpu.platform, archs, gpu.archSpecific);
}

//===----------------------------------------------------------------------===//
// The CPU
//===----------------------------------------------------------------------===//

static void initialiseTargets() {
  [[maybe_unused]] static bool initialised = [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
    return true;
  }();
}

/// Whether the system lets this process use the registers of x86's tiles: Linux does from 5.16
/// on, if a process asks.
static bool mayUseTiles() {
#if defined(__x86_64__) && defined(SYS_arch_prctl)
  // ARCH_REQ_XCOMP_PERM and XFEATURE_XTILEDATA.
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
  return false;
#endif
}

Host Host::query() {
  Host host;
  host.triple = llvm::sys::getDefaultTargetTriple();
  host.cpu = llvm::sys::getHostCPUName().str();
  llvm::SmallVector<std::string> features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures()) {
    bool isTile = feature.first().starts_with("amx-");
    bool isUsable = feature.second && (!isTile || mayUseTiles());
    features.push_back((isUsable ? "+" : "-") + feature.first().str());
  }
  llvm::sort(features);
  host.features = llvm::join(features, ",");
  host.l2Bytes = std::max(0L, sysconf(_SC_LEVEL2_CACHE_SIZE));
  return host;
}

static std::unique_ptr<llvm::MCSubtargetInfo> describeCpu(const llvm::Target &target,
                                                          const Triple &triple,
                                                          llvm::StringRef cpu,
                                                          llvm::StringRef features) {
  return std::unique_ptr<llvm::MCSubtargetInfo>(
      target.createMCSubtargetInfo(triple, cpu, features));
}

/// Whether LLVM knows a CPU of this name.
static bool isKnown(const llvm::Target &target, const Triple &triple, llvm::StringRef cpu) {
  // Asked to describe an unknown CPU, LLVM would print a warning. Every architecture has a CPU
  // named `generic`.
  return describeCpu(target, triple, "generic", "")->isCPUStringValid(cpu);
}

/// Linux on the architecture that has a CPU of this name; on x86-64 if there is none.
static Triple findTriple(llvm::StringRef cpu) {
  Triple x86("x86_64-unknown-linux-gnu"), arm("aarch64-unknown-linux-gnu");
  if (const CpuDescription *row = findCpu(cpu))
    return row->vectors->arch == Triple::aarch64 ? arm : x86;
  std::string reason;
  auto has = [&](const Triple &triple) {
    const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, reason);
    return target && isKnown(*target, triple, cpu);
  };
  return !has(x86) && has(arm) ? arm : x86;
}

/// Whether a CPU has all of the features, whose names are separated by commas.
static bool hasAll(const llvm::MCSubtargetInfo &cpu, llvm::StringRef features) {
  return llvm::all_of(llvm::split(features, ','), [&](llvm::StringRef feature) {
    return cpu.checkFeatures(("+" + feature).str());
  });
}

/// The widest vectors of a CPU, or null.
static const VectorUnit *findVectorUnit(const llvm::MCSubtargetInfo &cpu) {
  auto has = [&](const VectorUnit &unit) {
    return unit.arch == cpu.getTargetTriple().getArch() && hasAll(cpu, unit.features);
  };
  const VectorUnit *found = llvm::find_if(listVectorUnits(), has);
  return found == listVectorUnits().end() ? nullptr : found;
}

/// The least vectors that code needs on this architecture; null for an unknown architecture.
static const VectorUnit *getLeastVectorUnit(const Triple &triple) {
  const VectorUnit *least = nullptr;
  for (const VectorUnit &unit : listVectorUnits())
    if (unit.arch == triple.getArch())
      least = &unit;
  return least;
}

llvm::Expected<cnn::TargetAttr>
convoy::describeTarget(mlir::MLIRContext *context, llvm::StringRef tripleName,
                       llvm::StringRef cpuName, const std::optional<GpuOptions> &gpu,
                       cnn::Precision precision, const Host &host) {
  initialiseTargets();
  bool isNamed = !cpuName.empty() && cpuName != "native";
  Triple triple = !tripleName.empty() ? Triple(Triple::normalize(tripleName))
                  : isNamed           ? findTriple(cpuName)
                                      : Triple(host.triple);
  std::string reason;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, reason);
  const VectorUnit *least = getLeastVectorUnit(triple);
  if (!target || !least || !triple.isOSLinux())
    return llvm::createStringError("unsupported target triple '" + tripleName +
                                   "': use x86_64-linux-gnu or aarch64-linux-gnu");
  bool isHost = triple.getArch() == Triple(host.triple).getArch();
  bool isNative = !isNamed && isHost;
  if (cpuName == "native" && !isHost)
    return llvm::createStringError("--mcpu=native needs the host's own triple, not '" +
                                   tripleName + "'");
  std::string cpu = isNamed ? cpuName.str() : isNative ? host.cpu : least->usualCpu.str();
  std::string features = isNative ? host.features : "";
  if (!isKnown(*target, triple, cpu))
    return llvm::createStringError("unknown CPU '" + cpu + "' for " + triple.str() +
                                   ": try native, x86-64-v3, x86-64-v4 or what 'llc "
                                   "-mcpu=help' lists");
  const VectorUnit *vectors = findVectorUnit(*describeCpu(*target, triple, cpu, features));
  if (!vectors)
    return llvm::createStringError("CPU '" + cpu + "' has no " + least->name +
                                   ": Convoy's code needs at least " + least->usualCpu);
  // On some CPUs, LLVM uses only 256-bit vectors unless told otherwise.
  if (vectors->lanes == 16)
    features += (features.empty() ? "" : ",") + std::string("-prefer-256-bit");
  int64_t l2Bytes =
      isNative && host.l2Bytes > 0 ? host.l2Bytes : getCpuRow(cpu, *vectors).l2Bytes;
  int64_t lanes = vectors->lanes;
  cnn::GpuAttr gpuAttr;
  if (gpu) {
    llvm::Expected<cnn::GpuAttr> made = makeGpu(context, *gpu);
    if (!made)
      return made.takeError();
    gpuAttr = *made;
    lanes = kGpuBlock;
  }
  return cnn::TargetAttr::get(context, triple.str(), cpu, features, lanes, vectors->registers,
                              l2Bytes, gpuAttr, precision, /*emulated=*/false);
}

cnn::TargetAttr convoy::emulate(cnn::TargetAttr target) {
  return cnn::TargetAttr::get(target.getContext(), target.getTriple(), target.getCpu(),
                              target.getFeatures(), target.getVectorLanes(),
                              target.getVectorRegisters(), target.getL2(), target.getGpu(),
                              target.getPrecision(), /*emulated=*/true);
}

bool convoy::hasFeatures(cnn::TargetAttr target, llvm::StringRef features) {
  initialiseTargets();
  Triple triple(target.getTriple());
  std::string reason;
  const llvm::Target *known = llvm::TargetRegistry::lookupTarget(triple, reason);
  if (!known || !isKnown(*known, triple, target.getCpu()))
    return false;
  return hasAll(*describeCpu(*known, triple, target.getCpu(), target.getFeatures()), features);
}
