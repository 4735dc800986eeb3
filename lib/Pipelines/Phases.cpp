//===- Phases.cpp - The phases in order -----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IRDump.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Pipelines/Pipelines.h"

#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace convoy;

#include "convoy/Pipelines/Phases.cpp.inc"

void convoy::buildPhase(OpPassManager &manager, Phase phase, const PipelineOptions &options,
                        bool hasGpu) {
  bool hasDevices = options.partition.hasDevices();
  switch (phase) {
  case Phase::Import:
    return;
  case Phase::Simplify:
    return buildSimplifyPipeline(manager, options.isConstantProgram);
  case Phase::Partition:
    return buildPartitionPipeline(manager, options.partition);
  case Phase::Schedule:
    return buildSchedulePipeline(manager, options.schedule, hasDevices,
                                 options.isConstantProgram);
  case Phase::Bufferize:
    return buildBufferizePipeline(manager, hasDevices);
  case Phase::Codegen:
    return buildCodegenPipeline(manager, hasDevices, hasGpu);
  case Phase::Target:
    return buildTargetPipeline(manager);
  }
}

namespace {

/// Reports when a phase begins: before its first pass. A phase without passes is reported with
/// the next phase that has passes.
class PhaseReporter : public PassInstrumentation {
public:
  PhaseReporter(std::function<void(Phase)> report) : report(std::move(report)) {}

  /// Adds a phase; phases are added in their order. `firstPass` is null for a phase without
  /// passes.
  void add(Phase phase, const Pass *firstPass) { waiting.push_back({phase, firstPass}); }

  void runBeforePass(Pass *pass, Operation *) override {
    auto found =
        llvm::find_if(waiting, [&](const auto &entry) { return entry.second == pass; });
    if (found != waiting.end())
      reportUpTo(found - waiting.begin() + 1);
  }
  /// Reports the remaining phases, which have no passes.
  void finish() { reportUpTo(waiting.size()); }

private:
  void reportUpTo(size_t count) {
    for (auto [phase, pass] : ArrayRef(waiting).take_front(count))
      report(phase);
    waiting.erase(waiting.begin(), waiting.begin() + count);
  }

  std::function<void(Phase)> report;
  SmallVector<std::pair<Phase, const Pass *>> waiting;
};

} // namespace

/// Adds the passes of the phases, and tells `reporter` with which pass each phase begins.
static void buildPhases(PassManager &manager, Phase first, Phase last,
                        const PipelineOptions &options, bool hasGpu, PhaseReporter *reporter) {
  for (int number = int(first); number <= int(last); ++number) {
    size_t before = manager.size();
    buildPhase(manager, Phase(number), options, hasGpu);
    if (reporter)
      reporter->add(Phase(number), manager.size() > before
                                       ? &*std::next(manager.begin(), ptrdiff_t(before))
                                       : nullptr);
  }
}

LogicalResult convoy::runPhases(ModuleOp module, Phase first, Phase last,
                                const PipelineOptions &options) {
  // One manager for all phases, so that times and dumps are of all passes together.
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  if (!options.dumpFolder.empty()) {
    llvm::Expected<std::unique_ptr<PassInstrumentation>> dump = makeIRDump(options.dumpFolder);
    if (!dump)
      return emitError(UnknownLoc::get(module.getContext()), toString(dump.takeError()));
    manager.addInstrumentation(std::move(*dump));
  }
  PhaseReporter *reporter = nullptr;
  if (options.onPhase) {
    auto made = std::make_unique<PhaseReporter>(options.onPhase);
    reporter = made.get();
    manager.addInstrumentation(std::move(made));
  }
  // After the other instrumentations, so that it does not time them.
  std::string times;
  llvm::raw_string_ostream timesStream(times);
  DefaultTimingManager timing;
  TimingScope timingScope;
  if (options.onTimes) {
    timing.setEnabled(true);
    timing.setOutput(
        createOutputStrategy(DefaultTimingManager::OutputFormat::Text, timesStream));
    timingScope = timing.getRootScope();
    manager.enableTiming(timingScope);
  }
  bool hasGpu = bool(cnn::getTarget(module).getGpu());
  buildPhases(manager, first, last, options, hasGpu, reporter);
  LogicalResult result = manager.run(module);
  if (succeeded(result) && reporter)
    reporter->finish();
  if (options.onTimes) {
    timingScope.stop();
    timing.print();
    options.onTimes(times);
  }
  return result;
}
