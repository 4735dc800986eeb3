//===- GpuLaunches.cpp - Launches of kernels on GPUs, or emulated ones ----===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostLowering.h"

#include "convoy/Codegen/GPU/Emulation.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace convoy;

static constexpr RuntimeFunction kLaunchKernel =
    CONVOY_RUNTIME_FUNCTION(convoy_rt_launch_kernel);

/// On a launch: the kernel's place in the list of kernels.
static constexpr llvm::StringLiteral kKernelIndexAttr = "cnn.kernel_index";

FailureOr<host::GpuLaunches> host::numberGpuKernels(ModuleOp module) {
  GpuLaunches result;
  llvm::DenseMap<Operation *, int64_t> numbers;
  for (auto kernels : module.getOps<mlir::gpu::GPUModuleOp>())
    for (Operation &op : kernels.getOps())
      if (op.hasAttr(mlir::gpu::GPUDialect::getKernelFuncAttrName()) ||
          op.hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
        numbers.try_emplace(&op, numbers.size());
  SymbolTableCollection symbols;
  WalkResult walk = module.walk([&](mlir::gpu::LaunchFuncOp launch) {
    Operation *kernel = symbols.lookupSymbolIn(module, launch.getKernel());
    auto found = numbers.find(kernel);
    if (found == numbers.end()) {
      launch.emitOpError("launches no kernel of this module");
      return WalkResult::interrupt();
    }
    Builder builder(module.getContext());
    launch->setAttr(kKernelIndexAttr, builder.getI32IntegerAttr(found->second));
    result.areThere = true;
    result.areEmulated |= launch->hasAttr(convoy::gpu::kEmulatedAttrName);
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return failure();
  return result;
}

namespace {

/// A launch becomes an array of pointers and a call of the runtime.
struct LowerGpuLaunch : ConvertOpToLLVMPattern<mlir::gpu::LaunchFuncOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(mlir::gpu::LaunchFuncOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (op.getAsyncToken() || !op.getAsyncDependencies().empty() || op.hasClusterSize())
      return op.emitOpError("must be a plain launch, neither asynchronous nor of clusters");
    Location loc = op.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    Value runtime = host::getRuntime(op);
    FailureOr<Arguments> kernelArguments = getArguments(op, adaptor, rewriter);
    if (failed(kernelArguments))
      return failure();
    const auto &[pointers, maps] = *kernelArguments;
    Value array = host::storePointers(rewriter, op, pointers);

    auto emulated = op->getAttrOfType<FlatSymbolRefAttr>(convoy::gpu::kEmulatedAttrName);
    // The emulator names the layer in its messages, and needs no number.
    int64_t number = emulated ? host::getLayer(op)
                              : op->getAttrOfType<IntegerAttr>(kKernelIndexAttr).getInt();
    SmallVector<Value> arguments = {runtime, host::getInt(rewriter, loc, number, 32)};
    if (emulated)
      arguments.push_back(LLVM::AddressOfOp::create(rewriter, loc, pointer,
                                                    host::getEntryName(emulated.getValue())));
    else
      arguments.push_back(LLVM::ZeroOp::create(rewriter, loc, pointer));
    for (Value size :
         {adaptor.getGridSizeX(), adaptor.getGridSizeY(), adaptor.getGridSizeZ(),
          adaptor.getBlockSizeX(), adaptor.getBlockSizeY(), adaptor.getBlockSizeZ()})
      arguments.push_back(toInt32(rewriter, loc, size));
    if (auto bytes = op->getAttrOfType<IntegerAttr>(convoy::gpu::kSharedBytesAttrName))
      arguments.push_back(host::getInt(rewriter, loc, bytes.getInt(), 32));
    else if (Value bytes = adaptor.getDynamicSharedMemorySize())
      arguments.push_back(toInt32(rewriter, loc, bytes));
    else
      arguments.push_back(host::getInt(rewriter, loc, 0, 32));
    arguments.append({array, host::getInt(rewriter, loc, pointers.size(), 32),
                      host::getInt(rewriter, loc, maps, 32)});
    host::callRuntime(rewriter, loc, kLaunchKernel, arguments);
    host::markLayerDone(rewriter, op, runtime);
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// The pointers to a kernel's arguments, the last `maps` of which are tensor maps.
  struct Arguments {
    SmallVector<Value> pointers;
    int64_t maps = 0;
  };

  static FailureOr<Arguments> getArguments(mlir::gpu::LaunchFuncOp op, OpAdaptor adaptor,
                                           OpBuilder &builder) {
    Arguments result;
    Location loc = op.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    for (auto [original, value] :
         llvm::zip_equal(op.getKernelOperands(), adaptor.getKernelOperands())) {
      if (isa<LLVM::LLVMPointerType>(original.getType())) {
        result.pointers.push_back(value);
        ++result.maps;
      } else if (original.getType().isIndex() && result.maps == 0) {
        // The number is passed in the place of a pointer.
        result.pointers.push_back(LLVM::IntToPtrOp::create(builder, loc, pointer, value));
      } else if (isa<MemRefType>(original.getType()) && result.maps == 0) {
        result.pointers.push_back(MemRefDescriptor(value).alignedPtr(builder, loc));
      } else {
        op.emitOpError("may have only memrefs and indices as arguments, and tensor maps "
                       "after them");
        return failure();
      }
    }
    return result;
  }

  static Value toInt32(OpBuilder &builder, Location loc, Value value) {
    Type i32 = builder.getI32Type();
    return value.getType() == i32 ? value : LLVM::TruncOp::create(builder, loc, i32, value);
  }
};

} // namespace

void host::populateGpuLaunchPatterns(const LLVMTypeConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<LowerGpuLaunch>(converter);
}

void host::declareLaunches(ModuleOp module, bool hasGpuLaunches) {
  SmallVector<RuntimeFunction> functions = {CONVOY_RUNTIME_FUNCTION(convoy_rt_parallel_for),
                                            CONVOY_RUNTIME_FUNCTION(convoy_rt_layer_done),
                                            CONVOY_RUNTIME_FUNCTION(convoy_rt_limit_loop),
                                            CONVOY_RUNTIME_FUNCTION(convoy_rt_check_range)};
  if (hasGpuLaunches)
    functions.push_back(kLaunchKernel);
  declare(module, functions);
}
