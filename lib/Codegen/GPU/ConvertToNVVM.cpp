//===- ConvertToNVVM.cpp - GPU kernels to the LLVM and NVVM dialects ------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Passes.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/NVGPUToNVVM/NVGPUToNVVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace convoy {
#define GEN_PASS_DEF_CNNCONVERTGPUTONVVM
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;

namespace {

/// Lowers the wait to inline assembly whose results are the sums, so that nothing can use them
/// before it.
struct LowerWgmmaWait : OpRewritePattern<cnn::WgmmaWaitOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(cnn::WgmmaWaitOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<LLVM::LLVMStructType>(op.getStarted().getType());
    size_t count = type.getBody().size();
    SmallVector<Value> started;
    std::string constraints, tied;
    for (size_t i = 0; i < count; ++i) {
      started.push_back(LLVM::ExtractValueOp::create(rewriter, loc, op.getStarted(), i));
      constraints += "=f,";
      tied += std::to_string(i) + (i + 1 < count ? "," : "");
    }
    std::string text =
        "wgmma.wait_group.sync.aligned " + std::to_string(op.getPending()) + ";";
    rewriter.replaceOpWithNewOp<LLVM::InlineAsmOp>(
        op, type, started, text, constraints + tied, /*has_side_effects=*/true,
        /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
        LLVM::AsmDialectAttr::get(rewriter.getContext(), LLVM::AsmDialect::AD_ATT),
        /*operand_attrs=*/ArrayAttr());
    return success();
  }
};

bool isEmptyArray(Type type) {
  auto array = dyn_cast<LLVM::LLVMArrayType>(type);
  return array && array.getNumElements() == 0;
}

struct ConvertGPUToNVVM : convoy::impl::CnnConvertGPUToNVVMBase<ConvertGPUToNVVM> {
  using CnnConvertGPUToNVVMBase::CnnConvertGPUToNVVMBase;

  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    // Lowers operations that the conversion supports only for vectors of one dimension.
    RewritePatternSet simplifications(context);
    vector::populateVectorBroadcastLoweringPatterns(simplifications);
    vector::populateVectorFromElementsUnrollPatterns(simplifications);
    vector::populateVectorToElementsUnrollPatterns(simplifications);
    vector::populateVectorShapeCastLoweringPatterns(simplifications);
    vector::populateVectorInsertExtractStridedSliceTransforms(simplifications);
    if (failed(applyPatternsGreedily(module, std::move(simplifications))))
      return signalPassFailure();

    SmallVector<std::tuple<StringAttr, unsigned, Attribute>> maps;
    for (auto kernel : module.getOps<gpu::GPUFuncOp>())
      for (unsigned i = 0; i < kernel.getNumArguments(); ++i)
        if (Attribute type = kernel.getArgAttr(i, LLVM::LLVMDialect::getByValAttrName()))
          maps.emplace_back(kernel.getNameAttr(), i, type);

    LowerToLLVMOptions options(context);
    options.overrideIndexBitwidth(32);
    options.useBarePtrCallConv = true;
    LLVMTypeConverter converter(context, options);
    configureGpuToNVVMTypeConverter(converter);
    // Tokens order operations in the IR; the hardware counts groups.
    converter.addConversion([](nvgpu::DeviceAsyncTokenType type) -> Type {
      return IntegerType::get(type.getContext(), 32);
    });
    RewritePatternSet patterns(context);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    // Lowest benefit: these patterns call libdevice even if LLVM has an operation of its own.
    populateGpuToNVVMConversionPatterns(converter, patterns, /*benefit=*/0);
    populateNVGPUToNVVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    configureGpuToNVVMConversionLegality(target);
    target.addLegalDialect<NVVM::NVVMDialect>();
    // Operations that the NVPTX code generator supports by itself.
    target.addLegalOp<LLVM::CopySignOp, LLVM::FAbsOp, LLVM::FCeilOp, LLVM::FFloorOp,
                      LLVM::FRemOp, LLVM::RoundEvenOp, LLVM::RoundOp, LLVM::SqrtOp>();
    target
        .addIllegalDialect<arith::ArithDialect, cf::ControlFlowDialect, memref::MemRefDialect,
                           nvgpu::NVGPUDialect, vector::VectorDialect>();
    target.addIllegalOp<cnn::WgmmaWaitOp>();
    patterns.add<LowerWgmmaWait>(context);
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      return signalPassFailure();
    for (const auto &[name, argument, type] : maps) {
      // The conversion drops these attributes.
      auto kernel = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
      kernel.setArgAttr(argument, LLVM::LLVMDialect::getByValAttrName(), type);
      kernel.setArgAttr(argument, NVVM::NVVMDialect::getGridConstantAttrName(),
                        UnitAttr::get(context));
    }
    // Shared memory whose size the launch gives is declared, not defined.
    for (auto global : module.getOps<LLVM::GlobalOp>())
      if (isEmptyArray(global.getGlobalType()))
        global.setLinkage(LLVM::Linkage::External);
    // Operations without an LLVM intrinsic become inline assembly.
    RewritePatternSet texts(context);
    populateNVVMToLLVMConversionPatterns(texts);
    if (failed(applyPatternsGreedily(module, std::move(texts))))
      signalPassFailure();
  }
};

} // namespace
