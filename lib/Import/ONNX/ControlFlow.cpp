//===- ControlFlow.cpp - If -----------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Functions.h"
#include "Importer.h"
#include "SizeRules.h"
#include "Subgraphs.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using onnx::AttributeProto;
using onnx::NodeProto;

/// The most nodes that graphs of nodes may add to the model: n loops, one in the other, can
/// make 2^n.
static constexpr int64_t kMaxAddedNodes = 1 << 15;

onnx::GraphProto *NodeImporter::findGraph(StringRef name) {
  if (!findAttribute(name, AttributeProto::GRAPH))
    return nullptr;
  for (AttributeProto &attribute : *node.mutable_attribute())
    if (attribute.name() == name)
      return attribute.mutable_g();
  return nullptr;
}

LogicalResult NodeImporter::inlineGraph(StringRef name) {
  onnx::GraphProto *graph = findGraph(name);
  if (!graph)
    return error("has no graph in its attribute '" + name + "'");
  if (graph->input_size() != 0)
    return error("the graph in attribute '" + name + "' has inputs, which is not allowed");
  if (graph->output_size() != node.output_size())
    return error("has " + Twine(node.output_size()) + " outputs, the graph in attribute '" +
                 name + "' has " + Twine(graph->output_size()));
  inlined.push_back(graph);
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

LogicalResult Importer::addGraph(int index, onnx::GraphProto &inlined,
                                 const std::string &prefix, ArrayRef<std::string> outputs,
                                 const llvm::StringMap<std::string> &inputs) {
  // The graph's list of nodes, which grows, owns nodes by pointer: this one stays.
  const NodeProto &node = graph->node(index);
  NodeState state{nodes[index].opset, nodes[index].depth + 1, nodes[index].choice};
  if (state.depth > kMaxDepth)
    return nodeError(node, "is in more than " + Twine(kMaxDepth) +
                               " graphs, one in the other: export the model without them");
  addedNodes += inlined.node_size();
  if (addedNodes > kMaxAddedNodes)
    return nodeError(node, "is where the bodies of loops and the branches of If, which become "
                           "part of the model, have more than " +
                               Twine(kMaxAddedNodes) + " nodes together");
  llvm::Expected<std::vector<int64_t>> opsets =
      inlineFunctions(file->model.functions(), inlined, state.opset);
  if (!opsets)
    return nodeError(node, toString(opsets.takeError()));
  llvm::StringSet<> own, taken;
  addNames(inlined, own);
  llvm::StringMap<std::string> names;
  for (const auto &entry : own) {
    if (entry.getKey().empty())
      continue;
    std::string &name = names[entry.getKey()];
    if (auto input = inputs.find(entry.getKey()); input != inputs.end()) {
      name = input->second;
      continue;
    }
    name = makeUniqueName(prefix + entry.getKey().str(), [&](const std::string &wanted) {
      return exists(wanted) || taken.contains(wanted);
    });
    taken.insert(name);
  }
  std::vector<NodeProto> added = takeNodes(inlined);
  opsets->insert(opsets->begin(), added.size() - opsets->size(), state.opset);
  for (NodeProto &part : added) {
    part.set_name(prefix + getNodeName(part));
    renameTensors(part, names);
  }
  for (auto [output, result] : llvm::zip_equal(outputs, inlined.output())) {
    if (output.empty())
      continue;
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
    nodes.push_back({opset, state.depth, state.choice});
    if (failed(indexNode(graph->node_size() - 1)))
      return failure();
  }
  for (int added = first; added < graph->node_size(); ++added)
    if (failed(checkReads(added)))
      return failure();
  return success();
}

LogicalResult Importer::inlineGraphs(int index, ArrayRef<onnx::GraphProto *> inlined) {
  NodeProto &node = *graph->mutable_node(index);
  std::string name = getNodeName(node);
  if (inlined.size() == 1) {
    std::vector<std::string> outputs(node.output().begin(), node.output().end());
    for (const std::string &output : outputs)
      producers.erase(output);
    return failed(addGraph(index, *inlined[0], name + "/", outputs)) ? failure()
                                                                     : orderNodes();
  }
  // Both branches join the graph, and the node chooses between their results.
  int outer = nodes[index].choice;
  nodes[index].choice = index;
  for (std::string &output : *node.mutable_output())
    if (!isRead(output))
      output.clear();
  for (onnx::GraphProto *branch : inlined) {
    std::string prefix = name + (branch == inlined.front() ? "/then/" : "/else/");
    std::vector<std::string> outputs;
    for (const std::string &output : node.output())
      outputs.push_back(output.empty()
                            ? output
                            : makeUniqueName(prefix + output, [&](const std::string &wanted) {
                                return exists(wanted);
                              }));
    if (failed(addGraph(index, *branch, prefix, outputs)))
      return failure();
    for (const std::string &output : outputs)
      if (!output.empty())
        node.add_input(output);
  }
  node.clear_attribute();
  nodes[index].choice = outer;
  nodes[index].choosesBranch = true;
  nodes[index].isImported = false;
  return orderNodes();
}

namespace {

/// A result of both branches, with the same type.
struct Choice {
  Value lhs, rhs;
  SmallVector<DimSize> extents;
};

} // namespace

/// Inputs `first` and `second` with the same bounds, if only sizes differ.
static FailureOr<Choice> alignBranches(NodeImporter &node, Value condition, unsigned first,
                                       unsigned second) {
  Choice choice{node.getInput(first), node.getInput(second), node.getExtents(first)};
  SmallVector<DimSize> others = node.getExtents(second);
  if (NodeImporter::getElementType(choice.lhs) != NodeImporter::getElementType(choice.rhs) ||
      others.size() != choice.extents.size())
    return choice;
  for (auto [extent, other] : llvm::zip_equal(choice.extents, others)) {
    if (extent == other)
      continue;
    FailureOr<Value> size = node.create<cnn::SelectOp>(condition, node.materialize(extent),
                                                       node.materialize(other));
    if (failed(size))
      return failure();
    extent = node.declareSize(*size, std::max(extent.bound, other.bound));
  }
  auto isEmpty = [](Value value) {
    return NodeImporter::getType(value).getNumElements() == 0;
  };
  // Nothing counts in the branch that is empty.
  if (isEmpty(choice.lhs) != isEmpty(choice.rhs)) {
    choice.lhs = choice.rhs = isEmpty(choice.lhs) ? choice.rhs : choice.lhs;
    return choice;
  }
  for (Value *value : {&choice.lhs, &choice.rhs}) {
    FailureOr<Value> enlarged = enlarge(node, *value, getBounds(choice.extents));
    if (failed(enlarged))
      return failure();
    *value = *enlarged;
  }
  return choice;
}

std::string Importer::explainBranch(int index) {
  int choice = nodes[index].choice;
  if (choice < 0)
    return "";
  const NodeProto &node = graph->node(choice);
  std::string options = makeBindOptions(findModelInputs(getValue(node.input(0))));
  return "; this is in a branch of the node '" + getNodeName(node) + "'" +
         (options.empty() ? "" : ":" + options + " leaves out the branch that is not taken");
}

LogicalResult convoy::onnximport::chooseBranch(NodeImporter &node) {
  unsigned results = 0, first = 1;
  for (unsigned i = 0; i < node.getNumOutputs(); ++i)
    results += node.hasOutput(i);
  FailureOr<Value> condition = node.reshape(node.getInput(0), {});
  for (unsigned i = 0; i < node.getNumOutputs(); ++i) {
    if (!node.hasOutput(i))
      continue;
    FailureOr<Choice> choice = alignBranches(node, *condition, first, first + results);
    if (failed(choice))
      return failure();
    Value lhs = choice->lhs, rhs = choice->rhs;
    ++first;
    if (lhs.getType() != rhs.getType())
      return node.error("its branches give output '" + node.getOutputName(i) +
                        "' different types, " + describeType(lhs) + " and " +
                        describeType(rhs) +
                        ": the condition must be constant for this (--bind can make it so)");
    if (lhs == rhs) {
      if (failed(node.setResult(lhs, choice->extents, i)))
        return failure();
      continue;
    }
    FailureOr<Value> chosen = node.create<cnn::ChooseOp>(*condition, lhs, rhs);
    if (failed(node.setResult(chosen, choice->extents, i)))
      return failure();
  }
  return success();
}

/// If the condition is a constant, the other branch may hold anything.
static LogicalResult importIf(NodeImporter &node) {
  if (NodeImporter::getType(node.getInput(0)).getNumElements() != 1)
    return node.error(node.describeInput(0) + " is not one bool");
  for (StringRef branch : {"then_branch", "else_branch"})
    node.ignoreAttribute(branch);
  if (std::optional<cnn::ConstantData> condition = node.getConstant(0))
    return node.inlineGraph(condition->getInt(0) ? "then_branch" : "else_branch");
  return failed(node.inlineGraph("then_branch")) ? failure() : node.inlineGraph("else_branch");
}

ArrayRef<OpEntry> convoy::onnximport::getControlFlowOps() {
  static constexpr OpEntry ops[] = {
      {"If", importIf, 1, 1, kBool, 1, kNoEnd,
       "branches of different types need a constant condition"},
  };
  return ops;
}
