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

/// Makes outputs of sums: adds bias and residual, applies the activation, and stores.
class GemmEpilogue {
public:
  /// Tiles have `tileChannels` output channels. All references must outlive this object.
  GemmEpilogue(GpuKernel &kernel, const GemmProblem &problem, int64_t tileChannels,
               const GpuConvOperands &operands)
      : kernel(kernel), b(kernel.b), problem(problem), tileChannels(tileChannels),
        operands(operands) {}

  /// Finishes a pixel's sums of neighbouring channels. The first is channel number `channel`
  /// of tile `tile` of the output channels of `group`. The pixel must exist.
  void finish(mlir::Value pixel, mlir::Value group, mlir::Value tile, mlir::Value channel,
              mlir::Value sums);

private:
  /// Emits `body` for the case that `channel` of a group is below `end`; tiles may reach
  /// further.
  void whereChannel(mlir::Value channel, int64_t end, llvm::function_ref<void()> body);
  /// Stores lane by lane, in channels of a group from `channel` on: channel 0 is at element
  /// `first` of the image, and each further one `stride` elements later.
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
