//===- Bufferize.cpp - The bufferize phase --------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Pipelines/Pipelines.h"
#include "convoy/Transforms/Bufferize/Passes.h"

#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void convoy::buildBufferizePipeline(OpPassManager &manager, bool hasDevices) {
  OpPassManager &program = hasDevices ? manager.nest<ModuleOp>() : manager;
  // Empty tensors are not eliminated: that would let producers write strided slices, which
  // kernels cannot do. cnn-plan-memory finds the slices that kernels can write.
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  bufferize.unknownTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  program.addPass(bufferization::createOneShotBufferizePass(bufferize));

  // This pass adds copies into results, and cnn-plan-memory removes them. The pass's own
  // option for that, hoistStaticAllocs, crashes if a value is returned twice.
  bufferization::BufferResultsToOutParamsPassOptions results;
  results.modifyPublicFunctions = true;
  program.addPass(bufferization::createBufferResultsToOutParamsPass(results));

  program.addPass(createCanonicalizerPass());
  program.addPass(createCSEPass());
  if (hasDevices)
    program.nest<func::FuncOp>().addPass(cnn::createCnnSplitCommunication());
  program.addPass(cnn::createCnnPlanMemory());
  program.addPass(cnn::createCnnVerifyBufferized());
}
