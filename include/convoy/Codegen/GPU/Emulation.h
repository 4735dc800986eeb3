//===- Emulation.h - GPU kernels as functions of one thread -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attributes that cnn-emulate-gpu sets and cnn-convert-to-llvm reads.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_GPU_EMULATION_H
#define CONVOY_CODEGEN_GPU_EMULATION_H

#include "llvm/ADT/StringRef.h"

namespace convoy::gpu {

/// On a gpu.launch_func: the symbol of the function that emulates the kernel. On that
/// function, whose arguments are the thread, shared memory and the arguments of the kernel: a
/// unit attribute.
inline constexpr llvm::StringLiteral kEmulatedAttrName = "cnn.emulated";

/// On a gpu.launch_func: bytes of the emulated kernel's shared memory.
inline constexpr llvm::StringLiteral kSharedBytesAttrName = "cnn.shared_bytes";

} // namespace convoy::gpu

#endif // CONVOY_CODEGEN_GPU_EMULATION_H
