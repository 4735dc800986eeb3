//===- GlobalPool.cpp - Mean or largest value of a channel ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A unit of work is one channel (plain) or one channel block (blocked). Several
// accumulators hide the latency of addition, and keep the sum of a large map
// accurate.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Codegen/Common/Pooling.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

constexpr int64_t kAccumulators = 8;

struct GlobalPoolFamily : KernelFamily {
  StringRef getName() const override { return "global_pool"; }

  bool matches(Operation *op, TargetAttr target) const override {
    auto pool = dyn_cast<GlobalPoolOp>(op);
    if (!pool)
      return false;
    auto type = cast<ShapedType>(pool.getInput().getType());
    return isComputedInF32(type.getElementType()) &&
           (!pool.getBlocked() || type.getShape().back() == target.getVectorLanes());
  }

  /// Images, channels or channel blocks, and elements in each.
  struct Extents {
    int64_t images, rows, row;
  };
  static Extents getExtents(GlobalPoolOp op) {
    ArrayRef<int64_t> shape = cast<ShapedType>(op.getInput().getType()).getShape();
    return {shape[0], shape[1], llvm::product_of(shape.drop_front(2))};
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    Extents extents = getExtents(cast<GlobalPoolOp>(op));
    return countUnitTasks(extents.images * extents.rows, extents.row);
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *operation, ValueRange operands,
                          Value task, TargetAttr target) const override {
    auto op = cast<GlobalPoolOp>(operation);
    Extents extents = getExtents(op);
    int64_t lanes = target.getVectorLanes();
    auto type = VectorType::get({lanes}, b.getF32Type());
    bool average = op.getKind() == PoolKind::average;
    PoolCombiner quick(b, op.getKind(), /*isQuick=*/true), exact(b, op.getKind());
    auto reshape = [&](Value buffer, int64_t row) {
      return reshapeBuffer(b, buffer, {extents.images, extents.rows, row});
    };
    Value input = reshape(operands[0], extents.row);
    Value output = reshape(operands[1], op.getBlocked() ? lanes : 1);
    int64_t units = extents.images * extents.rows;
    forEachUnit(b, task, units, countTasks(op, target), [&](Value unit) {
      SmallVector<Value> indices = delinearize(b, unit, {extents.images, extents.rows});
      auto compute = [&](const PoolCombiner &combine) {
        Value start = combine.emitStart(type);
        Value result = combineRow(b, input, indices, extents.row, start, combine);
        if (!op.getBlocked())
          result = combineLanes(b, result, combine);
        if (average) {
          double count = op.getBlocked() ? extents.row / lanes : extents.row;
          result = arith::DivFOp::create(b, result,
                                         emitConstant(b, b.getLoc(), result.getType(), count));
        }
        SmallVector<Value> to(indices);
        to.push_back(indexConstant(b, 0));
        storeAs(b, result, output, to);
        return result;
      };
      Value result = compute(quick);
      if (!average)
        emitIf(b, emitMayBeWrong(b, result), [&] { compute(exact); }, /*isRare=*/true);
    });
    return success();
  }

  /// Lane by lane, the combination of all vectors of a row.
  static Value combineRow(ImplicitLocOpBuilder &b, Value input, ArrayRef<Value> row,
                          int64_t extent, Value start, const PoolCombiner &combine) {
    auto type = cast<VectorType>(start.getType());
    int64_t lanes = type.getDimSize(0), vectors = extent / lanes;
    int64_t width = std::min(kAccumulators, std::max<int64_t>(vectors, 1));
    int64_t looped = vectors / width * width;
    SmallVector<Value> values(width, start);
    auto accept = [&](Value &value, Value from, int64_t count) {
      SmallVector<Value> indices(row);
      indices.push_back(from);
      value = combine(value, loadLanes(b, type, input, indices, count, start));
    };
    if (looped > 0)
      values =
          emitSumLoop(b, looped / width, values, combine.getBlockSums(values),
                      [&](Value step, ValueRange carried) {
                        SmallVector<Value> next(carried);
                        for (int64_t i = 0; i < width; ++i)
                          accept(next[i], affine(b, step, width * lanes, i * lanes), lanes);
                        return next;
                      });
    for (int64_t i = looped; i < vectors; ++i)
      accept(values[i - looped], indexConstant(b, i * lanes), lanes);
    if (extent % lanes)
      accept(values.back(), indexConstant(b, vectors * lanes), extent % lanes);
    return combineAll(values, combine);
  }
};

} // namespace

void convoy::cpu::addGlobalPoolKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<GlobalPoolFamily>());
}
