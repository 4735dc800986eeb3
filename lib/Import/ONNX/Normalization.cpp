//===- Normalization.cpp - Normalisations ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

/// Fails if a batch norm is in training mode. Up to opset 6 the attribute `is_test` tells, up
/// to 13 the number of outputs, from 14 on the attribute `training_mode` alone.
static LogicalResult requireInference(NodeImporter &node) {
  StringRef wayOut = ": it would use the batch's own statistics; export the model for "
                     "inference (PyTorch: model.eval())";
  if (failed(node.requireInferenceMode()))
    return failure();
  if (node.getOpset() < 7)
    return node.requireUnusedOutputs(1, "running statistics exist in training mode only");
  if (node.getOpset() >= 14) {
    if (node.getInt("training_mode", 0) != 0)
      return node.error("is in training mode (training_mode=1)" + wayOut);
    return node.requireUnusedOutputs(1, "running statistics exist in training mode only");
  }
  unsigned outputs = 0;
  for (unsigned i = 0; i < node.getNumOutputs(); ++i)
    outputs += node.hasOutput(i);
  if (outputs > 1)
    return node.error("is in training mode (it has " + Twine(outputs) + " outputs)" + wayOut);
  return success();
}

static LogicalResult importBatchNorm(NodeImporter &node) {
  if (failed(requireInference(node)))
    return failure();
  node.ignoreAttribute("momentum");
  if (node.getOpset() < 9 && node.getInt("spatial", 1) != 1)
    return node.error("attribute 'spatial' is 0 (statistics for each position), which is not "
                      "supported");
  float epsilon = node.getFloat("epsilon", 1e-5f);
  return node.setResult(node.create<cnn::BatchNormOp>(
      node.getInput(0), node.getInput(1), node.getInput(2), node.getInput(3), node.getInput(4),
      epsilon, cnn::BatchNormMode::inference));
}

static LogicalResult importInstanceNorm(NodeImporter &node) {
  return node.setResult(node.create<cnn::InstanceNormOp>(
      node.getInput(0), node.getInput(1), node.getInput(2), node.getFloat("epsilon", 1e-5f)));
}

static LogicalResult importLayerNorm(NodeImporter &node) {
  node.ignoreAttribute("stash_type");
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.getInt("axis", -1), NodeImporter::getRank(node.getInput(0)));
  if (failed(axis) || failed(node.requireUnusedOutputs(
                          1, "LayerNormalization's statistics are not supported")))
    return failure();
  return node.setResult(node.create<cnn::LayerNormOp>(node.getInput(0), node.getInput(1),
                                                      node.getInput(2), *axis,
                                                      node.getFloat("epsilon", 1e-5f)));
}

/// Turns a parameter with an entry for each group into one with an entry for each channel.
static FailureOr<Value> expandGroups(NodeImporter &node, Value parameter, int64_t channels) {
  int64_t groups = NodeImporter::getType(parameter).getNumElements();
  if (groups < 1 || channels % groups)
    return node.error(Twine(channels) + " channels do not divide into " + Twine(groups) +
                      " groups");
  int64_t size = channels / groups;
  if (std::optional<cnn::ConstantData> data = cnn::ConstantData::get(parameter)) {
    std::vector<float> values(channels);
    for (int64_t i = 0; i < channels; ++i)
      values[i] = data->get<float>(i / size);
    return node.constant(cnn::makeFloats(node.getContext(), channels, std::move(values)));
  }
  SmallVector<int64_t> indices;
  for (int64_t i = 0; i < channels; ++i)
    indices.push_back(i / size);
  return node.pick(parameter, 0, indices);
}

static LogicalResult importGroupNorm(NodeImporter &node) {
  node.ignoreAttribute("stash_type");
  Value input = node.getInput(0);
  if (NodeImporter::getRank(input) < 2)
    return node.error(node.describeInput(0) + " has no channels (dimension 1)");
  int64_t channels = node.getShape(0)[1], groups = node.getInt("num_groups", 0);
  if (groups < 1)
    return node.error("attribute 'num_groups' is " + Twine(groups));
  FailureOr<Value> parameters[] = {node.getInput(1), node.getInput(2)};
  // Parameters have an entry for each group in opset 18, for each channel from 21 on.
  for (FailureOr<Value> &parameter : parameters) {
    if (node.getOpset() >= 21)
      continue;
    if (NodeImporter::getShape(*parameter) != ArrayRef<int64_t>(groups))
      return node.error("scale and bias need " + Twine(groups) +
                        " elements, one for each group");
    parameter = expandGroups(node, *parameter, channels);
    if (failed(parameter))
      return failure();
  }
  return node.setResult(node.create<cnn::GroupNormOp>(
      input, *parameters[0], *parameters[1], groups, node.getFloat("epsilon", 1e-5f)));
}

static LogicalResult importLRN(NodeImporter &node) {
  if (!node.hasAttribute("size"))
    return node.error("has no attribute 'size'");
  int64_t size = node.getInt("size", 1);
  float alpha = node.getFloat("alpha", 1e-4f), beta = node.getFloat("beta", 0.75f);
  float bias = node.getFloat("bias", 1.0f);
  return node.setResult(node.create<cnn::LrnOp>(node.getInput(0), size, alpha, beta, bias));
}

ArrayRef<OpEntry> convoy::onnximport::getNormalizationOps() {
  static constexpr OpEntry ops[] = {
      {"BatchNormalization", importBatchNorm, 5, 5, InputTypes::Float},
      {"GroupNormalization", importGroupNorm, 3, 3, InputTypes::Float, 18},
      {"InstanceNormalization", importInstanceNorm, 3, 3, InputTypes::Float},
      {"LRN", importLRN, 1, 1, InputTypes::Float},
      {"LayerNormalization", importLayerNorm, 2, 3, InputTypes::Float, 17},
  };
  return ops;
}
