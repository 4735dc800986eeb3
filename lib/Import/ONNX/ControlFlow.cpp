//===- ControlFlow.cpp - If -----------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Functions.h"
#include "Importer.h"
#include "Subgraphs.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using onnx::AttributeProto;
using onnx::NodeProto;

LogicalResult NodeImporter::inlineGraph(StringRef name) {
  if (!findAttribute(name, AttributeProto::GRAPH))
    return error("has no graph in its attribute '" + name + "'");
  for (AttributeProto &attribute : *node.mutable_attribute())
    if (attribute.name() == name)
      inlined = attribute.mutable_g();
  if (inlined->input_size() != 0)
    return error("the graph in attribute '" + name + "' has inputs, which is not allowed");
  if (inlined->output_size() != node.output_size())
    return error("has " + Twine(node.output_size()) + " outputs, the graph in attribute '" +
                 name + "' has " + Twine(inlined->output_size()));
  return success();
}

/// A node with the value of an initializer.
static NodeProto makeConstantNode(const std::string &name, AttributeProto &&value) {
  NodeProto node;
  node.set_op_type("Constant");
  node.set_name(name);
  node.add_output(name);
  *node.add_attribute() = std::move(value);
  return node;
}

/// The nodes of a graph, which gives them away, and one for each of its initializers.
static std::vector<NodeProto> takeNodes(onnx::GraphProto &graph) {
  std::vector<NodeProto> nodes;
  for (onnx::TensorProto &tensor : *graph.mutable_initializer()) {
    std::string name = tensor.name();
    AttributeProto value;
    value.set_name("value");
    value.mutable_t()->Swap(&tensor);
    nodes.push_back(makeConstantNode(name, std::move(value)));
  }
  for (onnx::SparseTensorProto &tensor : *graph.mutable_sparse_initializer()) {
    std::string name = tensor.values().name();
    AttributeProto value;
    value.set_name("sparse_value");
    value.mutable_sparse_tensor()->Swap(&tensor);
    nodes.push_back(makeConstantNode(name, std::move(value)));
  }
  for (NodeProto &node : *graph.mutable_node())
    nodes.push_back(std::move(node));
  return nodes;
}

LogicalResult Importer::inlineGraph(int index, onnx::GraphProto &inlined) {
  constexpr int maxDepth = 128;
  NodeProto &node = *graph->mutable_node(index);
  NodeState state{nodes[index].opset, nodes[index].depth + 1};
  if (state.depth > maxDepth)
    return nodeError(node, "is in more than " + Twine(maxDepth) +
                               " graphs, one in the other: export the model without them");
  llvm::Expected<std::vector<int64_t>> opsets =
      inlineFunctions(file->model.functions(), inlined, state.opset);
  if (!opsets)
    return nodeError(node, toString(opsets.takeError()));

  std::string prefix = getNodeName(node) + "/";
  llvm::StringSet<> own;
  addNames(inlined, own);
  llvm::StringMap<std::string> names;
  for (const auto &entry : own) {
    if (entry.getKey().empty())
      continue;
    names[entry.getKey()] = makeUniqueName(
        prefix + entry.getKey().str(), [&](const std::string &name) { return exists(name); });
  }
  std::vector<NodeProto> added = takeNodes(inlined);
  opsets->insert(opsets->begin(), added.size() - opsets->size(), state.opset);
  for (NodeProto &part : added) {
    part.set_name(prefix + getNodeName(part));
    renameTensors(part, names);
  }
  for (auto [output, result] : llvm::zip_equal(node.output(), inlined.output())) {
    if (output.empty())
      continue;
    producers.erase(output);
    auto renamed = names.find(result.name());
    NodeProto &identity = added.emplace_back();
    identity.set_op_type("Identity");
    identity.set_name(getNodeName(node));
    identity.add_input(renamed == names.end() ? result.name() : renamed->second);
    identity.add_output(output);
    opsets->push_back(state.opset);
  }
  int first = graph->node_size();
  for (auto [part, opset] : llvm::zip_equal(added, *opsets)) {
    *graph->add_node() = std::move(part);
    nodes.push_back({opset, state.depth});
    if (failed(indexNode(graph->node_size() - 1)))
      return failure();
  }
  for (int added = first; added < graph->node_size(); ++added)
    if (failed(checkReads(added)))
      return failure();
  return orderNodes();
}

/// The branch that is taken must be known; the other one may hold anything.
static LogicalResult importIf(NodeImporter &node) {
  std::optional<cnn::ConstantData> condition = node.getConstant(0);
  if (!condition)
    return node.notConstant(0);
  if (condition->getNumElements() != 1)
    return node.error(node.describeInput(0) + " is not one bool");
  for (StringRef branch : {"then_branch", "else_branch"})
    node.ignoreAttribute(branch);
  return node.inlineGraph(condition->getInt(0) ? "then_branch" : "else_branch");
}

ArrayRef<OpEntry> convoy::onnximport::getControlFlowOps() {
  static constexpr OpEntry ops[] = {
      {"If", importIf, 1, 1, kBool, 1, kNoEnd, "the condition must be constant"},
  };
  return ops;
}
