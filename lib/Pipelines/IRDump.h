//===- IRDump.h - One file for each pass that changed the IR ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_PIPELINES_IRDUMP_H
#define CONVOY_LIB_PIPELINES_IRDUMP_H

#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace convoy {

/// Writes the module without weights to `NNN-pass-name.mlir` in `folder` after each pass that
/// changed it. Also writes a line about every pass to `index.txt`: number, pass, milliseconds,
/// and by how much the number of each kind of operation changed. Makes the folder if it does
/// not exist; fails if it cannot write to it.
llvm::Expected<std::unique_ptr<mlir::PassInstrumentation>> makeIRDump(llvm::StringRef folder);

} // namespace convoy

#endif // CONVOY_LIB_PIPELINES_IRDUMP_H
