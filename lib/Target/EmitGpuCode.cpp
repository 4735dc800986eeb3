//===- EmitGpuCode.cpp - From the NVVM dialect to PTX and machine code ----===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuCode.h"
#include "OptimizeModule.h"
#include "Ptxas.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

using namespace convoy;

/// The first version of PTX that knows the compute capability, at least 8.0, which the
/// drivers of CUDA 12 and later read.
static unsigned getPtxVersion(int64_t arch) {
  if (arch >= 120)
    return 87;
  return arch >= 100 ? 86 : 80;
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createMachine(int64_t arch, llvm::StringRef archName, unsigned optLevel) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string message;
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!backend)
    return llvm::createStringError(message);
  llvm::TargetOptions options;
  // Multiply and add fuse where the IR says so, and only there.
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  std::unique_ptr<llvm::TargetMachine> machine(backend->createTargetMachine(
      triple, archName, "+ptx" + std::to_string(getPtxVersion(arch)), options, std::nullopt,
      std::nullopt,
      llvm::CodeGenOpt::getLevel(std::min(optLevel, 3u))
          .value_or(llvm::CodeGenOptLevel::Default)));
  if (!machine)
    return llvm::createStringError("no code generator for " + triple.str());
  return std::move(machine);
}

static llvm::Expected<std::string> emitPtx(mlir::gpu::GPUModuleOp module, int64_t arch,
                                           llvm::StringRef archName, unsigned optLevel) {
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      createMachine(arch, archName, optLevel);
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> llvmModule =
      mlir::translateModuleToLLVMIR(module, llvmContext, "kernels");
  if (!llvmModule)
    return llvm::createStringError("the kernels are not valid LLVM dialect");
  llvmModule->setTargetTriple((*machine)->getTargetTriple());
  llvmModule->setDataLayout((*machine)->createDataLayout());
  optimizeModule(*llvmModule, **machine, optLevel);
  llvm::SmallVector<char, 0> code;
  if (llvm::Error error = generateCode(*llvmModule, **machine, /*isAssembly=*/true, code))
    return std::move(error);
  return std::string(code.data(), code.size());
}

/// The GPU kernels of a module, or null.
static mlir::gpu::GPUModuleOp getKernels(mlir::ModuleOp module) {
  auto kernels = module.getOps<mlir::gpu::GPUModuleOp>();
  return kernels.empty() ? nullptr : *kernels.begin();
}

llvm::Expected<std::vector<KernelResources>> convoy::measureKernels(mlir::ModuleOp module,
                                                                    int64_t arch) {
  std::string archName = cnn::getTarget(module).getGpu().getArchName(arch);
  std::optional<std::string> ptxas = findPtxas();
  if (!ptxas)
    return llvm::createStringError("there is no ptxas: put that of CUDA 13 on the PATH, or "
                                   "name its toolkit in CUDA_HOME");
  mlir::gpu::GPUModuleOp kernels = getKernels(module);
  if (!kernels)
    return std::vector<KernelResources>();
  llvm::Expected<std::string> ptx = emitPtx(kernels, arch, archName, EmitOptions().optLevel);
  if (!ptx)
    return ptx.takeError();
  llvm::Expected<Assembled> assembled = assemblePtx(*ptxas, *ptx, archName);
  if (!assembled)
    return assembled.takeError();
  return std::move(assembled->kernels);
}

llvm::Expected<GpuCode> convoy::emitGpuCode(mlir::ModuleOp module, cnn::TargetAttr target,
                                            unsigned optLevel) {
  GpuCode result;
  mlir::gpu::GPUModuleOp kernelModule = getKernels(module);
  if (!kernelModule || !target.getGpu() ||
      target.getGpu().getPlatform() != cnn::GpuPlatform::cuda)
    return result;
  for (auto kernel : kernelModule.getOps<mlir::LLVM::LLVMFuncOp>())
    if (kernel->hasAttr(mlir::gpu::GPUDialect::getKernelFuncAttrName()))
      result.kernels.push_back(kernel.getName().str());

  std::optional<std::string> ptxas = findPtxas();
  llvm::ArrayRef<int64_t> archs = target.getGpu().getArchs();
  bool archSpecific = target.getGpu().getArchSpecific();
  for (int64_t arch : archs) {
    // PTX of the last capability is for later GPUs, that of the first for drivers that
    // refuse the machine code.
    bool hasPtx = arch == archs.front() || arch == archs.back();
    if (!ptxas && arch != archs.front())
      continue;
    std::string archName = target.getGpu().getArchName(arch);
    llvm::Expected<std::string> ptx = emitPtx(kernelModule, arch, archName, optLevel);
    if (!ptx)
      return ptx.takeError();
    if (ptxas) {
      llvm::Expected<Assembled> assembled = assemblePtx(*ptxas, *ptx, archName);
      if (!assembled)
        return assembled.takeError();
      result.images.push_back(
          {arch, archSpecific, /*isPtx=*/false, std::move(assembled->code)});
    }
    if (hasPtx)
      result.images.push_back({arch, archSpecific, /*isPtx=*/true, std::move(*ptx)});
  }
  return result;
}
