//===- Pipelines.h - The phases of compilation ------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The only place where passes are put in order: one function and one file for each phase.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_PIPELINES_PIPELINES_H
#define CONVOY_PIPELINES_PIPELINES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Pass/PassManager.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "convoy/Pipelines/Phases.h.inc"

namespace convoy {

struct ScheduleOptions {
  /// An algorithm to take where it is possible, see parsePreferredAlgorithm; empty for the
  /// cheapest.
  std::string convAlgorithm;
  /// A file of measured times (see ConvTuning.h) to choose by; empty for the cost model.
  std::string tuning;
  /// How weights of convolutions and dense layers are stored: f32, f16 or bf16.
  std::string weights = "f32";
};

struct PartitionOptions {
  int64_t devices = 1;
  /// auto, group, batch or none; see cnn-assign-partition.
  std::string strategy = "auto";
  /// Bytes a second into one device, and seconds before the first arrives; where negative,
  /// those of the target (see Link.h).
  double bandwidth = -1, latency = -1;

  /// Whether there is a module for each device from here on.
  bool hasDevices() const { return devices > 1; }
};

/// Batch norms folded, patterns raised, constants and pads folded.
void buildSimplifyPipeline(mlir::OpPassManager &manager);
/// The first half of the partition phase: `cnn.partition` on operations.
void buildAssignPartitionPipeline(mlir::OpPassManager &manager,
                                  const PartitionOptions &options);
/// With several devices: a module for each of them, with its part of the network.
void buildPartitionPipeline(mlir::OpPassManager &manager, const PartitionOptions &options);
/// Epilogues fused, layouts assigned, algorithms chosen, weights packed, destinations given.
/// This phase and the next two work on the modules of devices where there are some.
void buildSchedulePipeline(mlir::OpPassManager &manager, const ScheduleOptions &options = {},
                           bool hasDevices = false);
/// Tensors to memrefs in one arena and one weight section.
void buildBufferizePipeline(mlir::OpPassManager &manager, bool hasDevices = false);
/// Kernels as loops and vectors, or for a GPU, @main as launches; devices in one module
/// again.
void buildCodegenPipeline(mlir::OpPassManager &manager, bool hasDevices = false,
                          bool hasGpu = false);
/// The LLVM dialect.
void buildTargetPipeline(mlir::OpPassManager &manager);

/// How the phases are to be run.
struct PipelineOptions {
  PartitionOptions partition;
  ScheduleOptions schedule;
  /// Folder for one file for each pass that changed the IR; empty for none.
  std::string dumpFolder;
  /// Called as a phase begins, also for a phase that has no pass to run.
  std::function<void(Phase)> onPhase;
  /// Called in the end with a table of the passes' times; not measured if null.
  std::function<void(llvm::StringRef)> onTimes;
};

/// Adds the passes of a phase; of import there are none.
void buildPhase(mlir::OpPassManager &manager, Phase phase, const PipelineOptions &options,
                bool hasGpu);

/// Runs the phases from `first` to `last` on a module that the phase before `first` has
/// left; its `cnn.target` decides between CPU and GPU. Diagnostics go through the context.
mlir::LogicalResult runPhases(mlir::ModuleOp module, Phase first, Phase last,
                              const PipelineOptions &options = {});

/// Chooses how devices share a simplified module: its operations get `cnn.partition`.
mlir::LogicalResult assignPartition(mlir::ModuleOp module, const PartitionOptions &options);

/// A context with every dialect that compilation needs.
std::unique_ptr<mlir::MLIRContext> makeContext();

/// Each phase that needs no options as `--convoy-simplify` and so on.
void registerPipelines();
/// Every pass of the project.
void registerPasses();
/// The dialects, interfaces and translations that compilation needs.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace convoy

#endif // CONVOY_PIPELINES_PIPELINES_H
