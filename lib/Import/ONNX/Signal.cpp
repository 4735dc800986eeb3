//===- Signal.cpp - Fourier transforms and windows of signals -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A transform is a product with a constant matrix, a dense layer. A long one is a fast Fourier
// transform of mixed radix (Cooley and Tukey 1965): a cnn.compute for each factor of the
// length, which adds in f64. So is a very short one, of one step: it is exact at no cost that
// matters.
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "TensorReader.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

/// The matrix of a transform has at most this many elements, 8 MB.
static constexpr int64_t kMaxMatrix = 1 << 21;
/// Up to this length, a transform is one step.
static constexpr int64_t kMaxOneStep = 64;
/// The longest transform.
static constexpr int64_t kMaxLength = 1 << 26;

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

namespace {

/// A discrete Fourier transform of the rows of a signal, rows x samples x parts, where a
/// sample is real (1 part) or complex (2 parts).
class Transform {
public:
  Transform(NodeImporter &node, int64_t length, bool inverse, bool onesided)
      : node(node), length(length), inverse(inverse), onesided(onesided) {}

  /// Shape of the result: samples and their parts.
  int64_t countResults() const { return onesided && !inverse ? length / 2 + 1 : length; }
  int64_t countParts() const { return onesided && inverse ? 1 : 2; }

  FailureOr<Value> apply(Value signal);

private:
  /// Samples of the signal that matter; others are cut off, and missing ones are 0.
  int64_t countSamples(Value signal) const {
    int64_t used = onesided && inverse ? length / 2 + 1 : length;
    return std::min(used, NodeImporter::getShape(signal)[1]);
  }
  void makeTable();
  FailureOr<Value> multiply(Value signal);
  FailureOr<Value> runSteps(Value signal);
  FailureOr<Value> runStep(Value signal, Value table, int64_t done, int64_t radix);
  Scalars loadSample(ComputeBody &body, Scalar row, Scalar index);

  NodeImporter &node;
  int64_t length;
  bool inverse, onesided;
  std::vector<double> cosines, sines; ///< of all multiples of 2 pi / length
};

} // namespace

void Transform::makeTable() {
  cosines.resize(length);
  sines.resize(length);
  for (int64_t i = 0; i < length; ++i) {
    double angle = 2 * M_PI * double(i) / double(length);
    cosines[i] = std::cos(angle);
    sines[i] = inverse ? std::sin(angle) : -std::sin(angle);
  }
}

FailureOr<Value> Transform::apply(Value signal) {
  makeTable();
  ArrayRef<int64_t> shape = NodeImporter::getShape(signal);
  int64_t columns = shape[1] * shape[2], results = countResults() * countParts();
  bool isMatrix = length > kMaxOneStep && columns <= kMaxMatrix / results;
  return isMatrix ? multiply(signal) : runSteps(signal);
}

/// The transform as a dense layer.
FailureOr<Value> Transform::multiply(Value signal) {
  ArrayRef<int64_t> shape = NodeImporter::getShape(signal);
  int64_t rows = shape[0], samples = shape[1], parts = shape[2], used = countSamples(signal);
  int64_t results = countResults(), resultParts = countParts();
  auto type = RankedTensorType::get({results * resultParts, samples * parts},
                                    node.getBuilder().getF32Type());
  auto fill = [&](MutableArrayRef<float> matrix) {
    for (int64_t k = 0; k < results; ++k)
      for (int64_t n = 0; n < used; ++n) {
        int64_t at = int64_t(k * n % length);
        double factor = inverse ? 1.0 / double(length) : 1;
        // The other half of a one-sided spectrum is its mirror image.
        if (resultParts == 1 && n > 0 && 2 * n != length)
          factor *= 2;
        double cosine = cosines[at] * factor, sine = sines[at] * factor;
        float *real = &matrix[(k * resultParts * samples + n) * parts];
        real[0] = cosine;
        if (parts == 2)
          real[1] = -sine;
        if (resultParts == 1)
          continue;
        float *imaginary = real + samples * parts;
        imaginary[0] = sine;
        if (parts == 2)
          imaginary[1] = cosine;
      }
  };
  Value filter = node.constant(cnn::fillConstant<float>(type, fill));
  FailureOr<Value> result = node.reshape(signal, {rows, samples * parts});
  if (failed(result) ||
      failed(result = node.create<cnn::DenseOp>(*result, filter, /*bias=*/Value())))
    return failure();
  return node.reshape(*result, {rows, results, resultParts});
}

/// The real and the imaginary part of a sample of the signal.
Scalars Transform::loadSample(ComputeBody &body, Scalar row, Scalar index) {
  cnn::ComputeBuffer signal = body.input(0);
  int64_t used = std::min(signal.getShape()[1], onesided && inverse ? length / 2 + 1 : length);
  Scalar conjugate = body.truth(false);
  if (onesided && inverse) {
    conjugate = index > length / 2;
    index = conjugate.select(body.index(length) - index, index);
  }
  Scalar exists = index < used, zero = body.number(node.getBuilder().getF32Type(), 0);
  index = index.min(body.index(used - 1));
  Scalar real = exists.select(signal.load({row, index, body.index(0)}), zero);
  if (signal.getShape()[2] == 1)
    return {real, zero};
  Scalar imaginary = exists.select(signal.load({row, index, body.index(1)}), zero);
  return {real, conjugate.select(-imaginary, imaginary)};
}

/// One step of decimation in time. Before it, column `j` of rows x done x (length / done) is
/// the transform of every (length / done)-th sample from `j` on; the step joins `radix` of
/// them. `done` = 1 is the signal itself.
FailureOr<Value> Transform::runStep(Value signal, Value table, int64_t done, int64_t radix) {
  int64_t rows = NodeImporter::getShape(signal)[0], next = done * radix;
  int64_t columns = length / next;
  bool isFirst = done == 1, isLast = columns == 1;
  int64_t results = isLast ? countResults() : next, parts = isLast ? countParts() : 2;
  return node.compute(
      "fourier_step", {rows, results, columns}, {signal, table},
      {rows, results, columns, parts}, node.getBuilder().getF32Type(), [&](ComputeBody &body) {
        Scalar row = body.at(0), k = body.at(1), column = body.at(2);
        Type f32 = body.b().getF32Type(), f64 = body.b().getF64Type();
        Scalar zero = body.number(f64, 0);
        // A number of the table has an upper and a lower part.
        auto look = [&](Scalar angle, int64_t part) {
          return body.input(1).load({angle, body.index(part)}).to(f64) +
                 body.input(1).load({angle, body.index(part + 1)}).to(f64);
        };
        Scalars sums =
            body.loop(radix, {zero, zero}, [&](Scalar part, ArrayRef<Scalar> carried) {
              Scalar from = column + part * columns;
              Scalars x;
              if (isFirst)
                x = loadSample(body, row, from);
              else
                for (int64_t i : {0, 1})
                  x.push_back(body.input(0).load({row, k % done, from, body.index(i)}));
              Scalar angle = (k * part) % next * columns;
              Scalar cosine = look(angle, 0), sine = look(angle, 2);
              for (Scalar &component : x)
                component = component.to(f64);
              return Scalars{carried[0] + (x[0] * cosine - x[1] * sine),
                             carried[1] + (x[0] * sine + x[1] * cosine)};
            });
        for (int64_t i = 0; i < parts; ++i) {
          Scalar sum = inverse && isLast ? sums[i] * (1.0 / double(length)) : sums[i];
          body.output().store(sum.to(f32), {row, k, column, body.index(i)});
        }
      });
}

FailureOr<Value> Transform::runSteps(Value signal) {
  std::vector<float> numbers;
  for (int64_t i = 0; i < length; ++i)
    for (double number : {cosines[i], sines[i]})
      numbers.insert(numbers.end(), {float(number), float(number - double(float(number)))});
  Value table =
      node.constant(cnn::makeFloats(node.getContext(), {length, 4}, std::move(numbers)));
  int64_t rows = NodeImporter::getShape(signal)[0], rest = length, done = 1;
  FailureOr<Value> result = signal;
  auto step = [&](int64_t radix) {
    if (succeeded(result))
      result = runStep(*result, table, done, radix);
    done *= radix;
    rest /= radix;
  };
  if (length <= kMaxOneStep)
    step(length);
  while (rest % 8 == 0)
    step(8);
  for (int64_t radix = 2; radix * radix <= rest; ++radix)
    while (rest % radix == 0)
      step(radix);
  if (rest > 1)
    step(rest);
  if (failed(result))
    return failure();
  return node.reshape(*result, {rows, countResults(), countParts()});
}

//===----------------------------------------------------------------------===//
// DFT and STFT
//===----------------------------------------------------------------------===//

/// An operand that is a constant of one element; `otherwise` if it is left out.
static FailureOr<int64_t> readScalar(NodeImporter &node, unsigned index, int64_t otherwise) {
  if (!node.getInput(index))
    return otherwise;
  std::optional<SmallVector<int64_t>> values = node.getConstantInts(index);
  if (!values)
    return failure();
  if (values->size() != 1)
    return node.error(node.describeInput(index) + " is not a scalar");
  return values->front();
}

static LogicalResult checkLength(NodeImporter &node, StringRef what, int64_t length) {
  if (length >= 1 && length <= kMaxLength)
    return success();
  return node.error(what + " is " + Twine(length) + ", expected 1 to " + Twine(kMaxLength));
}

/// A signal's last dimension has its parts: a real number, or a real and an imaginary one.
static LogicalResult checkSignal(NodeImporter &node, int64_t minRank) {
  ArrayRef<int64_t> shape = node.getShape(0);
  if (int64_t(shape.size()) < minRank || (shape.back() != 1 && shape.back() != 2))
    return node.error(node.describeInput(0) + " has shape " + formatShape(shape) +
                      ", expected rank " + Twine(minRank) +
                      " or more, and 1 or 2 elements in the last dimension");
  return success();
}

static LogicalResult importDFT(NodeImporter &node) {
  if (failed(checkSignal(node, 2)))
    return failure();
  SmallVector<int64_t> shape(node.getShape(0));
  int64_t rank = shape.size();
  FailureOr<int64_t> axis =
      node.getOpset() < 20 ? node.getInt("axis", 1) : readScalar(node, 2, -2);
  if (failed(axis) || failed(axis = node.normalizeAxis(*axis, rank)))
    return failure();
  if (*axis == rank - 1)
    return node.error("has the last dimension as its axis, which are the parts of a sample");
  bool inverse = node.getInt("inverse", 0) != 0, onesided = node.getInt("onesided", 0) != 0;
  int64_t samples = shape[*axis];
  FailureOr<int64_t> length =
      readScalar(node, 1, inverse && onesided ? 2 * (samples - 1) : samples);
  if (failed(length) || failed(checkLength(node, "the length of the transform", *length)))
    return failure();

  // The axis becomes the last dimension but one.
  SmallVector<int64_t> order(rank), back(rank);
  std::iota(order.begin(), order.end(), 0);
  order.erase(order.begin() + *axis);
  order.insert(order.end() - 1, *axis);
  for (auto [position, dim] : llvm::enumerate(order))
    back[dim] = position;
  Transform transform(node, *length, inverse, onesided);
  Type type = NodeImporter::getElementType(node.getInput(0));
  FailureOr<Value> signal =
      node.create<cnn::CastOp>(node.getInput(0), node.getBuilder().getF32Type());
  if (failed(signal) || failed(signal = node.transpose(*signal, order)))
    return failure();
  SmallVector<int64_t> ordered(NodeImporter::getShape(*signal));
  int64_t rows = llvm::product_of(ArrayRef(ordered).drop_back(2));
  FailureOr<Value> result = node.reshape(*signal, {rows, samples, shape.back()});
  ordered[rank - 2] = transform.countResults();
  ordered[rank - 1] = transform.countParts();
  if (failed(result) || failed(node.checkShape(ordered, type)) ||
      failed(result = transform.apply(*result)) ||
      failed(result = node.reshape(*result, ordered)) ||
      failed(result = node.transpose(*result, back)))
    return failure();
  return node.setResult(node.create<cnn::CastOp>(*result, type));
}

/// Cuts the signal into frames, multiplies each by the window, and transforms them.
static LogicalResult importSTFT(NodeImporter &node) {
  if (failed(checkSignal(node, 3)))
    return failure();
  ArrayRef<int64_t> shape = node.getShape(0);
  if (shape.size() != 3)
    return node.error(node.describeInput(0) + " has rank " + Twine(shape.size()) +
                      ", expected 3");
  Value window = node.getInput(2);
  if (window && node.getShape(2).size() != 1)
    return node.error(node.describeInput(2) + " has rank " + Twine(node.getShape(2).size()) +
                      ", expected 1");
  FailureOr<int64_t> step = readScalar(node, 1, 0);
  FailureOr<int64_t> length = readScalar(node, 3, window ? node.getShape(2)[0] : shape[1]);
  if (failed(step) || failed(length) || failed(checkLength(node, "frame_step", *step)) ||
      failed(checkLength(node, "frame_length", *length)))
    return failure();
  if (*length > shape[1])
    return node.error("has frames of " + Twine(*length) + " samples, the signal has " +
                      Twine(shape[1]));
  if (window && node.getShape(2)[0] != *length)
    return node.error(node.describeInput(2) + " has " + Twine(node.getShape(2)[0]) +
                      " elements, a frame has " + Twine(*length));
  int64_t frames = 1 + (shape[1] - *length) / *step;
  Type type = NodeImporter::getElementType(node.getInput(0)),
       f32 = node.getBuilder().getF32Type();
  SmallVector<Value> inputs;
  for (Value input : {node.getInput(0), window}) {
    if (!input)
      continue;
    FailureOr<Value> converted = node.create<cnn::CastOp>(input, f32);
    if (failed(converted))
      return failure();
    inputs.push_back(*converted);
  }
  FailureOr<Value> signal =
      node.computeElements("frames", inputs, {shape[0], frames, *length, shape[2]}, f32,
                           [&](ComputeBody &body, ArrayRef<Scalar> at) {
                             Scalar x =
                                 body.input(0).load({at[0], at[1] * *step + at[2], at[3]});
                             return window ? x * body.input(1).load({at[2]}) : x;
                           });
  Transform transform(node, *length, /*inverse=*/false, node.getInt("onesided", 1) != 0);
  if (failed(signal) ||
      failed(signal = node.reshape(*signal, {shape[0] * frames, *length, shape[2]})) ||
      failed(signal = transform.apply(*signal)) ||
      failed(signal = node.reshape(*signal, {shape[0], frames, transform.countResults(),
                                             transform.countParts()})))
    return failure();
  return node.setResult(node.create<cnn::CastOp>(*signal, type));
}

//===----------------------------------------------------------------------===//
// Windows and weights, which are constants
//===----------------------------------------------------------------------===//

/// A constant of the type that the attribute output_datatype names.
static FailureOr<Value> makeNumbers(NodeImporter &node, ArrayRef<int64_t> shape,
                                    ArrayRef<double> values) {
  Type type = node.getDataType("output_datatype", 1);
  if (!type)
    return failure();
  bool truncates = isa<IntegerType>(type);
  std::vector<float> numbers;
  for (double value : values)
    numbers.push_back(truncates ? std::trunc(value) : value);
  return node.create<cnn::CastOp>(
      node.constant(cnn::makeFloats(node.getContext(), shape, std::move(numbers))), type);
}

/// a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N).
static LogicalResult importWindow(NodeImporter &node, double a0, double a1, double a2) {
  FailureOr<int64_t> size = readScalar(node, 0, 0);
  if (failed(size) || failed(checkLength(node, "size", *size)))
    return failure();
  int64_t period = node.getInt("periodic", 1) != 0 ? *size : *size - 1;
  std::vector<double> values(*size, 1);
  for (int64_t i = 0; i < *size && period > 0; ++i) {
    double angle = 2 * M_PI * double(i) / double(period);
    values[i] = -a1 * std::cos(angle) + a2 * std::cos(2 * angle) + a0;
  }
  return node.setResult(makeNumbers(node, {*size}, values));
}

static LogicalResult importHannWindow(NodeImporter &node) {
  return importWindow(node, 0.5, 0.5, 0);
}
static LogicalResult importHammingWindow(NodeImporter &node) {
  return importWindow(node, 25.0 / 46, 21.0 / 46, 0);
}
static LogicalResult importBlackmanWindow(NodeImporter &node) {
  return importWindow(node, 0.42, 0.5, 0.08);
}

/// Triangles that are evenly spaced on the mel scale: a column for each, over the frequencies
/// of a one-sided spectrum.
static LogicalResult importMelWeightMatrix(NodeImporter &node) {
  FailureOr<int64_t> bins = readScalar(node, 0, 0), length = readScalar(node, 1, 0),
                     rate = readScalar(node, 2, 0);
  std::optional<SmallVector<float>> low = node.getConstantFloats(3),
                                    high = node.getConstantFloats(4);
  if (failed(bins) || failed(length) || failed(rate) || !low || !high ||
      failed(checkLength(node, "num_mel_bins", *bins)) ||
      failed(checkLength(node, "dft_length", *length)) ||
      failed(checkLength(node, "sample_rate", *rate)))
    return failure();
  int64_t rows = *length / 2 + 1;
  if (low->size() != 1 || high->size() != 1)
    return node.error("has an edge that is not a scalar");
  if (failed(node.checkShape({rows, *bins}, node.getBuilder().getF32Type())) ||
      failed(checkLength(node, "the number of weights", rows * *bins)))
    return failure();
  auto toMel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  double first = toMel(low->front());
  double step = (toMel(high->front()) - first) / double(*bins + 2);
  std::vector<int64_t> edges;
  for (int64_t i = 0; i < *bins + 2; ++i) {
    double hertz = 700 * (std::pow(10, (double(i) * step + first) / 2595) - 1);
    double edge = std::floor(double(*length + 1) * hertz / double(*rate));
    if (!(edge >= 0 && edge < double(rows)))
      return node.error("has an edge at " + Twine(int64_t(hertz)) +
                        " Hz, outside of the spectrum of sample rate " + Twine(*rate));
    edges.push_back(int64_t(edge));
  }
  std::vector<double> values(rows * *bins, 0);
  for (int64_t bin = 0; bin < *bins; ++bin) {
    int64_t left = edges[bin], center = edges[bin + 1], right = edges[bin + 2];
    auto at = [&](int64_t row) -> double & { return values[row * *bins + bin]; };
    if (left == center)
      at(center) = 1;
    for (int64_t row = left; left < center && row <= center; ++row)
      at(row) = double(row - left) / double(center - left);
    for (int64_t row = center; row < right; ++row)
      at(row) = double(right - row) / double(right - center);
  }
  return node.setResult(makeNumbers(node, {rows, *bins}, values));
}

ArrayRef<OpEntry> convoy::onnximport::getSignalOps() {
  static constexpr OpEntry ops[] = {
      {"BlackmanWindow", importBlackmanWindow, 1, 1, kInteger, 17, kNoEnd,
       "the size must be constant"},
      {"DFT", importDFT, 1, 2, InputTypes(kFloat, kInteger), 17, 19,
       "dft_length must be constant"},
      {"DFT", importDFT, 1, 3, InputTypes(kFloat, kInteger), 20, kNoEnd,
       "dft_length and axis must be constant"},
      {"HammingWindow", importHammingWindow, 1, 1, kInteger, 17, kNoEnd,
       "the size must be constant"},
      {"HannWindow", importHannWindow, 1, 1, kInteger, 17, kNoEnd,
       "the size must be constant"},
      {"MelWeightMatrix", importMelWeightMatrix, 5, 5,
       InputTypes(kInteger, kInteger, kInteger, kFloat), 17, kNoEnd,
       "all inputs must be constant"},
      {"STFT", importSTFT, 2, 4, InputTypes(kFloat, kInteger, kFloat, kInteger), 17, kNoEnd,
       "frame_step and frame_length must be constant"},
  };
  return ops;
}
