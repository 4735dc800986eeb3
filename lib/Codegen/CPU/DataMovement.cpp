//===- DataMovement.cpp - Layout changes, concatenation and copies --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A layout change goes through tiles of `block` channels by `block` pixels that are transposed
// in registers, so that both sides see whole vectors. Concatenations and copies move
// contiguous rows; if there are few rows, each is cut into pieces.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Codegen/Common/Reorder.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

/// Vectors that a step of a copy moves.
constexpr int64_t kVectors = 4;

/// The vector that copies `element`s.
VectorType getCopyType(Type element, TargetAttr target) {
  return VectorType::get({getCopyLanes(element, target)}, element);
}

/// Copies `count` elements of a row.
void copyElements(ImplicitLocOpBuilder &b, VectorType type, Value from,
                  SmallVector<Value> fromIndices, Value to, SmallVector<Value> toIndices,
                  int64_t count) {
  int64_t lanes = type.getDimSize(0);
  Value fromStart = fromIndices.back(), toStart = toIndices.back();
  SmallVector<Value> values;
  for (int64_t i = 0; i < count; i += lanes) {
    fromIndices.back() = affine(b, fromStart, 1, i);
    if (lanes == 1)
      values.push_back(memref::LoadOp::create(b, from, fromIndices));
    else
      values.push_back(loadLanes(b, type, from, fromIndices, std::min(lanes, count - i)));
  }
  for (int64_t i = 0; i < count; i += lanes) {
    toIndices.back() = affine(b, toStart, 1, i);
    if (lanes == 1)
      memref::StoreOp::create(b, values[i], to, toIndices);
    else
      storeLanes(b, values[i / lanes], to, toIndices, std::min(lanes, count - i));
  }
}

ShapedType getType(Value value) { return cast<ShapedType>(value.getType()); }

bool isMovable(Type element) { return element.isIntOrIndexOrFloat(); }

//===----------------------------------------------------------------------===//
// cnn.reorder
//===----------------------------------------------------------------------===//

/// Transposes a square of vectors by swapping ever larger off-diagonal blocks.
void transposeSquare(ImplicitLocOpBuilder &b, MutableArrayRef<Value> rows) {
  int64_t size = rows.size();
  for (int64_t step = 1; step < size; step *= 2) {
    SmallVector<int64_t> low(size), high(size);
    for (int64_t lane = 0; lane < size; ++lane) {
      bool upper = lane & step;
      low[lane] = upper ? size + lane - step : lane;
      high[lane] = upper ? size + lane : lane + step;
    }
    for (int64_t i = 0; i < size; ++i) {
      if (i & step)
        continue;
      Value x = rows[i], y = rows[i + step];
      rows[i] = vector::ShuffleOp::create(b, x, y, low);
      rows[i + step] = vector::ShuffleOp::create(b, x, y, high);
    }
  }
}

struct ReorderFamily : KernelFamily {
  StringRef getName() const override { return "reorder"; }

  struct Extents : ReorderShape {
    explicit Extents(ReorderOp op)
        : ReorderShape(op), pieces(selectPieces(batch * blocks, pixels, block, block)) {}
    int64_t units() const { return batch * blocks * pieces; }
    int64_t pieces;
  };

  bool matches(Operation *op, TargetAttr target) const override {
    auto reorder = dyn_cast<ReorderOp>(op);
    return reorder && getCopyLanes(getType(reorder.getInit()).getElementType(), target) > 1 &&
           llvm::isPowerOf2_64(Extents(reorder).block);
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    Extents extents(cast<ReorderOp>(op));
    return countUnitTasks(extents.units(), extents.block * extents.pixels / extents.pieces);
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *operation, ValueRange operands,
                          Value task, TargetAttr target) const override {
    auto op = cast<ReorderOp>(operation);
    Extents extents(op);
    int64_t block = extents.block;
    Value input = operands[0], output = operands[1];
    auto type = VectorType::get({block}, getMovedType(input, output));
    Value &plain = extents.toBlocked ? input : output;
    Value &blocked = extents.toBlocked ? output : input;
    plain = reshapeBuffer(b, plain, {extents.batch, extents.channels, extents.pixels});
    blocked =
        reshapeBuffer(b, blocked, {extents.batch, extents.blocks, extents.pixels, block});
    forEachUnit(b, task, extents.units(), countTasks(op, target), [&](Value unit) {
      SmallVector<Value> indices =
          delinearize(b, unit, {extents.batch, extents.blocks, extents.pieces});
      auto atPlain = [&](int64_t lane, Value pixel) {
        Value channel = extents.emitPlainChannel(b, affine(b, indices[1], block, lane));
        return SmallVector<Value>{indices[0], channel, pixel};
      };
      auto atBlocked = [&](Value pixel, int64_t i) {
        return SmallVector<Value>{indices[0], indices[1], affine(b, pixel, 1, i),
                                  indexConstant(b, 0)};
      };
      auto moveTiles = [&](int64_t channels) {
        forEachStep(b, extents.pixels, block, indices[2], extents.pieces,
                    [&](Value pixel, int64_t count) {
                      SmallVector<Value> rows(block, zeroVector(b, type));
                      for (int64_t i = 0; i < (extents.toBlocked ? channels : count); ++i)
                        rows[i] =
                            extents.toBlocked
                                ? loadLanes(b, type, plain, atPlain(i, pixel), count)
                                : loadLanes(b, type, blocked, atBlocked(pixel, i), block);
                      transposeSquare(b, rows);
                      for (int64_t i = 0; i < (extents.toBlocked ? count : channels); ++i)
                        if (extents.toBlocked)
                          storeLanes(b, rows[i], blocked, atBlocked(pixel, i), block);
                        else
                          storeLanes(b, rows[i], plain, atPlain(i, pixel), count);
                    });
      };
      int64_t partial = extents.channels % block;
      if (!partial)
        return moveTiles(block);
      emitIfElse(b, isLast(b, indices[1], extents.blocks),
                 [&](bool last) { moveTiles(last ? partial : block); });
    });
    return success();
  }
};

//===----------------------------------------------------------------------===//
// cnn.concat
//===----------------------------------------------------------------------===//

/// Every task copies its piece of each input's row.
struct ConcatFamily : KernelFamily {
  StringRef getName() const override { return "concat"; }

  bool matches(Operation *op, TargetAttr) const override {
    auto concat = dyn_cast<ConcatOp>(op);
    return concat && isMovable(getType(concat.getInit()).getElementType());
  }

  static int64_t getRow(ShapedType type, int64_t axis) {
    return llvm::product_of(type.getShape().drop_front(axis));
  }

  struct Extents {
    int64_t rows, row, pieces;
  };
  static Extents getExtents(ConcatOp op, TargetAttr target) {
    ShapedType type = getType(op.getInit());
    Extents extents;
    extents.rows = llvm::product_of(type.getShape().take_front(op.getAxis()));
    extents.row = getRow(type, op.getAxis());
    extents.pieces = selectPieces(extents.rows, extents.row,
                                  kVectors * target.getVectorLanes(), /*work=*/1);
    return extents;
  }

  int64_t countTasks(Operation *op, TargetAttr target) const override {
    Extents extents = getExtents(cast<ConcatOp>(op), target);
    return countUnitTasks(extents.rows * extents.pieces, extents.row / extents.pieces);
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *operation, ValueRange operands,
                          Value task, TargetAttr target) const override {
    auto op = cast<ConcatOp>(operation);
    Extents extents = getExtents(op, target);
    VectorType type = getCopyType(getType(op.getInit()).getElementType(), target);
    int64_t width = kVectors * type.getDimSize(0);
    Value output = reshapeBuffer(b, operands.back(), {extents.rows, extents.row});
    SmallVector<Value> inputs;
    for (Value operand : operands.drop_back())
      inputs.push_back(
          reshapeBuffer(b, operand, {extents.rows, getRow(getType(operand), op.getAxis())}));
    forEachUnit(
        b, task, extents.rows * extents.pieces, countTasks(op, target), [&](Value unit) {
          SmallVector<Value> indices = delinearize(b, unit, {extents.rows, extents.pieces});
          Value row = indices[0];
          int64_t offset = 0;
          for (Value input : inputs) {
            int64_t length = getType(input).getDimSize(1);
            forEachStep(b, length, width, indices[1], extents.pieces,
                        [&](Value start, int64_t count) {
                          copyElements(b, type, input, {row, start}, output,
                                       {row, affine(b, start, 1, offset)}, count);
                        });
            offset += length;
          }
        });
    return success();
  }
};

//===----------------------------------------------------------------------===//
// memref.copy
//===----------------------------------------------------------------------===//

/// A copy as rows that are contiguous on both sides.
struct CopyShape {
  /// The extents of the dimensions before the row, and their strides on both sides.
  SmallVector<int64_t> outer, fromStrides, toStrides;
  int64_t fromOffset, toOffset, row;

  int64_t rows() const { return llvm::product_of(outer); }
};

/// The rows of a copy; none if a shape, stride or offset is dynamic.
std::optional<CopyShape> getCopyShape(memref::CopyOp op) {
  auto from = cast<MemRefType>(op.getSource().getType());
  auto to = cast<MemRefType>(op.getTarget().getType());
  CopyShape copy;
  if (!from.hasStaticShape() ||
      failed(from.getStridesAndOffset(copy.fromStrides, copy.fromOffset)) ||
      failed(to.getStridesAndOffset(copy.toStrides, copy.toOffset)) ||
      ShapedType::isDynamic(copy.fromOffset) || ShapedType::isDynamic(copy.toOffset) ||
      ShapedType::isDynamicShape(copy.fromStrides) ||
      ShapedType::isDynamicShape(copy.toStrides))
    return std::nullopt;
  copy.outer = SmallVector<int64_t>(from.getShape());
  copy.row = 1;
  while (!copy.outer.empty() &&
         (copy.outer.back() == 1 ||
          (copy.fromStrides.back() == copy.row && copy.toStrides.back() == copy.row))) {
    copy.row *= copy.outer.pop_back_val();
    copy.fromStrides.pop_back();
    copy.toStrides.pop_back();
  }
  return copy;
}

struct CopyFamily : KernelFamily {
  StringRef getName() const override { return "copy"; }

  bool matches(Operation *op, TargetAttr) const override {
    auto copy = dyn_cast<memref::CopyOp>(op);
    return copy && getCopyShape(copy) &&
           isMovable(cast<MemRefType>(copy.getSource().getType()).getElementType());
  }

  static int64_t getPieces(const CopyShape &copy, TargetAttr target) {
    return selectPieces(copy.rows(), copy.row, kVectors * target.getVectorLanes(),
                        /*work=*/1);
  }

  int64_t countTasks(Operation *op, TargetAttr target) const override {
    CopyShape copy = *getCopyShape(cast<memref::CopyOp>(op));
    int64_t pieces = getPieces(copy, target);
    return countUnitTasks(copy.rows() * pieces, copy.row / pieces);
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    CopyShape copy = *getCopyShape(cast<memref::CopyOp>(op));
    Type element = cast<MemRefType>(operands[0].getType()).getElementType();
    VectorType type = getCopyType(element, target);
    auto view = [&](Value buffer, int64_t offset, ArrayRef<int64_t> outer) -> Value {
      SmallVector<int64_t> shape(copy.outer), strides(outer);
      shape.push_back(copy.row);
      strides.push_back(1);
      auto layout = StridedLayoutAttr::get(b.getContext(), offset, strides);
      return memref::ReinterpretCastOp::create(b, MemRefType::get(shape, element, layout),
                                               buffer, offset, shape, strides);
    };
    Value from = view(operands[0], copy.fromOffset, copy.fromStrides);
    Value to = view(operands[1], copy.toOffset, copy.toStrides);
    int64_t pieces = getPieces(copy, target);
    SmallVector<int64_t> extents(copy.outer);
    extents.push_back(pieces);
    forEachUnit(b, task, copy.rows() * pieces, countTasks(op, target), [&](Value unit) {
      SmallVector<Value> indices = delinearize(b, unit, extents);
      forEachStep(b, copy.row, kVectors * type.getDimSize(0), indices.back(), pieces,
                  [&](Value start, int64_t count) {
                    indices.back() = start;
                    copyElements(b, type, from, indices, to, indices, count);
                  });
    });
    return success();
  }
};

} // namespace

void convoy::cpu::addDataMovementKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<ReorderFamily>());
  families.push_back(std::make_unique<ConcatFamily>());
  families.push_back(std::make_unique<CopyFamily>());
}
