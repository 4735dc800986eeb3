//===- PartitionRules.h - Helpers for partition rules -----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Each operation has one partition rule, in the file of its family. It is similar to the
// sharding rules of Shardy (OpenXLA). Batch is dimension 0, channels are dimension 1, rows
// (height, or the only spatial dimension) dimension 2 and columns (width) dimension 3 of each
// tensor that an operation reads or makes.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DIALECT_CNN_IR_PARTITIONRULES_H
#define CONVOY_LIB_DIALECT_CNN_IR_PARTITIONRULES_H

#include "ShapeRule.h"

namespace convoy::cnn {

using Factors = llvm::SmallVector<PartitionFactor>;

/// A factor for which no operand and no result is cut yet.
PartitionFactor makeFactor(mlir::Operation *op, FactorKind kind, int64_t extent);

/// Declares that `factor` cuts dimension `dim` of `operand`, with `size` elements for each
/// unit of the factor. Does nothing if `operand` is null.
void walkAlong(PartitionFactor &factor, mlir::Operation *op, mlir::Value operand, int64_t dim,
               int64_t size = 1);

/// Batch, channels, rows and columns of an operation whose result has the dimensions of its
/// operands, broadcast as in NumPy. There is no factor for a dimension that `isMixed`: along
/// it, elements of the result depend on other elements of the operands.
Factors getPointwiseFactors(mlir::Operation *op,
                            llvm::function_ref<bool(int64_t)> isMixed = nullptr);

/// The same for an operation whose operands, except the first, have one element for each
/// channel.
Factors getPerChannelFactors(mlir::Operation *op,
                             llvm::function_ref<bool(int64_t)> isMixed = nullptr);

/// Adds rows and columns of an operation with a sliding window, if the input has exactly
/// `stride` rows (columns) for each row (column) of the result. Then a part of the result
/// needs the same part of the input and, as halo, the elements that windows read beyond it.
void addWindowFactors(Factors &factors, WindowOpInterface op,
                      mlir::Value residual = mlir::Value());
/// Drops the padding of part `[begin, end)` of such a factor at the borders to other parts:
/// the halo has the elements beyond them.
void dropInnerPads(WindowOpInterface part, const PartitionFactor &factor, int64_t begin,
                   int64_t end);

/// The batch factor of an operation with a filter.
PartitionFactor getBatchFactor(mlir::Operation *op, mlir::Value input, mlir::Value residual);

/// Adds output channels and, if there is no activation, input channels of an operation whose
/// filter is `O x I x ...`, or `I x O x ...` if `isTransposed`.
void addChannelFactors(Factors &factors, mlir::Operation *op, mlir::Value input,
                       mlir::Value filter, mlir::Value bias, mlir::Value residual,
                       FunctionAttr activation, bool isTransposed = false);

/// Cuts `shape`, an operation's attribute for the shape of its result, to part `[begin, end)`
/// of the result. It may have fewer dimensions than the result, whose rank is `rank`.
Shape cutShape(llvm::ArrayRef<int64_t> shape, int64_t rank, const PartitionFactor &factor,
               int64_t begin, int64_t end);

} // namespace convoy::cnn

#endif // CONVOY_LIB_DIALECT_CNN_IR_PARTITIONRULES_H
