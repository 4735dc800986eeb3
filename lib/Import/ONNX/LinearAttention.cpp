//===- LinearAttention.cpp - Sequence operators with a state --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "TensorReader.h"
#include <cmath>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

namespace {

/// One LinearAttention node. A head has a state of keySize x valueSize elements, whose columns
/// evolve on their own: each is a point of a cnn.compute.
class LinearAttention {
public:
  explicit LinearAttention(NodeImporter &node) : node(node) {}
  LogicalResult read();
  LogicalResult write();

private:
  LogicalResult readShapes();
  LogicalResult readGates();
  FailureOr<Value> runColumns();
  void writeColumn(ComputeBody &body);
  Scalar correct(ComputeBody &body, Scalar step, Scalar element);

  NodeImporter &node;
  int64_t batch = 0, length = 0, heads = 0, stateHeads = 0, keySize = 0, valueSize = 0;
  float scale = 0;
  SmallVector<Value> inputs; ///< in f32: query, key, value and those of the following
  int pastInput = -1, decayInput = -1, betaInput = -1;
};

} // namespace

LogicalResult LinearAttention::readShapes() {
  heads = node.getInt("q_num_heads", 0);
  stateHeads = node.getInt("kv_num_heads", 0);
  if (stateHeads < 1 || heads < 1 || heads % stateHeads != 0)
    return node.error("has " + Twine(heads) + " heads of the query and " + Twine(stateHeads) +
                      " of the key, expected a multiple of a positive number");
  for (unsigned i = 0; i < 3; ++i) {
    ArrayRef<int64_t> shape = node.getShape(i), query = node.getShape(0);
    int64_t count = i ? stateHeads : heads;
    if (shape.size() != 3 || query.size() != 3 || shape[0] != query[0] ||
        shape[1] != query[1] || shape[2] % count != 0)
      return node.error(node.describeInput(i) + " has shape " + formatShape(shape) +
                        ", expected batch x length x columns of " + Twine(count) + " heads");
  }
  batch = node.getShape(0)[0];
  length = node.getShape(0)[1];
  keySize = node.getShape(0)[2] / heads;
  valueSize = node.getShape(2)[2] / stateHeads;
  if (node.getShape(1)[2] != stateHeads * keySize)
    return node.error(node.describeInput(1) + " has heads of " +
                      Twine(node.getShape(1)[2] / stateHeads) + " elements, the query of " +
                      Twine(keySize));
  scale = node.getFloat("scale", 0);
  if (scale == 0)
    scale = 1 / std::sqrt(float(keySize));
  node.ignoreAttribute("chunk_size"); // It changes no number.
  return success();
}

/// Reads the optional operands: the state of the past, and the gates of the update rule.
LogicalResult LinearAttention::readGates() {
  StringRef rule = node.getString("update_rule", "gated_delta");
  bool decays = rule == "gated" || rule == "gated_delta";
  bool corrects = rule == "delta" || rule == "gated_delta";
  if (!decays && !corrects && rule != "linear")
    return node.error("attribute 'update_rule' is '" + rule + "'");
  if (bool(node.getInput(4)) != decays || bool(node.getInput(5)) != corrects)
    return node.error("update rule '" + rule + "' needs " + (decays ? "a" : "no") +
                      " decay and " + (corrects ? "a" : "no") + " beta");
  auto add = [&](unsigned index, int &number, ArrayRef<SmallVector<int64_t>> shapes) {
    if (!node.getInput(index))
      return success();
    number = inputs.size();
    inputs.push_back(node.getInput(index));
    if (llvm::is_contained(shapes, SmallVector<int64_t>(node.getShape(index))))
      return success();
    return node.error(node.describeInput(index) + " has shape " +
                      formatShape(node.getShape(index)) + ", expected " +
                      formatShape(shapes.front()));
  };
  for (unsigned i = 0; i < 3; ++i)
    inputs.push_back(node.getInput(i));
  if (failed(add(3, pastInput, {{batch, stateHeads, keySize, valueSize}})) ||
      failed(add(4, decayInput,
                 {{batch, length, stateHeads}, {batch, length, stateHeads * keySize}})) ||
      failed(add(5, betaInput, {{batch, length, stateHeads}, {batch, length, 1}})))
    return failure();
  for (auto [number, input] : llvm::enumerate(inputs)) {
    FailureOr<Value> converted =
        node.create<cnn::CastOp>(input, node.getBuilder().getF32Type());
    if (succeeded(converted) && int(number) == decayInput)
      converted = node.unary(*converted, cnn::UnaryKind::exp);
    if (failed(converted))
      return failure();
    input = *converted;
  }
  return success();
}

LogicalResult LinearAttention::read() {
  return failure(failed(readShapes()) || failed(readGates()));
}

/// The value that a step writes: as given or, by a delta rule, what the state lacks of it.
Scalar LinearAttention::correct(ComputeBody &body, Scalar step, Scalar element) {
  Scalar b = body.at(0), head = body.at(1), column = body.at(2);
  Scalar value = body.input(2).load({b, step, head * valueSize + column});
  if (betaInput < 0)
    return value;
  bool shared = body.input(betaInput).getShape()[2] != stateHeads;
  Scalar beta = body.input(betaInput).load({b, step, shared ? body.index(0) : head});
  return beta * (value - element);
}

/// The code of one column: its elements are the first of its row of the result, and the
/// column's results of each step and head follow.
void LinearAttention::writeColumn(ComputeBody &body) {
  Scalar b = body.at(0), head = body.at(1), column = body.at(2);
  Type f32 = node.getBuilder().getF32Type();
  int64_t group = heads / stateHeads;
  cnn::ComputeBuffer row = body.output();
  auto at = [&](Scalar index) { return Scalars{b, head, column, index}; };
  body.loop(keySize, [&](Scalar i) {
    row.store(pastInput < 0 ? body.number(f32, 0)
                            : body.input(pastInput).load({b, head, i, column}),
              at(i));
  });
  body.loop(length, [&](Scalar step) {
    auto keyAt = [&](Scalar i) { return body.input(1).load({b, step, head * keySize + i}); };
    Scalar found = body.number(f32, 0);
    if (decayInput >= 0 || betaInput >= 0)
      found = body.loop(keySize, {found}, [&](Scalar i, ArrayRef<Scalar> sum) {
        Scalar state = row.load(at(i));
        if (decayInput >= 0) {
          bool perHead = body.input(decayInput).getShape()[2] == stateHeads;
          state = state *
                  body.input(decayInput).load({b, step, perHead ? head : head * keySize + i});
          row.store(state, at(i));
        }
        return Scalars{sum[0] + state * keyAt(i)};
      })[0];
    Scalar value = correct(body, step, found);
    Scalars sums(group, body.number(f32, 0));
    sums = body.loop(body.index(0), body.index(keySize), sums,
                     [&](Scalar i, ArrayRef<Scalar> carried) {
                       Scalar state = row.load(at(i)) + keyAt(i) * value;
                       row.store(state, at(i));
                       Scalars next(carried);
                       for (int64_t g = 0; g < group; ++g) {
                         Scalar column = (head * group + g) * keySize + i;
                         next[g] = next[g] + body.input(0).load({b, step, column}) * state;
                       }
                       return next;
                     });
    for (int64_t g = 0; g < group; ++g)
      row.store(sums[g] * double(scale), at(step * group + (keySize + g)));
  });
}

FailureOr<Value> LinearAttention::runColumns() {
  int64_t group = heads / stateHeads;
  return node.compute("linear_attention", {batch, stateHeads, valueSize}, inputs,
                      {batch, stateHeads, valueSize, keySize + length * group},
                      node.getBuilder().getF32Type(),
                      [&](ComputeBody &body) { writeColumn(body); });
}

LogicalResult LinearAttention::write() {
  FailureOr<Value> columns = runColumns();
  if (failed(columns))
    return failure();
  Type f32 = node.getBuilder().getF32Type(),
       type = NodeImporter::getElementType(node.getInput(0));
  int64_t group = heads / stateHeads;
  FailureOr<Value> output = node.computeElements(
      "linear_attention_output", *columns, {batch, length, heads * valueSize}, f32,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar head = at[2] / valueSize, column = at[2] % valueSize;
        return body.input(0).load(
            {at[0], head / group, column, at[1] * group + head % group + keySize});
      });
  FailureOr<Value> state = node.computeElements(
      "linear_attention_state", *columns, {batch, stateHeads, keySize, valueSize}, f32,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        return body.input(0).load({at[0], at[1], at[3], at[2]});
      });
  if (failed(output) || failed(state))
    return failure();
  Type stateType = node.getInput(3) ? NodeImporter::getElementType(node.getInput(3)) : type;
  return failure(failed(node.setResult(node.create<cnn::CastOp>(*output, type))) ||
                 failed(node.setResult(node.create<cnn::CastOp>(*state, stateType), 1)));
}

static LogicalResult importLinearAttention(NodeImporter &node) {
  LinearAttention attention(node);
  return failure(failed(attention.read()) || failed(attention.write()));
}

//===----------------------------------------------------------------------===//
// CausalConvWithState
//===----------------------------------------------------------------------===//

/// The convolution of each row of `padded` with its filter, in f32.
static FailureOr<Value> convolveRows(NodeImporter &node, Value padded, Value filter,
                                     Value bias) {
  ArrayRef<int64_t> shape = node.getShape(0);
  int64_t channels = shape[1], taps = node.getShape(1)[2];
  if (cnn::ConstantData::get(filter) && (!bias || cnn::ConstantData::get(bias)) &&
      channels > 1) {
    auto window = cnn::WindowAttr::get(node.getContext(), {taps}, {1}, {1}, {0, 0});
    return node.create<cnn::GroupConvOp>(padded, filter, bias, window, channels);
  }
  SmallVector<Value> inputs = {padded, filter};
  if (bias)
    inputs.push_back(bias);
  Type type = NodeImporter::getElementType(padded);
  return node.computeElements(
      "causal_conv", inputs, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar sum = bias ? body.input(2).load({at[1]}) : body.number(type, 0);
        return body.loop(taps, {sum}, [&](Scalar tap, ArrayRef<Scalar> carried) {
          Scalar x = body.input(0).load({at[0], at[1], at[2] + tap});
          return Scalars{carried[0] + x * body.input(1).load({at[1], body.index(0), tap})};
        })[0];
      });
}

static LogicalResult importCausalConv(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = node.getShape(0), filter = node.getShape(1);
  if (shape.size() != 3)
    return node.error(node.describeInput(0) + " has rank " + Twine(shape.size()) +
                      ", expected 3");
  int64_t batch = shape[0], channels = shape[1], length = shape[2];
  if (filter.size() != 3 || filter[0] != channels || filter[1] != 1 || filter[2] < 1)
    return node.error(node.describeInput(1) + " has shape " + formatShape(filter) +
                      ", expected " + Twine(channels) + "x1xk");
  if (node.getInput(2) && node.getShape(2) != ArrayRef<int64_t>(channels))
    return node.error(node.describeInput(2) + " has shape " + formatShape(node.getShape(2)) +
                      ", expected " + Twine(channels));
  SmallVector<int64_t> stateShape = {batch, channels, filter[2] - 1};
  Value state = node.getInput(3);
  if (state && node.getShape(3) != ArrayRef<int64_t>(stateShape))
    return node.error(node.describeInput(3) + " has shape " + formatShape(node.getShape(3)) +
                      ", expected " + formatShape(stateShape));
  StringRef activation = node.getString("activation", "none");
  if (activation != "none" && activation != "silu" && activation != "swish")
    return node.error("attribute 'activation' is '" + activation + "'");

  Type type = NodeImporter::getElementType(input), f32 = node.getBuilder().getF32Type();
  Value operands[] = {input, node.getInput(1), node.getInput(2), state};
  for (Value &operand : operands) {
    FailureOr<Value> converted = operand;
    if (operand && failed(converted = node.create<cnn::CastOp>(operand, f32)))
      return failure();
    operand = *converted;
  }
  FailureOr<Value> padded = operands[0];
  if (filter[2] > 1) {
    Value before = operands[3];
    if (!before)
      before = node.constant(
          cnn::makeConstant<float>(RankedTensorType::get(stateShape, f32), {0.0f}));
    if (failed(padded = node.create<cnn::ConcatOp>(ValueRange{before, *padded}, 2)))
      return failure();
  }
  FailureOr<Value> result = convolveRows(node, *padded, operands[1], operands[2]);
  if (succeeded(result) && activation != "none")
    result = node.unary(*result, cnn::UnaryKind::silu);
  FailureOr<Value> next =
      node.computeElements("causal_conv_state", *padded, stateShape, f32,
                           [&](ComputeBody &body, ArrayRef<Scalar> at) {
                             return body.input(0).load({at[0], at[1], at[2] + length});
                           });
  if (failed(result) || failed(next))
    return failure();
  return failure(failed(node.setResult(node.create<cnn::CastOp>(*result, type))) ||
                 failed(node.setResult(node.create<cnn::CastOp>(*next, type), 1)));
}

ArrayRef<OpEntry> convoy::onnximport::getLinearAttentionOps() {
  static constexpr OpEntry ops[] = {
      {"CausalConvWithState", importCausalConv, 2, 4, kFloat, 27},
      {"LinearAttention", importLinearAttention, 3, 6, kFloat, 27},
  };
  return ops;
}
