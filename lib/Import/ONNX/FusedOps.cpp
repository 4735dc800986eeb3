//===- FusedOps.cpp - Operators that ONNX Runtime's optimiser writes ------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// They become the operations of which they were made; Convoy fuses in its own way.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Operators.h"
#include "SizeRules.h"
#include "TensorReader.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;
using cnn::UnaryKind;

//===----------------------------------------------------------------------===//
// Products with an activation
//===----------------------------------------------------------------------===//

/// The activation called `name`. `getParameter` returns its number `index`, or a default.
static FailureOr<Value>
applyActivation(NodeImporter &node, Value value, StringRef name,
                llvm::function_ref<float(unsigned index, float otherwise)> getParameter) {
  if (name.empty())
    return value;
  std::optional<UnaryKind> plain = llvm::StringSwitch<std::optional<UnaryKind>>(name)
                                       .Case("Relu", UnaryKind::relu)
                                       .Case("Sigmoid", UnaryKind::sigmoid)
                                       .Case("Tanh", UnaryKind::tanh)
                                       .Case("Softplus", UnaryKind::softplus)
                                       .Case("HardSwish", UnaryKind::hard_swish)
                                       .Default(std::nullopt);
  if (plain)
    return node.unary(value, *plain);
  if (name == "LeakyRelu")
    return node.unary(value, UnaryKind::leaky_relu, getParameter(0, 0.01f));
  if (name == "Elu")
    return node.unary(value, UnaryKind::elu, getParameter(0, 1.0f));
  if (name == "HardSigmoid")
    return node.unary(value, UnaryKind::hard_sigmoid, getParameter(0, 0.2f),
                      getParameter(1, 0.5f));
  float infinity = std::numeric_limits<float>::infinity();
  if (name == "Clip")
    return node.unary(value, UnaryKind::clip, getParameter(0, -infinity),
                      getParameter(1, infinity));
  return node.error("attribute 'activation' is '" + name + "', which is not supported");
}

/// activation(conv + Z); Z is input 3.
static LogicalResult importFusedConv(NodeImporter &node) {
  SmallVector<float> parameters =
      node.getFloats("activation_params").value_or(SmallVector<float>());
  StringRef activation = node.getString("activation", "");
  if (failed(importConv(node)))
    return failure();
  FailureOr<Value> result = node.getResults().front();
  if (Value addend = node.getInput(3)) {
    if (NodeImporter::getShape(addend) != NodeImporter::getShape(*result))
      return node.error(node.describeInput(3) + " has shape " + formatShape(node.getShape(3)) +
                        ", the convolution " + formatShape(NodeImporter::getShape(*result)));
    if (failed(result = node.binary(BinaryKind::add, *result, addend)))
      return failure();
  }
  return node.setResult(
      applyActivation(node, *result, activation, [&](unsigned index, float otherwise) {
        return index < parameters.size() ? parameters[index] : otherwise;
      }));
}

static LogicalResult importFusedGemm(NodeImporter &node) {
  float parameters[] = {node.getFloat("activation_alpha", 0),
                        node.getFloat("activation_beta", 0),
                        node.getFloat("activation_gamma", 0)};
  static constexpr StringLiteral names[] = {"activation_alpha", "activation_beta",
                                            "activation_gamma"};
  StringRef activation = node.getString("activation", "");
  if (failed(importGemm(node)))
    return failure();
  return node.setResult(applyActivation(
      node, node.getResults().front(), activation, [&](unsigned index, float otherwise) {
        return node.hasAttribute(names[index]) ? parameters[index] : otherwise;
      }));
}

/// An operand of FusedMatMul: `transBatch` moves dimension 0 behind the other batch
/// dimensions, `trans` exchanges rows and columns.
static FailureOr<Value> transposeOperand(NodeImporter &node, Value value, bool transBatch,
                                         bool trans) {
  int64_t rank = NodeImporter::getRank(value);
  if (rank < 2)
    return value;
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (transBatch && rank > 2)
    std::rotate(permutation.begin(), permutation.begin() + 1, permutation.end() - 1);
  if (trans)
    std::swap(permutation[rank - 1], permutation[rank - 2]);
  return node.transpose(value, permutation);
}

static LogicalResult importFusedMatMul(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1.0f);
  FailureOr<Value> lhs =
      transposeOperand(node, node.getInput(0), node.getInt("transBatchA", 0) != 0,
                       node.getInt("transA", 0) != 0);
  FailureOr<Value> rhs =
      transposeOperand(node, node.getInput(1), node.getInt("transBatchB", 0) != 0,
                       node.getInt("transB", 0) != 0);
  if (failed(lhs) || failed(rhs))
    return failure();
  FailureOr<Value> result = createMatMul(node, *lhs, *rhs);
  if (failed(result) || alpha == 1.0f)
    return node.setResult(result);
  return node.setResult(node.binary(
      BinaryKind::mul, *result, node.scalar(NodeImporter::getElementType(*result), alpha)));
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// Input 0, plus the bias in input 1 if there is one.
static FailureOr<Value> addBias(NodeImporter &node) {
  if (!node.getInput(1))
    return node.getInput(0);
  return node.binary(BinaryKind::add, node.getInput(0), node.getInput(1));
}

static LogicalResult importGelu(NodeImporter &node) {
  FailureOr<Value> input = addBias(node);
  if (failed(input))
    return failure();
  return node.setResult(node.unary(*input, UnaryKind::gelu));
}

static LogicalResult importFastGelu(NodeImporter &node) {
  FailureOr<Value> input = addBias(node);
  if (failed(input))
    return failure();
  return node.setResult(createTanhGelu(node, *input));
}

/// x * sigmoid(alpha * x).
static LogicalResult importQuickGelu(NodeImporter &node) {
  Value input = node.getInput(0);
  float alpha = node.getFloat("alpha", 1.702f);
  FailureOr<Value> result = node.binary(
      BinaryKind::mul, input, node.scalar(NodeImporter::getElementType(input), alpha));
  if (failed(result) || failed(result = node.unary(*result, UnaryKind::sigmoid)))
    return failure();
  return node.setResult(node.binary(BinaryKind::mul, input, *result));
}

//===----------------------------------------------------------------------===//
// Normalisations
//===----------------------------------------------------------------------===//

/// Input 0 plus input 1 plus input `bias`; sets it as output 3.
static FailureOr<Value> addSkip(NodeImporter &node, unsigned bias) {
  for (unsigned output : {1, 2})
    if (node.isOutputUsed(output))
      return node.error("output " + Twine(output) +
                        " is used: the statistics are not supported");
  FailureOr<Value> sum = node.binary(BinaryKind::add, node.getInput(0), node.getInput(1));
  if (succeeded(sum) && node.getInput(bias))
    sum = node.binary(BinaryKind::add, *sum, node.getInput(bias));
  if (failed(sum))
    return failure();
  if (NodeImporter::getShape(*sum) != node.getShape(0))
    return node.error(node.describeInput(1) + " does not broadcast to " +
                      formatShape(node.getShape(0)));
  (void)node.setResult(sum, 3);
  return sum;
}

static LogicalResult importSkipLayerNorm(NodeImporter &node) {
  FailureOr<Value> sum = addSkip(node, 4);
  if (failed(sum))
    return failure();
  return node.setResult(node.create<cnn::LayerNormOp>(*sum, node.getInput(2), node.getInput(3),
                                                      NodeImporter::getRank(*sum) - 1,
                                                      node.getFloat("epsilon", 1e-12f)));
}

/// x * gamma / sqrt(mean(x^2) + epsilon) of x = input 0 + input 1 + input 3.
static LogicalResult importSkipSimplifiedLayerNorm(NodeImporter &node) {
  FailureOr<Value> sum = addSkip(node, 3);
  float epsilon = node.getFloat("epsilon", 1e-12f);
  if (failed(sum))
    return failure();
  Type type = NodeImporter::getElementType(*sum);
  FailureOr<Value> result = node.binary(BinaryKind::mul, *sum, *sum);
  if (succeeded(result))
    result = node.create<cnn::ReduceOp>(*result, cnn::ReduceKind::mean,
                                        NodeImporter::getRank(*sum) - 1, /*keep_dims=*/true);
  if (succeeded(result))
    result = node.binary(BinaryKind::add, *result, node.scalar(type, epsilon));
  if (succeeded(result))
    result = node.unary(*result, UnaryKind::sqrt);
  if (succeeded(result))
    result = node.binary(BinaryKind::div, *sum, *result);
  if (succeeded(result))
    result = node.binary(BinaryKind::mul, *result, node.getInput(2));
  return node.setResult(result);
}

ArrayRef<OpEntry> convoy::onnximport::getMicrosoftFusedOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"BiasGelu", importGelu, 2, 2, kFloat}.with(ruleOfElements),
      OpEntry{"FastGelu", importFastGelu, 1, 2, kFloat}.with(ruleOfElements),
      OpEntry{"FusedConv", importFusedConv, 2, 4, kFloat, 1, kNoEnd,
              "1 to 3 spatial dimensions; activations: Clip, Elu, HardSigmoid, HardSwish, "
              "LeakyRelu, Relu, Sigmoid, Softplus, Tanh"}
          .with(ruleOfBatches),
      OpEntry{"FusedGemm", importFusedGemm, 2, 3, kFloat, 1, kNoEnd,
              "activations: Clip, Elu, HardSigmoid, HardSwish, LeakyRelu, Relu, Sigmoid, "
              "Softplus, Tanh"}
          .with(ruleOfRows),
      OpEntry{"FusedMatMul", importFusedMatMul, 2, 2, kFloat}.with(ruleOfRows),
      OpEntry{"Gelu", importGelu, 1, 1, kFloat}.with(ruleOfElements),
      OpEntry{"QuickGelu", importQuickGelu, 1, 1, kFloat}.with(ruleOfElements),
      {"SkipLayerNormalization", importSkipLayerNorm, 3, 5, kFloat, 1, kNoEnd,
       "mean and inverse deviation must be unused"},
      {"SkipSimplifiedLayerNormalization", importSkipSimplifiedLayerNorm, 3, 4, kFloat, 1,
       kNoEnd, "mean and inverse deviation must be unused"},
  };
  return ops;
}
