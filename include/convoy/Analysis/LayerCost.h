//===- LayerCost.h - What an operation costs --------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_LAYERCOST_H
#define CONVOY_ANALYSIS_LAYERCOST_H

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/SmallVector.h"

namespace convoy {

struct LayerCost {
  /// Multiply-adds of convolutions, dense layers and matrix products, those with padding
  /// included; 0 for all other operations.
  int64_t macs = 0;
  /// Elements and bytes of the constant tensors that the operation reads.
  int64_t parameters = 0;
  int64_t weightBytes = 0;
  /// Bytes of the result.
  int64_t outputBytes = 0;
};

/// The kind of an operation: "conv", "max_pool", "relu", "add", ...
std::string getLayerKind(mlir::Operation *op);

/// Bytes of a dense array of the type; 0 if its shape is unknown.
int64_t getDenseBytes(mlir::ShapedType type);

/// The constant tensors that an operation reads, which count as its parameters.
llvm::SmallVector<mlir::Value> getParameters(mlir::Operation *op);

/// The cost of an operation on plain, unpacked tensors or memrefs.
LayerCost computeLayerCost(mlir::Operation *op);

} // namespace convoy

#endif // CONVOY_ANALYSIS_LAYERCOST_H
