//===- LinkDevices.cpp - Pass cnn-link-devices ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Passes.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

namespace convoy {
#define GEN_PASS_DEF_CNNLINKDEVICES
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;

namespace {

/// The weights of each device begin at a page, so that devices read pages of their own.
constexpr int64_t kPageSize = 4096;

bool isSameKernel(func::FuncOp a, func::FuncOp b) {
  return a.getFunctionType() == b.getFunctionType() &&
         a.getAllArgAttrs() == b.getAllArgAttrs() &&
         OperationEquivalence::isRegionEquivalentTo(&a.getBody(), &b.getBody(),
                                                    OperationEquivalence::IgnoreLocations);
}

bool isSameKernel(gpu::GPUFuncOp a, gpu::GPUFuncOp b) {
  return a.getFunctionType() == b.getFunctionType() &&
         a.getKnownBlockSize() == b.getKnownBlockSize() &&
         a.getKnownGridSize() == b.getKnownGridSize() &&
         OperationEquivalence::isRegionEquivalentTo(&a.getBody(), &b.getBody(),
                                                    OperationEquivalence::IgnoreLocations);
}

struct LinkDevices : convoy::impl::CnnLinkDevicesBase<LinkDevices> {
  using CnnLinkDevicesBase::CnnLinkDevicesBase;

  void runOnOperation() override {
    SmallVector<ModuleOp> devices(getOperation().getOps<ModuleOp>());
    if (devices.empty())
      return;
    Builder builder(&getContext());
    SmallVector<Attribute> descriptions, weights;
    int64_t weightsSize = 0;
    for (auto [number, device] : llvm::enumerate(devices)) {
      weightsSize = llvm::alignTo(weightsSize, kPageSize);
      addWeights(device, weightsSize, weights);
      NamedAttrList description;
      for (StringRef name : {"arena_size", "scratch_size", "weights_size", "layers"})
        description.set(name, device->getAttr(("cnn." + name).str()));
      description.set("weights_offset", builder.getI64IntegerAttr(weightsSize));
      descriptions.push_back(description.getDictionary(&getContext()));
      weightsSize += cast<IntegerAttr>(description.get("weights_size")).getInt();
      moveFunctions(device, number);
      moveKernels(device, number);
      device.erase();
    }
    getOperation()->setAttr("cnn.devices", builder.getArrayAttr(descriptions));
    getOperation()->setAttr("cnn.weights", builder.getArrayAttr(weights));
    getOperation()->setAttr("cnn.weights_size", builder.getI64IntegerAttr(weightsSize));
  }

  /// Adds the weights of a device, whose section begins at byte `begin` of all weights.
  static void addWeights(ModuleOp device, int64_t begin, SmallVectorImpl<Attribute> &weights) {
    Builder builder(device.getContext());
    for (Attribute attr : device->getAttrOfType<ArrayAttr>("cnn.weights")) {
      NamedAttrList entry(cast<DictionaryAttr>(attr));
      int64_t offset = cast<IntegerAttr>(entry.get("offset")).getInt();
      entry.set("offset", builder.getI64IntegerAttr(begin + offset));
      weights.push_back(entry.getDictionary(device.getContext()));
    }
  }

  /// Moves the GPU kernels of a device into the one gpu.module of all devices, leaves out
  /// kernels that it has already, and renames them in the device's launches.
  void moveKernels(ModuleOp device, size_t number) {
    auto modules = device.getOps<gpu::GPUModuleOp>();
    if (modules.empty())
      return;
    gpu::GPUModuleOp from = *modules.begin();
    SymbolTable symbols(getOperation());
    auto all = symbols.lookup<gpu::GPUModuleOp>(from.getName());
    if (!all) {
      from->remove();
      symbols.insert(from);
      getOperation()->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                              UnitAttr::get(&getContext()));
      return;
    }
    SymbolTable kernels(all);
    DenseMap<StringAttr, StringAttr> names;
    for (auto kernel : llvm::make_early_inc_range(from.getOps<gpu::GPUFuncOp>())) {
      auto known = llvm::find_if(all.getOps<gpu::GPUFuncOp>(), [&](gpu::GPUFuncOp other) {
        return isSameKernel(kernel, other);
      });
      StringAttr old = kernel.getNameAttr();
      if (known != all.getOps<gpu::GPUFuncOp>().end()) {
        names[old] = (*known).getNameAttr();
        continue;
      }
      kernel->remove();
      names[old] = kernels.insert(kernel);
    }
    auto main = symbols.lookup<func::FuncOp>("main_" + std::to_string(number));
    main.walk([&](gpu::LaunchFuncOp launch) {
      launch.setKernelAttr(
          SymbolRefAttr::get(launch.getKernelModuleName(),
                             {FlatSymbolRefAttr::get(names[launch.getKernelName()])}));
    });
  }

  /// Moves the functions of a device into the outer module, under names that are free, and
  /// leaves out kernels that it has already.
  void moveFunctions(ModuleOp device, size_t number) {
    SymbolTable symbols(getOperation());
    DenseMap<StringAttr, StringAttr> names;
    // First the tables that kernels read, because kernels refer to them by name.
    for (auto global : llvm::make_early_inc_range(device.getOps<memref::GlobalOp>())) {
      auto known = llvm::find_if(
          getOperation().getOps<memref::GlobalOp>(), [&](memref::GlobalOp other) {
            return global.getType() == other.getType() &&
                   global.getInitialValueAttr() == other.getInitialValueAttr();
          });
      StringAttr old = global.getSymNameAttr();
      if (known != getOperation().getOps<memref::GlobalOp>().end()) {
        names[old] = (*known).getSymNameAttr();
        global.erase();
      } else {
        global->remove();
        names[old] = symbols.insert(global);
      }
    }
    device.walk([&](memref::GetGlobalOp op) {
      op.setNameAttr(FlatSymbolRefAttr::get(names[op.getNameAttr().getAttr()]));
    });
    names.clear();
    for (auto function : llvm::make_early_inc_range(device.getOps<func::FuncOp>())) {
      StringAttr old = function.getSymNameAttr();
      if (old == "main") {
        function->remove();
        function.setSymName("main_" + std::to_string(number));
        names[old] = symbols.insert(function);
        continue;
      }
      auto known =
          llvm::find_if(getOperation().getOps<func::FuncOp>(),
                        [&](func::FuncOp other) { return isSameKernel(function, other); });
      if (known != getOperation().getOps<func::FuncOp>().end()) {
        names[old] = (*known).getSymNameAttr();
        function.erase();
        continue;
      }
      function->remove();
      names[old] = symbols.insert(function);
    }
    auto main =
        symbols.lookup<func::FuncOp>(names[StringAttr::get(&getContext(), "main")].getValue());
    main.walk([&](cnn::LaunchOp launch) {
      launch.setKernelAttr(FlatSymbolRefAttr::get(names[launch.getKernelAttr().getAttr()]));
    });
  }
};

} // namespace
