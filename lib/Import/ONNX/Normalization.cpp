//===- Normalization.cpp - Normalisations ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "SizeRules.h"
#include "Term.h"
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ReduceKind;
using cnn::UnaryKind;

/// Why a batch norm uses the statistics of its input; empty if it does not. Up to opset 6 the
/// attribute `is_test` tells, up to 13 the number of outputs, from 14 on the attribute
/// `training_mode` alone.
static std::string whyTraining(NodeImporter &node) {
  if (node.getOpset() < 7)
    return node.getInt("is_test", 0) == 0
               ? "is_test is 0, the default of opset " + std::to_string(node.getOpset())
               : "";
  if (node.getOpset() >= 14)
    return node.getInt("training_mode", 0) != 0 ? "training_mode=1" : "";
  unsigned outputs = 0;
  for (unsigned i = 0; i < node.getNumOutputs(); ++i)
    outputs += node.hasOutput(i);
  return outputs > 1 ? "it has " + std::to_string(outputs) + " outputs" : "";
}

/// scale * (x - mean) / sqrt(variance + epsilon) + bias with the statistics of x.
static FailureOr<Value> normalizeByOwnStatistics(NodeImporter &node, float epsilon) {
  Value input = node.getInput(0);
  int64_t rank = NodeImporter::getRank(input);
  if (rank < 2)
    return node.error(node.describeInput(0) + " has no channels (dimension 1)");
  int64_t channels = node.getShape(0)[1];
  SmallVector<int64_t> axes = {0}, perChannel(rank - 1, 1);
  for (int64_t axis = 2; axis < rank; ++axis)
    axes.push_back(axis);
  perChannel.front() = channels;
  for (unsigned i : {1, 2})
    if (node.getShape(i) != ArrayRef<int64_t>(channels))
      return node.error(node.describeInput(i) + " needs " + Twine(channels) +
                        " elements, one for each channel");
  auto parameter = [&](unsigned i) {
    return Term(node, node.getInput(i)).reshape(perChannel);
  };
  Term x(node, input), centred = x - x.reduce(ReduceKind::mean, axes);
  Term variance = (centred * centred).reduce(ReduceKind::mean, axes);
  Term factor = parameter(1) / (variance + epsilon).apply(UnaryKind::sqrt);
  return centred * factor + parameter(2);
}

/// A batch norm with statistics for each position (up to opset 8, with spatial=0), or in f64.
static LogicalResult importPointwiseBatchNorm(NodeImporter &node, bool isSpatial,
                                              float epsilon) {
  ArrayRef<int64_t> shape = node.getShape(0);
  if (shape.size() < 2)
    return node.error(node.describeInput(0) + " has no channels (dimension 1)");
  SmallVector<int64_t> expected(shape.drop_front(1)), extents(expected);
  if (isSpatial) {
    expected.resize(1);
    std::fill(extents.begin() + 1, extents.end(), 1);
  }
  SmallVector<Term> parameters;
  for (unsigned i = 1; i < 5; ++i) {
    if (node.getShape(i) != ArrayRef<int64_t>(expected))
      return node.error(node.describeInput(i) + " needs " +
                        (isSpatial ? "an element for each channel"
                                   : "the shape of the input without the batch"));
    parameters.push_back(Term(node, node.getInput(i)).reshape(extents));
  }
  auto [scale, bias, mean, variance] =
      std::tie(parameters[0], parameters[1], parameters[2], parameters[3]);
  Term factor = scale / (variance + epsilon).apply(UnaryKind::sqrt);
  return node.setResult((Term(node, node.getInput(0)) - mean) * factor + bias);
}

static LogicalResult importBatchNorm(NodeImporter &node) {
  std::string training = whyTraining(node);
  if (!training.empty() && node.isFed(0))
    return node.error("is in training mode (" + training +
                      "): it would use the batch's own statistics; export the model for "
                      "inference (PyTorch: model.eval())");
  StringRef reason = training.empty() ? "running statistics exist in training mode only"
                                      : "running statistics are not supported";
  if (failed(node.requireUnusedOutputs(1, reason)))
    return failure();
  node.ignoreAttribute("momentum");
  float epsilon = node.getFloat("epsilon", 1e-5f);
  // Standardised weights: no batch is in them, whose statistics would have to be the
  // training's.
  if (!training.empty())
    return node.setResult(normalizeByOwnStatistics(node, epsilon));
  bool isSpatial = node.getOpset() >= 9 || node.getInt("spatial", 1) != 0;
  if (!isSpatial || NodeImporter::getElementType(node.getInput(0)).isF64())
    return importPointwiseBatchNorm(node, isSpatial, epsilon);
  return node.setResult(node.create<cnn::BatchNormOp>(
      node.getInput(0), node.getInput(1), node.getInput(2), node.getInput(3), node.getInput(4),
      epsilon, cnn::BatchNormMode::inference));
}

static LogicalResult importInstanceNorm(NodeImporter &node) {
  return node.setResult(node.create<cnn::InstanceNormOp>(
      node.getInput(0), node.getInput(1), node.getInput(2), node.getFloat("epsilon", 1e-5f)));
}

namespace {

/// The attributes of a norm of rows, which are all dimensions from `axis` on.
struct RowNorm {
  int64_t axis;
  SmallVector<int64_t> axes;
  float epsilon;
  Type stash; ///< The type in which statistics are computed: f32 or the type of the input.
};

} // namespace

static FailureOr<RowNorm> readRowNorm(NodeImporter &node) {
  constexpr int64_t f32 = 1, bf16 = 16;
  int64_t rank = NodeImporter::getRank(node.getInput(0));
  FailureOr<int64_t> axis = node.normalizeAxis(node.getInt("axis", -1), rank);
  if (failed(axis))
    return failure();
  int64_t stash = node.getInt("stash_type", f32);
  if (stash != f32 && stash != bf16)
    return node.error("attribute 'stash_type' is " + Twine(stash) +
                      ", expected 1 (float) or 16 (bfloat16)");
  Type element = NodeImporter::getElementType(node.getInput(0));
  bool keepsType = element.isF64() || stash == bf16;
  return RowNorm{*axis, llvm::to_vector(llvm::seq(*axis, rank)),
                 node.getFloat("epsilon", 1e-5f),
                 keepsType ? element : node.getBuilder().getF32Type()};
}

static LogicalResult importLayerNorm(NodeImporter &node) {
  FailureOr<RowNorm> norm = readRowNorm(node);
  if (failed(norm))
    return failure();
  Value input = node.getInput(0);
  if (!node.isOutputUsed(1) && !node.isOutputUsed(2))
    return node.setResult(node.create<cnn::LayerNormOp>(
        input, node.getInput(1), node.getInput(2), norm->axis, norm->epsilon));
  Type element = NodeImporter::getElementType(input);
  Term x = Term(node, input).to(norm->stash);
  Term mean = x.reduce(ReduceKind::mean, norm->axes), centred = x - mean;
  Term variance = (centred * centred).reduce(ReduceKind::mean, norm->axes);
  Term deviation = (variance + norm->epsilon).apply(UnaryKind::sqrt);
  Term inverse = deviation.number(1) / deviation;
  Term result = (centred * inverse).to(element) * Term(node, node.getInput(1));
  if (node.getInput(2))
    result = result + Term(node, node.getInput(2));
  return success(succeeded(node.setResult(mean, 1)) && succeeded(node.setResult(inverse, 2)) &&
                 succeeded(node.setResult(result)));
}

/// x / sqrt(mean(x^2) + epsilon) * scale.
static LogicalResult importRMSNorm(NodeImporter &node) {
  FailureOr<RowNorm> norm = readRowNorm(node);
  if (failed(norm))
    return failure();
  Value input = node.getInput(0);
  Term x = Term(node, input).to(norm->stash);
  double count = llvm::product_of(NodeImporter::getShape(input).drop_front(norm->axis));
  Term root = (x.reduce(ReduceKind::sum_square, norm->axes) / count + norm->epsilon)
                  .apply(UnaryKind::sqrt);
  return node.setResult((x / root).to(NodeImporter::getElementType(input)) *
                        Term(node, node.getInput(1)));
}

/// x / norm(x); 0 if the norm is 0.
static LogicalResult importLpNorm(NodeImporter &node) {
  Value input = node.getInput(0);
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.getInt("axis", -1), NodeImporter::getRank(input));
  int64_t p = node.getInt("p", 2);
  if (failed(axis))
    return failure();
  if (p != 1 && p != 2)
    return node.error("attribute 'p' is " + Twine(p) + ", expected 1 or 2");
  Term x(node, input), norm = x.reduce(p == 1 ? ReduceKind::l1 : ReduceKind::l2, *axis);
  Term isZero = norm.combine(cnn::BinaryKind::equal, norm.number(0));
  return node.setResult(x / isZero.select(norm.number(1), norm));
}

/// (x - mean) / (deviation + 1e-9).
static LogicalResult importMeanVarianceNorm(NodeImporter &node) {
  Value input = node.getInput(0);
  SmallVector<int64_t> stated = node.getInts("axes").value_or(SmallVector<int64_t>{0, 2, 3});
  FailureOr<SmallVector<int64_t>> axes =
      node.normalizeAxes(stated, NodeImporter::getRank(input));
  if (failed(axes))
    return failure();
  Term x(node, input), centred = x - x.reduce(ReduceKind::mean, *axes);
  Term deviation = (centred * centred).reduce(ReduceKind::mean, *axes).apply(UnaryKind::sqrt);
  return node.setResult(centred / (deviation + 1e-9));
}

/// Turns a parameter with an entry for each group into one with an entry for each channel.
static FailureOr<Value> expandGroups(NodeImporter &node, Value parameter, int64_t channels) {
  int64_t groups = NodeImporter::getType(parameter).getNumElements();
  if (groups < 1 || channels % groups)
    return node.error(Twine(channels) + " channels do not divide into " + Twine(groups) +
                      " groups");
  int64_t size = channels / groups;
  std::optional<cnn::ConstantData> data = cnn::ConstantData::get(parameter);
  if (data && data->holds<float>()) {
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
      OpEntry{"BatchNormalization", importBatchNorm, 5, 5, kFloat, 1, kNoEnd,
              "no training mode; only the first output"}
          .with(ruleOfBatches),
      OpEntry{"GroupNormalization", importGroupNorm, 3, 3, kFloat, 18}.with(ruleOfBatches),
      OpEntry{"InstanceNormalization", importInstanceNorm, 3, 3, kFloat}.with(ruleOfBatches),
      OpEntry{"LRN", importLRN, 1, 1, kFloat}.with(ruleOfBatches),
      OpEntry{"LayerNormalization", importLayerNorm, 2, 3, kFloat, 17}.with(ruleOfOuterSizes),
      OpEntry{"LpNormalization", importLpNorm, 1, 1, kFloat}.with(ruleOfOuterSizes),
      {"MeanVarianceNormalization", importMeanVarianceNorm, 1, 1, kFloat, 9},
      OpEntry{"RMSNormalization", importRMSNorm, 2, 2, kFloat, 23}.with(ruleOfOuterSizes),
  };
  return ops;
}
