//===- InspectGpu.h - convoy inspect --target=cuda --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_INSPECTGPU_H
#define CONVOY_LIB_DRIVER_INSPECTGPU_H

#include "Diagnostics.h"
#include "mlir/IR/BuiltinOps.h"

namespace convoy::driver {

/// Prints what each launch of a module at the end of codegen takes of the last GPU of its
/// target: grid, block, registers, shared memory, occupancy, operations, bytes, and the
/// time that these take at the GPU's peak. Returns the exit code.
int inspectGpu(llvm::StringRef model, mlir::ModuleOp module, bool asJSON,
               DiagnosticPrinter &printer);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_INSPECTGPU_H
