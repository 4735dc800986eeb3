//===- TensorFragment.h - Sums of tensor cores ------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_TENSORFRAGMENT_H
#define CONVOY_LIB_CODEGEN_GPU_TENSORFRAGMENT_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace convoy::gpu {

/// Lanes hold two sums of a row in each eight columns of a tensor core's product, from column
/// 2 * (lane % 4) on: `pairs`, an even number of vectors of two. Neighbours swap, so that
/// each has four side by side, of every 16 columns from getQuadColumn on: even lanes in the
/// first eight, odd lanes in the second, and together a whole block of channels.
llvm::SmallVector<mlir::Value> swapToQuads(mlir::ImplicitLocOpBuilder &builder,
                                           mlir::Value lane, mlir::ValueRange pairs);
mlir::Value getQuadColumn(mlir::ImplicitLocOpBuilder &builder, mlir::Value lane);

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_TENSORFRAGMENT_H
