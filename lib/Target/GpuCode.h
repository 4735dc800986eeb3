//===- GpuCode.h - Kernels of a GPU as machine code and PTX -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TARGET_GPUCODE_H
#define CONVOY_LIB_TARGET_GPUCODE_H

#include <cstdint>
#include <string>
#include <vector>

namespace convoy {

/// What becomes a convoy_gpu_code (lib/Runtime/Artefact/Model.h).
struct GpuCode {
  struct Image {
    int64_t arch;
    bool isPtx;
    std::string data;
  };
  /// By rising arch, machine code before PTX.
  std::vector<Image> images;
  /// Names of the kernels; launches count them.
  std::vector<std::string> kernels;
};

} // namespace convoy

#endif // CONVOY_LIB_TARGET_GPUCODE_H
