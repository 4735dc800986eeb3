//===- Pool.cpp - Max and average pooling ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Blocked data: vectors of channels, a tile of pixels in registers. Plain data: one
// channel at a time, scalar; only graphs without convolutions pool plain data.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/PixelTile.h"
#include "convoy/Codegen/Common/Pooling.h"
#include "convoy/Machine/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

struct PoolFamily : KernelFamily {
  StringRef getName() const override { return "pool"; }

  bool matches(Operation *operation, TargetAttr target) const override {
    auto op = dyn_cast<PoolOpInterface>(operation);
    if (!op)
      return false;
    ShapedType type = op.getOutputType();
    int64_t rank = op.getWindow().getRank();
    return type.getElementType().isF32() &&
           (type.getRank() == rank + 2 || type.getShape().back() == target.getVectorLanes());
  }

  static bool isBlocked(PoolOpInterface op) {
    return op.getOutputType().getRank() == op.getWindow().getRank() + 3;
  }

  /// A task is a row of one channel block or channel.
  static SmallVector<int64_t> getTaskExtents(PoolOpInterface op) {
    ArrayRef<int64_t> shape = op.getOutputType().getShape();
    return SmallVector<int64_t>(shape.take_front(1 + op.getWindow().getRank()));
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    int64_t tasks = 1;
    for (int64_t extent : getTaskExtents(cast<PoolOpInterface>(op)))
      tasks *= extent;
    return tasks;
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *operation, ValueRange operands,
                          Value task, TargetAttr target) const override {
    auto op = cast<PoolOpInterface>(operation);
    bool blocked = isBlocked(op), average = op.getPoolKind() == PoolKind::average;
    PoolCombiner combine(b, op.getPoolKind());
    ConvWindow window = getConvWindow(op);
    Value input = operands[0], output = operands[1], zero = indexConstant(b, 0);
    Type type = b.getF32Type();
    if (blocked)
      type = VectorType::get({target.getVectorLanes()}, type);
    Value start = combine.emitStart(type);

    SmallVector<Value> indices = delinearize(b, task, getTaskExtents(op));
    Value batch = indices[0], channel = indices[1];
    ArrayRef<Value> outer = ArrayRef<Value>(indices).drop_front(2);
    auto at = [&](ValueRange outerIndices, Value column) {
      SmallVector<Value> result = {batch, channel};
      llvm::append_range(result, outerIndices);
      result.push_back(column);
      if (blocked)
        result.push_back(zero);
      return result;
    };
    forEachPixelTile(b, window, getCpu(target).vectors->poolPixels, [&](PixelTile pixels) {
      SmallVector<Value> values(pixels.size, start);
      values = emitKernelLoops(
          b, window, outer, pixels, values,
          [&](const KernelPosition &position, ValueRange carried) {
            SmallVector<Value> next(carried);
            for (auto [value, column] : llvm::zip(next, position.columns)) {
              if (!column)
                continue;
              SmallVector<Value> from = at(position.outer, column);
              Value loaded =
                  blocked
                      ? Value(vector::LoadOp::create(b, cast<VectorType>(type), input, from))
                      : Value(memref::LoadOp::create(b, input, from));
              value = combine(value, loaded);
            }
            return next;
          },
          combine.getBlockSums(values));
      Value rows;
      if (average)
        rows = emitPoolCount(b, op, window, outer);
      for (auto [pixel, sum] : llvm::enumerate(values)) {
        Value value = sum, column = affine(b, pixels.start, 1, pixel);
        if (average) {
          Value columns = emitPoolExtent(b, op, window, window.rank() - 1, column);
          value = emitMean(b, value, arith::MulIOp::create(b, rows, columns));
        }
        SmallVector<Value> to = at(outer, column);
        if (blocked)
          vector::StoreOp::create(b, value, output, to);
        else
          memref::StoreOp::create(b, value, output, to);
      }
    });
    return success();
  }
};

} // namespace

void convoy::cpu::addPoolKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<PoolFamily>());
}
