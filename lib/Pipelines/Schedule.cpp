//===- Schedule.cpp - The schedule phase ----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Pipelines/Passes.h"
#include "convoy/Pipelines/Pipelines.h"
#include "convoy/Transforms/Schedule/Passes.h"
#include "convoy/Transforms/Simplify/Passes.h"

#include "mlir/Transforms/Passes.h"

using namespace mlir;

void convoy::buildSchedulePipeline(OpPassManager &manager, const ScheduleOptions &options,
                                   bool hasDevices, bool isConstantProgram) {
  OpPassManager &program = hasDevices ? manager.nest<ModuleOp>() : manager;
  OpPassManager &functions = program.nest<func::FuncOp>();
  functions.addPass(cnn::createCnnWidenGroups());
  functions.addPass(cnn::createCnnLowerIntegers());
  functions.addPass(cnn::createCnnFuseEpilogue());
  functions.addPass(cnn::createCnnAssignLayout());
  functions.addPass(cnn::createCnnTurnColumns());
  functions.addPass(createCanonicalizerPass());
  functions.addPass(
      cnn::createCnnSelectAlgorithm({options.convAlgorithm, options.weights, options.tuning}));
  functions.addPass(cnn::createCnnPackWeights());
  functions.addPass(cnn::createCnnFusePrologue());
  functions.addPass(cnn::createCnnDecompose());
  functions.addPass(cnn::createCnnLowerElementTypes());
  functions.addPass(cnn::createCnnFuseElementwise());
  functions.addPass(cnn::createCnnSimplifyRounding());
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
  if (!isConstantProgram)
    manager.addPass(createCnnFormTables());
  OpPassManager &outer = hasDevices ? manager.nest<ModuleOp>() : manager;
  OpPassManager &rest = outer.nest<func::FuncOp>();
  rest.addPass(cnn::createCnnExtendEpilogue());
  rest.addPass(cnn::createCnnNarrowFloats());
  rest.addPass(cnn::createCnnToDestinationStyle());
  rest.addPass(cnn::createCnnFormLoops());
  rest.addPass(cnn::createCnnSinkBranches());
  outer.addPass(cnn::createCnnVerifyScheduled());
  // Blobs belong to the context, and all devices share them.
  if (!isConstantProgram)
    manager.addPass(cnn::createCnnReleaseBlobs());
}
