//===- ConvertToNVVM.cpp - GPU kernels to the LLVM and NVVM dialects ------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/NVGPUToNVVM/NVGPUToNVVM.h"
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

struct ConvertGPUToNVVM : convoy::impl::CnnConvertGPUToNVVMBase<ConvertGPUToNVVM> {
  using CnnConvertGPUToNVVMBase::CnnConvertGPUToNVVMBase;

  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    // What the conversion knows in one dimension only.
    RewritePatternSet simplifications(context);
    vector::populateVectorBroadcastLoweringPatterns(simplifications);
    vector::populateVectorFromElementsUnrollPatterns(simplifications);
    vector::populateVectorToElementsUnrollPatterns(simplifications);
    vector::populateVectorShapeCastLoweringPatterns(simplifications);
    vector::populateVectorInsertExtractStridedSliceTransforms(simplifications);
    if (failed(applyPatternsGreedily(module, std::move(simplifications))))
      return signalPassFailure();

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
    // Last of all: it would call libdevice where LLVM has an operation of its own.
    populateGpuToNVVMConversionPatterns(converter, patterns, /*benefit=*/0);
    populateNVGPUToNVVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    configureGpuToNVVMConversionLegality(target);
    target.addLegalDialect<NVVM::NVVMDialect>();
    // What the NVPTX code generator knows by itself.
    target.addLegalOp<LLVM::CopySignOp, LLVM::FAbsOp, LLVM::FCeilOp, LLVM::FFloorOp,
                      LLVM::FRemOp, LLVM::RoundEvenOp, LLVM::RoundOp, LLVM::SqrtOp>();
    target
        .addIllegalDialect<arith::ArithDialect, cf::ControlFlowDialect, memref::MemRefDialect,
                           nvgpu::NVGPUDialect, vector::VectorDialect>();
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
