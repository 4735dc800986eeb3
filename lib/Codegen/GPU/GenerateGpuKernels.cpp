//===- GenerateGpuKernels.cpp - Operations of @main to GPU launches -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/LayerCost.h"
#include "convoy/Codegen/Common/KernelGenerator.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"
#include "convoy/Codegen/Passes.h"
#include "convoy/Dialect/Cnn/Utils/Locations.h"

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

/// Scratch memory begins at a multiple of so many bytes.
constexpr int64_t kScratchAlignment = 256;

GpuKernelFamilies listFamilies() {
  GpuKernelFamilies families;
  addChannelwiseConvKernels(families);
  addSmallGroupConvKernels(families);
  addWinogradConvKernels(families);
  addWarpgroupGemmKernels(families);
  addGemmKernels(families);
  addTransposedConvKernels(families);
  addDenseKernels(families);
  addMatmulKernels(families);
  addPoolKernels(families);
  addGlobalPoolKernels(families);
  addLrnKernels(families);
  addSoftmaxKernels(families);
  addDataMovementKernels(families);
  addResamplingKernels(families);
  addComputeKernels(families);
  addGenericKernels(families);
  return families;
}

/// Bytes that a launch of a kernel with `buffers` buffers reads or writes if each is moved
/// once.
int64_t countBytes(const GpuKernels::Launch &launch, unsigned buffers, int64_t rounds) {
  int64_t bytes = 0;
  mlir::gpu::GPUFuncOp kernel = launch.kernel;
  // Tensor maps and buffers in shared memory follow these arguments.
  ArrayRef<BlockArgument> arguments =
      kernel.getArguments().take_front(kernel.getNumArguments() - launch.maps.size());
  auto isUsed = [](Operation *user) { return !isOpTriviallyDead(user); };
  for (BlockArgument argument : arguments.take_front(buffers))
    if (llvm::any_of(argument.getUsers(), isUsed) ||
        llvm::any_of(launch.maps, [&](const GpuTensorMap &map) {
          return map.operand == argument.getArgNumber();
        }))
      bytes += getDenseBytes(cast<ShapedType>(argument.getType()));
  // A kernel that uses the number of its round does a part of the work.
  if (rounds > 1 && llvm::any_of(arguments.back().getUsers(), isUsed))
    bytes /= rounds;
  // Of scratch memory, only the parts that the kernel has views of count.
  llvm::DenseMap<int64_t, int64_t> views;
  if (arguments.size() > buffers)
    for (Operation *user : arguments[buffers].getUsers())
      if (auto view = dyn_cast<memref::ViewOp>(user))
        views[*getConstantIntValue(view.getByteShift())] = getDenseBytes(view.getType());
  for (auto [shift, size] : views)
    bytes += size;
  return bytes;
}

/// Kernels are functions in a module of their own; an operation may need several. Their
/// scratch memory is at the end of the arena, after its buffers.
class GpuKernelGenerator : public KernelGenerator {
public:
  using KernelGenerator::KernelGenerator;

protected:
  LogicalResult begin(func::FuncOp main) override {
    auto arenaSize = module->getAttrOfType<IntegerAttr>(kArenaSize);
    if (!arenaSize || main.getNumArguments() == 0)
      return module.emitError("has no arena: bufferize comes before code generation");
    arena = main.getArgument(0);
    scratchBegin = llvm::alignTo(arenaSize.getInt(), kScratchAlignment);
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    module->setAttr(mlir::gpu::GPUDialect::getContainerModuleAttrName(),
                    builder.getUnitAttr());
    kernelModule = mlir::gpu::GPUModuleOp::create(builder, module.getLoc(), kKernelModule);
    symbols.emplace(kernelModule);
    return success();
  }

  void end(func::FuncOp main) override {
    Builder builder(module);
    // Threads of the host need no scratch memory.
    module->setAttr("cnn.scratch_size", builder.getI64IntegerAttr(0));
    if (scratchSize == 0)
      return;
    int64_t size = scratchBegin + scratchSize;
    module->setAttr(kArenaSize, builder.getI64IntegerAttr(size));
    arena.setType(MemRefType::get({size}, builder.getI8Type()));
    main.setFunctionType(
        builder.getFunctionType(main.getBody().getArgumentTypes(), TypeRange()));
  }

  void prepare(Operation *op) override { markAligned(op); }

  LogicalResult build(Operation *op) override {
    const GpuKernelFamily *family = findFamily<GpuKernelFamily>(families, op, target);
    if (!family)
      return failure();
    GpuKernels built(kernelModule, *symbols, op);
    if (failed(family->build(built, op, target)))
      return failure();
    scratchSize = std::max(scratchSize, built.getScratchSize());
    made.push_back({llvm::to_vector<1>(built.getLaunches()), built.getRounds()});
    return success();
  }

  void launch(Operation *op, unsigned number) override {
    ArrayRef<GpuKernels::Launch> launches = made[number].launches;
    int64_t rounds = made[number].rounds;
    int64_t flops = 2 * computeLayerCost(op).macs / rounds;
    // The operation's FLOPs belong to the launch that says that it computes them, otherwise to
    // the first one. The addition of partial sums is counted by the bytes that it moves.
    auto computes = [](const GpuKernels::Launch &launch) { return launch.computedFlops > 0; };
    const auto *main = llvm::find_if(launches, computes);
    if (main == launches.end())
      main = launches.begin();
    StringRef name = cnn::getNodeName(op->getLoc());
    for (int64_t round = 0; round < rounds; ++round)
      for (const GpuKernels::Launch &launch : launches) {
        mlir::gpu::GPUFuncOp kernel = launch.kernel;
        mlir::gpu::LaunchFuncOp launchOp = emitLaunch(op, launch, round);
        Builder builder(op->getContext());
        auto set = [&](StringRef name, int64_t value) {
          launchOp->setAttr(name, builder.getI64IntegerAttr(value));
        };
        set(cnn::kFlopsAttrName, &launch == main ? flops : 0);
        if (computes(launch))
          set(cnn::kComputedFlopsAttrName, launch.computedFlops);
        set(cnn::kBytesAttrName, countBytes(launch, getBuffers(op).size(), rounds));
        // If there are several kernels, each is a layer.
        StringRef layer = name.empty() ? kernel.getName() : name;
        addLayer(launches.size() == 1 ? layer.str() : (layer + "/" + kernel.getName()).str());
      }
  }

private:
  static SmallVector<Value> getBuffers(Operation *op) {
    return SmallVector<Value>(llvm::make_filter_range(
        op->getOperands(), [](Value operand) { return isa<MemRefType>(operand.getType()); }));
  }

  /// Puts the launch of one round in front of `op`.
  mlir::gpu::LaunchFuncOp emitLaunch(Operation *op, const GpuKernels::Launch &launch,
                                     int64_t round) {
    ImplicitLocOpBuilder b(op->getLoc(), op);
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, value);
    };
    auto toDim = [&](const GpuExtents &extents) {
      return mlir::gpu::KernelDim3{constant(extents[0]), constant(extents[1]),
                                   constant(extents[2])};
    };
    mlir::gpu::GPUFuncOp kernel = launch.kernel;
    SmallVector<Value> buffers = getBuffers(op), arguments = buffers;
    for (Type type :
         kernel.getArgumentTypes().drop_front(buffers.size()).drop_back(launch.maps.size()))
      arguments.push_back(type.isIndex() ? constant(round)
                                         : Value(memref::ViewOp::create(
                                               b, cast<MemRefType>(type), arena,
                                               constant(scratchBegin), ValueRange())));
    for (const GpuTensorMap &map : launch.maps)
      arguments.push_back(cnn::TensorMapOp::create(b, buffers[map.operand], map.sizes, map.box,
                                                   map.steps, map.swizzle));
    Value dynamicBytes;
    if (launch.dynamicBytes)
      dynamicBytes = arith::ConstantIntOp::create(b, b.getI32Type(), launch.dynamicBytes);
    auto symbol = SymbolRefAttr::get(b.getContext(), kKernelModule,
                                     {FlatSymbolRefAttr::get(kernel.getNameAttr())});
    return mlir::gpu::LaunchFuncOp::create(b, symbol, toDim(launch.grid), toDim(launch.block),
                                           dynamicBytes, arguments);
  }

  /// The kernels that equal operations share, and the number of their rounds.
  struct MadeKernels {
    SmallVector<GpuKernels::Launch, 1> launches;
    int64_t rounds;
  };

  GpuKernelFamilies families = listFamilies();
  mlir::gpu::GPUModuleOp kernelModule;
  std::optional<SymbolTable> symbols;
  Value arena;
  int64_t scratchBegin = 0, scratchSize = 0;
  SmallVector<MadeKernels, 0> made;
};

struct GenerateGPUKernels : convoy::impl::CnnGenerateGPUKernelsBase<GenerateGPUKernels> {
  using CnnGenerateGPUKernelsBase::CnnGenerateGPUKernelsBase;

  void runOnOperation() override {
    if (failed(GpuKernelGenerator(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
