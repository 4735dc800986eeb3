//===- ConvertToLLVM.cpp - Kernels and launches to the LLVM dialect -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/GPU/Emulation.h"
#include "convoy/Codegen/Passes.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Transforms/DialectConversion.h"

namespace convoy {
#define GEN_PASS_DEF_CNNCONVERTTOLLVM
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

namespace {

constexpr llvm::StringLiteral kParallelFor = "convoy_rt_parallel_for";
constexpr llvm::StringLiteral kLayerDone = "convoy_rt_layer_done";
constexpr llvm::StringLiteral kAllGather = "convoy_rt_all_gather";
constexpr llvm::StringLiteral kAllReduce = "convoy_rt_all_reduce";
constexpr llvm::StringLiteral kHaloExchange = "convoy_rt_halo_exchange";
constexpr llvm::StringLiteral kAwait = "convoy_rt_await";
constexpr llvm::StringLiteral kRelease = "convoy_rt_release";
constexpr llvm::StringLiteral kLaunchKernel = "convoy_rt_launch_kernel";
constexpr llvm::StringLiteral kInvoke = "convoy_model_invoke";
constexpr llvm::StringLiteral kLayerIndexAttr = "cnn.layer_index";
constexpr llvm::StringLiteral kKernelIndexAttr = "cnn.kernel_index";

std::string getEntryName(StringRef kernel) { return (kernel + "_entry").str(); }

Value getInt(OpBuilder &builder, Location loc, int64_t value, int width = 64) {
  return LLVM::ConstantOp::create(builder, loc, builder.getIntegerType(width), value);
}

/// Tells the runtime that the layer of `op` is done.
void markLayerDone(OpBuilder &builder, Operation *op, Value runtime) {
  int64_t index = op->getAttrOfType<IntegerAttr>(kLayerIndexAttr).getInt();
  LLVM::CallOp::create(builder, op->getLoc(), TypeRange(), kLayerDone,
                       ValueRange{runtime, getInt(builder, op->getLoc(), index, 32)});
}

/// An array of numbers on the stack, written at the start of the function.
Value makeArray(OpBuilder &builder, Operation *op, ArrayRef<int64_t> values) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&op->getParentRegion()->front());
  Location loc = op->getLoc();
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type i64 = builder.getI64Type();
  Value array =
      LLVM::AllocaOp::create(builder, loc, pointer, i64, getInt(builder, loc, values.size()));
  for (auto [index, value] : llvm::enumerate(values)) {
    Value slot = LLVM::GEPOp::create(builder, loc, pointer, i64, array,
                                     ArrayRef<LLVM::GEPArg>{int32_t(index)});
    LLVM::StoreOp::create(builder, loc, getInt(builder, loc, value), slot);
  }
  return array;
}

/// Rows of a tensor that devices cut along `axis`, and the bytes of an element of it.
std::pair<int64_t, int64_t> getRows(MemRefType type, int64_t axis) {
  int64_t bits = type.getElementTypeBitWidth();
  ArrayRef<int64_t> shape = type.getShape();
  return {llvm::product_of(shape.take_front(axis)),
          llvm::product_of(shape.drop_front(axis + 1)) * ((bits + 7) / 8)};
}

/// The runtime's function for a communication, and its arguments behind the buffers:
/// rows, bytes of an element of the axis, bounds.
StringRef addArguments(OpBuilder &builder, cnn::AllGatherOp op, SmallVectorImpl<Value> &all) {
  auto [rows, bytes] = getRows(cast<MemRefType>(op.getInput().getType()), op.getAxis());
  all.append({getInt(builder, op.getLoc(), rows), getInt(builder, op.getLoc(), bytes),
              makeArray(builder, op, op.getBounds())});
  return kAllGather;
}

StringRef addArguments(OpBuilder &builder, cnn::HaloExchangeOp op,
                       SmallVectorImpl<Value> &all) {
  auto [rows, bytes] = getRows(cast<MemRefType>(op.getInput().getType()), op.getAxis());
  all.append({getInt(builder, op.getLoc(), rows), getInt(builder, op.getLoc(), bytes),
              makeArray(builder, op, op.getBounds()),
              getInt(builder, op.getLoc(), op.getBefore()),
              getInt(builder, op.getLoc(), op.getAfter())});
  return kHaloExchange;
}

StringRef addArguments(OpBuilder &builder, cnn::AllReduceOp op, SmallVectorImpl<Value> &all) {
  all.push_back(getInt(builder, op.getLoc(),
                       cast<MemRefType>(op.getInput().getType()).getNumElements()));
  return kAllReduce;
}

void callRuntime(OpBuilder &builder, Location loc, StringRef function, Value runtime) {
  LLVM::CallOp::create(builder, loc, TypeRange(), function, runtime);
}

/// Communication becomes a call of the runtime, which starts it and keeps a failure for
/// convoy_run; and, unless it is asynchronous, calls that bring it to its end.
template <typename OpTy> struct LowerCommunication : ConvertOpToLLVMPattern<OpTy> {
  using ConvertOpToLLVMPattern<OpTy>::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    // The runtime's context was put in front of the arguments of @main.
    Value runtime = op->getParentRegion()->front().getArgument(0);
    SmallVector<Value> arguments = {
        runtime, MemRefDescriptor(adaptor.getInput()).alignedPtr(rewriter, loc),
        MemRefDescriptor(adaptor.getInit()).alignedPtr(rewriter, loc)};
    StringRef function = addArguments(rewriter, op, arguments);
    LLVM::CallOp::create(rewriter, loc, TypeRange(), function, arguments);
    if (!op.getAsync()) {
      callRuntime(rewriter, loc, kAwait, runtime);
      callRuntime(rewriter, loc, kRelease, runtime);
    }
    markLayerDone(rewriter, op, runtime);
    rewriter.eraseOp(op);
    return success();
  }
};

/// The end of an asynchronous communication: the runtime knows the buffers.
template <typename OpTy> struct LowerEnd : ConvertOpToLLVMPattern<OpTy> {
  using ConvertOpToLLVMPattern<OpTy>::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value runtime = op->getParentRegion()->front().getArgument(0);
    callRuntime(rewriter, op.getLoc(), isa<cnn::AwaitOp>(op) ? kAwait : kRelease, runtime);
    markLayerDone(rewriter, op, runtime);
    rewriter.eraseOp(op);
    return success();
  }
};

/// An array of pointers on the stack: there once, not once a launch.
Value storePointers(OpBuilder &builder, Operation *op, ValueRange pointers) {
  Location loc = op->getLoc();
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value array;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&op->getParentRegion()->front());
    Value count = getInt(builder, loc, std::max<int64_t>(1, pointers.size()));
    array = LLVM::AllocaOp::create(builder, loc, pointer, pointer, count);
  }
  for (auto [index, value] : llvm::enumerate(pointers)) {
    Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, array,
                                     ArrayRef<LLVM::GEPArg>{int32_t(index)});
    LLVM::StoreOp::create(builder, loc, value, slot);
  }
  return array;
}

/// A launch becomes an array of pointers and a call of the runtime.
struct LowerLaunch : ConvertOpToLLVMPattern<cnn::LaunchOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(cnn::LaunchOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    // The runtime's context was put in front of the arguments of @main.
    Value runtime = op->getParentRegion()->front().getArgument(0);
    SmallVector<Value> buffers;
    for (Value buffer : adaptor.getBuffers())
      buffers.push_back(MemRefDescriptor(buffer).alignedPtr(rewriter, loc));
    Value arguments = storePointers(rewriter, op, buffers);
    Value entry =
        LLVM::AddressOfOp::create(rewriter, loc, pointer, getEntryName(op.getKernel()));
    Value tasks = getInt(rewriter, loc, op.getTasks());
    LLVM::CallOp::create(rewriter, loc, TypeRange(), kParallelFor,
                         ValueRange{runtime, entry, arguments, tasks});
    markLayerDone(rewriter, op, runtime);
    rewriter.eraseOp(op);
    return success();
  }
};

/// A tensor map becomes a convoy_tensor_map on the stack, there once.
struct LowerTensorMap : ConvertOpToLLVMPattern<cnn::TensorMapOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(cnn::TensorMapOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    constexpr size_t maxRank = cnn::TensorMapOp::kMaxRank, addressBytes = 8;
    int64_t elementBytes =
        cast<MemRefType>(op.getBuffer().getType()).getElementTypeBitWidth() / 8;
    // In the order of the structure's fields behind the address.
    SmallVector<int32_t> fields = {int32_t(elementBytes), int32_t(op.getSizes().size()),
                                   int32_t(op.getSwizzle())};
    for (ArrayRef<int64_t> list : {op.getSizes(), op.getBox(), op.getSteps()})
      for (size_t i = 0; i < maxRank; ++i)
        fields.push_back(i < list.size() ? int32_t(list[i]) : 1);
    fields.push_back(int32_t(op.getOuterStride()));
    auto type = VectorType::get({int64_t(fields.size())}, rewriter.getI32Type());
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    Value map;
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(&op->getParentRegion()->front());
      map = LLVM::AllocaOp::create(
          rewriter, loc, pointer, rewriter.getI8Type(),
          getInt(rewriter, loc, int64_t(addressBytes + 4 * fields.size())), addressBytes);
    }
    LLVM::StoreOp::create(
        rewriter, loc, MemRefDescriptor(adaptor.getBuffer()).alignedPtr(rewriter, loc), map);
    Value rest = LLVM::GEPOp::create(rewriter, loc, pointer, rewriter.getI8Type(), map,
                                     ArrayRef<LLVM::GEPArg>{int32_t(addressBytes)});
    Value values = LLVM::ConstantOp::create(
        rewriter, loc, type, DenseElementsAttr::get(type, ArrayRef<int32_t>(fields)));
    LLVM::StoreOp::create(rewriter, loc, values, rest, /*alignment=*/4);
    rewriter.replaceOp(op, map);
    return success();
  }
};

/// The same for a kernel on a GPU, or on the emulated one.
struct LowerGpuLaunch : ConvertOpToLLVMPattern<mlir::gpu::LaunchFuncOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(mlir::gpu::LaunchFuncOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (op.getAsyncToken() || !op.getAsyncDependencies().empty() || op.hasClusterSize())
      return op.emitOpError("must be a plain launch, neither asynchronous nor of clusters");
    Location loc = op.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    Value runtime = op->getParentRegion()->front().getArgument(0);
    SmallVector<Value> buffers;
    int64_t maps = 0;
    for (auto [original, buffer] :
         llvm::zip_equal(op.getKernelOperands(), adaptor.getKernelOperands())) {
      if (isa<LLVM::LLVMPointerType>(original.getType())) {
        buffers.push_back(buffer);
        ++maps;
      } else if (original.getType().isIndex() && maps == 0) {
        // The place of a pointer holds a number.
        buffers.push_back(LLVM::IntToPtrOp::create(rewriter, loc, pointer, buffer));
      } else if (isa<MemRefType>(original.getType()) && maps == 0) {
        buffers.push_back(MemRefDescriptor(buffer).alignedPtr(rewriter, loc));
      } else {
        return op.emitOpError(
            "may have only memrefs and indices as arguments, and tensor maps behind");
      }
    }
    Value array = storePointers(rewriter, op, buffers);

    auto emulated = op->getAttrOfType<FlatSymbolRefAttr>(kEmulatedAttrName);
    // The emulator names the layer in its messages, and needs no number.
    StringRef number = emulated ? kLayerIndexAttr : kKernelIndexAttr;
    SmallVector<Value> arguments = {
        runtime, getInt(rewriter, loc, op->getAttrOfType<IntegerAttr>(number).getInt(), 32)};
    if (emulated)
      arguments.push_back(LLVM::AddressOfOp::create(rewriter, loc, pointer,
                                                    getEntryName(emulated.getValue())));
    else
      arguments.push_back(LLVM::ZeroOp::create(rewriter, loc, pointer));
    for (Value size :
         {adaptor.getGridSizeX(), adaptor.getGridSizeY(), adaptor.getGridSizeZ(),
          adaptor.getBlockSizeX(), adaptor.getBlockSizeY(), adaptor.getBlockSizeZ()})
      arguments.push_back(toInt32(rewriter, loc, size));
    if (auto bytes = op->getAttrOfType<IntegerAttr>(kSharedBytesAttrName))
      arguments.push_back(getInt(rewriter, loc, bytes.getInt(), 32));
    else if (Value bytes = adaptor.getDynamicSharedMemorySize())
      arguments.push_back(toInt32(rewriter, loc, bytes));
    else
      arguments.push_back(getInt(rewriter, loc, 0, 32));
    arguments.append(
        {array, getInt(rewriter, loc, buffers.size(), 32), getInt(rewriter, loc, maps, 32)});
    LLVM::CallOp::create(rewriter, loc, TypeRange(), kLaunchKernel, arguments);
    markLayerDone(rewriter, op, runtime);
    rewriter.eraseOp(op);
    return success();
  }

  static Value toInt32(OpBuilder &builder, Location loc, Value value) {
    Type i32 = builder.getI32Type();
    return value.getType() == i32 ? value : LLVM::TruncOp::create(builder, loc, i32, value);
  }
};

struct ConvertToLLVM : convoy::impl::CnnConvertToLLVMBase<ConvertToLLVM> {
  using CnnConvertToLLVMBase::CnnConvertToLLVMBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    auto pointer = LLVM::LLVMPointerType::get(context);
    int64_t inputs = countEntries("cnn.inputs"), outputs = countEntries("cnn.outputs");
    SmallVector<StringRef> names = {"main"};
    SmallVector<std::string> storage;
    // The programs of several devices, which cnn-link-devices put side by side.
    if (int64_t devices = countEntries("cnn.devices")) {
      for (int64_t device = 0; device < devices; ++device)
        storage.push_back("main_" + std::to_string(device));
      names.assign(storage.begin(), storage.end());
    }
    for (StringRef name : names) {
      auto main = module.lookupSymbol<func::FuncOp>(name);
      if (!main) {
        module.emitError("has no function @") << name;
        return signalPassFailure();
      }
      if (int64_t(main.getNumArguments()) != 2 + inputs + outputs) {
        main.emitError("has ") << main.getNumArguments()
                               << " arguments, expected arena, weights, " << inputs
                               << " inputs and " << outputs << " outputs";
        return signalPassFailure();
      }
      if (failed(main.insertArgument(0, pointer, {}, main.getLoc())))
        return signalPassFailure();
      if (failed(numberLayers(main)))
        return signalPassFailure();
    }
    if (failed(describeGpuLaunches()))
      return signalPassFailure();
    declareRuntime();

    LowerToLLVMOptions options(context);
    options.useBarePtrCallConv = true;
    LLVMTypeConverter converter(context, options);
    RewritePatternSet patterns(context);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    patterns
        .add<LowerLaunch, LowerTensorMap, LowerGpuLaunch, LowerCommunication<cnn::AllGatherOp>,
             LowerCommunication<cnn::AllReduceOp>, LowerCommunication<cnn::HaloExchangeOp>,
             LowerEnd<cnn::AwaitOp>, LowerEnd<cnn::ReleaseOp>>(converter);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp, mlir::gpu::GPUModuleOp>();
    target.markOpRecursivelyLegal<mlir::gpu::GPUModuleOp>();
    target.addIllegalOp<mlir::gpu::LaunchFuncOp>();
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      return signalPassFailure();
    if (isEmulated) {
      for (auto kernels : llvm::make_early_inc_range(module.getOps<mlir::gpu::GPUModuleOp>()))
        kernels.erase();
      module->removeAttr(mlir::gpu::GPUDialect::getContainerModuleAttrName());
    }

    OpBuilder builder(context);
    for (auto function : llvm::make_early_inc_range(module.getOps<LLVM::LLVMFuncOp>())) {
      if (function.isExternal())
        continue;
      function.setLinkage(LLVM::Linkage::Internal);
      // Other threads change what this one sees.
      if (function->removeAttr(kEmulatedAttrName)) {
        makeEmulatedEntry(builder, function);
        continue;
      }
      // Buffers never overlap: the memory plan keeps operands of an op apart.
      for (unsigned i = 0; i < function.getNumArguments(); ++i)
        if (isa<LLVM::LLVMPointerType>(function.getArgument(i).getType()))
          function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                              builder.getUnitAttr());
      if (const StringRef *name = llvm::find(names, function.getSymName());
          name != names.end())
        makeInvoke(builder, function, name - names.begin(), inputs, outputs);
      else
        makeEntry(builder, function);
    }
  }

  /// Tells each operation which entry of `cnn.layers` it is. The parts of an asynchronous
  /// communication, which end in the order in which they start, are one layer.
  LogicalResult numberLayers(func::FuncOp main) {
    SmallVector<Attribute> started;
    size_t awaited = 0, released = 0;
    int32_t layers = 0;
    Builder builder(&getContext());
    for (Operation &op : main.front()) {
      if (isa<cnn::AwaitOp, cnn::ReleaseOp>(op)) {
        size_t &next = isa<cnn::AwaitOp>(op) ? awaited : released;
        if (next == (isa<cnn::AwaitOp>(op) ? started.size() : awaited))
          return op.emitError("has no communication to bring to its end");
        op.setAttr(kLayerIndexAttr, started[next++]);
      } else if (isa<cnn::LaunchOp, mlir::gpu::LaunchFuncOp, cnn::CommunicationOpInterface>(
                     op)) {
        op.setAttr(kLayerIndexAttr, builder.getI32IntegerAttr(layers++));
        if (auto exchange = dyn_cast<cnn::CommunicationOpInterface>(op);
            exchange && exchange.getAsync())
          started.push_back(op.getAttr(kLayerIndexAttr));
      }
    }
    return success();
  }

  int64_t countEntries(StringRef attribute) {
    auto array = getOperation()->getAttrOfType<ArrayAttr>(attribute);
    return array ? array.size() : 0;
  }

  /// Leaves on each launch of a GPU kernel what its lowering needs to know of the kernel.
  LogicalResult describeGpuLaunches() {
    ModuleOp module = getOperation();
    llvm::DenseMap<Operation *, int64_t> numbers;
    for (auto kernels : module.getOps<mlir::gpu::GPUModuleOp>())
      for (Operation &op : kernels.getOps())
        if (op.hasAttr(mlir::gpu::GPUDialect::getKernelFuncAttrName()) ||
            op.hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
          numbers.try_emplace(&op, numbers.size());
    SymbolTableCollection symbols;
    WalkResult result = module.walk([&](mlir::gpu::LaunchFuncOp launch) {
      Operation *kernel = symbols.lookupSymbolIn(module, launch.getKernel());
      auto found = numbers.find(kernel);
      if (found == numbers.end()) {
        launch.emitOpError("launches no kernel of this module");
        return WalkResult::interrupt();
      }
      Builder builder(&getContext());
      launch->setAttr(kKernelIndexAttr, builder.getI32IntegerAttr(found->second));
      hasGpuLaunches = true;
      isEmulated |= launch->hasAttr(kEmulatedAttrName);
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  void declareRuntime() {
    MLIRContext *context = &getContext();
    OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
    auto pointer = LLVM::LLVMPointerType::get(context);
    auto none = LLVM::LLVMVoidType::get(context);
    auto i32 = builder.getI32Type(), i64 = builder.getI64Type();
    Location loc = getOperation().getLoc();
    LLVM::LLVMFuncOp::create(
        builder, loc, kParallelFor,
        LLVM::LLVMFunctionType::get(none, {pointer, pointer, pointer, i64}));
    LLVM::LLVMFuncOp::create(builder, loc, kLayerDone,
                             LLVM::LLVMFunctionType::get(none, {pointer, i32}));
    if (hasGpuLaunches)
      LLVM::LLVMFuncOp::create(
          builder, loc, kLaunchKernel,
          LLVM::LLVMFunctionType::get(none, {pointer, i32, pointer, i32, i32, i32, i32, i32,
                                             i32, i32, pointer, i32, i32}));
    if (countEntries("cnn.devices") == 0)
      return;
    SmallVector<Type> buffers = {pointer, pointer, pointer};
    auto declare = [&](StringRef name, ArrayRef<Type> rest) {
      SmallVector<Type> types(buffers);
      llvm::append_range(types, rest);
      LLVM::LLVMFuncOp::create(builder, loc, name, LLVM::LLVMFunctionType::get(none, types));
    };
    declare(kAllGather, {i64, i64, pointer});
    declare(kHaloExchange, {i64, i64, pointer, i64, i64});
    declare(kAllReduce, {i64});
    for (StringRef name : {StringRef(kAwait), StringRef(kRelease)})
      LLVM::LLVMFuncOp::create(builder, loc, name,
                               LLVM::LLVMFunctionType::get(none, {pointer}));
  }

  static Value loadPointer(OpBuilder &builder, Location loc, Value array, int64_t index) {
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, array,
                                     ArrayRef<LLVM::GEPArg>{int32_t(index)});
    return LLVM::LoadOp::create(builder, loc, pointer, slot);
  }

  /// The function that the runtime calls: unpacks the array of pointers, and hands on
  /// the thread's scratch memory to a kernel that wants it.
  void makeEntry(OpBuilder &builder, LLVM::LLVMFuncOp kernel) {
    Location loc = kernel.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    auto i64 = builder.getI64Type();
    builder.setInsertionPointAfter(kernel);
    auto entry = LLVM::LLVMFuncOp::create(
        builder, loc, getEntryName(kernel.getSymName()),
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                    {i64, i64, pointer, pointer}),
        LLVM::Linkage::Internal);
    Block *block = entry.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    SmallVector<Value> arguments = {block->getArgument(0), block->getArgument(1)};
    for (unsigned i = 2; i < kernel.getNumArguments(); ++i)
      arguments.push_back(kernel.removeArgAttr(i, cnn::kScratchAttrName)
                              ? block->getArgument(3)
                              : loadPointer(builder, loc, block->getArgument(2), i - 2));
    LLVM::CallOp::create(builder, loc, kernel, arguments);
    LLVM::ReturnOp::create(builder, loc, ValueRange());
  }

  /// The same for a kernel's thread: its shared memory, then the kernel's arguments.
  void makeEmulatedEntry(OpBuilder &builder, LLVM::LLVMFuncOp kernel) {
    Location loc = kernel.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    builder.setInsertionPointAfter(kernel);
    auto entry = LLVM::LLVMFuncOp::create(
        builder, loc, getEntryName(kernel.getSymName()),
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                    {pointer, pointer}),
        LLVM::Linkage::Internal);
    Block *block = entry.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    Value thread = block->getArgument(0);
    Value shared = LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), thread,
                                       ArrayRef<LLVM::GEPArg>{int32_t(ThreadField::Shared)});
    SmallVector<Value> arguments = {thread,
                                    LLVM::LoadOp::create(builder, loc, pointer, shared)};
    for (unsigned i = 2; i < kernel.getNumArguments(); ++i) {
      arguments.push_back(loadPointer(builder, loc, block->getArgument(1), i - 2));
      if (Type type = kernel.getArgument(i).getType(); type != pointer)
        arguments.back() = LLVM::PtrToIntOp::create(builder, loc, type, arguments.back());
    }
    LLVM::CallOp::create(builder, loc, kernel, arguments);
    LLVM::ReturnOp::create(builder, loc, ValueRange());
  }

  /// `convoy_model_invoke(rt, arena, weights, inputs, outputs)` around the @main of the
  /// first device, `convoy_model_invoke_K` around that of another one.
  void makeInvoke(OpBuilder &builder, LLVM::LLVMFuncOp main, int64_t device, int64_t inputs,
                  int64_t outputs) {
    Location loc = main.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    std::string suffix = device ? "_" + std::to_string(device) : "";
    main.setSymName("convoy_main" + suffix);
    builder.setInsertionPointAfter(main);
    auto invoke = LLVM::LLVMFuncOp::create(
        builder, loc, (kInvoke + suffix).str(),
        LLVM::LLVMFunctionType::get(builder.getI32Type(), SmallVector<Type>(5, pointer)));
    Block *block = invoke.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    SmallVector<Value> arguments(block->args_begin(), block->args_begin() + 3);
    for (int64_t i = 0; i < inputs; ++i)
      arguments.push_back(loadPointer(builder, loc, block->getArgument(3), i));
    for (int64_t i = 0; i < outputs; ++i)
      arguments.push_back(loadPointer(builder, loc, block->getArgument(4), i));
    LLVM::CallOp::create(builder, loc, main, arguments);
    Value zero = LLVM::ConstantOp::create(builder, loc, builder.getI32Type(), 0);
    LLVM::ReturnOp::create(builder, loc, zero);
  }

  bool hasGpuLaunches = false, isEmulated = false;
};

} // namespace
