//===- LayerProduct.h - The products of a layer's sums ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A step of a sum multiplies one input channel of floats, or a pair of channels of integers:
// one instruction multiplies a register of pairs of i16 by another and adds the two products
// of each pair, as i32. The inputs are the same in all lanes; the weights differ for each
// output channel. On CPUs with VNNI, LLVM makes one instruction of the product of pairs and
// the addition to the sum.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_LAYERPRODUCT_H
#define CONVOY_CODEGEN_CPU_LAYERPRODUCT_H

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Machine/Cpu.h"

namespace convoy::cpu {

/// Emits the products of a layer for `lanes` output channels. If the layer is one of integers,
/// `vectors` must have an instruction for products of pairs.
class LayerProduct {
public:
  LayerProduct(mlir::ImplicitLocOpBuilder &builder, cnn::ScheduledOpInterface layer,
               const VectorUnit &vectors, int64_t lanes);

  /// How many input channels a step multiplies.
  int64_t getInputs() const { return isInteger ? 2 : 1; }
  /// A vector of sums: f32 or i32.
  mlir::VectorType getSumType() const { return sumType; }

  /// A packed filter with the weights of a step and of a tile's lanes in one dimension.
  mlir::Value flattenFilter(mlir::Value filter);
  /// The weights of a step, from a flat filter. `indices` ends with the first lane.
  mlir::Value loadWeights(mlir::Value filter, mlir::ValueRange indices);
  /// The inputs of a step, from `indices` on, in all lanes.
  mlir::Value broadcast(mlir::Value input, mlir::ValueRange indices);
  /// `sum` plus the products of a step.
  mlir::Value add(mlir::Value sum, mlir::Value inputs, mlir::Value weights);

private:
  mlir::ImplicitLocOpBuilder &b;
  llvm::StringRef pairProduct;
  int64_t lanes;
  bool isInteger;
  mlir::VectorType sumType;
};

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_LAYERPRODUCT_H
