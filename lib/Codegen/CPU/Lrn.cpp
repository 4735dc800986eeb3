//===- Lrn.cpp - Local response normalisation -----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Blocked data: a vector holds neighbouring channels of one pixel, so the window is
// a sum of squares shifted by lanes, with the vectors of the channel blocks on both
// sides shifted in. Plain data: a vector holds pixels of one channel, and the window
// is a loop over channels.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/Lrn.h"
#include "convoy/Codegen/CPU/VectorRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

/// An element's roots and division cost about as much as this many copies of an element.
constexpr int64_t kWorkPerElement = 4;

struct LrnFamily : KernelFamily {
  StringRef getName() const override { return "lrn"; }

  bool matches(Operation *op, TargetAttr target) const override {
    auto lrn = dyn_cast<LrnOp>(op);
    if (!lrn)
      return false;
    auto type = cast<ShapedType>(lrn.getInput().getType());
    return isComputedInF32(type.getElementType()) &&
           (!lrn.getBlocked() || type.getShape().back() == target.getVectorLanes());
  }

  /// Batch, channels or channel blocks, and elements in each.
  struct Extents {
    int64_t batch, channels, row, pieces;
  };
  static Extents getExtents(LrnOp op, TargetAttr target) {
    ArrayRef<int64_t> shape = cast<ShapedType>(op.getInput().getType()).getShape();
    Extents extents{shape[0], shape[1], llvm::product_of(shape.drop_front(2)), 1};
    extents.pieces = selectPieces(shape[0] * shape[1], extents.row, target.getVectorLanes(),
                                  kWorkPerElement);
    return extents;
  }

  int64_t countTasks(Operation *op, TargetAttr target) const override {
    Extents extents = getExtents(cast<LrnOp>(op), target);
    return countUnitTasks(extents.batch * extents.channels * extents.pieces,
                          extents.row / extents.pieces * kWorkPerElement);
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *operation, ValueRange operands,
                          Value task, TargetAttr target) const override {
    auto op = cast<LrnOp>(operation);
    Extents extents = getExtents(op, target);
    int64_t lanes = target.getVectorLanes();
    auto type = VectorType::get({lanes}, b.getF32Type());
    SmallVector<int64_t> shape = {extents.batch, extents.channels, extents.row};
    Value input = reshapeBuffer(b, operands[0], shape);
    Value output = reshapeBuffer(b, operands[1], shape);
    int64_t units = extents.batch * extents.channels * extents.pieces;
    forEachUnit(b, task, units, countTasks(op, target), [&](Value unit) {
      SmallVector<Value> indices =
          delinearize(b, unit, {extents.batch, extents.channels, extents.pieces});
      Value batch = indices[0], channel = indices[1];
      forEachStep(
          b, extents.row, lanes, indices[2], extents.pieces,
          [&](Value position, int64_t count) {
            Value x = loadLanes(b, type, input, {batch, channel, position}, count);
            Value sum = op.getBlocked()
                            ? sumBlocked(b, op, extents, input, indices, position, x)
                            : sumPlain(b, op, extents, input, indices, position, type, count);
            storeLanes(b, emitLrn(b, op, x, sum), output, {batch, channel, position}, count);
          });
    });
    return success();
  }

  static Value sumPlain(ImplicitLocOpBuilder &b, LrnOp op, const Extents &extents, Value input,
                        ValueRange indices, Value position, VectorType type, int64_t count) {
    LrnWindow window(op);
    Value channel = indices[1];
    Value lower =
        arith::MaxSIOp::create(b, affine(b, channel, 1, -window.down), indexConstant(b, 0));
    Value upper = arith::MinSIOp::create(b, affine(b, channel, 1, window.up + 1),
                                         indexConstant(b, extents.channels));
    auto addSquare = [&](Value neighbour, ValueRange carried) {
      Value x = loadLanes(b, type, input, {indices[0], neighbour, position}, count);
      return SmallVector<Value>{vector::FMAOp::create(b, x, x, carried[0])};
    };
    return emitLoop(b, lower, upper, 1, zeroVector(b, type), addSquare).front();
  }

  static Value sumBlocked(ImplicitLocOpBuilder &b, LrnOp op, const Extents &extents,
                          Value input, ValueRange indices, Value position, Value x) {
    LrnWindow window(op);
    auto type = cast<VectorType>(x.getType());
    int64_t lanes = type.getDimSize(0);
    // The squares of neighbouring channel blocks, by their distance; zero outside of the data.
    std::map<int64_t, Value> squares;
    auto getSquare = [&](int64_t distance) -> Value {
      Value &square = squares[distance];
      if (square)
        return square;
      if (distance == 0)
        return square = arith::MulFOp::create(b, x, x);
      if (std::abs(distance) >= extents.channels)
        return square = zeroVector(b, type);
      Value block = affine(b, indices[1], 1, distance);
      Value bound = indexConstant(b, distance < 0 ? 0 : extents.channels - 1);
      Value inside = arith::CmpIOp::create(
          b, distance < 0 ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle, block,
          bound);
      // Outside of the data, this block is read instead, and not used.
      block = arith::SelectOp::create(b, inside, block, indices[1]);
      Value neighbour = loadAs(b, type, input, ValueRange{indices[0], block, position});
      Value product = arith::MulFOp::create(b, neighbour, neighbour);
      return square = arith::SelectOp::create(b, inside, product, zeroVector(b, type));
    };
    SmallVector<Value> terms;
    for (int64_t shift = -window.down; shift <= window.up; ++shift) {
      int64_t distance = llvm::divideFloorSigned(shift, lanes);
      int64_t offset = shift - distance * lanes;
      if (offset == 0) {
        terms.push_back(getSquare(distance));
        continue;
      }
      SmallVector<int64_t> mask(lanes);
      for (int64_t lane = 0; lane < lanes; ++lane)
        mask[lane] = lane + offset;
      Value low = getSquare(distance), high = getSquare(distance + 1);
      terms.push_back(vector::ShuffleOp::create(b, low, high, mask));
    }
    return combineAll(
        terms, [&](Value l, Value r) -> Value { return arith::AddFOp::create(b, l, r); });
  }
};

} // namespace

void convoy::cpu::addLrnKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<LrnFamily>());
}
