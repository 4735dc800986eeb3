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
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"
#include "convoy/Machine/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

struct PoolFamily : KernelFamily {
  StringRef getName() const override { return "pool"; }

  bool matches(Operation *op, TargetAttr target) const override {
    if (!isa<MaxPoolOp, AvgPoolOp>(op))
      return false;
    ShapedType type = cast<DestinationOpInterface>(op).getOutputType();
    int64_t rank = cast<WindowOpInterface>(op).getWindow().getRank();
    return type.getElementType().isF32() &&
           (type.getRank() == rank + 2 || type.getShape().back() == target.getVectorLanes());
  }

  static bool isBlocked(Operation *op) {
    return cast<DestinationOpInterface>(op).getOutputType().getRank() ==
           cast<WindowOpInterface>(op).getWindow().getRank() + 3;
  }

  /// A task is a row of one channel block or channel.
  static SmallVector<int64_t> getTaskExtents(Operation *op) {
    ArrayRef<int64_t> shape = cast<DestinationOpInterface>(op).getOutputType().getShape();
    return SmallVector<int64_t>(
        shape.take_front(1 + cast<WindowOpInterface>(op).getWindow().getRank()));
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    int64_t tasks = 1;
    for (int64_t extent : getTaskExtents(op))
      tasks *= extent;
    return tasks;
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    bool blocked = isBlocked(op), average = isa<AvgPoolOp>(op);
    ConvWindow window = getConvWindow(cast<WindowOpInterface>(op));
    Value input = operands[0], output = operands[1], zero = indexConstant(b, 0);
    Type type = b.getF32Type();
    if (blocked)
      type = VectorType::get({target.getVectorLanes()}, type);
    Value start = emitConstant(b, b.getLoc(), type,
                               average ? 0.0 : -std::numeric_limits<double>::infinity());

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
              value = average ? Value(arith::AddFOp::create(b, value, loaded))
                              : emitMax(b, b.getLoc(), value, loaded);
            }
            return next;
          });
      Value rows;
      if (average)
        rows = emitOuterCount(b, cast<AvgPoolOp>(op), window, outer);
      for (auto [pixel, sum] : llvm::enumerate(values)) {
        Value value = sum, column = affine(b, pixels.start, 1, pixel);
        if (average) {
          Value count = arith::MulIOp::create(
              b, rows,
              emitPoolCount(b, cast<AvgPoolOp>(op), window, window.rank() - 1, column));
          count = arith::IndexCastOp::create(b, b.getI32Type(), count);
          Value divisor = arith::SIToFPOp::create(b, b.getF32Type(), count);
          if (blocked)
            divisor = vector::BroadcastOp::create(b, type, divisor);
          value = arith::DivFOp::create(b, value, divisor);
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

  static Value emitOuterCount(ImplicitLocOpBuilder &b, AvgPoolOp op, const ConvWindow &window,
                              ValueRange outer) {
    Value count = indexConstant(b, 1);
    for (auto [dim, position] : llvm::enumerate(outer))
      count = arith::MulIOp::create(b, count, emitPoolCount(b, op, window, dim, position));
    return count;
  }
};

} // namespace

void convoy::cpu::addPoolKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<PoolFamily>());
}
