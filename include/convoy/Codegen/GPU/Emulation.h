//===- Emulation.h - GPU kernels as functions of one thread -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What cnn-emulate-gpu leaves for cnn-convert-to-llvm.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_GPU_EMULATION_H
#define CONVOY_CODEGEN_GPU_EMULATION_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace convoy::gpu {

/// On a gpu.launch_func: the function that emulates the kernel. On that function, whose
/// arguments are the thread, shared memory and the kernel's own: a unit.
inline constexpr llvm::StringLiteral kEmulatedAttrName = "cnn.emulated";

/// On a gpu.launch_func: bytes of the emulated kernel's shared memory.
inline constexpr llvm::StringLiteral kSharedBytesAttrName = "cnn.shared_bytes";

/// Offsets of fields of convoy_gpu_thread (lib/Runtime/Artefact/Model.h).
enum class ThreadField : int32_t {
  ThreadId = 0,
  BlockId = 12,
  BlockDim = 24,
  GridDim = 36,
  Lane = 48,
  Warp = 52,
  Shared = 56
};

} // namespace convoy::gpu

#endif // CONVOY_CODEGEN_GPU_EMULATION_H
