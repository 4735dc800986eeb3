//===- NodeOrder.cpp - Which nodes are imported, and in which order -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "Subgraphs.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

const OpEntry *convoy::onnximport::lookupNode(const onnx::NodeProto &node, int64_t opset) {
  StringRef domain = isDefaultDomain(node.domain()) ? "" : StringRef(node.domain());
  return lookupOp(domain, node.op_type(), opset);
}

LogicalResult Importer::indexInitializers() {
  int number = 0;
  auto add = [&](const std::string &name) -> LogicalResult {
    int index = number++;
    // A node cannot name an initializer without a name.
    if (!name.empty() && !initializers.try_emplace(name, index).second)
      return error("two initializers have the name '" + name + "'");
    return success();
  };
  for (const onnx::TensorProto &tensor : graph->initializer())
    if (failed(add(tensor.name())))
      return failure();
  for (const onnx::SparseTensorProto &tensor : graph->sparse_initializer())
    if (failed(add(tensor.values().name())))
      return failure();
  return success();
}

bool Importer::exists(StringRef name) const {
  return initializers.contains(name) || inputNames.contains(name) || producers.contains(name);
}

LogicalResult Importer::indexNode(int index) {
  const onnx::NodeProto &node = graph->node(index);
  for (const std::string &output : node.output()) {
    if (output.empty())
      continue;
    auto [producer, isNew] = producers.try_emplace(output, index);
    if (!isNew)
      return nodeError(node, "makes the tensor '" + output + "', which node '" +
                                 getNodeName(graph->node(producer->second)) + "' makes too");
    if (initializers.contains(output) || inputNames.contains(output))
      return nodeError(node, "makes the tensor '" + output +
                                 "', which is an input or initializer of the graph");
  }
  return success();
}

LogicalResult Importer::checkReads(int index) {
  const onnx::NodeProto &node = graph->node(index);
  for (auto [number, input] : llvm::enumerate(node.input()))
    if (!input.empty() && !exists(input))
      return nodeError(node, "input " + Twine(number) + " is the tensor '" + input +
                                 "', which nothing in the model makes");
  return success();
}

LogicalResult Importer::indexNames() {
  if (graph->output_size() == 0)
    return error("the graph has no outputs");
  if (failed(indexInitializers()))
    return failure();

  llvm::StringSet<> listed;
  for (const onnx::ValueInfoProto &input : graph->input()) {
    if (input.name().empty())
      return error("a graph input has no name");
    if (!listed.insert(input.name()).second)
      return error("two graph inputs have the name '" + input.name() + "'");
    if (!initializers.contains(input.name()))
      inputNames.insert(input.name());
  }
  for (int index = 0; index < graph->node_size(); ++index)
    if (failed(indexNode(index)))
      return failure();
  for (int index = 0; index < graph->node_size(); ++index)
    if (failed(checkReads(index)))
      return failure();
  llvm::StringSet<> outputs;
  for (const onnx::ValueInfoProto &output : graph->output()) {
    if (!exists(output.name()))
      return error("the graph's output '" + output.name() + "' is made by no node");
    if (!outputs.insert(output.name()).second)
      return error("the graph's output '" + output.name() + "' is listed twice");
    readNames.insert(output.name());
  }
  return success();
}

void Importer::markLiveNodes() {
  for (NodeState &node : nodes)
    node.isLive = false;
  SmallVector<int> worklist;
  auto reach = [&](const std::string &name) {
    auto producer = producers.find(name);
    if (producer == producers.end())
      return;
    NodeState &node = nodes[producer->second];
    if (node.isLive || node.isImported)
      return;
    node.isLive = true;
    worklist.push_back(producer->second);
  };
  for (const onnx::ValueInfoProto &output : graph->output())
    reach(output.name());
  SmallVector<int> readers; // with those that are live when a graph of a node is inlined
  while (!worklist.empty()) {
    readers.push_back(worklist.pop_back_val());
    for (const std::string &input : graph->node(readers.back()).input())
      reach(input);
  }
  llvm::BitVector isReader(nodes.size());
  for (int reader : readers)
    isReader.set(reader);
  while (!readers.empty())
    forEachRead(graph->node(readers.pop_back_val()), [&](const std::string &name) {
      readNames.insert(name);
      auto producer = producers.find(name);
      if (producer == producers.end() || isReader[producer->second] ||
          nodes[producer->second].isImported)
        return;
      isReader.set(producer->second);
      readers.push_back(producer->second);
    });
}

/// The first names, and how many more there are: a message stays a line.
static std::string joinNames(ArrayRef<std::string> names) {
  constexpr size_t maxNames = 16;
  std::string result = llvm::join(names.take_front(maxNames), ", ");
  if (names.size() > maxNames)
    result += " and " + std::to_string(names.size() - maxNames) + " more";
  return result;
}

LogicalResult Importer::checkOps() {
  // Operators with the names of their nodes, in the order of the model.
  std::vector<std::pair<std::string, SmallVector<std::string>>> missing;
  int64_t newest = 0;
  for (auto [node, state] : llvm::zip_equal(graph->node(), nodes)) {
    newest = std::max(newest, state.opset);
    if (!state.isLive || lookupNode(node, state.opset))
      continue;
    std::string op =
        isDefaultDomain(node.domain()) ? node.op_type() : node.domain() + "." + node.op_type();
    auto entry = llvm::find_if(missing, [&](const auto &entry) { return entry.first == op; });
    if (entry == missing.end())
      entry = missing.emplace(missing.end(), op, SmallVector<std::string>());
    entry->second.push_back(getNodeName(node));
  }
  if (missing.empty())
    return success();
  std::string message;
  llvm::raw_string_ostream os(message);
  os << missing.size() << (missing.size() == 1 ? " operator is" : " operators are")
     << " not supported (opset " << newest << "): ";
  llvm::interleaveComma(missing, os, [&](const auto &entry) {
    const auto &[op, nodes] = entry;
    os << op << (nodes.size() == 1 ? " (node " : " (nodes ") << joinNames(nodes) << ")";
  });
  return error(message);
}

LogicalResult Importer::sortNodes() {
  // Depth first, in the order of the file, which is kept if it is sorted already.
  enum State : char { Unseen, Open, Done };
  std::vector<State> states(graph->node_size(), Unseen);
  pending.clear();
  struct Frame {
    int node;
    int nextInput;
  };
  for (int root = 0; root < graph->node_size(); ++root) {
    if (!nodes[root].isLive || states[root] != Unseen)
      continue;
    SmallVector<Frame> stack = {{root, 0}};
    states[root] = Open;
    while (!stack.empty()) {
      Frame &frame = stack.back();
      const onnx::NodeProto &node = graph->node(frame.node);
      if (frame.nextInput == node.input_size()) {
        states[frame.node] = Done;
        pending.push_back(frame.node);
        stack.pop_back();
        continue;
      }
      auto producer = producers.find(node.input(frame.nextInput++));
      if (producer == producers.end())
        continue;
      int next = producer->second;
      if (states[next] == Done || nodes[next].isImported)
        continue;
      if (states[next] == Open) {
        auto first = llvm::find_if(stack, [&](const Frame &f) { return f.node == next; });
        SmallVector<std::string> names;
        for (const Frame &f : llvm::make_range(first, stack.end()))
          names.push_back("'" + getNodeName(graph->node(f.node)) + "'");
        return error("the graph has a cycle through the nodes " + joinNames(names) +
                     " (tensor '" + node.input(stack.back().nextInput - 1) + "')");
      }
      states[next] = Open;
      stack.push_back({next, 0});
    }
  }
  std::reverse(pending.begin(), pending.end());
  return success();
}

LogicalResult Importer::orderNodes() {
  markLiveNodes();
  return failed(checkOps()) ? failure() : sortNodes();
}
