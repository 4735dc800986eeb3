//===- Softmax.cpp - Softmax along one dimension --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Three walks over the data: the largest value, the exponentials of the differences
// to it (kept in the output) with their sum, and the division. Along the last
// dimension vectors hold elements of one sum; along another one they hold elements
// of different sums, a few vectors side by side.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"
#include "convoy/Dialect/Cnn/Utils/AxisExtents.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

/// Vectors that are in flight at once.
constexpr int64_t kVectors = 4;
/// An exponential costs about this many copies.
constexpr int64_t kWorkPerElement = 8;

/// Sums run along the middle one of the three extents.
struct Extents : AxisExtents {
  Extents(SoftmaxOp op, TargetAttr target)
      : AxisExtents(cast<ShapedType>(op.getInput().getType()).getShape(), op.getAxis()) {
    if (inner > 1)
      pieces = selectPieces(outer, inner, kVectors * target.getVectorLanes(),
                            extent * kWorkPerElement);
  }
  int64_t units() const { return outer * pieces; }
  int64_t pieces = 1;
};

/// Writes one unit of a softmax.
class Softmax {
public:
  Softmax(ImplicitLocOpBuilder &b, const Extents &extents, ValueRange operands, int64_t lanes)
      : b(b), extents(extents), lanes(lanes), type(VectorType::get({lanes}, b.getF32Type())),
        lowest(emitConstant(b, b.getLoc(), type, -std::numeric_limits<double>::infinity())) {
    SmallVector<int64_t> shape = {extents.outer, extents.extent};
    if (extents.inner > 1)
      shape.push_back(extents.inner);
    input = reshapeBuffer(b, operands[0], shape);
    output = reshapeBuffer(b, operands[1], shape);
  }

  void build(Value unit) {
    if (extents.inner == 1)
      return buildRow(unit);
    SmallVector<Value> indices = delinearize(b, unit, {extents.outer, extents.pieces});
    forEachStep(b, extents.inner, kVectors * lanes, indices[1], extents.pieces,
                [&](Value start, int64_t count) { buildColumns(indices[0], start, count); });
  }

private:
  Value max(Value x, Value y) { return emitMax(b, b.getLoc(), x, y); }
  Value addUp(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value expOfDifference(Value x, Value largest) {
    return math::ExpOp::create(b, arith::SubFOp::create(b, x, largest));
  }

  using Visit = llvm::function_ref<void(Value &, Value, int64_t)>;

  /// Emits `visit(accumulator, first element, elements)` for each vector of a row, and returns
  /// the accumulators. Without `init` there are none. `combine` adds up those of blocks.
  SmallVector<Value> walkRow(Value init, Visit visit,
                             std::function<Value(Value, Value)> combine = {}) {
    int64_t vectors = extents.extent / lanes, rest = extents.extent % lanes;
    int64_t width = std::min(kVectors, std::max<int64_t>(vectors, 1));
    int64_t looped = vectors / width * width;
    SmallVector<Value> values(init ? width : 0, init);
    auto step = [&](Value index, ValueRange carried) {
      SmallVector<Value> next(carried);
      Value none;
      for (int64_t i = 0; i < width; ++i)
        visit(init ? next[i] : none, affine(b, index, width * lanes, i * lanes), lanes);
      return next;
    };
    if (looped > 0)
      values = emitSumLoop(b, looped / width, values,
                           combine ? BlockSums(values, combine) : BlockSums(), step);
    Value none;
    for (int64_t i = looped; i < vectors; ++i)
      visit(init ? values[i - looped] : none, indexConstant(b, i * lanes), lanes);
    if (rest)
      visit(init ? values.back() : none, indexConstant(b, vectors * lanes), rest);
    return values;
  }

  void buildRow(Value row) {
    auto maxOf = [&](Value x, Value y) { return max(x, y); };
    auto sumOf = [&](Value x, Value y) { return addUp(x, y); };
    Value largest = combineAll(
        walkRow(lowest,
                [&](Value &value, Value at, int64_t count) {
                  value = max(value, loadLanes(b, type, input, {row, at}, count, lowest));
                }),
        maxOf);
    largest = vector::BroadcastOp::create(b, type, combineLanes(b, largest, maxOf));
    Value sum = combineAll(walkRow(
                               zeroVector(b, type),
                               [&](Value &value, Value at, int64_t count) {
                                 Value x = loadLanes(b, type, input, {row, at}, count, lowest);
                                 x = expOfDifference(x, largest);
                                 storeLanes(b, x, output, {row, at}, count);
                                 value =
                                     addUp(value, count == lanes ? x : clearTail(x, count));
                               },
                               sumOf),
                           sumOf);
    Value factor = arith::DivFOp::create(b, emitConstant(b, b.getLoc(), b.getF32Type(), 1.0),
                                         combineLanes(b, sum, sumOf));
    factor = vector::BroadcastOp::create(b, type, factor);
    walkRow(Value(), [&](Value &, Value at, int64_t count) {
      Value x = loadLanes(b, type, output, {row, at}, count);
      storeLanes(b, arith::MulFOp::create(b, x, factor), output, {row, at}, count);
    });
  }

  /// `x` with zeros from lane `count` on.
  Value clearTail(Value x, int64_t count) {
    SmallVector<int64_t> mask(lanes);
    for (int64_t lane = 0; lane < lanes; ++lane)
      mask[lane] = lane < count ? lane : lanes + lane;
    return vector::ShuffleOp::create(b, x, zeroVector(b, type), mask);
  }

  /// Computes `count` neighbouring columns, each with a sum of its own.
  void buildColumns(Value outer, Value start, int64_t count) {
    int64_t vectors = llvm::divideCeil(count, lanes);
    auto lanesOf = [&](int64_t i) { return std::min(lanes, count - i * lanes); };
    auto at = [&](Value row, int64_t i) {
      return SmallVector<Value>{outer, row, affine(b, start, 1, i * lanes)};
    };
    SmallVector<Value> largest(vectors, lowest), sums(vectors, zeroVector(b, type));
    largest = emitLoop(b, extents.extent, largest, [&](Value row, ValueRange carried) {
      SmallVector<Value> next(carried);
      for (int64_t i = 0; i < vectors; ++i)
        next[i] = max(next[i], loadLanes(b, type, input, at(row, i), lanesOf(i)));
      return next;
    });
    BlockSums blocks(sums, [&](Value x, Value y) { return addUp(x, y); });
    sums = emitSumLoop(b, extents.extent, sums, blocks, [&](Value row, ValueRange carried) {
      SmallVector<Value> next(carried);
      for (int64_t i = 0; i < vectors; ++i) {
        Value x = loadLanes(b, type, input, at(row, i), lanesOf(i));
        x = expOfDifference(x, largest[i]);
        storeLanes(b, x, output, at(row, i), lanesOf(i));
        next[i] = addUp(next[i], x);
      }
      return next;
    });
    for (Value &sum : sums)
      sum = arith::DivFOp::create(b, emitConstant(b, b.getLoc(), type, 1.0), sum);
    emitLoop(b, extents.extent, {}, [&](Value row, ValueRange) {
      for (int64_t i = 0; i < vectors; ++i) {
        Value x = loadLanes(b, type, output, at(row, i), lanesOf(i));
        storeLanes(b, arith::MulFOp::create(b, x, sums[i]), output, at(row, i), lanesOf(i));
      }
      return SmallVector<Value>();
    });
  }

  ImplicitLocOpBuilder &b;
  const Extents &extents;
  int64_t lanes;
  VectorType type;
  Value lowest, input, output;
};

struct SoftmaxFamily : KernelFamily {
  StringRef getName() const override { return "softmax"; }
  bool matches(Operation *op, TargetAttr) const override {
    auto softmax = dyn_cast<SoftmaxOp>(op);
    // The result is read again, so it must be f32.
    return softmax && getElementTypeOrSelf(softmax.getInit().getType()).isF32() &&
           isComputedInF32(getElementTypeOrSelf(softmax.getInput().getType()));
  }
  int64_t countTasks(Operation *op, TargetAttr target) const override {
    Extents extents(cast<SoftmaxOp>(op), target);
    return countUnitTasks(extents.units(),
                          extents.extent * extents.inner / extents.pieces * kWorkPerElement);
  }
  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    Extents extents(cast<SoftmaxOp>(op), target);
    Softmax softmax(b, extents, operands, target.getVectorLanes());
    forEachUnit(b, task, extents.units(), countTasks(op, target),
                [&](Value unit) { softmax.build(unit); });
    return success();
  }
};

} // namespace

void convoy::cpu::addSoftmaxKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<SoftmaxFamily>());
}
