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

/// Changes the sums of a tensor core's product from pairs to quads. A lane has two
/// neighbouring sums of a row in each eight columns, from column 2 * (lane % 4) on: `pairs`,
/// an even number of vectors of two. Neighbouring lanes swap, so that each gets four
/// neighbouring sums in each 16 columns, from getQuadColumn on: even lanes in the first eight
/// columns, odd lanes in the second. Together, four lanes have a whole block of channels.
llvm::SmallVector<mlir::Value> swapToQuads(mlir::ImplicitLocOpBuilder &builder,
                                           mlir::Value lane, mlir::ValueRange pairs);
/// The column, in each 16, of the first of a lane's four sums after swapToQuads.
mlir::Value getQuadColumn(mlir::ImplicitLocOpBuilder &builder, mlir::Value lane);

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_TENSORFRAGMENT_H
