//===- InspectPartition.h - convoy inspect --devices ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_INSPECTPARTITION_H
#define CONVOY_LIB_DRIVER_INSPECTPARTITION_H

#include "Diagnostics.h"
#include "Layers.h"
#include "convoy/Analysis/Partition.h"
#include "convoy/Pipelines/Compiler.h"

namespace convoy::driver {

/// What to write of a partition; empty for nothing.
struct PartitionFiles {
  std::string drawing, onnx;
};

/// Partitions a simplified module, prints what each device does of each layer, and writes
/// the files. Returns the exit code.
int inspectPartition(llvm::StringRef model, mlir::ModuleOp module,
                     const PartitionOptions &options, bool asJSON, const PartitionFiles &files,
                     DiagnosticPrinter &printer);

/// "48 + 48", "16 x 4", or "all" without a factor.
std::string formatShares(const OpSplit &split);

/// The devices' columns from top to bottom, with the exchanges between them.
void drawPartition(llvm::raw_ostream &os, llvm::StringRef model,
                   llvm::ArrayRef<PartitionRow> rows, int64_t devices);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_INSPECTPARTITION_H
