//===- GpuCode.h - Kernels of a GPU as machine code and PTX -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TARGET_GPUCODE_H
#define CONVOY_LIB_TARGET_GPUCODE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace convoy {

/// The content of a convoy_gpu_code (convoy/Runtime/Abi/Model.h).
struct GpuCode {
  struct Image {
    int64_t arch;
    /// For `arch` and no later GPU.
    bool archSpecific;
    bool isPtx;
    std::string data;
  };
  /// By rising arch, machine code before PTX.
  std::vector<Image> images;
  /// Names of the kernels. Launches refer to them by their index.
  std::vector<std::string> kernels;
};

/// Compiles `gpu.module @kernels` of `module`, which is in the LLVM and NVVM dialects,
/// for the GPU of its target: machine code for each of its compute capabilities, and PTX
/// of the first and the last one. For a module without kernels the result is empty. Without
/// ptxas there is only PTX of the first capability, which the driver compiles when the model
/// is loaded.
llvm::Expected<GpuCode> emitGpuCode(mlir::ModuleOp module, cnn::TargetAttr target,
                                    unsigned optLevel);

} // namespace convoy

#endif // CONVOY_LIB_TARGET_GPUCODE_H
