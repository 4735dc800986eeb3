//===- BlockReduction.cpp - Values of many threads made one ---------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockReduction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;

/// The value of the lane whose number differs in `bit`; shuffles move 32 bits.
static Value exchange(ImplicitLocOpBuilder &b, Value value, int32_t bit) {
  auto move = [&](Value part) -> Value {
    return gpu::ShuffleOp::create(b, part, bit, int32_t(kGpuWarp), gpu::ShuffleMode::XOR)
        .getShuffleResult();
  };
  auto type = dyn_cast<VectorType>(value.getType());
  if (!type)
    return move(value);
  SmallVector<Value> parts;
  for (int64_t lane = 0; lane < type.getNumElements(); ++lane)
    parts.push_back(move(vector::ExtractOp::create(b, value, lane)));
  return vector::FromElementsOp::create(b, type, parts);
}

SmallVector<Value> convoy::combineThreads(GpuKernel &kernel, ArrayRef<Value> values,
                                          int64_t threads, int64_t columns, Combine combine) {
  assert(threads % kGpuWarp == 0 && "shuffles need whole warps");
  ImplicitLocOpBuilder &b = kernel.b;
  SmallVector<Value> results(values);
  for (Value &result : results)
    for (int64_t bit = columns; bit < kGpuWarp; bit *= 2)
      result = combine(result, exchange(b, result, bit));
  int64_t warps = threads / kGpuWarp;
  if (warps == 1)
    return results;

  Type type = values.front().getType();
  auto vector = dyn_cast<VectorType>(type);
  int64_t width = vector ? vector.getNumElements() : 1, row = columns * width;
  Value buffer =
      kernel.shared({int64_t(values.size()) * warps * row}, getElementTypeOrSelf(type));
  Value thread = kernel.thread();
  Value lane = arith::RemUIOp::create(b, thread, indexConstant(b, kGpuWarp));
  Value warp = arith::DivUIOp::create(b, thread, indexConstant(b, kGpuWarp));
  kernel.when(emitIsInside(b, lane, columns), [&] {
    Value index = add(b, affine(b, warp, row, 0), affine(b, lane, width, 0));
    for (auto [i, result] : llvm::enumerate(results))
      storeElements(b, result, buffer, affine(b, index, 1, i * warps * row));
  });
  kernel.barrier();
  Value column = arith::RemUIOp::create(b, thread, indexConstant(b, columns));
  for (auto [i, result] : llvm::enumerate(results))
    for (int64_t other = 0; other < warps; ++other) {
      Value index = affine(b, column, width, (i * warps + other) * row);
      Value part = loadElements(b, buffer, index, width);
      result = other == 0 ? part : combine(result, part);
    }
  return results;
}

SmallVector<Value> convoy::forEachOfThread(
    ImplicitLocOpBuilder &b, Value thread, int64_t threads, int64_t count, int64_t unroll,
    ValueRange inits,
    llvm::function_ref<void(Value, Value, int64_t, MutableArrayRef<Value>)> body) {
  int64_t step = threads * unroll, steps = count / step;
  SmallVector<Value> state(inits);
  if (steps > 0)
    state = emitLoop(b, steps, state, [&](Value index, ValueRange carried) {
      SmallVector<Value> next(carried);
      Value first = add(b, affine(b, index, step, 0), thread);
      for (int64_t slot = 0; slot < unroll; ++slot)
        body(affine(b, first, 1, slot * threads), Value(), slot, next);
      return next;
    });
  for (int64_t slot = 0, begin = steps * step; begin < count; ++slot, begin += threads) {
    Value number = affine(b, thread, 1, begin), inside;
    if (begin + threads > count)
      inside = emitIsInside(b, number, count);
    body(number, inside, slot, state);
  }
  return state;
}

Value convoy::combineInOrder(ArrayRef<Value> values, Combine combine) {
  Value result = values.front();
  for (Value value : values.drop_front())
    result = combine(result, value);
  return result;
}
