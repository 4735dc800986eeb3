//===- Ptxas.h - NVIDIA's assembler -----------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TARGET_PTXAS_H
#define CONVOY_LIB_TARGET_PTXAS_H

#include "convoy/Target/Target.h"

#include <optional>

namespace convoy {

/// The result of ptxas.
struct Assembled {
  /// A cubin.
  std::string code;
  std::vector<KernelResources> kernels;
};

/// The path of ptxas: beside the program, on the PATH, or in a CUDA toolkit that
/// CUDA_HOME or CUDA_PATH names or that is at its usual place.
std::optional<std::string> findPtxas();

/// Assembles `ptx` for the GPU `arch` such as sm_80.
llvm::Expected<Assembled> assemblePtx(llvm::StringRef ptxas, llvm::StringRef ptx,
                                      llvm::StringRef arch);

} // namespace convoy

#endif // CONVOY_LIB_TARGET_PTXAS_H
