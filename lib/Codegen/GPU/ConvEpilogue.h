//===- ConvEpilogue.h - From sums to a convolution's output -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_CONVEPILOGUE_H
#define CONVOY_LIB_CODEGEN_GPU_CONVEPILOGUE_H

#include "convoy/Codegen/GPU/GpuKernelBuilder.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace convoy {

/// The operands of a convolution inside a kernel, flat; null where it has none.
struct GpuConvOperands {
  GpuConvOperands(GpuKernel &kernel, cnn::ConvOpInterface op)
      : activation(op.getActivation()) {
    size_t next = 0;
    auto take = [&] { return flatten(kernel.b, kernel.operands[next++]); };
    input = take();
    filter = take();
    if (op.getBias())
      bias = take();
    if (op.getResidual())
      residual = take();
    output = take();
  }

  /// Stores a sum, or several side by side, with the residual and the activation.
  void store(mlir::ImplicitLocOpBuilder &b, mlir::Value sum, mlir::Value index) const {
    auto type = mlir::dyn_cast<mlir::VectorType>(sum.getType());
    if (residual)
      sum = mlir::arith::AddFOp::create(
          b, sum, loadElements(b, residual, index, type ? type.getNumElements() : 1));
    storeElements(b, emitUnary(b, b.getLoc(), activation, sum), output, index);
  }

  mlir::Value input, filter, bias, residual, output;
  cnn::FunctionAttr activation;
};

} // namespace convoy

#endif // CONVOY_LIB_CODEGEN_GPU_CONVEPILOGUE_H
