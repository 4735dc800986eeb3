//===- Random.cpp - Operators that make random numbers --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Philox4x32-10 (Salmon et al. 2011), a generator that is a function of a counter and a key.
// The counter is the number of the element in the result, and the key comes from the node. So
// an element is the same number in each run, on each target, for any number of threads. The
// page docs/random-numbers.md describes it.
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "TensorReader.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;
using cnn::UnaryKind;

namespace {

struct Key {
  uint32_t low, high;
};

} // namespace

/// The seed's bits. A node without a seed has a key made of the name of its output, so that
/// two such nodes make different numbers.
static Key readKey(NodeImporter &node) {
  if (node.hasAttribute("seed"))
    return {llvm::bit_cast<uint32_t>(node.getFloat("seed", 0)), 0};
  uint32_t hash = 2166136261u; // FNV-1a.
  for (unsigned char letter : node.getOutputName(0))
    hash = (hash ^ letter) * 16777619u;
  return {0, hash};
}

/// The four words of 32 bits for counter `index`, each as an unsigned i64.
static Scalars makeWords(ComputeBody &body, Scalar index, Key key) {
  constexpr int64_t word = int64_t(1) << 32;
  Type u64 = IntegerType::get(body.b().getContext(), 64, IntegerType::Unsigned);
  Scalar counter = index.to(u64), zero = counter.integer(0);
  Scalars words = {counter % counter.integer(word), counter / counter.integer(word), zero,
                   zero};
  for (int round = 0; round < 10; ++round) {
    Scalar first = words[0] * zero.integer(0xD2511F53);
    Scalar second = words[2] * zero.integer(0xCD9E8D57);
    Scalar size = zero.integer(word);
    words = {(second / size) ^ words[1] ^ zero.integer(key.low), second % size,
             (first / size) ^ words[3] ^ zero.integer(key.high), first % size};
    key = {key.low + 0x9E3779B9u, key.high + 0xBB67AE85u};
  }
  return words;
}

/// The upper 24 bits of a word plus `offset`, times 2^-24: exact in f32.
static Scalar toFraction(ComputeBody &body, Scalar word, int64_t offset = 0) {
  Scalar bits = word / word.integer(256) + word.integer(offset);
  return bits.to(body.b().getF32Type()) * 0x1p-24;
}

/// A number from [0, 1).
static Scalar makeUniform(ComputeBody &body, Scalar index, Key key) {
  return toFraction(body, makeWords(body, index, key)[0]);
}

/// A number of the standard normal distribution (Box and Muller 1958).
static Scalar makeNormal(ComputeBody &body, Scalar index, Key key) {
  Scalars words = makeWords(body, index, key);
  Scalar logarithm = toFraction(body, words[0], 1).apply(UnaryKind::log);
  Scalar angle = toFraction(body, words[1]) * (2 * M_PI);
  return (logarithm * -2.0).apply(UnaryKind::sqrt) * angle.apply(UnaryKind::cos);
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

/// The element type in attribute dtype, or `otherwise`.
static Type readType(NodeImporter &node, Type otherwise) {
  return node.hasAttribute("dtype") ? node.getDataType("dtype", 0) : otherwise;
}

/// A result of `shape` with an element for each number that `write` makes from its index.
static LogicalResult makeElements(NodeImporter &node, ArrayRef<int64_t> shape, Type type,
                                  llvm::function_ref<Scalar(ComputeBody &, Scalar)> write) {
  if (!isa_and_nonnull<FloatType>(type))
    return node.hasError() ? failure() : node.error("makes numbers that are no floats");
  if (failed(node.checkShape(shape, type)))
    return failure();
  FailureOr<Value> result = node.computeElements(
      "random", {}, {llvm::product_of(shape)}, node.getBuilder().getF32Type(),
      [&](ComputeBody &body, ArrayRef<Scalar> at) { return write(body, at[0]); });
  if (failed(result) || failed(result = node.reshape(*result, shape)))
    return failure();
  return node.setResult(node.create<cnn::CastOp>(*result, type));
}

static LogicalResult makeUniforms(NodeImporter &node, ArrayRef<int64_t> shape, Type type) {
  Key key = readKey(node);
  double low = node.getFloat("low", 0), high = node.getFloat("high", 1);
  return makeElements(node, shape, type, [&](ComputeBody &body, Scalar index) {
    return makeUniform(body, index, key) * double(float(high - low)) + low;
  });
}

static LogicalResult makeNormals(NodeImporter &node, ArrayRef<int64_t> shape, Type type) {
  Key key = readKey(node);
  double mean = node.getFloat("mean", 0), scale = node.getFloat("scale", 1);
  return makeElements(node, shape, type, [&](ComputeBody &body, Scalar index) {
    return makeNormal(body, index, key) * scale + mean;
  });
}

/// The shape is an attribute.
template <LogicalResult (*make)(NodeImporter &, ArrayRef<int64_t>, Type)>
static LogicalResult importRandom(NodeImporter &node) {
  std::optional<SmallVector<int64_t>> shape = node.getInts("shape");
  if (!shape)
    return node.error("has no attribute 'shape'");
  return make(node, *shape, readType(node, node.getBuilder().getF32Type()));
}

/// The shape is that of the input.
template <LogicalResult (*make)(NodeImporter &, ArrayRef<int64_t>, Type)>
static LogicalResult importRandomLike(NodeImporter &node) {
  Type type = NodeImporter::getElementType(node.getInput(0));
  if (!isa<FloatType>(type))
    type = node.getBuilder().getF32Type();
  return make(node, node.getShape(0), readType(node, type));
}

/// Ones with the probabilities that the input has, and zeros.
static LogicalResult importBernoulli(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = node.getShape(0);
  Type type = readType(node, NodeImporter::getElementType(input));
  if (!type)
    return failure();
  Key key = readKey(node);
  int64_t count = NodeImporter::getType(input).getNumElements();
  FailureOr<Value> flat = node.create<cnn::CastOp>(input, node.getBuilder().getF32Type());
  if (failed(flat) || failed(flat = node.reshape(*flat, count)))
    return failure();
  FailureOr<Value> result =
      node.computeElements("bernoulli", *flat, count, node.getBuilder().getI1Type(),
                           [&](ComputeBody &body, ArrayRef<Scalar> at) {
                             return makeUniform(body, at[0], key) < body.input(0).load(at);
                           });
  if (failed(result) || failed(result = node.reshape(*result, shape)))
    return failure();
  return node.setResult(node.create<cnn::CastOp>(*result, type));
}

/// For each row of logarithms of weights, the running sums of the weights. The largest weight
/// counts as 1.
static FailureOr<Value> makeRunningSums(NodeImporter &node, Value logits) {
  ArrayRef<int64_t> shape = NodeImporter::getShape(logits);
  Type f32 = node.getBuilder().getF32Type();
  return node.compute("running_weights", shape[0], logits, shape, f32, [&](ComputeBody &body) {
    Scalar row = body.at(0), zero = body.number(f32, 0);
    Scalar largest =
        body.loop(shape[1], {body.input(0).load({row, body.index(0)})},
                  [&](Scalar column, ArrayRef<Scalar> carried) {
                    return Scalars{carried[0].max(body.input(0).load({row, column}))};
                  })[0];
    body.loop(shape[1], {zero}, [&](Scalar column, ArrayRef<Scalar> carried) {
      Scalar weight = (body.input(0).load({row, column}) - largest).apply(UnaryKind::exp);
      Scalar sum = carried[0] + weight;
      body.output().store(sum, {row, column});
      return Scalars{sum};
    });
  });
}

/// Classes drawn with the probabilities whose logarithms, up to a constant, are the input.
static LogicalResult importMultinomial(NodeImporter &node) {
  ArrayRef<int64_t> shape = node.getShape(0);
  if (shape.size() != 2)
    return node.error(node.describeInput(0) + " has rank " + Twine(shape.size()) +
                      ", expected 2");
  int64_t classes = shape[1], samples = node.getInt("sample_size", 1);
  Type type = readType(node, node.getBuilder().getI32Type());
  if (!type)
    return failure();
  if (samples < 1 || (!type.isSignlessInteger(32) && !type.isSignlessInteger(64)))
    return node.error("needs a positive sample_size, and int32 or int64 as its dtype");
  Key key = readKey(node);
  FailureOr<Value> sums =
      node.create<cnn::CastOp>(node.getInput(0), node.getBuilder().getF32Type());
  if (failed(sums) || failed(sums = makeRunningSums(node, *sums)))
    return failure();
  return node.setResult(node.computeElements(
      "multinomial", *sums, {shape[0], samples}, type,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar total = body.input(0).load({at[0], body.index(classes - 1)});
        Scalar wanted = makeUniform(body, at[0] * samples + at[1], key) * total;
        // The first class whose running sum is larger.
        return body
            .whileLoop(
                {body.index(0), body.index(classes - 1)},
                [&](ArrayRef<Scalar> range) { return range[0] < range[1]; },
                [&](ArrayRef<Scalar> range) {
                  Scalar middle = (range[0] + range[1]) / 2;
                  Scalar isLarger = wanted < body.input(0).load({at[0], middle});
                  return Scalars{isLarger.select(range[0], middle + 1),
                                 isLarger.select(middle, range[1])};
                })[0]
            .to(type);
      }));
}

ArrayRef<OpEntry> convoy::onnximport::getRandomOps() {
  static constexpr OpEntry ops[] = {
      {"Bernoulli", importBernoulli, 1, 1, kFloat, 15, kNoEnd,
       "draws other numbers than ONNX Runtime"},
      {"Multinomial", importMultinomial, 1, 1, kFloat, 7, kNoEnd,
       "draws other numbers than ONNX Runtime"},
      {"RandomNormal", importRandom<makeNormals>, 0, 0, kAny, 1, kNoEnd,
       "draws other numbers than ONNX Runtime"},
      {"RandomNormalLike", importRandomLike<makeNormals>, 1, 1, kAny, 1, kNoEnd,
       "draws other numbers than ONNX Runtime"},
      {"RandomUniform", importRandom<makeUniforms>, 0, 0, kAny, 1, kNoEnd,
       "draws other numbers than ONNX Runtime"},
      {"RandomUniformLike", importRandomLike<makeUniforms>, 1, 1, kAny, 1, kNoEnd,
       "draws other numbers than ONNX Runtime"},
  };
  return ops;
}
