//===- ConvEpilogue.h - From sums to a convolution's output -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_CONVEPILOGUE_H
#define CONVOY_LIB_CODEGEN_GPU_CONVEPILOGUE_H

#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

namespace convoy::gpu {

/// The operands of a convolution or dense layer inside a kernel, as flat buffers; null if it
/// has no such operand.
struct GpuConvOperands {
  GpuConvOperands(GpuKernel &kernel, mlir::Operation *op);
  /// Neither bias nor residual, and no activation.
  GpuConvOperands(mlir::Value input, mlir::Value filter, mlir::Value output);

  /// The start of a sum, or of `lanes` sums side by side: the bias from `index` on, or zeros.
  mlir::Value startSum(mlir::ImplicitLocOpBuilder &b, mlir::Value index, int64_t lanes) const;

  /// Adds the residual to a sum, or to several side by side, applies the activation, and
  /// stores the results from element `index` of image `image` on.
  void store(mlir::ImplicitLocOpBuilder &b, mlir::Value sum, mlir::Value image,
             mlir::Value index) const;

  mlir::Value input, filter, bias, residual, output;
  /// Elements from an image to the next.
  int64_t residualStride = 0, outputStride = 0;
  cnn::FunctionAttr activation;
};

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_CONVEPILOGUE_H
