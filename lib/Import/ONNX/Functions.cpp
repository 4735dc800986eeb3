//===- Functions.cpp - Functions that a model defines ---------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Functions.h"

#include "Importer.h"
#include "Subgraphs.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <deque>

using namespace llvm;
using namespace convoy::onnximport;
using onnx::AttributeProto;
using onnx::FunctionProto;
using onnx::GraphProto;
using onnx::NodeProto;

namespace {

using google::protobuf::RepeatedPtrField;

/// More nodes than any model has: functions that call each other can make 2^n of n lines.
constexpr size_t kMaxNodes = 1 << 20;

/// A node of the graph, or of a function that is called.
struct Part {
  NodeProto node;
  int64_t opset;
  const FunctionProto *function; ///< that the node calls; null for an operator
  int caller;                    ///< the part that it was inlined for, -1 for the graph
  int depth;
  bool isNeeded = false; ///< by an output of the graph
  bool isInlined = false;
  int begin = 0, end = 0; ///< the parts that replace the call
};

/// The attributes of a node, and the names of tensors, for which those in a function stand.
struct Call {
  const NodeProto &node;
  const FunctionProto &function;
  StringMap<std::string> tensors;

  const AttributeProto *findAttribute(StringRef name) const {
    for (const AttributeProto &attribute : node.attribute())
      if (attribute.name() == name)
        return &attribute;
    for (const AttributeProto &otherwise : function.attribute_proto())
      if (otherwise.name() == name)
        return &otherwise;
    return nullptr;
  }
};

/// The names that a function, or a graph inside of it, defines.
struct Scope {
  StringSet<> names;
  const Scope *outer = nullptr;

  bool contains(StringRef name) const {
    return names.contains(name) || (outer && outer->contains(name));
  }
};

} // namespace

/// Fails if a node, or a node in its graphs, reads what is not in scope.
static Error checkReads(const FunctionProto &function, const NodeProto &node,
                        const Scope &scope) {
  for (const std::string &input : node.input())
    if (!input.empty() && !scope.contains(input))
      return createStringError("function '" + function.name() + "': node '" +
                               getNodeName(node) + "' reads the tensor '" + input +
                               "', which the function does not define");
  for (const GraphProto *graph : getGraphs(node)) {
    Scope inner{{}, &scope};
    addNames(*graph, inner.names);
    for (const NodeProto &part : graph->node())
      if (Error error = checkReads(function, part, inner))
        return error;
  }
  return Error::success();
}

/// Fails if the function would be wrong in any model.
static Error checkFunction(const FunctionProto &function) {
  Scope scope;
  scope.names.insert(function.input().begin(), function.input().end());
  for (const NodeProto &node : function.node())
    scope.names.insert(node.output().begin(), node.output().end());
  for (const NodeProto &node : function.node())
    if (Error error = checkReads(function, node, scope))
      return error;
  for (const std::string &output : function.output())
    if (!scope.contains(output))
      return createStringError("function '" + function.name() +
                               "' does not make its output '" + output + "'");
  if (std::optional<int64_t> opset = findDefaultOpset(function.opset_import());
      opset && *opset < 1)
    return createStringError("function '" + function.name() + "' has opset " + Twine(*opset) +
                             " of the default domain, opsets begin with 1");
  if (const AttributeProto *twice = findRepeatedAttribute(function.attribute_proto()))
    return createStringError("function '" + function.name() + "' has the attribute '" +
                             twice->name() + "' twice");
  return Error::success();
}

namespace {

/// Inlines a call when an output of the graph needs a tensor that the call makes. So nothing
/// is inlined in vain, and functions that call each other need no stack.
class Inliner {
public:
  explicit Inliner(GraphProto &graph) : graph(graph) {}

  Error run(const RepeatedPtrField<FunctionProto> &defined, int64_t opset) {
    for (const FunctionProto &function : defined)
      if (!functions
               .try_emplace(getKey(function.domain(), function.name(), function.overload()),
                            &function)
               .second)
        return createStringError("two functions have the name '" + function.name() +
                                 "' in the domain '" + function.domain() + "'");
    takeNames();
    RepeatedPtrField<NodeProto> nodes;
    nodes.Swap(graph.mutable_node());
    for (NodeProto &node : nodes)
      addPart(std::move(node), opset, /*caller=*/-1);
    int count = parts.size();
    for (const onnx::ValueInfoProto &output : graph.output())
      if (Error error = need(output.name()))
        return error;
    for (int index = 0; index < count; ++index)
      emit(index);
    return Error::success();
  }

  std::vector<int64_t> opsets;

private:
  static std::string getKey(StringRef domain, StringRef name, StringRef overload) {
    return ((isDefaultDomain(domain) ? "" : domain) + "\n" + name + "\n" + overload).str();
  }

  /// The function that a node calls. ONNX leaves open what a name means that is an operator's,
  /// too: it is the operator, as in ONNX Runtime.
  const FunctionProto *findFunction(const NodeProto &node, int64_t opset) const {
    if (isDefaultDomain(node.domain()) && node.overload().empty() &&
        lookupOp("", node.op_type(), opset))
      return nullptr;
    return functions.lookup(getKey(node.domain(), node.op_type(), node.overload()));
  }

  /// Notes all names of the graph, also those that no node reads.
  void takeNames() {
    addNames(graph, taken);
    for (const NodeProto &node : graph.node())
      taken.insert(node.input().begin(), node.input().end());
    for (const onnx::ValueInfoProto &output : graph.output())
      taken.insert(output.name());
  }

  void addPart(NodeProto &&node, int64_t opset, int caller) {
    for (const std::string &output : node.output())
      if (!output.empty())
        makers.try_emplace(output, parts.size());
    const FunctionProto *function = findFunction(node, opset);
    int depth = caller < 0 ? 0 : parts[caller].depth + 1;
    parts.push_back({std::move(node), opset, function, caller, depth});
  }

  /// Inlines the calls that make the tensor, and all that it is made of.
  Error need(const std::string &tensor) {
    std::vector<std::string> worklist = {tensor};
    while (!worklist.empty()) {
      std::string name = std::move(worklist.back());
      worklist.pop_back();
      auto maker = makers.find(name);
      if (maker == makers.end() || parts[maker->second].isNeeded)
        continue;
      int index = maker->second;
      Part &part = parts[index];
      part.isNeeded = true;
      if (part.function) {
        if (Error error = inlineCall(index))
          return error;
        worklist.push_back(std::move(name)); // A node of the function makes it now.
      } else {
        forEachRead(part.node, [&](const std::string &read) { worklist.push_back(read); });
      }
    }
    return Error::success();
  }

  /// The name of the node in the graph for which a part was inlined.
  std::string getOutermostName(int index) const {
    while (parts[index].caller >= 0)
      index = parts[index].caller;
    return getNodeName(parts[index].node);
  }

  Error checkCall(int index) {
    const Part &part = parts[index];
    const NodeProto &node = part.node;
    const FunctionProto &function = *part.function;
    for (int caller = part.caller; caller >= 0; caller = parts[caller].caller)
      if (parts[caller].function == &function)
        return createStringError("node '" + getNodeName(node) + "' calls the function '" +
                                 function.name() + "', which calls itself");
    if (part.depth == kMaxDepth)
      return createStringError("node '" + getOutermostName(index) +
                               "' calls functions that call each other, more than " +
                               Twine(kMaxDepth) + " deep: export the model without functions");
    if (parts.size() + function.node_size() + function.output_size() > kMaxNodes)
      return createStringError("node '" + getOutermostName(index) +
                               "' calls functions that make more than 2^20 nodes");
    if (node.input_size() > function.input_size() ||
        node.output_size() > function.output_size())
      return createStringError(
          "node '" + getNodeName(node) + "' has " + Twine(node.input_size()) + " inputs and " +
          Twine(node.output_size()) + " outputs, the function '" + function.name() + "' has " +
          Twine(function.input_size()) + " and " + Twine(function.output_size()));
    if (const AttributeProto *twice = findRepeatedAttribute(node.attribute()))
      return createStringError("node '" + getNodeName(node) + "' has the attribute '" +
                               twice->name() + "' twice");
    return checked.insert(&function).second ? checkFunction(function) : Error::success();
  }

  Error inlineCall(int index) {
    if (Error error = checkCall(index))
      return error;
    Part &part = parts[index];
    const NodeProto &node = part.node;
    const FunctionProto &function = *part.function;
    std::string name = getNodeName(node);
    int64_t opset = findDefaultOpset(function.opset_import()).value_or(part.opset);
    for (const std::string &output : node.output())
      if (auto maker = makers.find(output); maker != makers.end() && maker->second == index)
        makers.erase(maker);

    Call call{node, function, {}};
    for (int i = 0; i < function.input_size(); ++i)
      call.tensors[function.input(i)] = i < node.input_size() ? node.input(i) : "";
    SmallVector<std::pair<std::string, std::string>> copies;
    for (int i = 0; i < node.output_size(); ++i)
      if (!node.output(i).empty() &&
          !call.tensors.try_emplace(function.output(i), node.output(i)).second)
        copies.emplace_back(call.tensors[function.output(i)], node.output(i));

    for (const NodeProto &inner : function.node())
      for (const std::string &output : inner.output())
        if (!output.empty() && !call.tensors.contains(output))
          call.tensors[output] = makeName(name + "/" + output);
    part.isInlined = true;
    part.begin = parts.size();
    for (const NodeProto &inner : function.node()) {
      NodeProto copy = inner;
      copy.set_name(name + "/" + getNodeName(inner));
      renameTensors(copy, call.tensors);
      substituteAttributes(copy, call);
      addPart(std::move(copy), opset, index);
    }
    for (const auto &[from, to] : copies) {
      NodeProto identity;
      identity.set_op_type("Identity");
      identity.set_name(name + "/" + to);
      identity.add_input(from);
      identity.add_output(to);
      addPart(std::move(identity), opset, index);
    }
    part.end = parts.size();
    return Error::success();
  }

  /// Adds a part to the graph, or the parts that replace it.
  void emit(int index) {
    Part &part = parts[index];
    if (part.isInlined) {
      for (int inner = part.begin; inner < part.end; ++inner)
        emit(inner);
      return;
    }
    *graph.add_node() = std::move(part.node);
    opsets.push_back(part.opset);
  }

  /// The name, or one like it that no tensor has yet.
  std::string makeName(const std::string &name) {
    return makeUniqueName(
        name, [&](const std::string &result) { return !taken.insert(result).second; });
  }

  /// Replaces references to attributes of the function, also in graphs, by the caller's.
  void substituteAttributes(NodeProto &node, const Call &call) {
    RepeatedPtrField<AttributeProto> attributes;
    attributes.Swap(node.mutable_attribute());
    for (AttributeProto &attribute : attributes) {
      if (attribute.ref_attr_name().empty()) {
        *node.add_attribute() = std::move(attribute);
      } else if (const AttributeProto *given = call.findAttribute(attribute.ref_attr_name())) {
        AttributeProto &copy = *node.add_attribute();
        copy = *given;
        copy.set_name(attribute.name());
      } // Otherwise the attribute is left out, as the caller left it out.
    }
    for (GraphProto *inner : getGraphs(node))
      for (NodeProto &part : *inner->mutable_node())
        substituteAttributes(part, call);
  }

  GraphProto &graph;
  StringMap<const FunctionProto *> functions;
  DenseSet<const FunctionProto *> checked;
  std::deque<Part> parts; ///< Grows while references to its elements are held.
  StringMap<int> makers;  ///< tensor name -> the part that makes it
  StringSet<> taken;
};

} // namespace

Expected<std::vector<int64_t>>
convoy::onnximport::inlineFunctions(const RepeatedPtrField<FunctionProto> &functions,
                                    GraphProto &graph, int64_t opset) {
  if (functions.empty())
    return std::vector<int64_t>(graph.node_size(), opset);
  Inliner inliner(graph);
  if (Error error = inliner.run(functions, opset))
    return std::move(error);
  return std::move(inliner.opsets);
}
