//===- Registration.cpp - Dialects, passes and pipelines ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Passes.h"
#include "convoy/Machine/Passes.h"
#include "convoy/Pipelines/Pipelines.h"
#include "convoy/Target/Target.h"
#include "convoy/Transforms/Bufferize/BufferizableOpInterfaceImpl.h"
#include "convoy/Transforms/Bufferize/Passes.h"
#include "convoy/Transforms/Partition/Passes.h"
#include "convoy/Transforms/Schedule/Passes.h"
#include "convoy/Transforms/Simplify/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"

using namespace mlir;

void convoy::registerDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<cnn::CnnDialect>();
  cnn::registerBufferizableOpInterfaceExternalModels(registry);
  cnn::registerPartitionOpInterfaceExternalModels(registry);
  registerTargetTranslations(registry);
}

void convoy::registerPasses() {
  registerMachinePasses();
  cnn::registerSimplifyPasses();
  cnn::registerPartitionPasses();
  cnn::registerSchedulePasses();
  cnn::registerBufferizePasses();
  registerCodegenPasses();
}

void convoy::registerPipelines() {
  PassPipelineRegistration<>("convoy-simplify", "The simplify phase", buildSimplifyPipeline);
  PassPipelineRegistration<>("convoy-schedule", "The schedule phase",
                             [](OpPassManager &manager) { buildSchedulePipeline(manager); });
  PassPipelineRegistration<>("convoy-bufferize", "The bufferize phase",
                             [](OpPassManager &manager) { buildBufferizePipeline(manager); });
  PassPipelineRegistration<>("convoy-codegen", "The codegen phase",
                             [](OpPassManager &manager) { buildCodegenPipeline(manager); });
  PassPipelineRegistration<>("convoy-codegen-gpu", "The codegen phase for a GPU",
                             [](OpPassManager &manager) {
                               buildCodegenPipeline(manager, /*hasDevices=*/false,
                                                    /*hasGpu=*/true);
                             });
  PassPipelineRegistration<>("convoy-target", "To the LLVM dialect", buildTargetPipeline);
}
