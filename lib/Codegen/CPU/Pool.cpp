//===- Pool.cpp - Max and average pooling ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Blocked data: vectors of channels, a tile of pixels in registers. Plain data: one
// channel at a time, scalar; only graphs without convolutions pool plain data. Elements are
// f32, or for the largest ones i16, the differences of quantised numbers and their zero point.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/PixelTile.h"
#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Codegen/Common/Pooling.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"
#include "convoy/Machine/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <map>

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

/// The widest windows for whose columns there is no loop.
constexpr int64_t kUnrolledColumns = 8;

/// A row of the result for one channel, or with vectors as `type` for a block of channels.
class PoolRow {
public:
  PoolRow(ImplicitLocOpBuilder &b, PoolOpInterface op, Type type, ValueRange operands,
          ArrayRef<Value> indices)
      : b(b), op(op), window(getConvWindow(op)), type(type), input(operands[0]),
        output(operands[1]), plane(indices.take_front(2)), outer(indices.drop_front(2)) {}

  void build(int64_t pixelLimit) {
    if (op.getPoolKind() == PoolKind::average)
      return forEachPixelTile(b, window, pixelLimit, [&](PixelTile pixels) {
        storeMeans(pixels, combineWindows(pixels));
      });
    auto min = [&](Value x, Value y) { return emitMin(b, b.getLoc(), x, y); };
    forEachPixelTile(b, window, pixelLimit, [&](PixelTile pixels) {
      SmallVector<Value> values = findLargest(pixels);
      for (auto [pixel, value] : llvm::enumerate(values))
        store(value, affine(b, pixels.start, 1, pixel));
      // Integers have no NaNs.
      if (isa<IntegerType>(getElementTypeOrSelf(type)))
        return;
      auto correct = [&] {
        auto loop = scf::ForOp::create(
            b, pixels.start, affine(b, pixels.start, 1, pixels.size), indexConstant(b, 1));
        keepRolled(loop);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(loop.getBody());
        storeLargest(loop.getInductionVar());
      };
      emitIf(b, emitMayBeWrong(b, combineAll(values, min)), correct, /*isRare=*/true);
    });
  }

private:
  SmallVector<Value> combineWindows(const PixelTile &pixels) {
    PoolCombiner combine(b, op.getPoolKind(), /*isQuick=*/true);
    SmallVector<Value> starts(pixels.size, combine.emitStart(type));
    return emitKernelLoops(
        b, window, outer, pixels, starts,
        [&](const KernelPosition &position, ValueRange carried) {
          SmallVector<Value> next(carried);
          for (auto [value, column] : llvm::zip(next, position.columns))
            if (column)
              value = combine(value, load(position.outer, column));
          return next;
        },
        combine.getBlockSums(starts));
  }

  void storeMeans(const PixelTile &pixels, ValueRange sums) {
    Value rows = emitPoolCount(b, op, window, outer);
    for (auto [pixel, sum] : llvm::enumerate(sums)) {
      Value column = affine(b, pixels.start, 1, pixel);
      Value columns = emitPoolExtent(b, op, window, window.rank() - 1, column);
      store(emitMean(b, sum, arith::MulIOp::create(b, rows, columns)), column);
    }
  }

  /// The largest numbers of a tile's windows. Windows overlap: each row of pixels is read once
  /// for all of them, because a load that follows the order of `combine` costs an instruction.
  SmallVector<Value> findLargest(const PixelTile &pixels) {
    int64_t dim = window.rank() - 1;
    if (window.kernel[dim] > kUnrolledColumns)
      return combineWindows(pixels);
    // From the positions in a row to the pixels that read them.
    std::map<int64_t, SmallVector<int64_t>> readers;
    for (int64_t pixel = 0; pixel < pixels.size; ++pixel)
      for (int64_t k = 0; k < window.kernel[dim]; ++k)
        if (!pixels.staticStart || window.isInside(*pixels.staticStart + pixel, k))
          readers[pixel * window.strides[dim] + k * window.dilations[dim]].push_back(pixel);
    PoolCombiner combine(b, PoolKind::maximum, /*isQuick=*/true);
    SmallVector<Value> starts(pixels.size, combine.emitStart(type));
    return emitKernelRowLoops(
        b, window, outer, starts, [&](const KernelPosition &position, ValueRange carried) {
          SmallVector<Value> next(carried);
          Value first = affine(b, pixels.start, window.strides[dim], -window.padsBegin[dim]);
          for (auto &[column, tile] : readers) {
            Value x = load(position.outer, affine(b, first, 1, column));
            for (int64_t pixel : tile)
              next[pixel] = combine(next[pixel], x);
          }
          return next;
        });
  }

  /// Computes a pixel slowly, but right for windows of NaNs.
  void storeLargest(Value pixel) {
    int64_t dim = window.rank() - 1;
    PoolCombiner combine(b, PoolKind::maximum);
    Value largest =
        emitKernelRowLoops(
            b, window, outer, combine.emitStart(type),
            [&](const KernelPosition &position, ValueRange row) {
              auto [lower, upper] = emitKernelRange(b, window, dim, pixel);
              Value first = affine(b, pixel, window.strides[dim], -window.padsBegin[dim]);
              SmallVector<Value> next =
                  emitLoop(b, lower, upper, 1, row, [&](Value k, ValueRange carried) {
                    Value column = add(b, first, affine(b, k, window.dilations[dim], 0));
                    Value x = load(position.outer, column);
                    return SmallVector<Value>{combine(carried[0], x)};
                  });
              keepRolled(next);
              return next;
            })
            .front();
    SmallVector<Value> position(outer);
    position.push_back(pixel);
    store(emitLargest(b, window, position, largest), pixel);
  }

  SmallVector<Value> at(ValueRange rows, Value column) {
    SmallVector<Value> indices(plane);
    llvm::append_range(indices, rows);
    indices.push_back(column);
    if (isa<VectorType>(type))
      indices.push_back(indexConstant(b, 0));
    return indices;
  }
  Value load(ValueRange rows, Value column) {
    return loadAs(b, type, input, at(rows, column));
  }
  void store(Value value, Value column) { storeAs(b, value, output, at(outer, column)); }

  ImplicitLocOpBuilder &b;
  PoolOpInterface op;
  ConvWindow window;
  Type type;
  Value input, output;
  ArrayRef<Value> plane, outer;
};

struct PoolFamily : KernelFamily {
  StringRef getName() const override { return "pool"; }

  bool matches(Operation *operation, TargetAttr target) const override {
    auto op = dyn_cast<PoolOpInterface>(operation);
    if (!op)
      return false;
    ShapedType type = op.getOutputType();
    int64_t rank = op.getWindow().getRank();
    bool isDifferences =
        op.getPoolKind() == PoolKind::maximum && type.getElementType().isInteger(16);
    return (isComputedInF32(type.getElementType()) || isDifferences) &&
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
    SmallVector<Value> indices = delinearize(b, task, getTaskExtents(op));
    Type type = op.getOutputType().getElementType();
    if (isComputedInF32(type))
      type = b.getF32Type();
    if (isBlocked(op))
      type = VectorType::get({target.getVectorLanes()}, type);
    PoolRow(b, op, type, operands, indices).build(getCpu(target).vectors->poolPixels);
    return success();
  }
};

} // namespace

void convoy::cpu::addPoolKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<PoolFamily>());
}
