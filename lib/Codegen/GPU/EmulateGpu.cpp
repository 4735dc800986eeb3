//===- EmulateGpu.cpp - Pass cnn-emulate-gpu ------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulateGpuKernel.h"

#include "convoy/Codegen/GPU/Emulation.h"
#include "convoy/Codegen/Passes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace convoy {
#define GEN_PASS_DEF_CNNEMULATEGPU
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

namespace {

struct EmulateGpu : convoy::impl::CnnEmulateGpuBase<EmulateGpu> {
  using CnnEmulateGpuBase::CnnEmulateGpuBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<cnn::TargetAttr> target = cnn::requireTarget(module);
    if (failed(target))
      return signalPassFailure();
    cnn::GpuAttr gpu = target->getGpu();
    if (!gpu || gpu.getPlatform() != cnn::GpuPlatform::emulator)
      return;
    SymbolTable symbols(module);
    OpBuilder builder(module.getContext());
    llvm::DenseMap<Attribute, int64_t> dynamicBytes;
    module.walk([&](mlir::gpu::LaunchFuncOp launch) {
      int64_t &bytes = dynamicBytes[launch.getKernel()];
      if (Value size = launch.getDynamicSharedMemorySize())
        bytes = std::max(bytes, getConstantIntValue(size).value_or(0));
    });
    llvm::DenseMap<Attribute, std::pair<FlatSymbolRefAttr, int64_t>> emulated;
    for (auto kernels : module.getOps<mlir::gpu::GPUModuleOp>())
      for (auto kernel : kernels.getOps<mlir::gpu::GPUFuncOp>()) {
        WalkResult result = kernel.walk([](Operation *op) {
          return isa<mlir::gpu::GPUFuncOp>(op) || succeeded(verifyEmulated(op))
                     ? WalkResult::advance()
                     : WalkResult::interrupt();
        });
        if (result.wasInterrupted())
          return signalPassFailure();
        auto name = SymbolRefAttr::get(kernels.getSymNameAttr(),
                                       {FlatSymbolRefAttr::get(kernel.getNameAttr())});
        KernelEmulation emulation(kernel, symbols, dynamicBytes.lookup(name));
        func::FuncOp function = emulation.run();
        emulated[name] = {FlatSymbolRefAttr::get(function), emulation.getSharedBytes()};
      }
    module.walk([&](mlir::gpu::LaunchFuncOp launch) {
      auto [function, bytes] = emulated.lookup(launch.getKernel());
      launch->setAttr(kEmulatedAttrName, function);
      launch->setAttr(kSharedBytesAttrName, builder.getI64IntegerAttr(bytes));
    });
  }
};

} // namespace
