//===- Attention.cpp - Scaled dot product attention, rotary embedding -----===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Attention is made of matrix products and a softmax, whose kernels are vectorised. All of it
// is computed in f32.
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "TensorReader.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;
using cnn::ComputeBody;
using cnn::Scalar;

namespace {

/// What the output qk_matmul_output shows.
enum ScoreStage { kProduct, kCapped, kMasked, kSoftmax };

/// One Attention node. `B` is the batch, `H` the heads of the query, `L` its length.
class Attention {
public:
  explicit Attention(NodeImporter &node) : node(node) {}
  LogicalResult read();
  LogicalResult write();

private:
  LogicalResult readHeads();
  LogicalResult readAttributes();
  LogicalResult readCache();
  LogicalResult readMask();
  FailureOr<Value> splitHeads(unsigned index, int64_t count, bool transposed = false);
  FailureOr<Value> toFloat(FailureOr<Value> value);
  FailureOr<Value> makeScores();
  FailureOr<Value> makeBias();
  FailureOr<Value> computeBias();
  FailureOr<Value> findMaskedRows(Value bias);
  FailureOr<Value> clearRows(FailureOr<Value> value, Value maskedRows);
  LogicalResult writeScores(ScoreStage stage, FailureOr<Value> scores);
  LogicalResult writeOutput(Value probabilities, Value maskedRows);

  Type f32() { return node.getBuilder().getF32Type(); }
  Value number(double value) { return node.scalar(f32(), value); }

  NodeImporter &node;
  Type type; ///< of the query and the result
  int64_t rank = 0, batch = 0, heads = 0, keyHeads = 0, length = 0, headSize = 0,
          valueSize = 0, keys = 0, past = 0;
  Value key, value; ///< B x heads x keys x size, with the past ones
  Value mask;       ///< of rank 4, or null
  Value validKeys;  ///< the number of keys of each sample that are no padding, or null
  float scale = 0, softcap = 0;
  int64_t stage = 0, left = -1, right = -1;
  bool isCausal = false;
};

} // namespace

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// An operand as B x heads x length x size; with `transposed`, as B x heads x size x length.
FailureOr<Value> Attention::splitHeads(unsigned index, int64_t count, bool transposed) {
  Value input = node.getInput(index);
  if (rank == 4)
    return transposed ? node.transpose(input, {0, 1, 3, 2}) : FailureOr<Value>(input);
  ArrayRef<int64_t> shape = node.getShape(index);
  FailureOr<Value> split = node.reshape(input, {shape[0], shape[1], count, shape[2] / count});
  if (failed(split))
    return failure();
  return node.transpose(*split, transposed ? ArrayRef<int64_t>{0, 2, 3, 1}
                                           : ArrayRef<int64_t>{0, 2, 1, 3});
}

LogicalResult Attention::readHeads() {
  rank = node.getShape(0).size();
  if (rank != 3 && rank != 4)
    return node.error(node.describeInput(0) + " has rank " + Twine(rank) +
                      ", expected 3 or 4");
  for (unsigned i = 0; i < 3; ++i)
    if (int64_t(node.getShape(i).size()) != rank)
      return node.error(node.describeInput(i) + " has rank " + Twine(node.getShape(i).size()) +
                        ", input 0 has rank " + Twine(rank));
  type = NodeImporter::getElementType(node.getInput(0));
  auto readCount = [&](StringRef name, unsigned index) -> FailureOr<int64_t> {
    int64_t found = rank == 4 ? node.getShape(index)[1] : 0, count = node.getInt(name, found);
    if (count < 1)
      return node.error("needs a positive attribute '" + name + "' with inputs of rank 3");
    if (rank == 4 && count != found)
      return node.error("attribute '" + name + "' is " + Twine(count) + ", " +
                        node.describeInput(index) + " has " + Twine(found) + " heads");
    return count;
  };
  FailureOr<int64_t> queryCount = readCount("q_num_heads", 0);
  FailureOr<int64_t> keyCount = readCount("kv_num_heads", 1);
  if (failed(queryCount) || failed(keyCount))
    return failure();
  heads = *queryCount;
  keyHeads = *keyCount;
  if (heads % keyHeads != 0)
    return node.error("has " + Twine(heads) + " heads of the query, which is no multiple of " +
                      Twine(keyHeads) + " heads of the key");
  for (unsigned i = 0; i < 3; ++i)
    if (int64_t count = i ? keyHeads : heads; rank == 3 && node.getShape(i)[2] % count != 0)
      return node.error(node.describeInput(i) + " has " + Twine(node.getShape(i)[2]) +
                        " columns, which do not divide into " + Twine(count) + " heads");
  return success();
}

LogicalResult Attention::readAttributes() {
  softcap = node.getFloat("softcap", 0);
  isCausal = node.getInt("is_causal", 0) != 0;
  stage = node.getInt("qk_matmul_output_mode", 0);
  if (stage < kProduct || stage > kSoftmax)
    return node.error("attribute 'qk_matmul_output_mode' is " + Twine(stage) +
                      ", expected 0 to 3");
  if (node.hasAttribute("softmax_precision") && !node.getDataType("softmax_precision", 1))
    return failure(); // The softmax is computed in f32 in any case.
  if (node.getOpset() < 25)
    return success();
  left = node.getInt("left_window_size", -1);
  right = node.getInt("right_window_size", -1);
  if (left < -1 || right < -1)
    return node.error("has a window size below -1");
  return success();
}

/// Reads the keys and values, and puts those of the past before them.
LogicalResult Attention::readCache() {
  FailureOr<Value> all[] = {splitHeads(1, keyHeads), splitHeads(2, keyHeads)};
  if (failed(all[0]) || failed(all[1]))
    return failure();
  SmallVector<int64_t> keyShape(NodeImporter::getShape(*all[0]));
  SmallVector<int64_t> valueShape(NodeImporter::getShape(*all[1]));
  valueSize = valueShape[3];
  if (keyShape != ArrayRef<int64_t>({batch, keyHeads, keyShape[2], headSize}))
    return node.error(node.describeInput(1) + " has shape " + formatShape(node.getShape(1)) +
                      ", which does not fit the query's " + formatShape(node.getShape(0)));
  if (valueShape != ArrayRef<int64_t>({batch, keyHeads, keyShape[2], valueSize}))
    return node.error(node.describeInput(2) + " has shape " + formatShape(node.getShape(2)) +
                      ", which does not fit the key's " + formatShape(node.getShape(1)));
  keys = keyShape[2];
  if (bool(node.getInput(4)) != bool(node.getInput(5)))
    return node.error("has a past key or a past value without the other");
  if (node.getInput(4)) {
    past = node.getShape(4).size() == 4 ? node.getShape(4)[2] : 0;
    keyShape[2] = valueShape[2] = past;
    for (unsigned i : {0, 1}) {
      Value before = node.getInput(4 + i);
      ArrayRef<int64_t> expected = i ? valueShape : keyShape;
      if (NodeImporter::getShape(before) != expected)
        return node.error(node.describeInput(4 + i) + " has shape " +
                          formatShape(NodeImporter::getShape(before)) + ", expected " +
                          formatShape(expected));
      if (past > 0 &&
          failed(all[i] = node.create<cnn::ConcatOp>(ValueRange{before, *all[i]}, 2)))
        return failure();
    }
    keys += past;
  }
  key = *all[0];
  value = *all[1];
  return success();
}

LogicalResult Attention::readMask() {
  if ((validKeys = node.getInput(6))) {
    if (NodeImporter::getShape(validKeys) != ArrayRef<int64_t>(batch))
      return node.error(node.describeInput(6) + " has shape " + formatShape(node.getShape(6)) +
                        ", expected " + Twine(batch));
    if (node.getInput(4))
      return node.error("has both a past key and " + node.describeInput(6));
  }
  if (!node.getInput(3))
    return success();
  ArrayRef<int64_t> shape = node.getShape(3);
  auto mismatch = [&] {
    return node.error(node.describeInput(3) + " has shape " + formatShape(shape) +
                      ", which does not broadcast to " +
                      formatShape({batch, heads, length, keys}));
  };
  if (shape.size() > 4)
    return mismatch();
  SmallVector<int64_t> aligned(4 - shape.size(), 1);
  llvm::append_range(aligned, shape);
  int64_t extents[] = {batch, heads, length};
  for (unsigned i = 0; i < 3; ++i)
    if (aligned[i] != 1 && aligned[i] != extents[i])
      return mismatch();
  // From opset 24 on, keys past the end of the mask are masked.
  if (aligned[3] > keys || (node.getOpset() < 24 && aligned[3] != 1 && aligned[3] != keys))
    return mismatch();
  FailureOr<Value> result = node.reshape(node.getInput(3), aligned);
  if (succeeded(result) && !NodeImporter::getElementType(*result).isInteger(1))
    result = toFloat(result);
  if (failed(result))
    return failure();
  mask = *result;
  return success();
}

LogicalResult Attention::read() {
  if (failed(readHeads()) || failed(readAttributes()))
    return failure();
  ArrayRef<int64_t> shape = node.getShape(0);
  batch = shape[0];
  length = shape[rank - 2];
  headSize = rank == 4 ? shape[3] : shape[2] / heads;
  if (failed(readCache()) || failed(readMask()))
    return failure();
  scale =
      node.hasAttribute("scale") ? node.getFloat("scale", 0) : 1 / std::sqrt(float(headSize));
  return success();
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

FailureOr<Value> Attention::toFloat(FailureOr<Value> value) {
  if (failed(value))
    return failure();
  return node.create<cnn::CastOp>(*value, f32());
}

/// The scaled products of queries and keys, B x H x L x keys. Heads that share a key are rows
/// of one product.
FailureOr<Value> Attention::makeScores() {
  FailureOr<Value> query = toFloat(splitHeads(0, heads));
  FailureOr<Value> keyColumns =
      toFloat(past > 0 ? node.transpose(key, {0, 1, 3, 2}) : splitHeads(1, keyHeads, true));
  if (failed(query) || failed(keyColumns) ||
      failed(query = node.binary(BinaryKind::mul, *query, number(scale))) ||
      failed(query =
                 node.reshape(*query, {batch, keyHeads, heads / keyHeads * length, headSize})))
    return failure();
  FailureOr<Value> scores = node.create<cnn::MatmulOp>(*query, *keyColumns);
  if (failed(scores))
    return failure();
  return node.reshape(*scores, {batch, heads, length, keys});
}

/// What is added to the scores, -inf where a query must not see a key; null if all see all.
FailureOr<Value> Attention::makeBias() {
  bool byPosition = isCausal || left >= 0 || right >= 0;
  if (!mask && !validKeys && !byPosition)
    return Value();
  int64_t maskKeys = mask ? NodeImporter::getShape(mask)[3] : keys;
  bool isComplete = maskKeys == keys || node.getOpset() < 24;
  if (byPosition || validKeys || !isComplete)
    return computeBias();
  if (NodeImporter::getElementType(mask).isInteger(1))
    return node.create<cnn::SelectOp>(mask, number(0),
                                      number(-std::numeric_limits<double>::infinity()));
  return mask;
}

FailureOr<Value> Attention::computeBias() {
  bool byPosition = isCausal || left >= 0 || right >= 0;
  SmallVector<int64_t> shape = {1, 1, 1, keys}, maskShape(4, 1);
  SmallVector<Value> inputs;
  if (mask) {
    maskShape.assign(NodeImporter::getShape(mask).begin(), NodeImporter::getShape(mask).end());
    for (unsigned i = 0; i < 3; ++i)
      shape[i] = maskShape[i];
    inputs.push_back(mask);
  }
  if (validKeys) {
    shape[0] = batch;
    inputs.push_back(validKeys);
  }
  if (byPosition)
    shape[2] = length;
  bool pads = node.getOpset() >= 24 && maskShape[3] < keys;
  return node.computeElements(
      "attention_mask", inputs, shape, f32(), [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar query = at[2], position = at[3], sees = body.truth(true);
        Scalar added = body.number(f32(), 0);
        if (validKeys) {
          Scalar count = body.input(inputs.size() - 1).load({at[0]}).toIndex();
          sees = position < count;
          query = query + count - length;
        } else {
          query = query + past;
        }
        if (isCausal)
          sees = sees & (position <= query);
        if (left >= 0)
          sees = sees & (query - position <= left);
        if (right >= 0)
          sees = sees & (position - query <= right);
        if (mask) {
          cnn::Scalars indices;
          for (unsigned i = 0; i < 4; ++i)
            indices.push_back(maskShape[i] == 1 ? body.index(0) : at[i]);
          if (pads) {
            sees = sees & (position < maskShape[3]);
            indices[3] = position.min(body.index(maskShape[3] - 1));
          }
          Scalar value = body.input(0).load(indices);
          if (value.getType().isInteger(1))
            sees = sees & value;
          else
            added = value;
        }
        return sees.select(added, added.constant(-std::numeric_limits<double>::infinity()));
      });
}

/// B x H x L x 1 (or extents of 1): whether a query sees no key. Null if that cannot be.
FailureOr<Value> Attention::findMaskedRows(Value bias) {
  // A causal mask alone leaves each query at least the first key.
  if (!bias || (!mask && !validKeys && left < 0 && right < 0))
    return Value();
  FailureOr<Value> largest =
      node.create<cnn::ReduceOp>(bias, cnn::ReduceKind::max, SmallVector<int64_t>{3}, true);
  if (failed(largest))
    return failure();
  return node.binary(BinaryKind::equal, *largest,
                     number(-std::numeric_limits<double>::infinity()));
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Rows of queries that see no key become 0: their softmax is 0 / 0.
FailureOr<Value> Attention::clearRows(FailureOr<Value> value, Value maskedRows) {
  if (failed(value) || !maskedRows)
    return value;
  return node.create<cnn::SelectOp>(maskedRows, number(0), *value);
}

LogicalResult Attention::writeScores(ScoreStage at, FailureOr<Value> scores) {
  if (failed(scores) || at != stage || !node.isOutputUsed(3))
    return scores;
  return node.setResult(node.create<cnn::CastOp>(*scores, type), 3);
}

LogicalResult Attention::writeOutput(Value probabilities, Value maskedRows) {
  FailureOr<Value> values = toFloat(value);
  FailureOr<Value> result =
      node.reshape(probabilities, {batch, keyHeads, heads / keyHeads * length, keys});
  if (failed(values) || failed(result) ||
      failed(result = node.create<cnn::MatmulOp>(*result, *values)) ||
      failed(result = node.reshape(*result, {batch, heads, length, valueSize})) ||
      failed(result = clearRows(result, maskedRows)) ||
      failed(result = node.create<cnn::CastOp>(*result, type)))
    return failure();
  if (rank == 4)
    return node.setResult(result);
  if (failed(result = node.transpose(*result, {0, 2, 1, 3})))
    return failure();
  return node.setResult(node.reshape(*result, {batch, length, heads * valueSize}));
}

LogicalResult Attention::write() {
  (void)node.setResult(key, 1);
  (void)node.setResult(value, 2);
  FailureOr<Value> scores = makeScores();
  if (failed(writeScores(kProduct, scores)))
    return failure();
  if (softcap > 0 &&
      (failed(scores = node.binary(BinaryKind::mul, *scores, number(1 / softcap))) ||
       failed(scores = node.unary(*scores, cnn::UnaryKind::tanh)) ||
       failed(scores = node.binary(BinaryKind::mul, *scores, number(softcap)))))
    return failure();
  if (failed(writeScores(kCapped, scores)))
    return failure();
  FailureOr<Value> bias = makeBias();
  FailureOr<Value> maskedRows = failed(bias) ? bias : findMaskedRows(*bias);
  if (failed(maskedRows) ||
      (*bias && failed(scores = node.binary(BinaryKind::add, *scores, *bias))) ||
      failed(writeScores(kMasked, scores)))
    return failure();
  FailureOr<Value> probabilities = node.create<cnn::SoftmaxOp>(*scores, 3);
  // Usually it is less work to clear rows of the result.
  if (stage == kSoftmax && node.isOutputUsed(3)) {
    probabilities = clearRows(probabilities, *maskedRows);
    *maskedRows = Value();
  }
  if (failed(writeScores(kSoftmax, probabilities)))
    return failure();
  return writeOutput(*probabilities, *maskedRows);
}

static LogicalResult importAttention(NodeImporter &node) {
  Attention attention(node);
  return failure(failed(attention.read()) || failed(attention.write()));
}

//===----------------------------------------------------------------------===//
// RotaryEmbedding
//===----------------------------------------------------------------------===//

namespace {

/// Extents of a RotaryEmbedding: `rotated` of the `headSize` elements of a head are rotated.
struct Rotary {
  int64_t batch, length, headSize, rotated;
  bool isSplit, interleaved; ///< whether heads are a dimension; whether neighbours are a pair
};

} // namespace

static FailureOr<Rotary> readRotary(NodeImporter &node) {
  ArrayRef<int64_t> shape = node.getShape(0);
  if (shape.size() != 3 && shape.size() != 4)
    return node.error(node.describeInput(0) + " has rank " + Twine(shape.size()) +
                      ", expected 3 or 4");
  Rotary rotary;
  rotary.isSplit = shape.size() == 4;
  rotary.batch = shape[0];
  rotary.length = rotary.isSplit ? shape[2] : shape[1];
  int64_t heads = node.getInt("num_heads", 0);
  if (!rotary.isSplit && (heads < 1 || shape[2] % heads != 0))
    return node.error("has " + Twine(heads) + " heads (attribute 'num_heads'), into which " +
                      Twine(shape[2]) + " columns do not divide");
  rotary.headSize = rotary.isSplit ? shape[3] : shape[2] / heads;
  rotary.rotated = node.getInt("rotary_embedding_dim", 0);
  rotary.interleaved = node.getInt("interleaved", 0) != 0;
  if (rotary.rotated == 0)
    rotary.rotated = rotary.headSize;
  if (rotary.rotated < 2 || rotary.rotated > rotary.headSize || rotary.rotated % 2 != 0)
    return node.error("rotates " + Twine(rotary.rotated) + " of " + Twine(rotary.headSize) +
                      " elements of a head, expected an even number");
  Value positions = node.getInput(3);
  if (positions &&
      NodeImporter::getShape(positions) != ArrayRef<int64_t>({rotary.batch, rotary.length}))
    return node.error(node.describeInput(3) + " has shape " + formatShape(node.getShape(3)) +
                      ", expected " + formatShape({rotary.batch, rotary.length}));
  for (unsigned i : {1, 2}) {
    ArrayRef<int64_t> cache = node.getShape(i);
    SmallVector<int64_t> expected = {rotary.batch, rotary.length, rotary.rotated / 2};
    if (positions)
      expected = {cache.empty() ? 0 : node.getShape(1)[0], rotary.rotated / 2};
    if (cache != ArrayRef<int64_t>(expected))
      return node.error(node.describeInput(i) + " has shape " + formatShape(cache) +
                        ", expected " + formatShape(expected));
  }
  return rotary;
}

/// Rotates pairs of elements by an angle, whose cosine and sine are looked up.
static LogicalResult importRotaryEmbedding(NodeImporter &node) {
  FailureOr<Rotary> rotary = readRotary(node);
  if (failed(rotary))
    return failure();
  Type f32 = node.getBuilder().getF32Type(),
       type = NodeImporter::getElementType(node.getInput(0));
  SmallVector<Value> inputs;
  for (unsigned i = 0; i < 3; ++i) {
    FailureOr<Value> input = node.create<cnn::CastOp>(node.getInput(i), f32);
    if (failed(input))
      return failure();
    inputs.push_back(*input);
  }
  if (node.getInput(3))
    inputs.push_back(node.getInput(3));
  auto write = [&](ComputeBody &body, ArrayRef<Scalar> at) {
    Scalar lane = rotary->isSplit ? at[3] : at[2] % rotary->headSize;
    Scalar token = rotary->isSplit ? at[2] : at[1], first = at.back() - lane;
    int64_t half = rotary->rotated / 2, step = rotary->interleaved ? 2 : 1;
    Scalar isSecond = rotary->interleaved ? lane % 2 == 1 : lane >= half;
    Scalar pair = rotary->interleaved ? lane / 2 : isSecond.select(lane - half, lane);
    pair = pair.min(body.index(half - 1)); // Beyond it, elements are not rotated.
    auto load = [&](Scalar index) {
      cnn::Scalars indices(at);
      indices.back() = index;
      return body.input(0).load(indices);
    };
    Scalar x = load(first + pair * step);
    Scalar y = load(first + pair * step + (rotary->interleaved ? 1 : half));
    cnn::Scalars row = {at[0], token, pair};
    if (inputs.size() > 3) {
      int64_t rows = body.input(1).getShape()[0];
      Scalar position = body.input(3).load({at[0], token}).toIndex();
      row = {position.clamp(body.index(0), body.index(rows - 1)), pair};
    }
    Scalar cosine = body.input(1).load(row), sine = body.input(2).load(row);
    Scalar turned = isSecond.select(sine * x + cosine * y, cosine * x - sine * y);
    return (lane < rotary->rotated).select(turned, load(at.back()));
  };
  FailureOr<Value> result =
      node.computeElements("rotary_embedding", inputs, node.getShape(0), f32, write);
  if (failed(result))
    return failure();
  return node.setResult(node.create<cnn::CastOp>(*result, type));
}

ArrayRef<OpEntry> convoy::onnximport::getAttentionOps() {
  static constexpr OpEntry ops[] = {
      {"Attention", importAttention, 3, 6,
       InputTypes(kFloat, kFloat, kFloat, kNumber | kBool, kFloat, kFloat, kInteger), 23, 23},
      {"Attention", importAttention, 3, 7,
       InputTypes(kFloat, kFloat, kFloat, kNumber | kBool, kFloat, kFloat, kInteger), 24},
      {"RotaryEmbedding", importRotaryEmbedding, 3, 4,
       InputTypes(kFloat, kFloat, kFloat, kIndex), 23},
  };
  return ops;
}
