//===- QuantizedConv.cpp - Convolutions of quantised tensors --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// With a constant filter, this is a cnn.conv or cnn.group_conv of the differences of data and
// filter from their zero points, in i16.
//
// Otherwise the input is copied once, padded and with its channels last: then the elements
// that a row of the filter meets are neighbours, in the order of the filter's own elements,
// and a convolution is a sum of long products of numbers of 8 bits.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Quantized.h"
#include "SizeRules.h"
#include "TensorReader.h"
#include "Window.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

namespace {

/// The sums of `(x - zero_x) * (w - zero_w)` of a convolution. If the filter is computed, they
/// are written as in a matrix product: `sum x * w - zero_x * sum w - zero_w * sum x
/// + K * zero_x * zero_w`. Pads are `zero_x`.
class IntegerConv {
public:
  /// Input 0 is the data, inputs `filter` and `zeroW` the filter and its zero points.
  static FailureOr<IntegerConv> read(NodeImporter &node, unsigned filter, unsigned zeroW);

  int64_t getChannels() const { return channels; }
  int64_t getSpatialRank() const { return output.size(); }

  /// Makes what the zero points need: a scalar for the data; for the filter, a scalar or a
  /// number for each channel of the result.
  LogicalResult setZeroPoints(Value zeroX, Value zeroW);

  /// Makes the sums, of i32.
  FailureOr<Value> create() const;

private:
  explicit IntegerConv(NodeImporter &node) : node(node) {}

  /// The sums as a cnn operation.
  FailureOr<Value> convolve(Value zeroX, Value zeroW) const;
  FailureOr<Value> padInput(Value zeroX) const;
  FailureOr<Value> sumWindows(Value padded) const;
  /// The sum of `term` over the window at batch, group and spatial point `at`. It gets the
  /// index of the padded input, and that of the filter without its first dimension.
  Scalar sumWindow(ComputeBody &body, ArrayRef<Scalar> at,
                   llvm::function_ref<Scalar(ArrayRef<Scalar>, ArrayRef<Scalar>)> term) const;

  NodeImporter &node;
  Window window;
  int64_t batch = 0, group = 1, channels = 0, groupChannels = 0, depth = 0;
  SmallVector<int64_t> output; ///< the spatial extents of the result
  /// Whether the sums are a cnn operation: then they are the only input.
  bool isLayer = false;
  Value filter; ///< if not a layer: channels x kernel..., the last extent times groupChannels
  /// The padded input, the filter, and then those of the following that are not -1.
  SmallVector<Value> inputs;
  int zeroX = -1, filterSums = -1, zeroW = -1, windowSums = -1;
};

} // namespace

FailureOr<IntegerConv> IntegerConv::read(NodeImporter &node, unsigned filterIndex,
                                         unsigned zeroIndex) {
  IntegerConv conv(node);
  ArrayRef<int64_t> input = node.getShape(0), filter = node.getShape(filterIndex);
  if (filter.size() < 2)
    return node.error(node.describeInput(filterIndex) + " has rank " + Twine(filter.size()) +
                      ", expected the input's");
  FailureOr<Window> window = readWindow(node, filter.drop_front(2));
  if (failed(window))
    return failure();
  resolveAutoPad(node, *window);
  FailureOr<int64_t> group = readGroup(node);
  if (failed(group))
    return failure();
  conv.window = *window;
  conv.batch = input[0];
  conv.group = *group;
  conv.channels = filter[0];
  conv.groupChannels = filter[1];
  if (filter[1] * *group != input[1] || filter[0] % *group)
    return node.error("input has " + Twine(input[1]) + " channels, the filter of shape " +
                      formatShape(filter) + " does not fit in " + Twine(*group) + " groups");
  int64_t rank = window->kernel.size();
  conv.depth = filter[1];
  for (int64_t i = 0; i < rank; ++i) {
    int64_t padded = input[i + 2] + window->pads[i] + window->pads[rank + i];
    int64_t reach = (window->kernel[i] - 1) * window->dilations[i] + 1;
    if (reach > padded)
      return node.error("the window has extent " + Twine(reach) + " in dimension " +
                        Twine(i + 2) + ", the padded input " + Twine(padded));
    conv.output.push_back((padded - reach) / window->strides[i] + 1);
    conv.depth *= window->kernel[i];
  }
  conv.filter = node.getInput(filterIndex);
  conv.isLayer = areConstant(node, {filterIndex, zeroIndex}) && llvm::product_of(input) > 0 &&
                 llvm::product_of(filter) > 0;
  if (conv.isLayer)
    return conv;
  SmallVector<int64_t> permutation = {0};
  llvm::append_range(permutation, llvm::seq<int64_t>(2, rank + 2));
  permutation.push_back(1);
  SmallVector<int64_t> shape(window->kernel);
  shape.insert(shape.begin(), filter[0]);
  shape.back() *= filter[1];
  FailureOr<Value> ordered = node.transpose(conv.filter, permutation);
  if (failed(ordered) || failed(ordered = node.reshape(*ordered, shape)))
    return failure();
  conv.filter = *ordered;
  return conv;
}

FailureOr<Value> IntegerConv::convolve(Value zeroX, Value zeroW) const {
  FailureOr<Value> x = subtractZero(node, node.getInput(0), zeroX);
  FailureOr<Value> zero = zeroW;
  if (NodeImporter::getRank(zeroW) > 0) {
    SmallVector<int64_t> shape(output.size() + 2, 1);
    shape.front() = channels;
    zero = node.reshape(zeroW, shape);
  }
  FailureOr<cnn::WindowAttr> attribute = window.toAttribute(node);
  if (failed(x) || failed(zero) || failed(attribute))
    return failure();
  FailureOr<Value> w = subtractZero(node, filter, *zero);
  if (failed(w))
    return failure();
  if (group == 1)
    return node.create<cnn::ConvOp>(*x, *w, Value(), *attribute);
  return node.create<cnn::GroupConvOp>(*x, *w, Value(), *attribute, group);
}

/// The data with pads, as batch x group x spatial..., the last extent times the channels of a
/// group.
FailureOr<Value> IntegerConv::padInput(Value zero) const {
  Value input = node.getInput(0);
  size_t rank = output.size();
  ArrayRef<int64_t> spatial = NodeImporter::getShape(input).drop_front(2);
  SmallVector<int64_t> points = {batch, group};
  for (size_t i = 0; i < rank; ++i)
    points.push_back(spatial[i] + window.pads[i] + window.pads[rank + i]);
  SmallVector<int64_t> shape(points);
  shape.back() *= groupChannels;
  Type type = NodeImporter::getElementType(input);
  return node.compute(
      "pad_quantized", points, {input, zero}, shape, type, [&](ComputeBody &body) {
        Scalars at = body.point();
        Scalars from(at);
        Scalar inside = body.truth(true);
        for (size_t i = 0; i < rank; ++i) {
          Scalar &index = from[i + 2];
          index = index - window.pads[i];
          if (window.pads[i] > 0)
            inside = inside & (index >= 0);
          if (window.pads[rank + i] > 0)
            inside = inside & (index < spatial[i]);
        }
        auto fill = [&](llvm::function_ref<Scalar(Scalar)> value) {
          body.loop(groupChannels, [&](Scalar channel) {
            Scalars to(at);
            to.back() = to.back() * groupChannels + channel;
            body.output().store(value(channel), to);
          });
        };
        body.when(inside, [&] {
          fill([&](Scalar channel) {
            Scalars index = {at[0], at[1] * groupChannels + channel};
            llvm::append_range(index, ArrayRef(from).drop_front(2));
            return body.input(0).load(index);
          });
        });
        body.when(!inside, [&] { fill([&](Scalar) { return body.input(1).load({}); }); });
      });
}

Scalar IntegerConv::sumWindow(
    ComputeBody &body, ArrayRef<Scalar> at,
    llvm::function_ref<Scalar(ArrayRef<Scalar>, ArrayRef<Scalar>)> term) const {
  size_t last = output.size() - 1;
  // Without dilation, all elements of a row of the kernel are one run.
  bool isRun = window.dilations[last] == 1;
  SmallVector<int64_t> extents(window.kernel);
  if (isRun)
    extents.back() *= groupChannels;
  else
    extents.push_back(groupChannels);
  Scalar none = body.number(body.b().getI32Type(), 0);
  return sumOver(body, extents, none, [&](ArrayRef<Scalar> k) {
    Scalars inputIndex = {at[0], at[1]}, filterIndex;
    for (size_t i = 0; i < last; ++i) {
      inputIndex.push_back(at[i + 2] * window.strides[i] + k[i] * window.dilations[i]);
      filterIndex.push_back(k[i]);
    }
    Scalar start = at[last + 2] * (window.strides[last] * groupChannels);
    if (isRun) {
      inputIndex.push_back(start + k[last]);
      filterIndex.push_back(k[last]);
    } else {
      inputIndex.push_back(start + k[last] * (window.dilations[last] * groupChannels) +
                           k[last + 1]);
      filterIndex.push_back(k[last] * groupChannels + k[last + 1]);
    }
    return term(inputIndex, filterIndex);
  });
}

FailureOr<Value> IntegerConv::sumWindows(Value padded) const {
  SmallVector<int64_t> shape = {batch, group};
  llvm::append_range(shape, output);
  return node.computeElements(
      "integer_window_sum", padded, shape, node.getBuilder().getI32Type(),
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        return sumWindow(body, at, [&](ArrayRef<Scalar> input, ArrayRef<Scalar>) {
          return loadInteger(body, 0, input);
        });
      });
}

LogicalResult IntegerConv::setZeroPoints(Value newZeroX, Value newZeroW) {
  if (failed(requireTypeOfZero(node, newZeroX, node.getInput(0), "data")) ||
      failed(requireTypeOfZero(node, newZeroW, filter, "filter")))
    return failure();
  if (isLayer) {
    FailureOr<Value> sums = convolve(newZeroX, newZeroW);
    if (failed(sums))
      return failure();
    inputs = {*sums};
    return success();
  }
  FailureOr<Value> padded = padInput(newZeroX);
  if (failed(padded))
    return failure();
  inputs = {*padded, filter};
  auto add = [&](int &number, FailureOr<Value> value) -> LogicalResult {
    if (failed(value))
      return failure();
    number = inputs.size();
    inputs.push_back(*value);
    return success();
  };
  if (!isZero(newZeroX)) {
    FailureOr<Value> sums = node.reshape(filter, {channels, depth});
    if (failed(sums) || failed(sums = sumLastDimension(node, *sums)))
      return failure();
    SmallVector<int64_t> shape(output.size() + 1, 1);
    shape.front() = channels;
    if (failed(add(zeroX, newZeroX)) || failed(add(filterSums, node.reshape(*sums, shape))))
      return failure();
  }
  if (!isZero(newZeroW) &&
      (failed(add(zeroW, newZeroW)) || failed(add(windowSums, sumWindows(*padded)))))
    return failure();
  return success();
}

FailureOr<Value> IntegerConv::create() const {
  if (isLayer)
    return inputs.front();
  SmallVector<int64_t> shape = {batch, channels};
  llvm::append_range(shape, output);
  Type i32 = node.getBuilder().getI32Type();
  // Neighbouring points share a row of the input, then a channel's filter.
  int64_t perGroup = channels / group;
  SmallVector<int64_t> points = {batch, group};
  llvm::append_range(points, ArrayRef(output).drop_back());
  points.append({perGroup, output.back()});
  return node.compute("integer_conv", points, inputs, shape, i32, [&](ComputeBody &body) {
    Scalars at = body.point();
    Scalar channel = at[1] * perGroup + at[at.size() - 2];
    at.erase(at.end() - 2);
    Scalar sum = sumWindow(body, at, [&](ArrayRef<Scalar> input, ArrayRef<Scalar> kernel) {
      Scalars filterIndex = {channel};
      llvm::append_range(filterIndex, kernel);
      return loadInteger(body, 0, input) * loadInteger(body, 1, filterIndex);
    });
    Scalars result(at);
    result[1] = channel;
    if (zeroX >= 0)
      sum = sum - loadInteger(body, zeroX, result) * loadInteger(body, filterSums, result);
    if (zeroW >= 0)
      sum = sum - loadInteger(body, zeroW, result) * loadInteger(body, windowSums, at);
    if (zeroX >= 0 && zeroW >= 0)
      sum = sum + loadInteger(body, zeroX, result) * loadInteger(body, zeroW, result) * depth;
    body.output().store(sum, result);
  });
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

static LogicalResult importConvInteger(NodeImporter &node) {
  FailureOr<IntegerConv> conv = IntegerConv::read(node, 1, 3);
  if (failed(conv))
    return failure();
  auto readZero = [&](unsigned index, unsigned of, int64_t count) -> FailureOr<Value> {
    if (!node.getInput(index))
      return node.scalar(NodeImporter::getElementType(node.getInput(of)), 0);
    return readParameter(node, index, count, conv->getSpatialRank());
  };
  FailureOr<Value> zeroX = readZero(2, 0, 1), zeroW = readZero(3, 1, conv->getChannels());
  if (failed(zeroX) || failed(zeroW) || failed(conv->setZeroPoints(*zeroX, *zeroW)))
    return failure();
  return node.setResult(conv->create());
}

/// A convolution whose channels are in dimension 1.
static FailureOr<Value> createQLinearConv(NodeImporter &node) {
  FailureOr<IntegerConv> conv = IntegerConv::read(node, 3, 5);
  if (failed(conv))
    return failure();
  FailureOr<QuantizedOperand> x = readQuantized(node, 0);
  FailureOr<QuantizedOperand> w =
      readQuantized(node, 3, 4, 5, conv->getChannels(), conv->getSpatialRank());
  FailureOr<QuantizedOperand> y = readQuantized(node, -1, 6, 7);
  if (failed(x) || failed(w) || failed(y) ||
      failed(conv->setZeroPoints(x->zeroPoint, w->zeroPoint)))
    return failure();
  FailureOr<Value> sums = conv->create();
  if (succeeded(sums) && node.getInput(8)) {
    SmallVector<int64_t> shape(conv->getSpatialRank() + 1, 1);
    shape.front() = conv->getChannels();
    FailureOr<Value> bias = node.reshape(node.getInput(8), shape);
    if (failed(bias))
      return failure();
    sums = node.binary(cnn::BinaryKind::add, *sums, *bias);
  }
  FailureOr<Value> factors = node.binary(cnn::BinaryKind::mul, x->scale, w->scale);
  if (failed(sums) || failed(factors) ||
      failed(factors = node.binary(cnn::BinaryKind::div, *factors, y->scale)))
    return failure();
  return requantize(node, *sums, *factors, y->zeroPoint);
}

static LogicalResult importQLinearConv(NodeImporter &node) {
  return node.setResult(createQLinearConv(node));
}

/// The same with `channels_last`, which ONNX Runtime's optimiser writes.
static LogicalResult importMicrosoftQLinearConv(NodeImporter &node) {
  bool channelsLast;
  if (failed(readChannelsLast(node, channelsLast)))
    return failure();
  FailureOr<Value> result = createQLinearConv(node);
  if (failed(result))
    return failure();
  return node.setResult(restoreChannelsLast(node, *result, channelsLast));
}

ArrayRef<OpEntry> convoy::onnximport::getQuantizedConvOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"ConvInteger", importConvInteger, 2, 4, kByte, 10, kNoEnd,
              "1 to 3 spatial dimensions"}
          .with(ruleOfBatches),
      OpEntry{"QLinearConv", importQLinearConv, 8, 9,
              InputTypes(kByte, kFloat, kByte, kByte, kFloat, kByte, kFloat, kByte, kInt32),
              10, kNoEnd, "1 to 3 spatial dimensions"}
          .with(ruleOfBatches),
  };
  return ops;
}

ArrayRef<OpEntry> convoy::onnximport::getMicrosoftQuantizedConvOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"QLinearConv", importMicrosoftQLinearConv, 8, 9,
              InputTypes(kByte, kFloat, kByte, kByte, kFloat, kByte, kFloat, kByte, kInt32), 1,
              kNoEnd, "1 to 3 spatial dimensions"}
          .with(ruleOfBatches),
  };
  return ops;
}
