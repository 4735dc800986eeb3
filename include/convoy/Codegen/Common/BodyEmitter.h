//===- BodyEmitter.h - Bodies of element-wise operations --------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The body of a linalg operation, or of a layer's epilogue, computes one element. A kernel
// runs it on scalars or on vectors.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_BODYEMITTER_H
#define CONVOY_CODEGEN_COMMON_BODYEMITTER_H

#include "convoy/Codegen/Common/LoopEmitter.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/IR/IRMapping.h"

namespace convoy {

/// Clones the constants from outside that `region` uses, and maps them in `captured`. Failure,
/// without a diagnostic, if it uses another value from outside.
mlir::LogicalResult captureConstants(mlir::ImplicitLocOpBuilder &builder, mlir::Region &region,
                                     mlir::IRMapping &captured);

/// Broadcasts a scalar to `lanes` lanes. Vectors, and scalars for one lane, stay as they are.
mlir::Value widen(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, int64_t lanes);

/// Whether `op` is a linalg operation that does nothing but to look up bytes in a table, which
/// kernels do in registers then, on vectors of kByteShuffleLanes.
bool isByteLookup(mlir::Operation *op, cnn::TargetAttr target);

/// Emits the operations of `body` and returns the operands of its terminator. `mapping` has
/// the arguments, scalars or vectors, and the constants from outside; `ivs` are the indices
/// that linalg.index stands for. An operation whose operands are all scalars stays a scalar
/// one.
llvm::SmallVector<mlir::Value> emitBody(mlir::ImplicitLocOpBuilder &builder, mlir::Block &body,
                                        mlir::IRMapping mapping, int64_t lanes,
                                        mlir::ValueRange ivs = {});

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_BODYEMITTER_H
