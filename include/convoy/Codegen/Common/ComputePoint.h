//===- ComputePoint.h - The code of a point of cnn.compute ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_COMPUTEPOINT_H
#define CONVOY_CODEGEN_COMMON_COMPUTEPOINT_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

/// Copies the body of `op` to the builder's insertion point, for the point of the given
/// coordinates. `operands` are the buffers of `op` inside the kernel.
void emitComputePoint(mlir::ImplicitLocOpBuilder &builder, cnn::ComputeOp op,
                      mlir::ValueRange point, mlir::ValueRange operands);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_COMPUTEPOINT_H
