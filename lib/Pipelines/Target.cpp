//===- Target.cpp - The passes of the target phase ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Passes.h"
#include "convoy/Pipelines/Pipelines.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void convoy::buildTargetPipeline(OpPassManager &manager) {
  VectorTransferToSCFOptions transfers;
  transfers.enableFullUnroll();
  manager.addPass(createConvertVectorToSCFPass(transfers));
  manager.addPass(createCnnEmulateGpu());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(arith::createArithExpandOpsPass());
  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  kernels.addPass(createCnnConvertGPUToNVVM());
  kernels.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createCnnConvertToLLVM());
  manager.addPass(createReconcileUnrealizedCastsPass());
}
