//===- Functions.cpp - Functions that a model defines ---------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Functions.h"

#include "Importer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using namespace convoy::onnximport;
using onnx::AttributeProto;
using onnx::FunctionProto;
using onnx::GraphProto;
using onnx::NodeProto;

namespace {

/// More nodes than any model has: functions that call each other can make 2^n of n lines.
constexpr int kMaxNodes = 1 << 20;

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

class Inliner {
public:
  explicit Inliner(onnx::ModelProto &model) : graph(*model.mutable_graph()) {
    for (const FunctionProto &function : model.functions())
      functions[getKey(function.domain(), function.name(), function.overload())] = &function;
  }

  Error run(int64_t opset) {
    google::protobuf::RepeatedPtrField<NodeProto> nodes;
    nodes.Swap(graph.mutable_node());
    for (const NodeProto &node : nodes) {
      taken.insert(node.output().begin(), node.output().end());
      taken.insert(node.input().begin(), node.input().end());
    }
    for (NodeProto &node : nodes)
      if (Error error = add(std::move(node), opset))
        return error;
    return Error::success();
  }

  std::vector<int64_t> opsets;

private:
  static std::string getKey(StringRef domain, StringRef name, StringRef overload) {
    return ((domain == "ai.onnx" ? "" : domain) + "\n" + name + "\n" + overload).str();
  }

  /// Adds a node to the graph, or the nodes of the function that it calls.
  Error add(NodeProto &&node, int64_t opset) {
    const FunctionProto *function =
        functions.lookup(getKey(node.domain(), node.op_type(), node.overload()));
    if (function)
      return inlineCall(node, *function, opset);
    if (graph.node_size() == kMaxNodes)
      return createStringError("has more than 2^20 nodes with the functions that it calls");
    *graph.add_node() = std::move(node);
    opsets.push_back(opset);
    return Error::success();
  }

  Error inlineCall(const NodeProto &node, const FunctionProto &function, int64_t opset) {
    std::string name = getNodeName(node);
    if (is_contained(active, &function))
      return createStringError("node '" + name + "' calls the function '" + function.name() +
                               "', which calls itself");
    if (node.input_size() > function.input_size() ||
        node.output_size() > function.output_size())
      return createStringError(
          "node '" + name + "' has " + Twine(node.input_size()) + " inputs and " +
          Twine(node.output_size()) + " outputs, the function '" + function.name() + "' has " +
          Twine(function.input_size()) + " and " + Twine(function.output_size()));
    for (const onnx::OperatorSetIdProto &import : function.opset_import())
      if (import.domain().empty() || import.domain() == "ai.onnx")
        opset = import.version();

    Call call{node, function, {}};
    for (int i = 0; i < function.input_size(); ++i)
      call.tensors[function.input(i)] = i < node.input_size() ? node.input(i) : "";
    SmallVector<std::pair<std::string, std::string>> copies;
    for (int i = 0; i < node.output_size(); ++i)
      if (!node.output(i).empty() &&
          !call.tensors.try_emplace(function.output(i), node.output(i)).second)
        copies.emplace_back(call.tensors[function.output(i)], node.output(i));

    active.push_back(&function);
    for (const NodeProto &part : function.node()) {
      NodeProto copy = part;
      copy.set_name(name + "/" + getNodeName(part));
      substitute(*copy.mutable_input(), call, name);
      substitute(*copy.mutable_output(), call, name);
      substituteAttributes(copy, call, name);
      if (Error error = add(std::move(copy), opset))
        return error;
    }
    active.pop_back();
    for (const auto &[from, to] : copies) {
      NodeProto identity;
      identity.set_op_type("Identity");
      identity.set_name(name + "/" + to);
      identity.add_input(from);
      identity.add_output(to);
      if (Error error = add(std::move(identity), opset))
        return error;
    }
    return Error::success();
  }

  /// Replaces names of a function's tensors by names of the graph's.
  void substitute(google::protobuf::RepeatedPtrField<std::string> &names, Call &call,
                  StringRef caller) {
    for (std::string &name : names) {
      if (name.empty())
        continue;
      auto [entry, isNew] = call.tensors.try_emplace(name);
      if (isNew)
        entry->second = makeName((caller + "/" + name).str());
      name = entry->second;
    }
  }

  /// The name, or one like it that no tensor has yet.
  std::string makeName(const std::string &name) {
    std::string result = name;
    for (unsigned i = 2; !taken.insert(result).second; ++i)
      result = name + "#" + std::to_string(i);
    return result;
  }

  void substituteAttributes(NodeProto &node, Call &call, StringRef caller) {
    google::protobuf::RepeatedPtrField<AttributeProto> attributes;
    attributes.Swap(node.mutable_attribute());
    for (AttributeProto &attribute : attributes) {
      if (attribute.ref_attr_name().empty()) {
        if (attribute.has_g())
          substituteGraph(*attribute.mutable_g(), call, caller);
        for (GraphProto &part : *attribute.mutable_graphs())
          substituteGraph(part, call, caller);
        *node.add_attribute() = std::move(attribute);
      } else if (const AttributeProto *given = call.findAttribute(attribute.ref_attr_name())) {
        AttributeProto &copy = *node.add_attribute();
        copy = *given;
        copy.set_name(attribute.name());
      } // Otherwise the attribute is left out, as the caller left it out.
    }
  }

  /// In a graph inside of a function, all names are the function's or the graph's own.
  void substituteGraph(GraphProto &inner, Call &call, StringRef caller) {
    for (onnx::ValueInfoProto &input : *inner.mutable_input())
      input.set_name(call.tensors[input.name()] =
                         makeName((caller + "/" + input.name()).str()));
    for (onnx::TensorProto &tensor : *inner.mutable_initializer())
      tensor.set_name(call.tensors[tensor.name()] =
                          makeName((caller + "/" + tensor.name()).str()));
    for (NodeProto &node : *inner.mutable_node()) {
      node.set_name((caller + "/" + getNodeName(node)).str());
      substitute(*node.mutable_input(), call, caller);
      substitute(*node.mutable_output(), call, caller);
      substituteAttributes(node, call, caller);
    }
    for (onnx::ValueInfoProto &output : *inner.mutable_output())
      output.set_name(call.tensors.lookup(output.name()));
  }

  GraphProto &graph;
  StringMap<const FunctionProto *> functions;
  /// The functions that are being inlined, the outermost first.
  SmallVector<const FunctionProto *> active;
  StringSet<> taken;
};

} // namespace

Expected<std::vector<int64_t>> convoy::onnximport::inlineFunctions(onnx::ModelProto &model,
                                                                   int64_t opset) {
  if (model.functions_size() == 0)
    return std::vector<int64_t>(model.graph().node_size(), opset);
  Inliner inliner(model);
  if (Error error = inliner.run(opset))
    return std::move(error);
  return std::move(inliner.opsets);
}
