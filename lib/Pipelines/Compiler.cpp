//===- Compiler.cpp - From a model file to an artefact --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Pipelines/Compiler.h"

#include "IRDump.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Import/ONNX/Import.h"
#include "convoy/Machine/TargetDescription.h"
#include "convoy/Pipelines/Pipelines.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace convoy;

static constexpr llvm::StringLiteral kPhaseNames[] = {
    "import", "simplify", "partition", "schedule", "bufferize", "codegen", "target"};

std::optional<Phase> convoy::parsePhase(StringRef word) {
  const auto *found = llvm::find(kPhaseNames, word);
  if (found == std::end(kPhaseNames))
    return std::nullopt;
  return Phase(found - std::begin(kPhaseNames));
}

StringRef convoy::getPhaseName(Phase phase) { return kPhaseNames[int(phase)]; }

std::unique_ptr<MLIRContext> convoy::makeContext() {
  DialectRegistry registry;
  registerDialects(registry);
  auto context = std::make_unique<MLIRContext>(registry);
  context->loadDialect<cnn::CnnDialect>();
  return context;
}

/// Adds a phase's passes.
static void addPhase(OpPassManager &manager, Phase phase, const CompileOptions &options) {
  switch (phase) {
  case Phase::Import:
    return;
  case Phase::Simplify:
    return buildSimplifyPipeline(manager);
  case Phase::Partition:
    return buildPartitionPipeline(manager, options.partition);
  case Phase::Schedule:
    return buildSchedulePipeline(manager, options.schedule, options.partition.hasDevices());
  case Phase::Bufferize:
    return buildBufferizePipeline(manager, options.partition.hasDevices());
  case Phase::Codegen:
    return buildCodegenPipeline(manager, options.partition.hasDevices(),
                                options.gpu.has_value());
  case Phase::Target:
    return buildTargetPipeline(manager);
  }
}

OwningOpRef<ModuleOp> convoy::compileTo(MLIRContext &context, StringRef model, Phase last,
                                        const CompileOptions &options) {
  auto fail = [&](llvm::Error error) {
    emitError(UnknownLoc::get(&context)) << llvm::toString(std::move(error));
    return OwningOpRef<ModuleOp>();
  };
  llvm::Expected<cnn::TargetAttr> target =
      describeTarget(&context, options.triple, options.cpu, options.gpu);
  if (!target)
    return fail(target.takeError());
  if (options.onPhase)
    options.onPhase(Phase::Import);
  ImportOptions importOptions;
  importOptions.shapes = options.shapes;
  OwningOpRef<ModuleOp> module = importONNX(context, model, importOptions);
  if (!module)
    return nullptr;
  (*module)->setAttr(cnn::kTargetAttrName, *target);

  std::unique_ptr<PassInstrumentation> dump;
  if (!options.dumpFolder.empty()) {
    llvm::Expected<std::unique_ptr<PassInstrumentation>> made = makeIRDump(options.dumpFolder);
    if (!made)
      return fail(made.takeError());
    dump = std::move(*made);
  }
  // One manager for all phases, so that timing and dumps run through.
  PassManager manager(&context, ModuleOp::getOperationName());
  DefaultTimingManager timing;
  TimingScope timingScope;
  if (options.timePasses) {
    timing.setEnabled(true);
    timingScope = timing.getRootScope();
    manager.enableTiming(timingScope);
  }
  if (dump)
    manager.addInstrumentation(std::move(dump));
  for (int phase = int(Phase::Simplify); phase <= int(last); ++phase)
    addPhase(manager, Phase(phase), options);
  if (options.onPhase)
    options.onPhase(last);
  if (failed(manager.run(*module)))
    return nullptr;
  return module;
}

LogicalResult convoy::assignPartition(ModuleOp module, const PartitionOptions &options) {
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  buildAssignPartitionPipeline(manager, options);
  return manager.run(module);
}

LogicalResult convoy::lowerToTarget(ModuleOp module) {
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  buildTargetPipeline(manager);
  return manager.run(module);
}

LogicalResult convoy::compile(MLIRContext &context, StringRef model, StringRef output,
                              const CompileOptions &options) {
  OwningOpRef<ModuleOp> module = compileTo(context, model, Phase::Target, options);
  if (!module)
    return failure();
  // The original weights are packed by now.
  cnn::releaseUnusedBlobs(*module);
  EmitOptions emitOptions;
  emitOptions.releaseWeights = true;
  if (llvm::Error error = emitArtefact(*module, options.emit, output, emitOptions)) {
    emitError(UnknownLoc::get(&context)) << llvm::toString(std::move(error));
    return failure();
  }
  return success();
}
