//===- GemmEpilogue.h - From a product's sums to the output -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_GEMMEPILOGUE_H
#define CONVOY_LIB_CODEGEN_GPU_GEMMEPILOGUE_H

#include "ConvEpilogue.h"
#include "GemmProblem.h"

namespace convoy::gpu {

/// Takes sums to the output: bias, residual, activation.
class GemmEpilogue {
public:
  /// Tiles have `tileChannels` output channels. What is given must outlive this.
  GemmEpilogue(GpuKernel &kernel, const GemmProblem &problem, int64_t tileChannels,
               const GpuConvOperands &operands)
      : kernel(kernel), b(kernel.b), problem(problem), tileChannels(tileChannels),
        operands(operands) {}

  /// Finishes the sums of a pixel that exists: `sums` are side by side from `channel` on,
  /// which counts in the tile of output channels `tile` of `group`.
  void finish(mlir::Value pixel, mlir::Value group, mlir::Value tile, mlir::Value channel,
              mlir::Value sums);

private:
  /// Emits `body` where the tile's channel is below `end`; tiles may reach further.
  void whereChannel(mlir::Value channel, int64_t end, llvm::function_ref<void()> body);
  /// Stores lane by lane, `stride` elements apart from `first` of an image, where `channel`
  /// is 0.
  void storeEach(mlir::Value sums, mlir::Value channel, mlir::Value image, mlir::Value first,
                 int64_t stride);

  GpuKernel &kernel;
  mlir::ImplicitLocOpBuilder &b;
  const GemmProblem &problem;
  int64_t tileChannels;
  const GpuConvOperands &operands;
};

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_GEMMEPILOGUE_H
