//===- Layers.h - The layers of a model -------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_COMPILER_LAYERS_H
#define CONVOY_COMPILER_LAYERS_H

#include "convoy/Analysis/LayerCost.h"
#include "convoy/Analysis/ReceptiveField.h"
#include "convoy/Compiler/Compilation.h"

#include <string>
#include <vector>

namespace convoy {

/// An operation of the imported model that computes something.
struct LayerInfo {
  /// The name of the ONNX node.
  std::string name;
  /// "conv", "max_pool", "relu", "add", ...
  std::string kind;
  /// The shape of its output.
  std::vector<int64_t> shape;
  /// The receptive field in pixels of the input, one entry for each spatial dimension; empty
  /// if the operation reads nothing that is computed from an image.
  std::vector<FieldExtent> field;
  LayerCost cost;
};

/// An output of the model.
struct OutputShape {
  std::string name;
  std::vector<int64_t> shape;
  /// For each dimension, whether `shape` has only an upper bound: its size depends on data.
  std::vector<bool> isBounded;
};

struct LayerList {
  /// In the order of the model.
  std::vector<LayerInfo> layers;
  std::vector<OutputShape> outputs;
  /// The sum over all layers. Weights that several layers share count once.
  LayerCost total;
};

/// Imports the model and lists its layers. The handler gets errors.
mlir::FailureOr<LayerList> listLayers(Compilation &compilation);

} // namespace convoy

#endif // CONVOY_COMPILER_LAYERS_H
