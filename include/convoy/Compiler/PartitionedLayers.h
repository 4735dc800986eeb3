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

/// What devices do of one layer, or to bring the results together.
struct PartitionedLayer {
  /// The ONNX node's name, and "conv", "max_pool", ...; both empty for the results.
  std::string name, kind;
  bool isResults = false;
  /// What the layer is shared along, such as "output_channel", and where the devices' parts
  /// of it begin and the last ends; both empty where each device computes all of it.
  std::string factor;
  std::vector<int64_t> bounds;
  /// Whether only edges cross, between neighbours.
  bool needsHalo = false;
  /// Of each device's part of the output.
  std::vector<std::vector<int64_t>> shapes;
  /// Of the busiest device.
  DeviceWork work;
  Traffic traffic;
  /// Estimated, of work and traffic together, and of the layer on one device alone.
  double seconds = 0, aloneSeconds = 0;
};

struct PartitionedLayers {
  int64_t devices = 1;
  /// In the model's order; the last is the results'.
  std::vector<PartitionedLayer> layers;
  /// Sums over the layers; communication is a part of `seconds`.
  PartitionedLayer total;
  double communicationSeconds = 0;
  /// As much of the partition as ONNX can say.
  std::vector<NodeSharding> shardings;
};

/// Imports and simplifies the model and shares it between the options' devices. The handler
/// gets errors.
mlir::FailureOr<PartitionedLayers> partitionLayers(Compilation &compilation);

} // namespace convoy

#endif // CONVOY_COMPILER_PARTITIONEDLAYERS_H
