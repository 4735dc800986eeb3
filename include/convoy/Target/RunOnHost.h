//===- RunOnHost.h - Programs in the memory of the compiler -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TARGET_RUNONHOST_H
#define CONVOY_TARGET_RUNONHOST_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace convoy {

/// Compiles `module` in memory and runs its program once, in this thread. The module is as for
/// `emitArtefact`, for one device and for a CPU that this machine can run code for. `inputs`
/// and `outputs` are in the order of `cnn.inputs` and `cnn.outputs`. The program may need up
/// to `memoryLimit` bytes for its arena, its weights and its scratch memory. Thread-safe.
llvm::Error runOnHost(mlir::ModuleOp module, llvm::ArrayRef<const void *> inputs,
                      llvm::ArrayRef<void *> outputs, int64_t memoryLimit);

} // namespace convoy

#endif // CONVOY_TARGET_RUNONHOST_H
