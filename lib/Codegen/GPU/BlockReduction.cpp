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
using namespace convoy::gpu;

Value convoy::gpu::exchangeLanes(ImplicitLocOpBuilder &b, Value value, int32_t bit) {
  // Shuffles move 32 bits.
  auto move = [&](Value part) -> Value {
    return mlir::gpu::ShuffleOp::create(b, part, bit, int32_t(kGpuWarp),
                                        mlir::gpu::ShuffleMode::XOR)
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

namespace {

/// Combines values of the threads of a block.
class BlockValues {
public:
  BlockValues(GpuKernel &kernel, ArrayRef<Value> values, int64_t threads, int64_t columns,
              Combine combine)
      : kernel(kernel), b(kernel.b), values(values), columns(columns),
        warps(threads / kGpuWarp), combine(combine) {
    assert(threads % kGpuWarp == 0 && "shuffles need whole warps");
    auto vector = dyn_cast<VectorType>(values.front().getType());
    width = vector ? vector.getNumElements() : 1;
    row = columns * width;
  }

  /// Combines the values within each warp, by shuffles.
  SmallVector<Value> combineWarps() {
    for (Value &value : values)
      for (int64_t bit = columns; bit < kGpuWarp; bit *= 2)
        value = combine(value, exchangeLanes(b, value, bit));
    return values;
  }

  /// Puts the warps' values into shared memory.
  void share() {
    buffer = kernel.shared({int64_t(values.size()) * warps * row},
                           getElementTypeOrSelf(values.front().getType()));
    Value lane = arith::RemUIOp::create(b, kernel.thread(), indexConstant(b, kGpuWarp));
    Value warp = arith::DivUIOp::create(b, kernel.thread(), indexConstant(b, kGpuWarp));
    kernel.when(emitIsInside(b, lane, columns), [&] {
      Value index = add(b, affine(b, warp, row, 0), affine(b, lane, width, 0));
      for (auto [i, value] : llvm::enumerate(values))
        storeElements(b, value, buffer, affine(b, index, 1, i * warps * row));
    });
    kernel.barrier();
  }

  /// The combination, over all warps, of the value with the number `which`.
  Value collect(Value which) {
    Value column = arith::RemUIOp::create(b, kernel.thread(), indexConstant(b, columns));
    Value first = add(b, affine(b, which, warps * row, 0), affine(b, column, width, 0));
    Value result;
    for (int64_t warp = 0; warp < warps; ++warp) {
      Value part = loadElements(b, buffer, affine(b, first, 1, warp * row), width);
      result = result ? combine(result, part) : part;
    }
    return result;
  }

private:
  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  SmallVector<Value> values;
  int64_t columns, warps;
  Combine combine;
  /// Elements of a value in one lane, and of one value in all columns of a warp.
  int64_t width, row;
  Value buffer;
};

} // namespace

SmallVector<Value> convoy::gpu::combineThreads(GpuKernel &kernel, ArrayRef<Value> values,
                                               int64_t threads, int64_t columns,
                                               Combine combine) {
  BlockValues block(kernel, values, threads, columns, combine);
  SmallVector<Value> results = block.combineWarps();
  if (threads == kGpuWarp)
    return results;
  block.share();
  for (auto [i, result] : llvm::enumerate(results))
    result = block.collect(indexConstant(kernel.b, i));
  return results;
}

Value convoy::gpu::combineThreadsOf(GpuKernel &kernel, ArrayRef<Value> values, Value which,
                                    int64_t threads, int64_t columns, Combine combine) {
  BlockValues block(kernel, values, threads, columns, combine);
  block.combineWarps();
  block.share();
  return block.collect(which);
}

SmallVector<Value> convoy::gpu::forEachOfThread(
    ImplicitLocOpBuilder &b, Value thread, int64_t threads, int64_t count, int64_t unroll,
    ValueRange inits,
    llvm::function_ref<void(Value, Value, int64_t, MutableArrayRef<Value>)> body,
    const BlockSums &sums) {
  int64_t step = threads * unroll, steps = count / step;
  SmallVector<Value> state(inits);
  if (steps > 0)
    state = emitSumLoop(b, steps, state, sums, [&](Value index, ValueRange carried) {
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

Value convoy::gpu::combineInOrder(ArrayRef<Value> values, Combine combine) {
  Value result = values.front();
  for (Value value : values.drop_front())
    result = combine(result, value);
  return result;
}
