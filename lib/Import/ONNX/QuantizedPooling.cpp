//===- QuantizedPooling.cpp - Pools of integers ---------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Quantized.h"
#include "Window.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

namespace {

/// A pool of integers over input 0.
struct IntegerPool {
  Window window;
  SmallVector<int64_t> shape; ///< of the result
};

} // namespace

static FailureOr<IntegerPool> readIntegerPool(NodeImporter &node) {
  FailureOr<Window> window = readWindow(node);
  if (failed(window))
    return failure();
  resolveAutoPad(node, *window);
  bool ceilMode = node.getInt("ceil_mode", 0) != 0 && !window->isSame();
  ArrayRef<int64_t> input = node.getShape(0);
  IntegerPool pool{*window, {input[0], input[1]}};
  size_t rank = window->kernel.size();
  for (size_t i = 0; i < rank; ++i) {
    int64_t before = window->pads[i], stride = window->strides[i];
    int64_t reach = (window->kernel[i] - 1) * window->dilations[i] + 1;
    int64_t room = input[i + 2] + before + window->pads[rank + i] - reach;
    if (room < 0)
      return node.error("the window has extent " + Twine(reach) + " in dimension " +
                        Twine(i + 2) + ", the padded input " + Twine(room + reach));
    int64_t extent = room / stride + 1;
    // Rounded up, but no window starts behind the input.
    if (ceilMode && room % stride && extent * stride < input[i + 2] + before)
      ++extent;
    pool.shape.push_back(extent);
  }
  return pool;
}

/// Carries values through the elements of a window that are inside of the input.
static Scalars reduceWindow(
    ComputeBody &body, const Window &window, ArrayRef<Scalar> at, ArrayRef<Scalar> inits,
    llvm::function_ref<Scalars(ArrayRef<Scalar> index, ArrayRef<Scalar> carried)> step) {
  size_t rank = window.kernel.size();
  ArrayRef<int64_t> extents = body.input(0).getShape().drop_front(2);
  Scalars index = {at[0], at[1]};
  std::function<Scalars(ArrayRef<Scalar>)> nest = [&](ArrayRef<Scalar> carried) {
    size_t i = index.size() - 2;
    if (i == rank)
      return step(index, carried);
    return body.loop(window.kernel[i], carried,
                     [&](Scalar k, ArrayRef<Scalar> values) -> Scalars {
                       Scalar position = at[i + 2] * window.strides[i] +
                                         k * window.dilations[i] - window.pads[i];
                       Scalar inside = (position >= 0) & (position < extents[i]);
                       return body.choose(
                           inside,
                           [&] {
                             index.push_back(position);
                             Scalars next = nest(values);
                             index.pop_back();
                             return next;
                           },
                           [&] { return Scalars(values); });
                     });
  };
  return nest(inits);
}

FailureOr<Value> convoy::onnximport::createIntegerMaxPool(NodeImporter &node) {
  FailureOr<IntegerPool> pool = readIntegerPool(node);
  if (failed(pool))
    return failure();
  Type type = NodeImporter::getElementType(node.getInput(0));
  return node.computeElements(
      "max_pool", node.getInput(0), pool->shape, type,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar least = body.number(type, QuantizedRange::get(type).low);
        return reduceWindow(body, pool->window, at, least,
                            [&](ArrayRef<Scalar> index, ArrayRef<Scalar> carried) {
                              return Scalars{carried[0].max(body.input(0).load(index))};
                            })
            .front();
      });
}

static LogicalResult importNhwcMaxPool(NodeImporter &node) {
  if (failed(moveChannelsFirst(node)))
    return failure();
  FailureOr<Value> result = createIntegerMaxPool(node);
  if (failed(result))
    return failure();
  return node.setResult(restoreChannelsLast(node, *result, /*channelsLast=*/true));
}

/// A pool of the numbers for which the integers stand.
static LogicalResult importQLinearAveragePool(NodeImporter &node) {
  bool channelsLast;
  if (failed(readChannelsLast(node, channelsLast)))
    return failure();
  FailureOr<IntegerPool> pool = readIntegerPool(node);
  FailureOr<QuantizedOperand> x = readQuantized(node, 0), y = readQuantized(node, -1, 3, 4);
  if (failed(pool) || failed(x) || failed(y))
    return failure();
  bool includePad = node.getInt("count_include_pad", 0) != 0;
  Type type = NodeImporter::getElementType(y->zeroPoint);
  FailureOr<Value> result = node.computeElements(
      "quantized_avg_pool", {x->value, x->scale, x->zeroPoint, y->scale, y->zeroPoint},
      pool->shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar scale = loadFloat(body, 1, {}), zero = scale.constant(0);
        Scalars sums =
            reduceWindow(body, pool->window, at, {zero, zero},
                         [&](ArrayRef<Scalar> index, ArrayRef<Scalar> carried) {
                           Scalar value = loadCentred(body, 0, 2, index).to(scale.getType());
                           return Scalars{carried[0] + scale * value, carried[1] + 1.0};
                         });
        Scalar count = includePad
                           ? scale.constant(double(llvm::product_of(pool->window.kernel)))
                           : sums[1];
        // The zero point is added before rounding, as in ONNX Runtime.
        Scalar value = sums[0] / count / loadFloat(body, 3, {}) + loadFloat(body, 4, {});
        return quantize(value, body.number(body.b().getI32Type(), 0),
                        QuantizedRange::get(type), type);
      });
  if (failed(result))
    return failure();
  return node.setResult(restoreChannelsLast(node, *result, channelsLast));
}

static LogicalResult importQLinearGlobalAveragePool(NodeImporter &node) {
  bool channelsLast;
  if (failed(readChannelsLast(node, channelsLast)))
    return failure();
  FailureOr<QuantizedOperand> x = readQuantized(node, 0), y = readQuantized(node, -1, 3, 4);
  if (failed(x) || failed(y))
    return failure();
  SmallVector<int64_t> shape(NodeImporter::getShape(x->value));
  if (shape.size() < 3)
    return node.error(node.describeInput(0) + " has no spatial dimensions");
  int64_t size = llvm::product_of(ArrayRef(shape).drop_front(2));
  FailureOr<Value> flat = node.reshape(x->value, {shape[0], shape[1], size});
  if (failed(flat))
    return failure();
  std::fill(shape.begin() + 2, shape.end(), 1);
  Type type = NodeImporter::getElementType(y->zeroPoint);
  FailureOr<Value> result = node.computeElements(
      "quantized_global_avg_pool", {*flat, x->scale, x->zeroPoint, y->scale, y->zeroPoint},
      shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar zero = loadInteger(body, 2, {});
        Scalar sum = sumOver(body, size, zero.constant(0), [&](ArrayRef<Scalar> k) {
          return loadInteger(body, 0, {at[0], at[1], k[0]});
        });
        Scalar factor = loadFloat(body, 1, {}) / (loadFloat(body, 3, {}) * double(size));
        return quantize((sum - zero * size).to(factor.getType()) * factor,
                        loadInteger(body, 4, {}), QuantizedRange::get(type), type);
      });
  if (failed(result))
    return failure();
  return node.setResult(restoreChannelsLast(node, *result, channelsLast));
}

ArrayRef<OpEntry> convoy::onnximport::getMicrosoftQuantizedPoolingOps() {
  static constexpr OpEntry ops[] = {
      {"NhwcMaxPool", importNhwcMaxPool, 1, 1, kByte, 1, kNoEnd, "1 to 3 spatial dimensions"},
      {"QLinearAveragePool", importQLinearAveragePool, 4, 5,
       InputTypes(kByte, kFloat, kByte, kFloat, kByte), 1, kNoEnd,
       "1 to 3 spatial dimensions"},
      {"QLinearGlobalAveragePool", importQLinearGlobalAveragePool, 5, 5,
       InputTypes(kByte, kFloat, kByte, kFloat, kByte)},
  };
  return ops;
}
