//===- Codegen.cpp - The codegen phase ------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Passes.h"
#include "convoy/Pipelines/Pipelines.h"

#include "mlir/Transforms/Passes.h"

void convoy::buildCodegenPipeline(mlir::OpPassManager &manager, bool hasDevices, bool hasGpu) {
  mlir::OpPassManager &program = hasDevices ? manager.nest<mlir::ModuleOp>() : manager;
  if (hasGpu)
    program.addPass(createCnnGenerateGPUKernels());
  else
    program.addPass(createCnnGenerateCPUKernels());
  program.addPass(createCnnApproximateMath());
  program.addPass(mlir::createCanonicalizerPass());
  program.addPass(mlir::createCSEPass());
  manager.addPass(createCnnLinkDevices());
}
