//===- Compiler.h - From a model file to an artefact ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_PIPELINES_COMPILER_H
#define CONVOY_PIPELINES_COMPILER_H

#include "convoy/Machine/TargetDescription.h"
#include "convoy/Pipelines/Pipelines.h"
#include "convoy/Target/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace convoy {

/// The phases in order; see docs/architecture.md.
enum class Phase { Import, Simplify, Partition, Schedule, Bufferize, Codegen, Target };

/// The phase of a command-line word such as "simplify".
std::optional<Phase> parsePhase(llvm::StringRef word);
llvm::StringRef getPhaseName(Phase phase);

struct CompileOptions {
  /// Shapes of inputs by name, for dimensions that the model leaves open.
  std::vector<std::pair<std::string, std::vector<int64_t>>> shapes;
  /// Empty for the host's.
  std::string triple, cpu;
  /// Kernels for a GPU instead of the CPU.
  std::optional<GpuOptions> gpu;
  PartitionOptions partition;
  ScheduleOptions schedule;
  EmitKind emit = EmitKind::Lib;
  /// Folder for one file a pass that changed the IR; empty for none.
  std::string dumpFolder;
  bool timePasses = false;
  /// Run the verifiers at the phases' borders.
  bool verifyBorders = true;
  /// Called as a phase begins, for progress on a terminal.
  std::function<void(Phase)> onPhase;
};

/// A context with every dialect that compilation needs.
std::unique_ptr<mlir::MLIRContext> makeContext();

/// Imports the model and runs the phases up to and including `last` (of the target
/// phase, what is passes). Diagnostics go through the context; null on failure.
mlir::OwningOpRef<mlir::ModuleOp> compileTo(mlir::MLIRContext &context, llvm::StringRef model,
                                            Phase last, const CompileOptions &options);

/// Chooses how devices share a simplified module: its operations get `cnn.partition`.
mlir::LogicalResult assignPartition(mlir::ModuleOp module, const PartitionOptions &options);

/// Takes a module from the end of codegen through the passes of the target phase.
mlir::LogicalResult lowerToTarget(mlir::ModuleOp module);

/// Compiles `model` into `output`, which appears complete or not at all.
/// Diagnostics of the model go through the context, others are the error.
mlir::LogicalResult compile(mlir::MLIRContext &context, llvm::StringRef model,
                            llvm::StringRef output, const CompileOptions &options);

} // namespace convoy

#endif // CONVOY_PIPELINES_COMPILER_H
