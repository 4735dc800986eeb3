//===- Loops.cpp - Loop and Scan ------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Both are unrolled: an iteration's nodes join the graph before the node, which is then
// imported again and asks for the next iteration, until it has its results.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Subgraphs.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

/// The most iterations of a loop, and the most nodes and bytes that they may have together.
static constexpr int64_t kMaxIterations = 1 << 10, kMaxUnrolledNodes = 1 << 13,
                         kMaxUnrolledBytes = 1 << 28;

LogicalResult NodeImporter::iterate(StringRef name, ArrayRef<Value> arguments, unsigned first,
                                    unsigned count) {
  onnx::GraphProto *graph = findGraph(name);
  int64_t iterations = loop.iteration + 1;
  if (iterations > kMaxIterations || iterations * graph->node_size() > kMaxUnrolledNodes)
    return error("has more than " + Twine(loop.iteration) + " iterations of " +
                 Twine(graph->node_size()) +
                 " nodes: it is unrolled, and may "
                 "have at most " +
                 Twine(kMaxIterations) + " iterations with " + Twine(kMaxUnrolledNodes) +
                 " nodes together");
  if (iterations * int64_t(graph->ByteSizeLong()) > kMaxUnrolledBytes)
    return error("has more than " + Twine(loop.iteration) + " iterations with a body of " +
                 Twine(graph->ByteSizeLong()) + " bytes, they may have at most " +
                 Twine(kMaxUnrolledBytes) + ": move initializers out of the body");
  next = {graph, SmallVector<Value>(arguments), first, count};
  return success();
}

LogicalResult Importer::addIteration(int index, const Iteration &next) {
  onnx::NodeProto &node = *graph->mutable_node(index);
  std::string prefix =
      getNodeName(node) + "/" + std::to_string(nodes[index].loop.iteration) + "/";
  std::vector<std::string> outputs;
  auto makeName = [&](const std::string &name) {
    return makeUniqueName(prefix + name, [&](const std::string &wanted) {
      return exists(wanted) || values.contains(wanted) || llvm::is_contained(outputs, wanted);
    });
  };
  bool isAnyFed =
      llvm::any_of(node.input(), [&](const std::string &name) { return fed.contains(name); });
  // Each iteration has nodes of its own.
  onnx::GraphProto body = *next.graph;
  llvm::StringMap<std::string> given;
  for (auto [input, value] : llvm::zip_equal(body.input(), next.arguments)) {
    std::string name = makeName(input.name());
    if (!given.try_emplace(input.name(), name).second)
      return nodeError(node, "has a body with two inputs named '" + input.name() + "'");
    inputNames.insert(name);
    values[name] = value;
    if (isAnyFed && !cnn::ConstantData::get(value))
      fed.insert(name);
  }
  // A result may be listed twice.
  for (const onnx::ValueInfoProto &output : body.output())
    outputs.push_back(makeName(output.name() + "/out"));
  if (failed(addGraph(index, body, prefix, outputs, given)))
    return failure();
  while (node.input_size() < int(next.first + next.count))
    node.add_input("");
  for (auto [number, output] : llvm::enumerate(outputs)) {
    if (number < next.count)
      node.set_input(int(next.first + number), output);
    else
      node.add_input(output);
  }
  ++nodes[index].loop.iteration;
  nodes[index].isImported = false;
  return orderNodes();
}

/// Results that an iteration adds to tensors, one slice each, along `axis`. The node's inputs
/// from `first` on are the slices: of each iteration one for each of `count` results.
static LogicalResult stack(NodeImporter &node, unsigned first, unsigned count, unsigned number,
                           unsigned result, int64_t axis, bool isReversed) {
  if (!node.isOutputUsed(result))
    return success();
  SmallVector<Value> slices;
  for (unsigned i = 0; i < node.getLoop().iteration; ++i) {
    Value slice = node.getInput(first + i * count + number);
    FailureOr<int64_t> at = node.normalizeAxis(axis, NodeImporter::getRank(slice) + 1);
    if (failed(at))
      return failure();
    SmallVector<int64_t> shape(NodeImporter::getShape(slice));
    shape.insert(shape.begin() + *at, 1);
    FailureOr<Value> reshaped = node.reshape(slice, shape);
    if (failed(reshaped))
      return failure();
    slices.push_back(*reshaped);
    axis = *at;
  }
  if (slices.empty())
    return node.error("runs no iteration, so the shape of output '" +
                      node.getOutputName(result) + "' is not known");
  if (isReversed)
    std::reverse(slices.begin(), slices.end());
  return node.setResult(node.create<cnn::ConcatOp>(slices, axis), result);
}

/// The body that the attribute `body` must have.
static onnx::GraphProto *getBody(NodeImporter &node, int64_t inputs, int64_t leastOutputs) {
  onnx::GraphProto *body = node.findGraph("body");
  if (!body) {
    (void)node.error("has no graph in its attribute 'body'");
    return nullptr;
  }
  node.ignoreAttribute("body");
  if (body->input_size() != inputs || body->output_size() < leastOutputs) {
    (void)node.error("has a body with " + Twine(body->input_size()) + " inputs and " +
                     Twine(body->output_size()) + " outputs, expected " + Twine(inputs) +
                     " inputs and at least " + Twine(leastOutputs) + " outputs");
    return nullptr;
  }
  return body;
}

/// Inputs: the most iterations, whether to begin, the variables; then the slices of each
/// iteration. Inputs of the body: the number of the iteration, the condition, the variables.
static LogicalResult importLoop(NodeImporter &node) {
  int64_t variables = node.getLoop().variables.value_or(int64_t(node.getNumInputs()) - 2);
  onnx::GraphProto *body = getBody(node, variables + 2, variables + 1);
  if (!body)
    return failure();
  unsigned slices = body->output_size() - 1 - variables;
  if (node.getNumOutputs() > variables + slices)
    return node.error("has " + Twine(node.getNumOutputs()) + " outputs, its body gives " +
                      Twine(variables + slices));
  node.getLoop().variables = variables;
  bool goesOn = true;
  for (unsigned index : {0, 1})
    if (node.getInput(index)) {
      std::optional<cnn::ConstantData> value = node.getConstant(index);
      if (!value && node.getLoop().iteration)
        return node.error("goes on after iteration " + Twine(node.getLoop().iteration - 1) +
                          " by a condition that is computed from inputs of the model, which "
                          "is not supported");
      if (!value)
        return node.notConstant(index);
      if (value->getNumElements() != 1)
        return node.error(node.describeInput(index) + " is not one value");
      goesOn &= value->getInt(0) > (index ? 0 : int64_t(node.getLoop().iteration));
    }
  if (goesOn) {
    auto makeBool = [&] {
      auto type = RankedTensorType::get({}, node.getBuilder().getI1Type());
      return node.constant(cnn::makeConstantFromBytes(type, ArrayRef<char>{1}));
    };
    SmallVector<Value> arguments = {
        *node.reshape(node.integers({int64_t(node.getLoop().iteration)}), {}),
        node.getInput(1) ? node.getInput(1) : makeBool()};
    for (int64_t i = 0; i < variables; ++i)
      arguments.push_back(node.getInput(2 + i));
    return node.iterate("body", arguments, /*first=*/1, /*count=*/variables + 1);
  }
  for (unsigned i = 0; i < node.getNumOutputs(); ++i) {
    LogicalResult result =
        i < variables ? node.setResult(node.getInput(2 + i), i)
                      : stack(node, 2 + variables, slices, i - variables, i, 0, false);
    if (failed(result))
      return failure();
  }
  return success();
}

/// An attribute that is a list of `count` integers; zeros if the node does not have it.
static std::optional<SmallVector<int64_t>> getList(NodeImporter &node, StringRef name,
                                                   size_t count) {
  std::optional<SmallVector<int64_t>> list = node.getInts(name);
  if (!list)
    return SmallVector<int64_t>(count, 0);
  if (list->size() == count)
    return list;
  (void)node.error("attribute '" + name + "' has " + Twine(list->size()) +
                   " entries, expected " + Twine(count));
  return std::nullopt;
}

/// Inputs: the variables, the tensors of which each iteration reads a slice; then the slices
/// of each iteration's results.
static LogicalResult importScan(NodeImporter &node) {
  int64_t tensors = node.getInt("num_scan_inputs", 0);
  int64_t inputs = node.getLoop().variables.value_or(node.getNumInputs());
  if (tensors < 1 || tensors > inputs)
    return node.error("attribute 'num_scan_inputs' is " + Twine(tensors) + ", and there are " +
                      Twine(inputs) + " inputs");
  int64_t variables = inputs - tensors;
  onnx::GraphProto *body = getBody(node, inputs, variables);
  if (!body)
    return failure();
  node.getLoop().variables = inputs;
  int64_t slices = body->output_size() - variables;
  if (node.getNumOutputs() > variables + slices)
    return node.error("has " + Twine(node.getNumOutputs()) + " outputs, its body gives " +
                      Twine(variables + slices));
  auto axes = getList(node, "scan_input_axes", tensors);
  auto directions = getList(node, "scan_input_directions", tensors);
  auto outputAxes = getList(node, "scan_output_axes", slices);
  auto outputDirections = getList(node, "scan_output_directions", slices);
  if (!axes || !directions || !outputAxes || !outputDirections)
    return failure();
  std::optional<int64_t> length;
  SmallVector<Value> arguments(node.getInputs().take_front(variables));
  for (int64_t i = 0; i < tensors; ++i) {
    Value tensor = node.getInput(variables + i);
    FailureOr<int64_t> axis = node.normalizeAxis((*axes)[i], NodeImporter::getRank(tensor));
    if (failed(axis))
      return failure();
    int64_t extent = NodeImporter::getShape(tensor)[*axis];
    if (length.value_or(extent) != extent)
      return node.error(node.describeInput(variables + i) + " has " + Twine(extent) +
                        " slices along axis " + Twine(*axis) + ", others have " +
                        Twine(*length));
    length = extent;
    int64_t at = node.getLoop().iteration;
    if (at >= extent)
      continue;
    SmallVector<int64_t> shape(NodeImporter::getShape(tensor));
    SmallVector<int64_t> offsets(shape.size(), 0), steps(shape.size(), 1), sizes = shape;
    offsets[*axis] = (*directions)[i] ? extent - 1 - at : at;
    sizes[*axis] = 1;
    shape.erase(shape.begin() + *axis);
    FailureOr<Value> slice = node.slice(tensor, offsets, sizes, steps);
    if (succeeded(slice))
      slice = node.reshape(*slice, shape);
    if (failed(slice))
      return failure();
    arguments.push_back(*slice);
  }
  if (node.getLoop().iteration < *length)
    return node.iterate("body", arguments, /*first=*/0, /*count=*/variables);
  for (unsigned i = 0; i < node.getNumOutputs(); ++i) {
    unsigned number = i - variables;
    LogicalResult result = i < variables
                               ? node.setResult(node.getInput(i), i)
                               : stack(node, inputs, slices, number, i, (*outputAxes)[number],
                                       (*outputDirections)[number]);
    if (failed(result))
      return failure();
  }
  return success();
}

ArrayRef<OpEntry> convoy::onnximport::getLoopOps() {
  static constexpr OpEntry ops[] = {
      {"Loop", importLoop, 2, kVariadic, InputTypes(kInt64, kBool, kAny), 1, kNoEnd,
       "unrolled: the number of iterations must be known", 2},
      {"Scan", importScan, 1, kVariadic, kAny, 9, kNoEnd, "unrolled"},
  };
  return ops;
}
