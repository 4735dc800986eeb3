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
  /// The algorithm to use wherever it is possible, see parsePreferredAlgorithm; empty for the
  /// cheapest.
  std::string convAlgorithm;
  /// A file of measured times (see ConvTuning.h) to choose by; empty for the cost model.
  std::string tuning;
  /// How weights of convolutions and dense layers are stored: f32, f16 or bf16.
  std::string weights = "f32";
};

struct PartitionOptions {
  int64_t devices = 1;
  /// auto, group, batch, rows or none; see cnn-assign-partition.
  std::string strategy = "auto";
  /// Bytes per second into one device, and seconds before the first byte arrives. If negative,
  /// the target's (see Link.h).
  double bandwidth = -1, latency = -1;

  /// Whether the partition phase makes a module for each device.
  bool hasDevices() const { return devices > 1; }
};

/// The simplify phase: evaluates constants, folds batch norms and pads, and raises
/// activations. If `isConstantProgram`, nothing is evaluated by running code, and blobs stay
/// (see PipelineOptions).
void buildSimplifyPipeline(mlir::OpPassManager &manager, bool isConstantProgram = false);
/// The first half of the partition phase: gives operations a `cnn.partition`.
void buildAssignPartitionPipeline(mlir::OpPassManager &manager,
                                  const PartitionOptions &options);
/// The partition phase: with several devices, makes a module for each, with its part of the
/// network.
void buildPartitionPipeline(mlir::OpPassManager &manager, const PartitionOptions &options);
/// The schedule phase: fuses epilogues, assigns layouts, chooses algorithms, packs weights,
/// and gives operations destinations. If `hasDevices`, this phase and the next two work on the
/// modules of the devices. If `isConstantProgram`, blobs stay.
void buildSchedulePipeline(mlir::OpPassManager &manager, const ScheduleOptions &options = {},
                           bool hasDevices = false, bool isConstantProgram = false);
/// The bufferize phase: turns tensors into memrefs in one arena and one section of weights.
void buildBufferizePipeline(mlir::OpPassManager &manager, bool hasDevices = false);
/// The codegen phase: makes kernels of loops and vectors, or GPU kernels, and turns @main into
/// their launches. Puts the programs of all devices into one module.
void buildCodegenPipeline(mlir::OpPassManager &manager, bool hasDevices = false,
                          bool hasGpu = false);
/// The passes of the target phase: convert to the LLVM dialect.
void buildTargetPipeline(mlir::OpPassManager &manager);

/// How to run the phases.
struct PipelineOptions {
  PartitionOptions partition;
  ScheduleOptions schedule;
  /// Whether the module is a program that evaluates constants while another module of the
  /// context is compiled, which still needs its blobs.
  bool isConstantProgram = false;
  /// The folder for a file of IR after each pass that changed it; empty for no files.
  std::string dumpFolder;
  /// Called when a phase begins, even if it has no pass to run. May be null.
  std::function<void(Phase)> onPhase;
  /// Called at the end with a table of the passes' times. If null, times are not measured.
  std::function<void(llvm::StringRef)> onTimes;
};

/// Adds the passes of a phase. The import phase has none.
void buildPhase(mlir::OpPassManager &manager, Phase phase, const PipelineOptions &options,
                bool hasGpu);

/// Runs the phases from `first` to `last` on a module as the phase before `first` leaves it.
/// The module's `cnn.target` decides between CPU and GPU. Diagnostics are emitted in the
/// context.
mlir::LogicalResult runPhases(mlir::ModuleOp module, Phase first, Phase last,
                              const PipelineOptions &options = {});

/// Chooses how devices share a simplified module: gives its operations a `cnn.partition`.
mlir::LogicalResult assignPartition(mlir::ModuleOp module, const PartitionOptions &options);

/// A context with every dialect that compilation needs.
std::unique_ptr<mlir::MLIRContext> makeContext();

/// Registers each phase that needs no options as a pipeline: `--convoy-simplify` and so on.
void registerPipelines();
/// Registers every pass of the project.
void registerPasses();
/// Registers the dialects, interfaces and translations that compilation needs.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace convoy

#endif // CONVOY_PIPELINES_PIPELINES_H
