//===- Codegen.cpp - The codegen phase ------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Passes.h"
#include "convoy/Pipelines/Pipelines.h"

#include "mlir/Transforms/Passes.h"

void convoy::buildCodegenPipeline(mlir::OpPassManager &manager) {
  manager.addPass(createCnnGenerateCPUKernels());
  manager.addPass(createCnnApproximateMath());
  manager.addPass(mlir::createCanonicalizerPass());
  manager.addPass(mlir::createCSEPass());
}
