//===- GpuLaunches.cpp - Resources and times of GPU launches --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Compiler/GpuLaunches.h"

#include "convoy/Machine/Gpu.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace convoy;

static std::vector<int64_t> readExtents(gpu::KernelDim3 extents) {
  std::vector<int64_t> values;
  for (Value extent : {extents.x, extents.y, extents.z})
    values.push_back(getConstantIntValue(extent).value_or(0));
  return values;
}

/// Reads the launches of a module after codegen, with their sizes and operation counts.
static std::vector<GpuLaunch> readLaunches(ModuleOp module) {
  std::vector<GpuLaunch> launches;
  auto layers = module->getAttrOfType<ArrayAttr>("cnn.layers");
  module.walk([&](gpu::LaunchFuncOp op) {
    GpuLaunch launch;
    if (layers && launches.size() < layers.size())
      launch.layer = cast<StringAttr>(layers[launches.size()]).str();
    launch.kernel = op.getKernelName().str();
    launch.grid = readExtents(op.getGridSizeOperandValues());
    launch.block = readExtents(op.getBlockSizeOperandValues());
    if (Value size = op.getDynamicSharedMemorySize())
      launch.resources.sharedBytes = getConstantIntValue(size).value_or(0);
    auto number = [&](StringRef name) {
      auto attr = op->getAttrOfType<IntegerAttr>(name);
      return attr ? attr.getInt() : 0;
    };
    launch.flops = number(cnn::kFlopsAttrName);
    launch.computedFlops = number(cnn::kComputedFlopsAttrName);
    if (launch.computedFlops == 0)
      launch.computedFlops = launch.flops;
    launch.bytes = number(cnn::kBytesAttrName);
    launches.push_back(std::move(launch));
  });
  return launches;
}

FailureOr<GpuLaunchList> convoy::listGpuLaunches(Compilation &compilation) {
  OwningOpRef<ModuleOp> module = compilation.runTo(Phase::Codegen);
  if (!module)
    return failure();
  GpuLaunchList list;
  list.launches = readLaunches(*module);
  if (failed(compilation.conclude(runPhases(*module, Phase::Target, Phase::Target))))
    return failure();
  cnn::GpuAttr target = compilation.getTarget().getGpu();
  const GpuDescription &gpu = describeGpu(target);
  list.arch = gpu.arch;
  list.archName = target.getArchName(gpu.arch);
  list.gpuName = gpu.name.str();
  llvm::Expected<std::vector<KernelResources>> measured = measureKernels(*module, gpu.arch);
  if (!measured)
    return compilation.report(measured.takeError());
  llvm::StringMap<KernelResources> resources;
  for (KernelResources &kernel : *measured)
    resources[kernel.name] = kernel;
  for (GpuLaunch &launch : list.launches) {
    int64_t dynamicBytes = launch.resources.sharedBytes;
    launch.resources = resources.lookup(launch.kernel);
    launch.resources.sharedBytes += dynamicBytes;
    launch.occupancy = getOccupancy(gpu, llvm::product_of(launch.block),
                                    launch.resources.registers, launch.resources.sharedBytes);
    launch.seconds = std::max(double(launch.computedFlops) /
                                  gpu.getFlops(compilation.getTarget().getPrecision()),
                              double(launch.bytes) / gpu.bandwidth);
  }
  return list;
}
