//===- PartitionedLayers.h - How devices share a model ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_COMPILER_PARTITIONEDLAYERS_H
#define CONVOY_COMPILER_PARTITIONEDLAYERS_H

#include "convoy/Compiler/Compilation.h"

#include <string>
#include <vector>

namespace convoy {

/// How devices share one layer. The last entry of a list stands for bringing the results of
/// the model together.
struct PartitionedLayer {
  /// The name of the ONNX node, and "conv", "max_pool", ...; both are empty for the results.
  std::string name, kind;
  /// Whether this is the entry for the results.
  bool isResults = false;
  /// The factor along which the layer is cut, such as "output_channel", and the bounds of the
  /// parts: device `k` computes `[bounds[k], bounds[k + 1])`. Both are empty if each device
  /// computes the whole layer.
  std::string factor;
  std::vector<int64_t> bounds;
  /// Whether devices need edges of their neighbours' inputs.
  bool needsHalo = false;
  /// The shape of each device's part of the output.
  std::vector<std::vector<int64_t>> shapes;
  /// The work of the busiest device.
  DeviceWork work;
  Traffic traffic;
  /// Estimated times: of work and traffic together, and of the whole layer on a single device.
  double seconds = 0, aloneSeconds = 0;
};

struct PartitionedLayers {
  int64_t devices = 1;
  /// In the order of the model. The last entry is that of the results.
  std::vector<PartitionedLayer> layers;
  /// Sums over the layers. `seconds` includes communication.
  PartitionedLayer total;
  double communicationSeconds = 0;
  /// The partition as far as ONNX can express it.
  std::vector<NodeSharding> shardings;
};

/// Imports and simplifies the model, and shares it between as many devices as the options say.
/// The handler gets errors.
mlir::FailureOr<PartitionedLayers> partitionLayers(Compilation &compilation);

} // namespace convoy

#endif // CONVOY_COMPILER_PARTITIONEDLAYERS_H
