//===- ConvertToLLVM.cpp - Kernels and launches to the LLVM dialect -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

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
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Transforms/DialectConversion.h"

namespace convoy {
#define GEN_PASS_DEF_CNNCONVERTTOLLVM
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;

namespace {

constexpr llvm::StringLiteral kParallelFor = "convoy_rt_parallel_for";
constexpr llvm::StringLiteral kLayerDone = "convoy_rt_layer_done";
constexpr llvm::StringLiteral kInvoke = "convoy_model_invoke";
constexpr llvm::StringLiteral kLayerIndexAttr = "cnn.layer_index";

std::string getEntryName(StringRef kernel) { return (kernel + "_entry").str(); }

/// A launch becomes an array of pointers and a call of the runtime.
struct LowerLaunch : ConvertOpToLLVMPattern<cnn::LaunchOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(cnn::LaunchOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    auto i32 = rewriter.getI32Type(), i64 = rewriter.getI64Type();
    // The runtime's context was put in front of the arguments of @main.
    Value runtime = op->getParentRegion()->front().getArgument(0);

    Value arguments;
    {
      // On the stack once, not once a launch.
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(&op->getParentRegion()->front());
      Value count = LLVM::ConstantOp::create(
          rewriter, loc, i64, std::max<int64_t>(1, adaptor.getBuffers().size()));
      arguments = LLVM::AllocaOp::create(rewriter, loc, pointer, pointer, count);
    }
    for (auto [index, buffer] : llvm::enumerate(adaptor.getBuffers())) {
      Value data = MemRefDescriptor(buffer).alignedPtr(rewriter, loc);
      Value slot = LLVM::GEPOp::create(rewriter, loc, pointer, pointer, arguments,
                                       ArrayRef<LLVM::GEPArg>{int32_t(index)});
      LLVM::StoreOp::create(rewriter, loc, data, slot);
    }
    Value entry =
        LLVM::AddressOfOp::create(rewriter, loc, pointer, getEntryName(op.getKernel()));
    Value tasks = LLVM::ConstantOp::create(rewriter, loc, i64, int64_t(op.getTasks()));
    LLVM::CallOp::create(rewriter, loc, TypeRange(), kParallelFor,
                         ValueRange{runtime, entry, arguments, tasks});
    Value layer = LLVM::ConstantOp::create(
        rewriter, loc, i32, int32_t(op->getAttrOfType<IntegerAttr>(kLayerIndexAttr).getInt()));
    LLVM::CallOp::create(rewriter, loc, TypeRange(), kLayerDone, ValueRange{runtime, layer});
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertToLLVM : convoy::impl::CnnConvertToLLVMBase<ConvertToLLVM> {
  using CnnConvertToLLVMBase::CnnConvertToLLVMBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main) {
      module.emitError("has no function @main");
      return signalPassFailure();
    }
    auto pointer = LLVM::LLVMPointerType::get(context);
    int64_t inputs = countEntries("cnn.inputs"), outputs = countEntries("cnn.outputs");
    if (int64_t(main.getNumArguments()) != 2 + inputs + outputs) {
      main.emitError("has ") << main.getNumArguments()
                             << " arguments, expected arena, weights, " << inputs
                             << " inputs and " << outputs << " outputs";
      return signalPassFailure();
    }
    if (failed(main.insertArgument(0, pointer, {}, main.getLoc())))
      return signalPassFailure();
    int32_t layer = 0;
    for (auto launch : main.getOps<cnn::LaunchOp>())
      launch->setAttr(kLayerIndexAttr,
                      IntegerAttr::get(IntegerType::get(context, 32), layer++));
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
    patterns.add<LowerLaunch>(converter);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      return signalPassFailure();

    OpBuilder builder(context);
    for (auto function : llvm::make_early_inc_range(module.getOps<LLVM::LLVMFuncOp>())) {
      if (function.isExternal())
        continue;
      // Buffers never overlap: the memory plan keeps operands of an op apart.
      for (unsigned i = 0; i < function.getNumArguments(); ++i)
        if (isa<LLVM::LLVMPointerType>(function.getArgument(i).getType()))
          function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                              builder.getUnitAttr());
      function.setLinkage(LLVM::Linkage::Internal);
      if (function.getSymName() == "main")
        makeInvoke(builder, function, inputs, outputs);
      else
        makeEntry(builder, function);
    }
  }

  int64_t countEntries(StringRef attribute) {
    auto array = getOperation()->getAttrOfType<ArrayAttr>(attribute);
    return array ? array.size() : 0;
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

  /// `convoy_model_invoke(rt, arena, weights, inputs, outputs)` around @main.
  void makeInvoke(OpBuilder &builder, LLVM::LLVMFuncOp main, int64_t inputs, int64_t outputs) {
    Location loc = main.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    main.setSymName("convoy_main");
    builder.setInsertionPointAfter(main);
    auto invoke = LLVM::LLVMFuncOp::create(
        builder, loc, kInvoke,
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
};

} // namespace
