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
// DynamicQuantizeLSTM multiplies integers, which are kept as f32: the sums are exact up to
// 2^24.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Operators.h"
#include "Quantized.h"
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
/// Those of DynamicQuantizeLSTM that follow: scales, and the zero points after each.
enum QuantizedInput { kScaleOfW = kPeepholes + 1, kScaleOfR = kScaleOfW + 2 };
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
  RecurrentImporter(NodeImporter &node, CellKind cell, bool isQuantized = false)
      : node(node), cell(cell), isQuantized(isQuantized),
        gates(RecurrenceOp::countGates(cell)) {}

  LogicalResult import();

private:
  LogicalResult readAttributes();
  LogicalResult readShapes();
  LogicalResult readSteps();
  LogicalResult readWeights();
  FailureOr<Value> readParameter(unsigned index);
  LogicalResult readQuantized(unsigned index, unsigned scale, Value &weights, Value &scales);
  LogicalResult readFunctions();
  LogicalResult checkShape(unsigned index, ArrayRef<int64_t> expected);
  FailureOr<Value> readState(unsigned index);
  FailureOr<Value> pickGates(Value value, int64_t axis, int64_t first, int64_t count);
  LogicalResult readBias();
  FailureOr<Value> project();
  FailureOr<Value> projectIntegers(Value data, Value filter);
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
  bool isQuantized;
  int64_t gates;
  int64_t steps = 0, batch = 0, features = 0, directions = 1, hidden = 0;
  Direction direction = Direction::forward;
  bool isBatchFirst = false, isResetAfter = false, isInputForget = false;
  FloatAttr clip;
  SmallVector<Attribute> functions;
  /// The steps of each sequence; null if each has all.
  Value lengths;
  /// The data, and the weights `D x G*H x I` and `D x G*H x H`.
  Value x, w, r;
  /// Factors of the products with quantised `w` and `r`, `D x G*H`.
  Value scalesOfW, scalesOfR;
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
  hidden = node.getShape(kR)[isQuantized ? 1 : 2];
  if (hidden == 0)
    return node.error(node.describeInput(kR) + " has no elements");
  if (node.getInt("hidden_size", hidden) != hidden)
    return node.error("attribute 'hidden_size' is " +
                      Twine(node.getInt("hidden_size", hidden)) + ", but " +
                      node.describeInput(kR) + " is for " + Twine(hidden) + " hidden units");
  SmallVector<int64_t> state = {directions, batch, hidden};
  if (isBatchFirst)
    std::swap(state[0], state[1]);
  SmallVector<int64_t> ofW = {directions, gates * hidden, features};
  SmallVector<int64_t> ofR = {directions, gates * hidden, hidden};
  if (isQuantized) {
    std::swap(ofW[1], ofW[2]);
    std::swap(ofR[1], ofR[2]);
  }
  if (failed(checkShape(kW, ofW)) || failed(checkShape(kR, ofR)) ||
      failed(checkShape(kB, {directions, 2 * gates * hidden})) ||
      failed(checkShape(kLengths, {batch})) || failed(checkShape(kInitialH, state)) ||
      failed(checkShape(kInitialC, state)) ||
      failed(checkShape(kPeepholes, {directions, 3 * hidden})))
    return failure();
  if (isQuantized)
    return success(); // The table of operators has the types.
  Type type = NodeImporter::getElementType(node.getInput(kX));
  for (auto [index, input] : llvm::enumerate(node.getInputs()))
    if (input && index != kLengths && NodeImporter::getElementType(input) != type)
      return node.error(node.describeInput(index) + " has another element type than input 0");
  return success();
}

FailureOr<Value> convoy::onnximport::readLengths(NodeImporter &node, unsigned index,
                                                 int64_t steps) {
  std::optional<cnn::ConstantData> data = node.getConstant(index);
  if (!data)
    return node.create<cnn::CheckRangeOp>(node.getInput(index), /*init=*/Value(), 0, steps);
  for (int64_t i = 0; i < data->getNumElements(); ++i)
    if (int64_t length = data->getInt(i); length < 0 || length > steps)
      return node.error(node.describeInput(index) + " says that sequence " + Twine(i) +
                        " has " + Twine(length) + " steps, expected 0 to " + Twine(steps));
  return node.getInput(index);
}

LogicalResult RecurrentImporter::readSteps() {
  if (!node.getInput(kLengths))
    return success();
  FailureOr<Value> given = readLengths(node, kLengths, steps);
  if (failed(given))
    return failure();
  // Without lengths, all sequences have all steps.
  std::optional<cnn::ConstantData> data = cnn::ConstantData::get(*given);
  if (!data || data->getNumElements() == 0 || data->getSplatDouble() != double(steps))
    lengths = *given;
  return success();
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// A parameter of quantised weights, one for each direction, or for each of its columns, as a
/// tensor of `D x 1` or `D x G*H`.
FailureOr<Value> RecurrentImporter::readParameter(unsigned index) {
  Value value = node.getInput(index);
  int64_t columns = gates * hidden;
  ArrayRef<int64_t> shape = node.getShape(index);
  if (shape == ArrayRef(directions))
    return node.reshape(value, {directions, 1});
  if (shape == ArrayRef({directions, columns}))
    return value;
  return node.error(node.describeInput(index) + " has shape " + formatShape(shape) +
                    ", expected " + Twine(directions) + " or " +
                    formatShape({directions, columns}));
}

/// Quantised weights `D x K x G*H` as i16 less their zero point, transposed, and their scales.
LogicalResult RecurrentImporter::readQuantized(unsigned index, unsigned scale, Value &weights,
                                               Value &scales) {
  FailureOr<Value> zeroPoint = readParameter(scale + 1), factors = readParameter(scale);
  if (failed(zeroPoint) || failed(factors))
    return failure();
  int64_t width = NodeImporter::getShape(*zeroPoint)[1];
  FailureOr<Value> result = node.reshape(*zeroPoint, {directions, 1, width});
  if (failed(result) || failed(result = subtractZero(node, node.getInput(index), *result)) ||
      failed(result = node.transpose(*result, {0, 2, 1})))
    return failure();
  SmallVector<int64_t> all = {directions, gates * hidden};
  if (NodeImporter::getShape(*factors) != ArrayRef(all) &&
      failed(factors = node.create<cnn::BroadcastOp>(*factors, all)))
    return failure();
  weights = *result;
  scales = *factors;
  return success();
}

LogicalResult RecurrentImporter::readWeights() {
  for (unsigned index : {kW, kR})
    (void)node.getConstant(index);
  x = node.getInput(kX);
  w = node.getInput(kW);
  r = node.getInput(kR);
  if (!isQuantized)
    return success();
  if (failed(readQuantized(kW, kScaleOfW, w, scalesOfW)) ||
      failed(readQuantized(kR, kScaleOfR, r, scalesOfR)))
    return failure();
  FailureOr<QuantizedOperand> data = quantizeDynamically(node, x);
  if (failed(data))
    return failure();
  FailureOr<Value> centred = subtractZero(node, data->value, data->zeroPoint);
  FailureOr<Value> factors = node.binary(cnn::BinaryKind::mul, scalesOfW, data->scale);
  FailureOr<Value> floats = node.create<cnn::CastOp>(r, node.getBuilder().getF32Type());
  if (failed(centred) || failed(factors) || failed(floats))
    return failure();
  r = *floats;
  x = *centred;
  scalesOfW = *factors;
  return success();
}

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

/// The product of a matrix of i16 and a transposed filter of i16, as f32.
FailureOr<Value> RecurrentImporter::projectIntegers(Value data, Value filter) {
  Type f32 = node.getBuilder().getF32Type();
  auto toFloat = [&](FailureOr<Value> value) {
    return failed(value) ? value : node.create<cnn::CastOp>(*value, f32);
  };
  if (areConstant(node, {kW, kScaleOfW + 1}) && features > 0)
    return toFloat(node.create<cnn::DenseOp>(data, filter, Value()));
  FailureOr<Value> lhs = toFloat(data), rhs = toFloat(filter);
  if (failed(lhs) || failed(rhs))
    return failure();
  return createDense(node, *lhs, *rhs, Value());
}

/// The products of all steps with the weights of all directions: `T x B x D x G*H`.
FailureOr<Value> RecurrentImporter::project() {
  FailureOr<Value> data = x;
  if (isBatchFirst && failed(data = node.transpose(x, {1, 0, 2})))
    return failure();
  int64_t width = directions * gates * hidden;
  FailureOr<Value> filter = node.reshape(w, {width, features});
  FailureOr<Value> bias = isQuantized ? Value() : denseBias;
  if (failed(filter) || failed(data = node.reshape(*data, {steps * batch, features})) ||
      (*bias && failed(bias = node.reshape(*bias, {width}))))
    return failure();
  FailureOr<Value> result =
      isQuantized ? projectIntegers(*data, *filter) : createDense(node, *data, *filter, *bias);
  if (failed(result) ||
      failed(result = node.reshape(*result, {steps, batch, directions, gates * hidden})))
    return failure();
  if (isQuantized) {
    result = node.binary(cnn::BinaryKind::mul, *result, scalesOfW);
    if (succeeded(result) && denseBias)
      result = node.binary(cnn::BinaryKind::add, *result, denseBias);
  }
  return result;
}

FailureOr<Value> RecurrentImporter::createRecurrence(Value input) {
  bool hasCandidate = cell == CellKind::gru && !isResetAfter;
  auto transposeGates = [&](int64_t first, int64_t count) -> FailureOr<Value> {
    FailureOr<Value> part = pickGates(r, 1, first, count);
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
      input, *weights, *candidate, candidateBias, peepholes, *h, *c, lengths, scalesOfR,
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
  if (failed(readAttributes()) || failed(readShapes()) || failed(readSteps()))
    return failure();
  if (!node.isOutputUsed(kY) && !node.isOutputUsed(kLastH) && !node.isOutputUsed(kLastC))
    return success();
  if (steps == 0 || batch == 0)
    return setEmpty();
  if (failed(readWeights()) || failed(readBias()))
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

static LogicalResult importDynamicQuantizeLSTM(NodeImporter &node) {
  for (unsigned index : {kScaleOfW, kScaleOfR})
    for (unsigned input : {index, index + 1})
      if (!node.getInput(input))
        return node.error("has no input " + Twine(input));
  return RecurrentImporter(node, CellKind::lstm, /*isQuantized=*/true).import();
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

ArrayRef<OpEntry> convoy::onnximport::getMicrosoftRecurrentOps() {
  static constexpr OpEntry ops[] = {
      {"DynamicQuantizeLSTM", importDynamicQuantizeLSTM, 3, 12,
       InputTypes(kFloat32, kByte, kByte, kFloat32, kInt32, kFloat32, kFloat32, kFloat32,
                  kFloat32, kByte, kFloat32, kByte)},
  };
  return ops;
}
