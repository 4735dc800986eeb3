//===- KernelOps.h - Operations that kernels are made of --------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_UTILS_KERNELOPS_H
#define CONVOY_TRANSFORMS_UTILS_KERNELOPS_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy::cnn {

/// The cnn operations with a kernel of their own. `cnn-decompose` leaves no other.
inline bool hasKernel(mlir::Operation *op) {
  return mlir::isa<ConvOp, GroupConvOp, ConvTransposeOp, DenseOp, MatmulOp, //
                   MaxPoolOp, AvgPoolOp, GlobalPoolOp, LrnOp, SoftmaxOp,    //
                   ConcatOp, GatherOp, ReorderOp, ResizeOp, AllGatherOp, AllReduceOp,
                   HaloExchangeOp>(op);
}

/// Why `op` has no kernel; empty if it has one.
inline std::string whyNoKernel(mlir::Operation *op) {
  if (!hasKernel(op))
    return "it has no kernel; cnn-decompose replaces it";
  auto conv = mlir::dyn_cast<ConvOpInterface>(op);
  if (!conv || !conv.getInputScale())
    return "";
  TargetAttr target = getTarget(op);
  if (!target)
    return "only a target that the module does not name says whether it has a kernel";
  if (target.getGpu())
    return "no kernel of a GPU has a prologue";
  return "";
}

} // namespace convoy::cnn

#endif // CONVOY_TRANSFORMS_UTILS_KERNELOPS_H
