//===- DataMovement.cpp - Concatenation and copies ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// What moves elements and keeps their order is copies of contiguous rows, each row
// cut into pieces where there are few rows.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/VectorRows.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// Vectors that a step of a copy moves.
constexpr int64_t kVectors = 4;

/// The vector that copies `element`s; one element where they are not a whole number
/// of bytes in memory, which only scalar accesses know to handle.
VectorType getCopyType(Type element, TargetAttr target) {
  int64_t bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
  bool scalar = element.isIndex() || bits % 8 != 0;
  return VectorType::get({scalar ? 1 : target.getVectorLanes() * 32 / bits}, element);
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

bool isMovable(Type element) { return element.isIntOrIndexOrFloat(); }

//===----------------------------------------------------------------------===//
// cnn.concat
//===----------------------------------------------------------------------===//

/// Every task copies its piece of each input's row.
struct ConcatFamily : KernelFamily {
  StringRef getName() const override { return "concat"; }

  bool matches(Operation *op, TargetAttr) const override {
    auto concat = dyn_cast<ConcatOp>(op);
    return concat && isMovable(concat.getOutputType().getElementType());
  }

  static int64_t getRow(ShapedType type, int64_t axis) {
    return countElements(type.getShape().drop_front(axis));
  }

  struct Extents {
    int64_t rows, row, pieces;
  };
  static Extents getExtents(ConcatOp op, TargetAttr target) {
    ShapedType type = op.getOutputType();
    Extents extents;
    extents.rows = countElements(type.getShape().take_front(op.getAxis()));
    extents.row = getRow(type, op.getAxis());
    extents.pieces = selectPieces(extents.rows, extents.row,
                                  kVectors * target.getVectorLanes());
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
    VectorType type = getCopyType(op.getOutputType().getElementType(), target);
    int64_t width = kVectors * type.getDimSize(0);
    Value output = reshapeBuffer(b, operands.back(), {extents.rows, extents.row});
    SmallVector<Value> inputs;
    for (Value operand : operands.drop_back())
      inputs.push_back(reshapeBuffer(
          b, operand,
          {extents.rows, getRow(cast<ShapedType>(operand.getType()), op.getAxis())}));
    forEachUnit(b, task, extents.rows * extents.pieces, countTasks(op, target),
                [&](Value unit) {
      SmallVector<Value> indices = delinearize(b, unit, {extents.rows, extents.pieces});
      Value row = indices[0];
      int64_t offset = 0;
      for (Value input : inputs) {
        int64_t length = cast<ShapedType>(input.getType()).getDimSize(1);
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
  /// Extents in front of the row; one of each pair of strides for each of them.
  SmallVector<int64_t> outer, fromStrides, toStrides;
  int64_t fromOffset, toOffset, row;

  int64_t rows() const { return countElements(outer); }
};

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
         (copy.outer.back() == 1 || (copy.fromStrides.back() == copy.row &&
                                     copy.toStrides.back() == copy.row))) {
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
    return selectPieces(copy.rows(), copy.row, kVectors * target.getVectorLanes());
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

void convoy::addConcatKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<ConcatFamily>());
  families.push_back(std::make_unique<CopyFamily>());
}
