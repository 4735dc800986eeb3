//===- Loops.cpp - Loop and Scan ------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A loop is unrolled if its number of iterations is known and small: an iteration's nodes join
// the graph before the node, which is then imported again and asks for the next iteration,
// until it has its results. Other loops stay loops, see Loops.h.
//
//===----------------------------------------------------------------------===//

#include "Loops.h"
#include "Importer.h"
#include "SizeRules.h"
#include "Subgraphs.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

/// The most iterations of a loop, and the most nodes and bytes that they may have together.
static constexpr int64_t kMaxIterations = 1 << 10, kMaxUnrolledNodes = 1 << 13,
                         kMaxUnrolledBytes = 1 << 28;

/// A trip count that is as good as none, and the most iterations of a loop that has none.
static constexpr int64_t kUnlimited = (int64_t(1) << 31) - 1, kMaxEndless = 1000000;

/// Whether so many iterations of a body may be unrolled.
static bool mayUnroll(const onnx::GraphProto &body, int64_t iterations) {
  return iterations <= kMaxIterations && iterations * body.node_size() <= kMaxUnrolledNodes &&
         iterations * int64_t(body.ByteSizeLong()) <= kMaxUnrolledBytes;
}

int64_t NodeImporter::getMaxIterations() const { return importer.getMaxIterations(); }

LogicalResult NodeImporter::iterate(StringRef name, ArrayRef<SizedValue> arguments,
                                    unsigned first, unsigned count) {
  next = {findGraph(name), SmallVector<SizedValue>(arguments), first, count};
  return success();
}

LogicalResult Importer::addIteration(int index, const Iteration &next) {
  onnx::NodeProto &node = *graph->mutable_node(index);
  const LoopState &loop = nodes[index].loop;
  std::string prefix =
      getNodeName(node) + "/" + (loop.rolled ? "body" : std::to_string(loop.iteration)) + "/";
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
  for (auto [input, argument] : llvm::zip_equal(body.input(), next.arguments)) {
    std::string name = makeName(input.name());
    if (!given.try_emplace(input.name(), name).second)
      return nodeError(node, "has a body with two inputs named '" + input.name() + "'");
    inputNames.insert(name);
    values[name] = argument.value;
    if (llvm::any_of(argument.extents, [](const DimSize &extent) { return extent.size; }))
      sizes[name] = llvm::map_to_vector(argument.extents,
                                        [](const DimSize &extent) { return extent.size; });
    if ((isAnyFed || loop.rolled) && !cnn::ConstantData::get(argument.value))
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
  SmallVector<DimSize> extents;
  for (unsigned i = 0; i < node.getLoop().iteration; ++i) {
    Value slice = node.getInput(first + i * count + number);
    SmallVector<DimSize> own = node.getExtents(first + i * count + number);
    if (slices.empty())
      extents = own;
    else if (extents != own)
      return node.error("collects tensors of different sizes for output '" +
                        node.getOutputName(result) + "'");
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
  extents.insert(extents.begin() + axis, int64_t(slices.size()));
  return node.setResult(node.create<cnn::ConcatOp>(slices, axis), extents, result);
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

/// The rows of an iteration of a loop that is not unrolled, which are the last `slices` inputs
/// of the node: those whose output, after the `variables`, is used. `outputs` are their
/// numbers.
static SmallVector<SizedValue> readRows(NodeImporter &node, unsigned variables,
                                        unsigned slices, SmallVectorImpl<unsigned> &outputs) {
  SmallVector<SizedValue> rows;
  for (unsigned i = 0; i < slices; ++i)
    if (node.isOutputUsed(variables + i)) {
      rows.push_back(node.getSized(node.getNumInputs() - slices + i));
      outputs.push_back(variables + i);
    }
  return rows;
}

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

static Value makeTrue(NodeImporter &node) {
  auto type = RankedTensorType::get({}, node.getBuilder().getI1Type());
  return node.constant(cnn::makeConstantFromBytes(type, ArrayRef<char>{1}));
}

/// A trip count without a known bound. A loop that has one ends by itself.
static TripCount makeUnbounded(NodeImporter &node, Value count) {
  if (int64_t most = node.getMaxIterations())
    return {count, most, most};
  return {count, std::nullopt, count ? 0 : kMaxEndless};
}

/// The trip count in input 0 of a Loop.
static FailureOr<TripCount> readTripCount(NodeImporter &node) {
  Type i64 = node.getBuilder().getI64Type();
  if (!node.getInput(0))
    return makeUnbounded(node, {});
  if (std::optional<cnn::ConstantData> data = node.getConstant(0)) {
    int64_t count = std::max<int64_t>(data->getInt(0), 0);
    return count >= kUnlimited ? makeUnbounded(node, {})
                               : TripCount{node.scalar(i64, count), count};
  }
  if (std::optional<DimSize> known = node.findExtent(node.getInput(0), 0))
    return TripCount{node.materialize(*known), known->bound};
  FailureOr<Value> count = node.reshape(node.getInput(0), {});
  if (failed(count))
    return failure();
  return makeUnbounded(node, *count);
}

/// Whether a Loop that is being unrolled has a next iteration; nothing if that is not known
/// while compiling.
static std::optional<bool> findWhetherGoesOn(NodeImporter &node) {
  bool goesOn = true;
  for (unsigned index : {0, 1}) {
    if (!node.getInput(index))
      continue;
    std::optional<cnn::ConstantData> value = node.getConstant(index);
    if (!value)
      return std::nullopt;
    goesOn &= value->getInt(0) > (index ? 0 : int64_t(node.getLoop().iteration));
  }
  return goesOn;
}

/// Begins a Loop that is not unrolled, and asks for its body.
static LogicalResult beginLoop(NodeImporter &node, const TripCount &trips) {
  LoopState &loop = node.getLoop();
  Value condition = loop.first.size() > 1 ? loop.first[1].value : Value();
  FailureOr<Value> goesOn =
      condition ? node.reshape(condition, {}) : FailureOr<Value>(makeTrue(node));
  if (failed(goesOn) ||
      failed(beginRolled(node, *goesOn, trips, ArrayRef(loop.first).drop_front(2))))
    return failure();
  // In an iteration the condition is true.
  SmallVector<SizedValue> arguments = {
      NodeImporter::getSized(loop.rolled->begin.getIteration()),
      NodeImporter::getSized(makeTrue(node))};
  llvm::append_range(arguments, loop.rolled->variables);
  return node.iterate("body", arguments, /*first=*/1, /*count=*/arguments.size() - 1);
}

/// Ends a Loop that is not unrolled: after the trip count, the inputs of the node are the
/// condition, the variables and, at the end, the rows of an iteration.
static LogicalResult endLoop(NodeImporter &node, const TripCount &trips, unsigned variables,
                             unsigned slices) {
  FailureOr<Value> goesOn = node.reshape(node.getInput(1), {});
  if (failed(goesOn))
    return failure();
  SmallVector<SizedValue> nexts;
  SmallVector<unsigned> outputs;
  for (unsigned i = 0; i < variables; ++i)
    nexts.push_back(node.getSized(2 + i));
  SmallVector<SizedValue> rows = readRows(node, variables, slices, outputs);
  FailureOr<LoopResults> results = endRolled(node, *goesOn, trips, nexts, rows);
  if (failed(results))
    return failure();
  if (results->beginAgain)
    return beginLoop(node, trips);
  for (unsigned i = 0; i < variables && i < node.getNumOutputs(); ++i)
    if (failed(node.setResult(results->variables[i], i)))
      return failure();
  for (auto [output, all] : llvm::zip_equal(outputs, results->collected))
    if (failed(node.setResult(all, output)))
      return failure();
  return success();
}

/// Inputs: the most iterations, whether to begin, the variables; then the slices of each
/// iteration. Inputs of the body: the number of the iteration, the condition, the variables.
static LogicalResult importLoop(NodeImporter &node) {
  LoopState &loop = node.getLoop();
  int64_t variables = loop.variables.value_or(int64_t(node.getNumInputs()) - 2);
  onnx::GraphProto *body = getBody(node, variables + 2, variables + 1);
  if (!body)
    return failure();
  unsigned slices = body->output_size() - 1 - variables;
  if (node.getNumOutputs() > variables + slices)
    return node.error("has " + Twine(node.getNumOutputs()) + " outputs, its body gives " +
                      Twine(variables + slices));
  for (unsigned index : {0, 1})
    if (Value value = node.getInput(index))
      if (NodeImporter::getType(value).getNumElements() != 1)
        return node.error(node.describeInput(index) + " is not one value");
  if (!loop.variables)
    for (unsigned i = 0; i < node.getNumInputs(); ++i)
      loop.first.push_back(node.getInput(i) ? node.getSized(i) : SizedValue());
  loop.variables = variables;
  FailureOr<TripCount> trips = readTripCount(node);
  if (failed(trips))
    return failure();
  if (loop.rolled)
    return endLoop(node, *trips, variables, slices);

  std::optional<bool> goesOn = findWhetherGoesOn(node);
  int64_t iterations = loop.iteration + 1;
  if (trips->most && cnn::ConstantData::get(trips->count))
    iterations = *trips->most;
  if (!goesOn || (*goesOn && !mayUnroll(*body, iterations)))
    return beginLoop(node, *trips);
  if (*goesOn) {
    SmallVector<SizedValue> arguments = {
        NodeImporter::getSized(*node.reshape(node.integers({int64_t(loop.iteration)}), {})),
        node.getInput(1) ? node.getSized(1) : NodeImporter::getSized(makeTrue(node))};
    for (int64_t i = 0; i < variables; ++i)
      arguments.push_back(node.getSized(2 + i));
    return node.iterate("body", arguments, /*first=*/1, /*count=*/variables + 1);
  }
  for (unsigned i = 0; i < node.getNumOutputs(); ++i) {
    LogicalResult result =
        i < variables ? node.setResult(node.getSized(2 + i), i)
                      : stack(node, 2 + variables, slices, i - variables, i, 0, false);
    if (failed(result))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

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

namespace {

/// A tensor of which each iteration of a Scan reads a slice.
struct Scanned {
  SizedValue tensor;
  int64_t axis;
  bool isReversed;

  /// The extents of a slice.
  SmallVector<DimSize> getExtents() const {
    SmallVector<DimSize> extents(tensor.extents);
    extents.erase(extents.begin() + axis);
    return extents;
  }
  FailureOr<SizedValue> getSlice(NodeImporter &node, int64_t iteration) const;
  FailureOr<SizedValue> getSlice(NodeImporter &node, Value iteration) const;
};

} // namespace

FailureOr<SizedValue> Scanned::getSlice(NodeImporter &node, int64_t iteration) const {
  SmallVector<int64_t> sizes(NodeImporter::getShape(tensor.value));
  SmallVector<int64_t> offsets(sizes.size(), 0), steps(sizes.size(), 1);
  offsets[axis] = isReversed ? sizes[axis] - 1 - iteration : iteration;
  sizes[axis] = 1;
  FailureOr<Value> slice = node.slice(tensor.value, offsets, sizes, steps);
  if (succeeded(slice))
    slice = node.reshape(*slice, getBounds(getExtents()));
  if (failed(slice))
    return failure();
  return SizedValue{*slice, getExtents()};
}

/// The same in a loop that is not unrolled. `iteration` is an i64 of rank 0.
FailureOr<SizedValue> Scanned::getSlice(NodeImporter &node, Value iteration) const {
  FailureOr<Value> slice = node.computeElements(
      "slice", {tensor.value, iteration, node.materialize(tensor.extents[axis])},
      getBounds(getExtents()), NodeImporter::getElementType(tensor.value),
      [&](cnn::ComputeBody &body, ArrayRef<cnn::Scalar> at) {
        cnn::Scalars place(at);
        cnn::Scalar index = body.input(1).load({}).toIndex();
        if (isReversed)
          index = body.input(2).load({}).toIndex() - 1 - index;
        place.insert(place.begin() + axis, index);
        return body.input(0).load(place);
      });
  if (failed(slice))
    return failure();
  return SizedValue{*slice, getExtents()};
}

/// The tensors of a Scan, its inputs from `first` on, and the number of their slices.
static FailureOr<SmallVector<Scanned>> readScanned(NodeImporter &node, int64_t first,
                                                   int64_t count, DimSize &length) {
  auto axes = getList(node, "scan_input_axes", count);
  auto directions = getList(node, "scan_input_directions", count);
  if (!axes || !directions)
    return failure();
  SmallVector<Scanned> scanned;
  for (int64_t i = 0; i < count; ++i) {
    SizedValue tensor = node.getSized(first + i);
    FailureOr<int64_t> axis = node.normalizeAxis((*axes)[i], tensor.extents.size());
    if (failed(axis))
      return failure();
    DimSize extent = tensor.extents[*axis];
    if (i == 0)
      length = extent;
    if (extent.isConstant() && length.isConstant() && !(extent == length))
      return node.error(node.describeInput(first + i) + " has " + Twine(extent.bound) +
                        " slices along axis " + Twine(*axis) + ", others have " +
                        Twine(length.bound));
    // Each tensor has an element for each iteration that is possible.
    length = node.combine(cnn::BinaryKind::min, length, extent);
    scanned.push_back({tensor, *axis, (*directions)[i] != 0});
  }
  return scanned;
}

/// What a Scan that is not unrolled collects, `all`, with the iterations along `axis`.
static FailureOr<SizedValue> arrange(NodeImporter &node, SizedValue all, int64_t axis,
                                     bool isReversed) {
  FailureOr<int64_t> to = node.normalizeAxis(axis, all.extents.size());
  if (failed(to))
    return failure();
  FailureOr<Value> value = all.value;
  DimSize length = all.extents.front();
  if (isReversed)
    value =
        node.computeElements("reverse", {all.value, node.materialize(length)},
                             getBounds(all.extents), NodeImporter::getElementType(all.value),
                             [&](cnn::ComputeBody &body, ArrayRef<cnn::Scalar> at) {
                               cnn::Scalars place(at);
                               cnn::Scalar last = body.input(1).load({}).toIndex() - 1;
                               place[0] = (last - place[0]).max(body.index(0));
                               return body.input(0).load(place);
                             });
  SmallVector<int64_t> permutation;
  for (int64_t dim = 1; dim < int64_t(all.extents.size()); ++dim)
    permutation.push_back(dim);
  permutation.insert(permutation.begin() + *to, 0);
  if (succeeded(value) && *to != 0)
    value = node.transpose(*value, permutation);
  if (failed(value))
    return failure();
  SmallVector<DimSize> extents(ArrayRef(all.extents).drop_front());
  extents.insert(extents.begin() + *to, length);
  return SizedValue{*value, extents};
}

/// Sets the results of a Scan that is not unrolled. What it collected are its outputs of the
/// numbers `outputs`.
static LogicalResult setScanResults(NodeImporter &node, const LoopResults &results,
                                    ArrayRef<unsigned> outputs, ArrayRef<int64_t> axes,
                                    ArrayRef<int64_t> directions) {
  unsigned variables = results.variables.size();
  for (unsigned i = 0; i < variables && i < node.getNumOutputs(); ++i)
    if (failed(node.setResult(results.variables[i], i)))
      return failure();
  for (auto [output, all] : llvm::zip_equal(outputs, results.collected)) {
    FailureOr<SizedValue> arranged =
        arrange(node, all, axes[output - variables], directions[output - variables] != 0);
    if (failed(arranged) || failed(node.setResult(*arranged, output)))
      return failure();
  }
  return success();
}

/// Inputs: the variables, the tensors of which each iteration reads a slice; then the slices
/// of each iteration's results.
static LogicalResult importScan(NodeImporter &node) {
  LoopState &loop = node.getLoop();
  int64_t tensors = node.getInt("num_scan_inputs", 0);
  int64_t inputs = loop.variables.value_or(node.getNumInputs());
  if (tensors < 1 || tensors > inputs)
    return node.error("attribute 'num_scan_inputs' is " + Twine(tensors) + ", and there are " +
                      Twine(inputs) + " inputs");
  int64_t variables = inputs - tensors;
  onnx::GraphProto *body = getBody(node, inputs, variables);
  if (!body)
    return failure();
  int64_t slices = body->output_size() - variables;
  if (node.getNumOutputs() > variables + slices)
    return node.error("has " + Twine(node.getNumOutputs()) + " outputs, its body gives " +
                      Twine(variables + slices));
  auto outputAxes = getList(node, "scan_output_axes", slices);
  auto outputDirections = getList(node, "scan_output_directions", slices);
  DimSize length(0);
  FailureOr<SmallVector<Scanned>> scanned = readScanned(node, variables, tensors, length);
  if (!outputAxes || !outputDirections || failed(scanned))
    return failure();
  if (!loop.variables)
    for (int64_t i = 0; i < variables; ++i)
      loop.first.push_back(node.getSized(i));
  loop.variables = inputs;

  TripCount trips{node.materialize(length), length.bound};
  SmallVector<SizedValue> nexts;
  SmallVector<unsigned> outputs;
  for (int64_t i = 0; i < variables; ++i)
    nexts.push_back(node.getSized(i));
  LoopResults results;
  if (loop.rolled) {
    SmallVector<SizedValue> rows = readRows(node, variables, slices, outputs);
    FailureOr<LoopResults> ended = endRolled(node, makeTrue(node), trips, nexts, rows);
    if (failed(ended))
      return failure();
    results = *ended;
  }
  bool isUnrolled = length.isConstant() && mayUnroll(*body, length.bound);
  if (isUnrolled ? loop.iteration < length.bound : !loop.rolled || results.beginAgain) {
    SmallVector<SizedValue> arguments(nexts);
    if (!isUnrolled) {
      if (failed(beginRolled(node, makeTrue(node), trips, loop.first)))
        return failure();
      arguments = loop.rolled->variables;
    }
    for (const Scanned &tensor : *scanned) {
      FailureOr<SizedValue> slice =
          isUnrolled ? tensor.getSlice(node, loop.iteration)
                     : tensor.getSlice(node, Value(loop.rolled->begin.getIteration()));
      if (failed(slice))
        return failure();
      arguments.push_back(*slice);
    }
    return node.iterate("body", arguments, /*first=*/0, /*count=*/variables);
  }
  if (!isUnrolled)
    return setScanResults(node, results, outputs, *outputAxes, *outputDirections);
  for (unsigned i = 0; i < node.getNumOutputs(); ++i) {
    unsigned number = i - variables;
    LogicalResult result = i < variables
                               ? node.setResult(nexts[i], i)
                               : stack(node, inputs, slices, number, i, (*outputAxes)[number],
                                       (*outputDirections)[number]);
    if (failed(result))
      return failure();
  }
  return success();
}

ArrayRef<OpEntry> convoy::onnximport::getLoopOps() {
  static constexpr OpEntry plain[] = {
      {"Loop", importLoop, 2, kVariadic, InputTypes(kInt64, kBool, kAny), 1, kNoEnd,
       "on CPUs; unrolled if the number of iterations is known and small", 2},
      {"Scan", importScan, 1, kVariadic, kAny, 9, kNoEnd,
       "on CPUs; unrolled if the number of iterations is known and small"},
  };
  static constexpr auto ops = withRule(plain, ruleOfItself);
  return ops;
}
