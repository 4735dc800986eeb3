//===- GenerateGpuKernels.cpp - Operations of @main to GPU launches -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/LayerCost.h"
#include "convoy/Analysis/LayerSchedule.h"
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
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace convoy {
#define GEN_PASS_DEF_CNNGENERATEGPUKERNELS
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

namespace {

constexpr llvm::StringLiteral kKernelModule = "kernels";
constexpr llvm::StringLiteral kArenaSize = "cnn.arena_size";

/// Scratch memory lies in the arena, behind its buffers.
constexpr int64_t kScratchAlignment = 256;

/// What equal operations share.
struct MadeKernels {
  SmallVector<GpuKernels::Launch, 1> launches;
  int64_t rounds;
};

struct GenerateGPUKernels : convoy::impl::CnnGenerateGPUKernelsBase<GenerateGPUKernels> {
  using CnnGenerateGPUKernelsBase::CnnGenerateGPUKernelsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp main = findMain(module);
    FailureOr<cnn::TargetAttr> required = cnn::requireTarget(module);
    if (!main || failed(required))
      return signalPassFailure();
    cnn::TargetAttr target = *required;
    GpuKernelFamilies families;
    addChannelwiseConvKernels(families);
    addSmallGroupConvKernels(families);
    addWinogradConvKernels(families);
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
    module->setAttr(mlir::gpu::GPUDialect::getContainerModuleAttrName(),
                    builder.getUnitAttr());
    builder.setInsertionPointToStart(module.getBody());
    auto kernelModule =
        mlir::gpu::GPUModuleOp::create(builder, module.getLoc(), kKernelModule);
    SymbolTable symbols(kernelModule);

    auto arenaSize = module->getAttrOfType<IntegerAttr>(kArenaSize);
    if (!arenaSize || main.getNumArguments() == 0) {
      module.emitError("has no arena: bufferize comes before code generation");
      return signalPassFailure();
    }
    int64_t scratchBegin = llvm::alignTo(arenaSize.getInt(), kScratchAlignment);
    SmallVector<Attribute> layers;
    SharedKernels<MadeKernels> made;
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
      if (std::string reason = whyNotScheduled(&op); !reason.empty()) {
        op.emitError("has no GPU kernel: ") << reason;
        return signalPassFailure();
      }
      markAligned(&op);
      MadeKernels *kernels = made.find(&op);
      if (!kernels) {
        auto family = llvm::find_if(
            families, [&](const auto &candidate) { return candidate->matches(&op, target); });
        if (family == families.end()) {
          op.emitError("has no GPU kernel");
          return signalPassFailure();
        }
        GpuKernels built(kernelModule, symbols, &op);
        if (failed((*family)->build(built, &op, target)))
          return signalPassFailure();
        scratchSize = std::max(scratchSize, built.getScratchSize());
        kernels = &made.add(
            &op, {SmallVector<GpuKernels::Launch, 1>(built.getLaunches()), built.getRounds()});
      }
      launch(builder, op, *kernels, main.getArgument(0), scratchBegin, layers);
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

  /// Bytes that a launch of a kernel reads or writes if each is moved once.
  static int64_t countBytes(const GpuKernels::Launch &launch, unsigned buffers,
                            int64_t rounds) {
    int64_t bytes = 0;
    mlir::gpu::GPUFuncOp kernel = launch.kernel;
    // Behind them are tensor maps, and buffers in shared memory.
    ArrayRef<BlockArgument> arguments =
        kernel.getArguments().take_front(kernel.getNumArguments() - launch.maps.size());
    auto isUsed = [](Operation *user) { return !isOpTriviallyDead(user); };
    for (BlockArgument argument : arguments.take_front(buffers))
      if (llvm::any_of(argument.getUsers(), isUsed) ||
          llvm::any_of(launch.maps, [&](const GpuTensorMap &map) {
            return map.operand == argument.getArgNumber();
          }))
        bytes += getDenseBytes(cast<ShapedType>(argument.getType()));
    // What knows its round does a part of the work.
    if (rounds > 1 && llvm::any_of(arguments.back().getUsers(), isUsed))
      bytes /= rounds;
    // Of scratch memory, what it has views of.
    llvm::DenseMap<int64_t, int64_t> views;
    if (arguments.size() > buffers)
      for (Operation *user : arguments[buffers].getUsers())
        if (auto view = dyn_cast<memref::ViewOp>(user))
          views[*getConstantIntValue(view.getByteShift())] = getDenseBytes(view.getType());
    for (auto [shift, size] : views)
      bytes += size;
    return bytes;
  }

  /// Puts launches in front of `op`, and their names behind `layers`.
  void launch(OpBuilder &builder, Operation &op, const MadeKernels &kernels, Value arena,
              int64_t scratchBegin, SmallVectorImpl<Attribute> &layers) {
    builder.setInsertionPoint(&op);
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, op.getLoc(), value);
    };
    auto toDim = [&](const GpuExtents &extents) {
      return mlir::gpu::KernelDim3{constant(extents[0]), constant(extents[1]),
                                   constant(extents[2])};
    };
    SmallVector<Value> buffers(llvm::make_filter_range(
        op.getOperands(), [](Value operand) { return isa<MemRefType>(operand.getType()); }));
    int64_t flops = 2 * computeLayerCost(&op).macs / kernels.rounds;
    // The launch that computes them, and for partial sums the first, has the operation's;
    // adding those up counts as what it moves.
    auto computes = [](const GpuKernels::Launch &launch) { return launch.computedFlops > 0; };
    const auto *main = llvm::find_if(kernels.launches, computes);
    if (main == kernels.launches.end())
      main = kernels.launches.begin();
    for (int64_t round = 0; round < kernels.rounds; ++round)
      for (const GpuKernels::Launch &launch : kernels.launches) {
        mlir::gpu::GPUFuncOp kernel = launch.kernel;
        SmallVector<Value> arguments(buffers);
        for (Type type : kernel.getArgumentTypes()
                             .drop_front(buffers.size())
                             .drop_back(launch.maps.size()))
          arguments.push_back(type.isIndex()
                                  ? constant(round)
                                  : Value(memref::ViewOp::create(
                                        builder, op.getLoc(), cast<MemRefType>(type), arena,
                                        constant(scratchBegin), ValueRange())));
        for (const GpuTensorMap &map : launch.maps)
          arguments.push_back(cnn::TensorMapOp::create(builder, op.getLoc(),
                                                       buffers[map.operand], map.sizes,
                                                       map.box, map.steps, map.swizzle));
        Value dynamicBytes;
        if (launch.dynamicBytes)
          dynamicBytes = arith::ConstantIntOp::create(
              builder, op.getLoc(), builder.getI32Type(), launch.dynamicBytes);
        auto launchOp = mlir::gpu::LaunchFuncOp::create(
            builder, op.getLoc(),
            SymbolRefAttr::get(builder.getContext(), kKernelModule,
                               {FlatSymbolRefAttr::get(kernel.getNameAttr())}),
            toDim(launch.grid), toDim(launch.block), dynamicBytes, arguments);
        auto set = [&](StringRef name, int64_t value) {
          launchOp->setAttr(name, builder.getI64IntegerAttr(value));
        };
        set(cnn::kFlopsAttrName, &launch == main ? flops : 0);
        if (computes(launch))
          set(cnn::kComputedFlopsAttrName, launch.computedFlops);
        set(cnn::kBytesAttrName, countBytes(launch, buffers.size(), kernels.rounds));
        StringRef name = getLayerName(op.getLoc());
        if (name.empty())
          name = kernel.getName();
        // An operation of several kernels is several layers.
        layers.push_back(builder.getStringAttr(
            kernels.launches.size() == 1 ? name : (name + "/" + kernel.getName()).str()));
      }
  }
};

} // namespace
