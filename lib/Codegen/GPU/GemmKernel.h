//===- GemmKernel.h - Operations as matrix products on a GPU ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_GEMMKERNEL_H
#define CONVOY_LIB_CODEGEN_GPU_GEMMKERNEL_H

#include "ConvEpilogue.h"
#include "GemmProblem.h"

#include "convoy/Analysis/GpuGemmPlan.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

namespace convoy::gpu {

/// Makes the kernels of a matrix product; `getOperands` gives the operands inside each kernel.
/// In the memory of the whole grid, partial sums come first; `scratchBytes` more follow them,
/// for the caller's use.
mlir::LogicalResult buildGemm(GpuKernels &kernels, llvm::StringRef name,
                              const GemmProblem &problem, const GpuGemmPlan &plan,
                              cnn::Precision precision,
                              llvm::function_ref<GpuConvOperands(GpuKernel &)> getOperands,
                              int64_t scratchBytes = 0);

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_GEMMKERNEL_H
