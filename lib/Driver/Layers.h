//===- Layers.h - The layers of a model -------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_LAYERS_H
#define CONVOY_LIB_DRIVER_LAYERS_H

#include "convoy/Analysis/LayerCost.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>
#include <vector>

namespace convoy::driver {

/// An operation of `@main` that computes something.
struct Layer {
  mlir::Operation *op = nullptr;
  /// The ONNX node's.
  std::string name;
  /// "conv", "max_pool", "relu", "add", ...
  std::string kind;
  LayerCost cost;
};

/// The layers of an imported module in their order.
std::vector<Layer> listLayers(mlir::ModuleOp module);

/// The name of the node at a location; empty if there is none.
llvm::StringRef getNodeName(mlir::Location loc);

/// "conv", "max_pool", "relu", "add", ...
std::string getLayerKind(mlir::Operation *op);

/// "1x3x224x224".
std::string joinShape(llvm::ArrayRef<int64_t> shape);

/// Three significant digits and a prefix: "727 M".
std::string formatCount(double count);

/// Lines columns up: the first two to the left, the others to the right.
void printTable(const std::vector<std::vector<std::string>> &rows);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_LAYERS_H
