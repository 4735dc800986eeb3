//===- Simplify.cpp - The simplify phase ----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Pipelines/Passes.h"
#include "convoy/Pipelines/Pipelines.h"
#include "convoy/Transforms/Simplify/Passes.h"

#include "mlir/Transforms/Passes.h"

using namespace mlir;

void convoy::buildSimplifyPipeline(OpPassManager &manager, bool isConstantProgram) {
  manager.addNestedPass<func::FuncOp>(cnn::createCnnWidenFloats());
  manager.addNestedPass<func::FuncOp>(cnn::createCnnRaiseQuantization());
  manager.addNestedPass<func::FuncOp>(cnn::createCnnRemoveInferenceNoops());
  manager.addNestedPass<func::FuncOp>(cnn::createCnnFoldConstants());
  if (!isConstantProgram)
    manager.addPass(createCnnEvaluateConstants());
  OpPassManager &functions = manager.nest<func::FuncOp>();
  functions.addPass(createCanonicalizerPass());
  functions.addPass(cnn::createCnnRaiseActivations());
  functions.addPass(cnn::createCnnFoldPad());
  functions.addPass(cnn::createCnnFoldBatchNorm());
  // Folding leaves constants to evaluate and identities to drop.
  functions.addPass(cnn::createCnnFoldConstants());
  functions.addPass(cnn::createCnnRemoveInferenceNoops());
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
  if (!isConstantProgram)
    manager.addPass(cnn::createCnnReleaseBlobs());
  manager.addPass(cnn::createCnnVerifySimplified());
}
