//===- Subgraphs.cpp - Graphs in the attributes of nodes ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Subgraphs.h"

using namespace llvm;
using namespace convoy::onnximport;
using onnx::AttributeProto;
using onnx::GraphProto;
using onnx::NodeProto;

SmallVector<GraphProto *, 2> convoy::onnximport::getGraphs(NodeProto &node) {
  SmallVector<GraphProto *, 2> graphs;
  for (AttributeProto &attribute : *node.mutable_attribute()) {
    if (attribute.has_g())
      graphs.push_back(attribute.mutable_g());
    for (GraphProto &graph : *attribute.mutable_graphs())
      graphs.push_back(&graph);
  }
  return graphs;
}

SmallVector<const GraphProto *, 2> convoy::onnximport::getGraphs(const NodeProto &node) {
  SmallVector<const GraphProto *, 2> graphs;
  for (const AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      graphs.push_back(&attribute.g());
    for (const GraphProto &graph : attribute.graphs())
      graphs.push_back(&graph);
  }
  return graphs;
}

void convoy::onnximport::addNames(const GraphProto &graph, StringSet<> &names) {
  for (const onnx::ValueInfoProto &input : graph.input())
    names.insert(input.name());
  for (const onnx::TensorProto &tensor : graph.initializer())
    names.insert(tensor.name());
  for (const onnx::SparseTensorProto &tensor : graph.sparse_initializer())
    names.insert(tensor.values().name());
  for (const NodeProto &node : graph.node())
    names.insert(node.output().begin(), node.output().end());
}

void convoy::onnximport::forEachRead(const NodeProto &node,
                                     function_ref<void(const std::string &)> visit) {
  for (const std::string &input : node.input())
    if (!input.empty())
      visit(input);
  for (const GraphProto *graph : getGraphs(node)) {
    for (const NodeProto &part : graph->node())
      forEachRead(part, visit);
    for (const onnx::ValueInfoProto &output : graph->output())
      visit(output.name());
  }
}

std::string
convoy::onnximport::makeUniqueName(const std::string &name,
                                   function_ref<bool(const std::string &)> isTaken) {
  std::string result = name;
  for (unsigned i = 2; isTaken(result); ++i)
    result = name + "#" + std::to_string(i);
  return result;
}

void convoy::onnximport::renameTensors(NodeProto &node, const StringMap<std::string> &names) {
  auto rename = [](std::string &name, const StringMap<std::string> &names) {
    if (auto found = names.find(name); found != names.end())
      name = found->second;
  };
  for (std::string &input : *node.mutable_input())
    rename(input, names);
  for (std::string &output : *node.mutable_output())
    rename(output, names);
  for (GraphProto *graph : getGraphs(node)) {
    StringSet<> own;
    addNames(*graph, own);
    StringMap<std::string> outer = names;
    for (const auto &name : own)
      outer.erase(name.getKey());
    for (NodeProto &part : *graph->mutable_node())
      renameTensors(part, outer);
    for (onnx::ValueInfoProto &output : *graph->mutable_output())
      rename(*output.mutable_name(), outer);
  }
}
