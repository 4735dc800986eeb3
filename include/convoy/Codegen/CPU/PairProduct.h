//===- PairProduct.h - Products of pairs of integers ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A layer of integers multiplies two input channels at a time: one instruction multiplies a
// register of pairs of i16 by another and adds the two products of each pair, as i32. The pair
// of inputs is the same in all lanes; the weights have a pair for each output channel. On CPUs
// with VNNI, LLVM makes one instruction of the product and the addition to the sum.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_PAIRPRODUCT_H
#define CONVOY_CODEGEN_CPU_PAIRPRODUCT_H

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Machine/Cpu.h"

namespace convoy::cpu {

/// Emits products of pairs. `vectors` must have an instruction for them.
class PairProduct {
public:
  PairProduct(mlir::ImplicitLocOpBuilder &builder, const VectorUnit &vectors, int64_t lanes)
      : b(builder), intrinsic(vectors.pairProduct), lanes(lanes) {}

  /// A filter whose last two dimensions, lanes and 2, are one.
  static mlir::Value flattenFilter(mlir::ImplicitLocOpBuilder &builder, mlir::Value filter);

  /// The pairs of weights of `lanes` output channels, from a flat filter, as i16. `indices`
  /// ends with the first of the lanes.
  mlir::Value loadWeights(mlir::Value filter, mlir::ValueRange indices);
  /// The pair of inputs at `indices`, i16, in all lanes.
  mlir::Value broadcastPair(mlir::Value input, mlir::ValueRange indices);
  /// `sum`, i32 for each lane, plus both products of each lane.
  mlir::Value add(mlir::Value sum, mlir::Value pairs, mlir::Value weights);

private:
  mlir::ImplicitLocOpBuilder &b;
  llvm::StringRef intrinsic;
  int64_t lanes;
};

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_PAIRPRODUCT_H
