//===- Recurrent.cpp - RNN, GRU and LSTM ----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The products with the data are one dense layer for all steps and directions, and its bias
// has all biases that are added to them. A cnn.recurrence does the rest. The parts of its
// result are slices along the first dimension.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Operators.h"
#include "TensorReader.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::CellKind;
using cnn::Direction;
using cnn::FunctionAttr;
using cnn::RecurrenceOp;
using cnn::UnaryKind;

namespace {

/// Inputs and outputs of the operators, by number.
enum Input { kX, kW, kR, kB, kLengths, kInitialH, kInitialC, kPeepholes };
enum Output { kY, kLastH, kLastC };

/// An activation, and the defaults of its constants if it has them.
struct Activation {
  StringLiteral name;
  UnaryKind kind;
  std::optional<float> alpha = std::nullopt, beta = std::nullopt;
};

constexpr Activation kActivations[] = {
    {"Affine", UnaryKind::affine, 1.0f, 0.0f},
    {"Elu", UnaryKind::elu, 1.0f},
    {"HardSigmoid", UnaryKind::hard_sigmoid, 0.2f, 0.5f},
    {"LeakyRelu", UnaryKind::leaky_relu, 0.01f},
    {"Relu", UnaryKind::relu},
    {"ScaledTanh", UnaryKind::scaled_tanh, 1.0f, 1.0f},
    {"Sigmoid", UnaryKind::sigmoid},
    {"Softplus", UnaryKind::softplus},
    {"Softsign", UnaryKind::softsign},
    {"Tanh", UnaryKind::tanh},
    {"ThresholdedRelu", UnaryKind::thresholded_relu, 1.0f},
};

/// A node while it is imported.
class RecurrentImporter {
public:
  RecurrentImporter(NodeImporter &node, CellKind cell)
      : node(node), cell(cell), gates(RecurrenceOp::countGates(cell)) {}

  LogicalResult import();

private:
  LogicalResult readAttributes();
  LogicalResult readShapes();
  LogicalResult readLengths();
  LogicalResult readFunctions();
  LogicalResult checkShape(unsigned index, ArrayRef<int64_t> expected);
  FailureOr<Value> readState(unsigned index);
  FailureOr<Value> pickGates(Value value, int64_t axis, int64_t first, int64_t count);
  LogicalResult readBias();
  FailureOr<Value> project();
  FailureOr<Value> createRecurrence(Value input);
  LogicalResult setState(unsigned output, Value state);
  LogicalResult setEmpty();

  bool hasState(unsigned index) const {
    return node.getInput(index) && !isZero(node.getInput(index));
  }
  static bool isZero(Value value) {
    std::optional<cnn::ConstantData> data = cnn::ConstantData::get(value);
    return data && data->getSplatDouble() == 0.0;
  }

  NodeImporter &node;
  CellKind cell;
  int64_t gates;
  int64_t steps = 0, batch = 0, features = 0, directions = 1, hidden = 0;
  Direction direction = Direction::forward;
  bool isBatchFirst = false, isResetAfter = false, isInputForget = false;
  FloatAttr clip;
  SmallVector<Attribute> functions;
  /// The steps of each sequence; null if each has all.
  Value lengths;
  /// The bias of the dense layer `D x G*H`, and that of a candidate which is reset after its
  /// product, `D x H`.
  Value denseBias, candidateBias;
};

} // namespace

//===----------------------------------------------------------------------===//
// Attributes and shapes
//===----------------------------------------------------------------------===//

LogicalResult RecurrentImporter::readAttributes() {
  StringRef word = node.getString("direction", "forward");
  std::optional<Direction> parsed = cnn::symbolizeDirection(word);
  if (!parsed)
    return node.error("attribute 'direction' is '" + word +
                      "', expected forward, reverse or bidirectional");
  direction = *parsed;
  directions = direction == Direction::bidirectional ? 2 : 1;
  isBatchFirst = node.getInt("layout", 0) != 0;
  if (cell == CellKind::gru)
    isResetAfter = node.getInt("linear_before_reset", 0) != 0;
  if (cell == CellKind::lstm)
    isInputForget = node.getInt("input_forget", 0) != 0;
  // The node names the outputs that it has.
  node.ignoreAttribute("output_sequence");
  if (node.hasAttribute("clip")) {
    float limit = node.getFloat("clip", 0);
    if (!(limit >= 0))
      return node.error("attribute 'clip' is " + std::to_string(limit) +
                        ", expected at least 0");
    clip = node.getBuilder().getF32FloatAttr(limit);
  }
  return readFunctions();
}

LogicalResult RecurrentImporter::readFunctions() {
  SmallVector<StringRef> names;
  if (std::optional<SmallVector<StringRef>> given = node.getStrings("activations"))
    names = *given;
  size_t count = directions * RecurrenceOp::countFunctions(cell);
  if (names.empty())
    for (int64_t i = 0; i < directions; ++i) {
      if (cell != CellKind::rnn)
        names.push_back("Sigmoid");
      names.append(cell == CellKind::lstm ? 2 : 1, "Tanh");
    }
  if (names.size() != count)
    return node.error("attribute 'activations' has " + Twine(names.size()) +
                      " entries, expected " + Twine(count));
  // A function takes the next of the constants if it has that constant.
  auto alphas = node.getFloats("activation_alpha").value_or(SmallVector<float>());
  auto betas = node.getFloats("activation_beta").value_or(SmallVector<float>());
  size_t nextAlpha = 0, nextBeta = 0;
  auto read = [&](std::optional<float> otherwise, ArrayRef<float> given, size_t &next) {
    if (!otherwise)
      return FloatAttr();
    return node.getBuilder().getF32FloatAttr(next < given.size() ? given[next++] : *otherwise);
  };
  for (StringRef name : names) {
    const Activation *known = llvm::find_if(
        kActivations, [&](const Activation &a) { return a.name.equals_insensitive(name); });
    if (known == std::end(kActivations)) {
      std::string words;
      for (const Activation &a : kActivations)
        words += (words.empty() ? "" : ", ") + a.name.str();
      return node.error("attribute 'activations' has '" + name + "', expected one of " +
                        words);
    }
    FloatAttr alpha = read(known->alpha, alphas, nextAlpha);
    FloatAttr beta = read(known->beta, betas, nextBeta);
    functions.push_back(FunctionAttr::get(node.getContext(), known->kind, alpha, beta));
  }
  return success();
}

LogicalResult RecurrentImporter::checkShape(unsigned index, ArrayRef<int64_t> expected) {
  if (!node.getInput(index) || node.getShape(index) == expected)
    return success();
  return node.error(node.describeInput(index) + " has shape " +
                    formatShape(node.getShape(index)) + ", expected " + formatShape(expected));
}

LogicalResult RecurrentImporter::readShapes() {
  for (unsigned index : {kX, kW, kR})
    if (node.getShape(index).size() != 3)
      return node.error(node.describeInput(index) + " has rank " +
                        Twine(node.getShape(index).size()) + ", expected 3");
  ArrayRef<int64_t> x = node.getShape(kX);
  steps = x[isBatchFirst ? 1 : 0];
  batch = x[isBatchFirst ? 0 : 1];
  features = x[2];
  hidden = node.getShape(kR)[2];
  if (hidden == 0)
    return node.error(node.describeInput(kR) + " has no elements");
  if (node.getInt("hidden_size", hidden) != hidden)
    return node.error("attribute 'hidden_size' is " +
                      Twine(node.getInt("hidden_size", hidden)) + ", but " +
                      node.describeInput(kR) + " is for " + Twine(hidden) + " hidden units");
  SmallVector<int64_t> state = {directions, batch, hidden};
  if (isBatchFirst)
    std::swap(state[0], state[1]);
  if (failed(checkShape(kW, {directions, gates * hidden, features})) ||
      failed(checkShape(kR, {directions, gates * hidden, hidden})) ||
      failed(checkShape(kB, {directions, 2 * gates * hidden})) ||
      failed(checkShape(kLengths, {batch})) || failed(checkShape(kInitialH, state)) ||
      failed(checkShape(kInitialC, state)) ||
      failed(checkShape(kPeepholes, {directions, 3 * hidden})))
    return failure();
  Type type = NodeImporter::getElementType(node.getInput(kX));
  for (auto [index, input] : llvm::enumerate(node.getInputs()))
    if (input && index != kLengths && NodeImporter::getElementType(input) != type)
      return node.error(node.describeInput(index) + " has another element type than input 0");
  return success();
}

LogicalResult RecurrentImporter::readLengths() {
  lengths = node.getInput(kLengths);
  std::optional<cnn::ConstantData> data = node.getConstant(kLengths);
  if (!data)
    return success();
  bool areWhole = true;
  for (int64_t i = 0; i < data->getNumElements(); ++i) {
    int64_t length = data->getInt(data->isSplat() ? 0 : i);
    if (length < 0 || length > steps)
      return node.error(node.describeInput(kLengths) + " says that sequence " + Twine(i) +
                        " has " + Twine(length) + " steps, expected 0 to " + Twine(steps));
    areWhole &= length == steps;
  }
  if (areWhole)
    lengths = Value();
  return success();
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// The first state as `D x B x H`; null if there is none, or if it is zero.
FailureOr<Value> RecurrentImporter::readState(unsigned index) {
  if (!hasState(index))
    return Value();
  Value state = node.getInput(index);
  return isBatchFirst ? node.transpose(state, {1, 0, 2}) : FailureOr<Value>(state);
}

/// Takes some gates of `value`, whose dimension `axis` is for all gates and hidden units.
FailureOr<Value> RecurrentImporter::pickGates(Value value, int64_t axis, int64_t first,
                                              int64_t count) {
  SmallVector<int64_t> shape(NodeImporter::getShape(value)), indices;
  shape[axis] /= hidden;
  shape.insert(shape.begin() + axis + 1, hidden);
  for (int64_t gate = first; gate < first + count; ++gate)
    indices.push_back(gate);
  FailureOr<Value> result = node.reshape(value, shape);
  if (failed(result) || failed(result = node.pick(*result, axis, indices)))
    return failure();
  shape.erase(shape.begin() + axis + 1);
  shape[axis] = count * hidden;
  return node.reshape(*result, shape);
}

/// Adds up the biases of the products with the data and with `h`.
LogicalResult RecurrentImporter::readBias() {
  (void)node.getConstant(kB);
  Value bias = node.getInput(kB);
  if (!bias || isZero(bias))
    return success();
  FailureOr<Value> data = pickGates(bias, 1, 0, gates);
  if (failed(data))
    return failure();
  FailureOr<Value> recurrent = pickGates(bias, 1, gates, gates);
  if (isResetAfter && succeeded(recurrent)) {
    FailureOr<Value> candidate = pickGates(bias, 1, 2 * gates - 1, 1);
    if (failed(candidate))
      return failure();
    candidateBias = *candidate;
    // Nothing is added to the candidate here.
    FailureOr<Value> others = pickGates(bias, 1, gates, gates - 1);
    if (failed(others))
      return failure();
    auto type = NodeImporter::getType(candidateBias);
    recurrent = node.create<cnn::ConcatOp>(ArrayRef<Value>{*others, node.zeros(type)}, 1);
  }
  if (failed(recurrent))
    return failure();
  FailureOr<Value> sum = node.binary(cnn::BinaryKind::add, *data, *recurrent);
  if (failed(sum))
    return failure();
  denseBias = *sum;
  return success();
}

/// The products of all steps with the weights of all directions: `T x B x D x G*H`.
FailureOr<Value> RecurrentImporter::project() {
  FailureOr<Value> x = node.getInput(kX);
  if (isBatchFirst && failed(x = node.transpose(*x, {1, 0, 2})))
    return failure();
  (void)node.getConstant(kW);
  int64_t width = directions * gates * hidden;
  FailureOr<Value> filter = node.reshape(node.getInput(kW), {width, features});
  FailureOr<Value> bias = denseBias;
  if (failed(filter) || failed(x = node.reshape(*x, {steps * batch, features})) ||
      (denseBias && failed(bias = node.reshape(denseBias, {width}))))
    return failure();
  FailureOr<Value> result = createDense(node, *x, *filter, *bias);
  if (failed(result))
    return failure();
  return node.reshape(*result, {steps, batch, directions, gates * hidden});
}

FailureOr<Value> RecurrentImporter::createRecurrence(Value input) {
  (void)node.getConstant(kR);
  bool hasCandidate = cell == CellKind::gru && !isResetAfter;
  auto transposeGates = [&](int64_t first, int64_t count) -> FailureOr<Value> {
    FailureOr<Value> part = pickGates(node.getInput(kR), 1, first, count);
    return failed(part) ? part : node.transpose(*part, {0, 2, 1});
  };
  FailureOr<Value> weights = transposeGates(0, gates - (hasCandidate ? 1 : 0));
  FailureOr<Value> candidate =
      hasCandidate ? transposeGates(gates - 1, 1) : FailureOr<Value>(Value());
  FailureOr<Value> h = readState(kInitialH), c = readState(kInitialC);
  if (failed(weights) || failed(candidate) || failed(h) || failed(c))
    return failure();
  Value peepholes = node.getInput(kPeepholes);
  if (peepholes && isZero(peepholes))
    peepholes = Value();
  MLIRContext *context = node.getContext();
  auto flag = [&](bool isSet) { return isSet ? UnitAttr::get(context) : UnitAttr(); };
  return node.create<cnn::RecurrenceOp>(
      input, *weights, *candidate, candidateBias, peepholes, *h, *c, lengths,
      /*init=*/Value(), cnn::CellKindAttr::get(context, cell),
      cnn::DirectionAttr::get(context, direction), ArrayAttr::get(context, functions), clip,
      flag(isInputForget), flag(node.isOutputUsed(kY)), flag(node.isOutputUsed(kLastH)),
      flag(node.isOutputUsed(kLastC)));
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

/// Sets an output to a state `D x B x H`.
LogicalResult RecurrentImporter::setState(unsigned output, Value state) {
  return node.setResult(
      isBatchFirst ? node.transpose(state, {1, 0, 2}) : FailureOr<Value>(state), output);
}

/// Without a step or a sequence, the last states are the first ones.
LogicalResult RecurrentImporter::setEmpty() {
  Type type = NodeImporter::getElementType(node.getInput(kX));
  auto zeros = [&](ArrayRef<int64_t> shape) {
    return node.zeros(RankedTensorType::get(shape, type));
  };
  SmallVector<int64_t> sequence = {steps, directions, batch, hidden};
  SmallVector<int64_t> state = {directions, batch, hidden};
  if (isBatchFirst) {
    sequence = {batch, steps, directions, hidden};
    std::swap(state[0], state[1]);
  }
  auto first = [&](unsigned index) {
    Value given = node.getInput(index);
    return given ? given : zeros(state);
  };
  if (node.isOutputUsed(kY) && failed(node.setResult(zeros(sequence), kY)))
    return failure();
  if (node.isOutputUsed(kLastH) && failed(node.setResult(first(kInitialH), kLastH)))
    return failure();
  return node.isOutputUsed(kLastC) ? node.setResult(first(kInitialC), kLastC) : success();
}

LogicalResult RecurrentImporter::import() {
  if (failed(readAttributes()) || failed(readShapes()) || failed(readLengths()))
    return failure();
  if (!node.isOutputUsed(kY) && !node.isOutputUsed(kLastH) && !node.isOutputUsed(kLastC))
    return success();
  if (steps == 0 || batch == 0)
    return setEmpty();
  if (failed(readBias()))
    return failure();
  FailureOr<Value> input = project();
  if (failed(input))
    return failure();
  FailureOr<Value> result = createRecurrence(*input);
  if (failed(result))
    return failure();
  int64_t slab = 0;
  auto take = [&](int64_t count) {
    slab += count;
    return node.slice(*result, {slab - count, 0, 0, 0}, {count, directions, batch, hidden},
                      {1, 1, 1, 1});
  };
  if (node.isOutputUsed(kY)) {
    FailureOr<Value> y = take(steps);
    if (isBatchFirst && succeeded(y))
      y = node.transpose(*y, {2, 0, 1, 3});
    if (failed(node.setResult(y, kY)))
      return failure();
  }
  for (unsigned output : {kLastH, kLastC}) {
    if (!node.isOutputUsed(output))
      continue;
    FailureOr<Value> state = take(1);
    if (failed(state) || failed(state = node.reshape(*state, {directions, batch, hidden})) ||
        failed(setState(output, *state)))
      return failure();
  }
  return success();
}

template <CellKind cell> static LogicalResult importRecurrent(NodeImporter &node) {
  return RecurrentImporter(node, cell).import();
}

ArrayRef<OpEntry> convoy::onnximport::getRecurrentOps() {
  static constexpr InputTypes types(kFloat, kFloat, kFloat, kFloat, kInt32, kFloat);
  static constexpr OpEntry ops[] = {
      {"GRU", importRecurrent<CellKind::gru>, 3, 6, types},
      {"LSTM", importRecurrent<CellKind::lstm>, 3, 8, types},
      {"RNN", importRecurrent<CellKind::rnn>, 3, 6, types},
  };
  return ops;
}
