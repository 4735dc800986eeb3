//===- ElementwiseEmitter.h - Bodies of element-wise functions --*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The arithmetic of cnn's element-wise functions, written once for every place that needs it:
// epilogues of kernels (on vectors) and `linalg` bodies (on scalars). These functions emit
// `arith` and `math` operations. MathApproximation.h expands the `math` operations of kernels,
// so that none becomes a libm call.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_ELEMENTWISEEMITTER_H
#define CONVOY_DIALECT_CNN_IR_ELEMENTWISEEMITTER_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

/// The type of arith that holds elements of `type` in kernels: signless integers for unsigned
/// ones, and i8 for everything else of at most 8 bits but i1. Otherwise `type` itself.
mlir::Type getLoweredElementType(mlir::Type type);

/// A value, or vector, of an element type as one of its lowered type, and the way back. The
/// conversions vanish in cnn-lower-element-types.
mlir::Value emitLowered(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x);
mlir::Value emitRaised(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x,
                       mlir::Type element);

/// `value` as a constant of `type`: a float, integer or index type, or a vector of these.
mlir::Value emitConstant(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type,
                         double value);
/// A constant of any element type.
mlir::Value emitConstant(mlir::OpBuilder &builder, mlir::Location loc, mlir::TypedAttr value);

/// The larger (smaller) of two values, as one instruction. If `rhs` is a NaN, the result is.
mlir::Value emitMax(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value lhs,
                    mlir::Value rhs);
mlir::Value emitMin(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value lhs,
                    mlir::Value rhs);

/// `function(x)` for a scalar or a vector; the result has the type of `x`. Null if the
/// function has no meaning for that element type.
mlir::Value emitUnary(mlir::OpBuilder &builder, mlir::Location loc, cnn::FunctionAttr function,
                      mlir::Value x);

/// `kind(lhs, rhs)` for scalars or vectors of one type; comparisons give `i1`. Null if the
/// function has no meaning for the element type.
mlir::Value emitBinary(mlir::OpBuilder &builder, mlir::Location loc, cnn::BinaryKind kind,
                       mlir::Value lhs, mlir::Value rhs);

/// `x` converted to the element type `to` with ONNX Cast's rules: floats
/// truncate to integers, and everything but zero is true. `saturate` and `rounding` count for
/// floats of at most 8 bits.
mlir::Value emitCast(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x,
                     mlir::Type to, bool saturate = true,
                     cnn::CastRounding rounding = cnn::CastRounding::up);

/// The bits of `x` as the element type `to`, which is as wide; a bool counts as a byte.
mlir::Value emitBitcast(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x,
                        mlir::Type to);

} // namespace convoy

#endif // CONVOY_DIALECT_CNN_IR_ELEMENTWISEEMITTER_H
