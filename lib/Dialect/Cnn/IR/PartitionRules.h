//===- PartitionRules.h - Where partition rules are written -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// One rule for each operation, in the manner of the sharding rules of Shardy (OpenXLA), in the
// file of its family. Batch is dimension 0, channels are dimension 1, rows (height, or the
// only spatial dimension) dimension 2 and columns (width) dimension 3 of each tensor that an
// operation reads or makes.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DIALECT_CNN_IR_PARTITIONRULES_H
#define CONVOY_LIB_DIALECT_CNN_IR_PARTITIONRULES_H

#include "ShapeRule.h"

namespace convoy::cnn {

using Factors = llvm::SmallVector<PartitionFactor>;

/// A factor that nothing walks along yet.
PartitionFactor makeFactor(mlir::Operation *op, FactorKind kind, int64_t extent);

/// Says which dimension of an operand, if there is such an operand, a factor walks along.
void walkAlong(PartitionFactor &factor, mlir::Operation *op, mlir::Value operand, int64_t dim,
               int64_t size = 1);

/// Batch, channels, rows and columns of an operation whose result has the dimensions of its
/// operands, broadcast as in NumPy, except for those that `isMixed`.
Factors getPointwiseFactors(mlir::Operation *op,
                            llvm::function_ref<bool(int64_t)> isMixed = nullptr);

/// As getPointwiseFactors, of an operation whose operands but the first have one element for
/// each channel.
Factors getPerChannelFactors(mlir::Operation *op,
                             llvm::function_ref<bool(int64_t)> isMixed = nullptr);

/// Rows and columns of an operation with a sliding window, if each of the input belongs to
/// one of the output: then parts of the input follow from parts of the result, and
/// elements that a window reads beyond its part are halo. Interior parts have no padding.
void addWindowFactors(Factors &factors, WindowOpInterface op,
                      mlir::Value residual = mlir::Value());
/// Drops the padding at the inner borders of part `[begin, end)` of such a factor: elements
/// beyond them are there, in the halo.
void dropInnerPads(WindowOpInterface part, const PartitionFactor &factor, int64_t begin,
                   int64_t end);

/// Images of an operation with a filter.
PartitionFactor getBatchFactor(mlir::Operation *op, mlir::Value input, mlir::Value residual);

/// Output and input channels of an operation whose filter is `O x I x ...`, or
/// `I x O x ...` if `isTransposed`.
void addChannelFactors(Factors &factors, mlir::Operation *op, mlir::Value input,
                       mlir::Value filter, mlir::Value bias, mlir::Value residual,
                       FunctionAttr activation, bool isTransposed = false);

/// The result's shape, which an operation has as an attribute, for a part of it. It may have
/// fewer dimensions than the result, of `rank`.
Shape cutShape(llvm::ArrayRef<int64_t> shape, int64_t rank, const PartitionFactor &factor,
               int64_t begin, int64_t end);

} // namespace convoy::cnn

#endif // CONVOY_LIB_DIALECT_CNN_IR_PARTITIONRULES_H
