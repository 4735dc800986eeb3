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

/// Partitions a simplified module and prints what each device does of each layer; writes
/// a drawing of that to `drawing` unless it is empty. Returns the exit code.
int inspectPartition(llvm::StringRef model, mlir::ModuleOp module,
                     const PartitionOptions &options, bool asJSON, llvm::StringRef drawing,
                     DiagnosticPrinter &printer);

/// "48 + 48", "16 x 4", or "all" without a factor.
std::string formatShares(const OpSplit &split);

/// The devices' columns from top to bottom, with the exchanges between them.
void drawPartition(llvm::raw_ostream &os, llvm::StringRef model,
                   llvm::ArrayRef<PartitionRow> rows, int64_t devices);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_INSPECTPARTITION_H
