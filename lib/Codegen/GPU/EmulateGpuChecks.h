//===- EmulateGpuChecks.h - What the emulator knows of operations *- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_EMULATEGPUCHECKS_H
#define CONVOY_LIB_CODEGEN_GPU_EMULATEGPUCHECKS_H

#include "mlir/IR/Operation.h"

namespace convoy::gpu {

/// Whether values of this type are buffers in shared memory.
bool isWorkgroup(mlir::Type type);

/// Bytes of an element in memory.
int64_t getElementBytes(mlir::Type type);

/// An access to memory whose address and size are known: a scalar or vector `type`, at
/// `indices` of `memref`. `mask` is null if all lanes are accessed.
struct Access {
  mlir::Value memref;
  mlir::ValueRange indices;
  mlir::Type type;
  bool isWrite;
  mlir::Value mask;
};
/// The access that `op` makes; none if it makes no such access.
std::optional<Access> getAccess(mlir::Operation *op);

/// Fails with an error at `op` if the emulator does not know what it does.
llvm::LogicalResult verifyEmulated(mlir::Operation *op);

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_EMULATEGPUCHECKS_H
