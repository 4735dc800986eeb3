//===- GenerateGpuKernels.cpp - Operations of @main to GPU launches -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/LayerCost.h"
#include "convoy/Codegen/Common/Layers.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"
#include "convoy/Codegen/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"

namespace convoy {
#define GEN_PASS_DEF_CNNGENERATEGPUKERNELS
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;

namespace {

constexpr llvm::StringLiteral kKernelModule = "kernels";
constexpr llvm::StringLiteral kArenaSize = "cnn.arena_size";

/// Scratch memory lies in the arena, behind its buffers.
constexpr int64_t kScratchAlignment = 256;

struct GenerateGPUKernels : convoy::impl::CnnGenerateGPUKernelsBase<GenerateGPUKernels> {
  using CnnGenerateGPUKernelsBase::CnnGenerateGPUKernelsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main) {
      module.emitError("has no function @main");
      return signalPassFailure();
    }
    GpuKernelFamilies families;
    addChannelwiseConvKernels(families);
    addSmallGroupConvKernels(families);
    addWarpgroupGemmKernels(families);
    addImplicitGemmKernels(families);
    addTransposedConvKernels(families);
    addDenseKernels(families);
    addMatmulKernels(families);
    addPoolKernels(families);
    addGlobalPoolKernels(families);
    addLrnKernels(families);
    addSoftmaxKernels(families);
    addDataMovementKernels(families);
    addResamplingKernels(families);
    addGenericKernels(families);

    OpBuilder builder(&getContext());
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), builder.getUnitAttr());
    builder.setInsertionPointToStart(module.getBody());
    auto kernelModule = gpu::GPUModuleOp::create(builder, module.getLoc(), kKernelModule);
    SymbolTable symbols(kernelModule);
    cnn::TargetAttr target = cnn::getTarget(module);

    auto arenaSize = module->getAttrOfType<IntegerAttr>(kArenaSize);
    if (!arenaSize || main.getNumArguments() == 0) {
      module.emitError("has no arena: bufferize comes before code generation");
      return signalPassFailure();
    }
    int64_t scratchBegin = llvm::alignTo(arenaSize.getInt(), kScratchAlignment);
    SmallVector<Attribute> layers;
    SharedKernels<SmallVector<GpuKernels::Launch, 1>> made;
    int64_t scratchSize = 0;
    for (Operation &op : llvm::make_early_inc_range(main.front())) {
      if (!isLayer(&op))
        continue;
      if (isa<cnn::CommunicationOpInterface>(op)) {
        layers.push_back(builder.getStringAttr(getLayerName(op.getLoc())));
        continue;
      }
      if (isa<cnn::AwaitOp, cnn::ReleaseOp>(op))
        continue;
      markAligned(&op);
      SmallVector<GpuKernels::Launch, 1> *launches = made.find(&op);
      if (!launches) {
        auto family = llvm::find_if(
            families, [&](const auto &candidate) { return candidate->matches(&op, target); });
        if (family == families.end()) {
          op.emitError("has no GPU kernel");
          return signalPassFailure();
        }
        GpuKernels kernels(kernelModule, symbols, &op);
        if (failed((*family)->build(kernels, &op, target)))
          return signalPassFailure();
        scratchSize = std::max(scratchSize, kernels.getScratchSize());
        launches = &made.add(&op, SmallVector<GpuKernels::Launch, 1>(kernels.getLaunches()));
      }
      launch(builder, op, *launches, main.getArgument(0), scratchBegin, layers);
    }
    made.eraseOperations();
    module->setAttr("cnn.layers", builder.getArrayAttr(layers));
    // Threads of the host need none.
    module->setAttr("cnn.scratch_size", builder.getI64IntegerAttr(0));
    if (scratchSize > 0)
      growArena(module, main, scratchBegin + scratchSize);
  }

  void growArena(ModuleOp module, func::FuncOp main, int64_t size) {
    OpBuilder builder(module.getContext());
    module->setAttr(kArenaSize, builder.getI64IntegerAttr(size));
    main.getArgument(0).setType(MemRefType::get({size}, builder.getI8Type()));
    main.setFunctionType(
        builder.getFunctionType(main.getBody().getArgumentTypes(), TypeRange()));
  }

  /// Bytes of the buffers that a kernel reads or writes.
  static int64_t countBytes(GpuKernels::Launch launch) {
    int64_t bytes = 0;
    for (auto [i, type] : llvm::enumerate(launch.kernel.getArgumentTypes())) {
      bool isMapped =
          llvm::any_of(launch.maps, [&](const GpuTensorMap &map) { return map.operand == i; });
      if (isa<MemRefType>(type) && (isMapped || !launch.kernel.getArgument(i).use_empty()))
        bytes += getDenseBytes(cast<ShapedType>(type));
    }
    return bytes;
  }

  /// Puts launches in front of `op`, and their names behind `layers`.
  void launch(OpBuilder &builder, Operation &op, ArrayRef<GpuKernels::Launch> launches,
              Value arena, int64_t scratchBegin, SmallVectorImpl<Attribute> &layers) {
    builder.setInsertionPoint(&op);
    auto toDim = [&](const GpuExtents &extents) {
      auto extent = [&](int64_t dimension) {
        return arith::ConstantIndexOp::create(builder, op.getLoc(), extents[dimension]);
      };
      return gpu::KernelDim3{extent(0), extent(1), extent(2)};
    };
    SmallVector<Value> buffers(llvm::make_filter_range(
        op.getOperands(), [](Value operand) { return isa<MemRefType>(operand.getType()); }));
    int64_t flops = 2 * computeLayerCost(&op).macs;
    for (const GpuKernels::Launch &launch : launches) {
      gpu::GPUFuncOp kernel = launch.kernel;
      SmallVector<Value> arguments(buffers);
      if (kernel.getNumArguments() > buffers.size() + launch.maps.size())
        arguments.push_back(memref::ViewOp::create(
            builder, op.getLoc(), cast<MemRefType>(kernel.getArgumentTypes()[buffers.size()]),
            arena, arith::ConstantIndexOp::create(builder, op.getLoc(), scratchBegin),
            ValueRange()));
      for (const GpuTensorMap &map : launch.maps)
        arguments.push_back(cnn::TensorMapOp::create(builder, op.getLoc(),
                                                     buffers[map.operand], map.sizes, map.box,
                                                     map.steps, map.swizzle));
      Value dynamicBytes;
      if (launch.dynamicBytes)
        dynamicBytes = arith::ConstantIntOp::create(builder, op.getLoc(), builder.getI32Type(),
                                                    launch.dynamicBytes);
      auto launchOp = gpu::LaunchFuncOp::create(
          builder, op.getLoc(),
          SymbolRefAttr::get(builder.getContext(), kKernelModule,
                             {FlatSymbolRefAttr::get(kernel.getNameAttr())}),
          toDim(launch.grid), toDim(launch.block), dynamicBytes, arguments);
      // Partial sums count as the operation, adding them up as what it moves.
      launchOp->setAttr(cnn::kFlopsAttrName, builder.getI64IntegerAttr(flops));
      launchOp->setAttr(cnn::kBytesAttrName, builder.getI64IntegerAttr(countBytes(launch)));
      flops = 0;
      StringRef name = getLayerName(op.getLoc());
      if (name.empty())
        name = kernel.getName();
      // An operation of several kernels is several layers.
      layers.push_back(builder.getStringAttr(
          launches.size() == 1 ? name : (name + "/" + kernel.getName()).str()));
    }
  }
};

} // namespace
