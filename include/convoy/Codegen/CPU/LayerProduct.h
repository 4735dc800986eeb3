//===- LayerProduct.h - The products of a layer's sums ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A step of a sum multiplies one input channel of floats, or a dot of integers or bf16: two or
// four neighbouring channels, whose products one instruction adds up as i32 or f32 (see
// DotInstruction). The inputs are the same in all lanes; the weights differ for each output
// channel.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_LAYERPRODUCT_H
#define CONVOY_CODEGEN_CPU_LAYERPRODUCT_H

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Machine/Cpu.h"

namespace convoy::cpu {

/// Emits the products of a layer for `lanes` output channels. If the layer multiplies dots,
/// the target must have them.
class LayerProduct {
public:
  LayerProduct(mlir::ImplicitLocOpBuilder &builder, cnn::ScheduledOpInterface layer,
               cnn::TargetAttr target, int64_t lanes);

  /// How many input channels a step multiplies.
  int64_t getInputs() const { return dot ? dot->getInputs() : 1; }
  /// The type that inputs must have in memory; that of single inputs may also be narrower.
  mlir::Type getInputType() const { return (dot ? inputType : sumType).getElementType(); }
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
  /// For a layer that multiplies dots.
  const DotInstruction *dot = nullptr;
  int64_t lanes;
  /// The inputs of a step for all lanes, and sums.
  mlir::VectorType inputType, sumType;
};

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_LAYERPRODUCT_H
