//===- EpilogueBody.h - What a region of an epilogue may be -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Kernels run the region of an epilogue on vectors of sums (see EpilogueRegionOpInterface).
// The pass that makes such regions and their verifier agree here on what kernels can run.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_EPILOGUEBODY_H
#define CONVOY_DIALECT_CNN_IR_EPILOGUEBODY_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Block.h"
#include "mlir/IR/BuiltinAttributes.h"

#include <array>
#include <optional>

namespace convoy::cnn {

/// Whether an input or the result of a region may have elements of this type: a vector of them
/// has the lanes of a vector of sums, and is in memory as a tensor is. One of i1 is packed.
bool isEpilogueElement(mlir::Type element);

/// An element of a constant table, read by an operation of a body:
///
///     %i = arith.index_cast %number : i32 to index
///     %y = vector.extract %table[%i] : f32 from vector<256xf32>
struct TableLookup {
  mlir::DenseElementsAttr table;
  /// The index as i32. It is less than the number of elements.
  mlir::Value index;

  /// Nothing if `op` is another operation.
  static std::optional<TableLookup> get(mlir::Operation *op);
};

/// A table of at most 256 elements, which are numbers of eight bits plus `low`.
struct ByteTable {
  std::array<uint8_t, 256> bytes = {};
  int64_t low = 0;

  /// Nothing if the elements of a table are other numbers.
  static std::optional<ByteTable> get(mlir::DenseElementsAttr values);
};

/// Whether each operation of a body computes lanes of vectors as it computes scalars.
bool isEpilogueBody(mlir::Block &body);

/// Whether kernels can read an input of a region through `map`, whose dimensions are those of
/// the result.
bool isEpilogueMap(mlir::AffineMap map);

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_EPILOGUEBODY_H
