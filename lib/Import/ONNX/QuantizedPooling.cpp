//===- QuantizedPooling.cpp - Pools of integers ---------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Pooling.h"
#include "Quantized.h"
#include "SizeRules.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

static LogicalResult importNhwcMaxPool(NodeImporter &node) {
  if (failed(moveChannelsFirst(node)))
    return failure();
  FailureOr<Pool> pool = readPool(node);
  FailureOr<Value> result;
  if (failed(pool) || failed(result = createMaxPool(node, *pool)))
    return failure();
  return node.setResult(restoreChannelsLast(node, *result, /*channelsLast=*/true));
}

/// A pool of the numbers for which the integers stand.
static LogicalResult importQLinearAveragePool(NodeImporter &node) {
  bool channelsLast;
  if (failed(readChannelsLast(node, channelsLast)))
    return failure();
  FailureOr<Pool> pool = readPool(node);
  FailureOr<QuantizedOperand> x = readQuantized(node, 0), y = readQuantized(node, -1, 3, 4);
  if (failed(pool) || failed(x) || failed(y))
    return failure();
  bool includePad = node.getInt("count_include_pad", 0) != 0;
  Type type = NodeImporter::getElementType(y->zeroPoint);
  FailureOr<Value> result = node.computeElements(
      "quantized_avg_pool", {x->value, x->scale, x->zeroPoint, y->scale, y->zeroPoint},
      pool->shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar scale = loadFloat(body, 1, {}), zero = scale.constant(0);
        WindowBody walk(body, pool->window, at);
        auto visit = [&](ArrayRef<Scalar> index, ArrayRef<Scalar> carried) {
          Scalar value = loadCentred(body, 0, 2, index).to(scale.getType());
          return Scalars{carried[0] + scale * value};
        };
        Scalar sum = walk.forEach(zero, visit).front();
        Scalar count = includePad
                           ? scale.constant(double(llvm::product_of(pool->window.getKernel())))
                           : walk.count(/*includePad=*/false).to(scale.getType());
        // The zero point is added before rounding, as in ONNX Runtime.
        Scalar value = sum / count / loadFloat(body, 3, {}) + loadFloat(body, 4, {});
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
      OpEntry{"NhwcMaxPool", importNhwcMaxPool, 1, 1, kByte, 1, kNoEnd,
              "1 to 3 spatial dimensions"}
          .with(ruleOfBatches),
      OpEntry{"QLinearAveragePool", importQLinearAveragePool, 4, 5,
              InputTypes(kByte, kFloat, kByte, kFloat, kByte), 1, kNoEnd,
              "1 to 3 spatial dimensions"}
          .with(ruleOfBatches),
      OpEntry{"QLinearGlobalAveragePool", importQLinearGlobalAveragePool, 5, 5,
              InputTypes(kByte, kFloat, kByte, kFloat, kByte)}
          .with(ruleOfBatches),
  };
  return ops;
}
