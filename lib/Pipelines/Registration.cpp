//===- Registration.cpp - Dialects, passes and pipelines ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Passes.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Machine/Passes.h"
#include "convoy/Pipelines/Passes.h"
#include "convoy/Pipelines/Pipelines.h"
#include "convoy/Target/Target.h"
#include "convoy/Transforms/Bufferize/BufferizableOpInterfaceImpl.h"
#include "convoy/Transforms/Bufferize/Passes.h"
#include "convoy/Transforms/Partition/Passes.h"
#include "convoy/Transforms/Schedule/DecomposeOpInterfaceImpl.h"
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
  cnn::registerDecomposeOpInterfaceExternalModels(registry);
  registerTargetTranslations(registry);
}

void convoy::registerPasses() {
  registerMachinePasses();
  cnn::registerSimplifyPasses();
  cnn::registerPartitionPasses();
  cnn::registerSchedulePasses();
  cnn::registerBufferizePasses();
  registerCodegenPasses();
  registerPipelinePasses();
}

std::unique_ptr<MLIRContext> convoy::makeContext() {
  DialectRegistry registry;
  registerDialects(registry);
  auto context = std::make_unique<MLIRContext>(registry);
  context->loadDialect<cnn::CnnDialect>();
  return context;
}

void convoy::registerPipelines() {
  for (Phase phase : {Phase::Simplify, Phase::Schedule, Phase::Bufferize, Phase::Codegen})
    PassPipelineRegistration<>(
        ("convoy-" + stringifyPhase(phase)).str(),
        ("The " + stringifyPhase(phase) + " phase").str(),
        [phase](OpPassManager &manager) { buildPhase(manager, phase, {}, /*hasGpu=*/false); });
  PassPipelineRegistration<>("convoy-codegen-gpu", "The codegen phase for a GPU",
                             [](OpPassManager &manager) {
                               buildPhase(manager, Phase::Codegen, {}, /*hasGpu=*/true);
                             });
  PassPipelineRegistration<>(("convoy-" + stringifyPhase(Phase::Target)).str(),
                             "To the LLVM dialect", buildTargetPipeline);
}
