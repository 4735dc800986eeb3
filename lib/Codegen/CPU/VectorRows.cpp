//===- VectorRows.cpp - Rows of elements in vectors and pieces ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/VectorRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;

/// Elements that one thread moves in about the time that it takes to wake other threads.
static constexpr int64_t kTinyWork = 16384;
/// Tasks that are enough to spread over the cores of one machine.
static constexpr int64_t kEnoughTasks = 32;

Value convoy::cpu::reshapeBuffer(ImplicitLocOpBuilder &b, Value buffer,
                                 ArrayRef<int64_t> shape) {
  auto type = cast<MemRefType>(buffer.getType());
  if (type.getShape() == shape)
    return buffer;
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t i = int64_t(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  MemRefLayoutAttrInterface layout;
  if (!type.getLayout().isIdentity()) {
    assert(shape[0] == type.getDimSize(0) && "images do not follow each other");
    strides[0] = cnn::getImageStride(type);
    layout = StridedLayoutAttr::get(b.getContext(), /*offset=*/0, strides);
  }
  return memref::ReinterpretCastOp::create(
      b, MemRefType::get(shape, type.getElementType(), layout), buffer, /*offset=*/0, shape,
      strides);
}

int64_t convoy::cpu::getCopyLanes(Type element, cnn::TargetAttr target) {
  int64_t bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
  return element.isIndex() || bits % 8 != 0 ? 1 : target.getVectorLanes() * 32 / bits;
}

Type convoy::cpu::getMovedType(Value from, Value to) {
  Type element = getElementTypeOrSelf(from.getType());
  return element == getElementTypeOrSelf(to.getType())
             ? element
             : Float32Type::get(element.getContext());
}

static Value emitMask(ImplicitLocOpBuilder &b, VectorType type, int64_t count) {
  SmallVector<bool> lanes(type.getDimSize(0), false);
  std::fill_n(lanes.begin(), count, true);
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(type.clone(b.getI1Type()), ArrayRef<bool>(lanes)));
}

Value convoy::cpu::loadLanes(ImplicitLocOpBuilder &b, VectorType type, Value buffer,
                             ValueRange indices, int64_t count, Value padding) {
  if (count == type.getDimSize(0))
    return loadAs(b, type, buffer, indices);
  if (!padding)
    padding = zeroVector(b, type);
  VectorType stored = type.clone(cast<MemRefType>(buffer.getType()).getElementType());
  Value value = vector::MaskedLoadOp::create(
      b, stored, buffer, indices, emitMask(b, stored, count), roundFor(b, buffer, padding));
  return stored == type ? value : arith::ExtFOp::create(b, type, value);
}

void convoy::cpu::storeLanes(ImplicitLocOpBuilder &b, Value value, Value buffer,
                             ValueRange indices, int64_t count) {
  auto type = cast<VectorType>(value.getType());
  if (count == type.getDimSize(0))
    return storeAs(b, value, buffer, indices);
  vector::MaskedStoreOp::create(b, buffer, indices, emitMask(b, type, count),
                                roundFor(b, buffer, value));
}

Value convoy::cpu::combineLanes(ImplicitLocOpBuilder &b, Value vector, Combine combine) {
  int64_t lanes = cast<VectorType>(vector.getType()).getDimSize(0);
  assert(llvm::isPowerOf2_64(lanes) && "vectors have a power of two of lanes");
  for (; lanes > 1; lanes /= 2) {
    SmallVector<int64_t> low(lanes / 2), high(lanes / 2);
    for (int64_t lane = 0; lane < lanes / 2; ++lane) {
      low[lane] = lane;
      high[lane] = lane + lanes / 2;
    }
    Value x = vector::ShuffleOp::create(b, vector, vector, low);
    Value y = vector::ShuffleOp::create(b, vector, vector, high);
    vector = combine(x, y);
  }
  return vector::ExtractOp::create(b, vector, 0);
}

Value convoy::cpu::combineAll(ArrayRef<Value> values, Combine combine) {
  SmallVector<Value> left(values);
  while (left.size() > 1) {
    SmallVector<Value> next;
    for (size_t i = 0; i + 1 < left.size(); i += 2)
      next.push_back(combine(left[i], left[i + 1]));
    if (left.size() % 2)
      next.push_back(left.back());
    left = std::move(next);
  }
  return left.front();
}

int64_t convoy::cpu::countUnitTasks(int64_t units, int64_t work) {
  return units * work < kTinyWork ? 1 : units;
}

void convoy::cpu::forEachUnit(ImplicitLocOpBuilder &b, Value task, int64_t units,
                              int64_t tasks, llvm::function_ref<void(Value)> body) {
  if (tasks == units && units > 1)
    return body(task);
  emitLoop(b, units, {}, [&](Value unit, ValueRange) {
    body(unit);
    return SmallVector<Value>();
  });
}

int64_t convoy::cpu::selectPieces(int64_t rows, int64_t extent, int64_t width, int64_t work) {
  if (rows >= kEnoughTasks || rows * extent * work < kTinyWork)
    return 1;
  int64_t steps = std::max<int64_t>(extent / width, 1);
  int64_t pieces = std::min(steps, int64_t(llvm::divideCeil(kEnoughTasks, rows)));
  // No piece is empty.
  return llvm::divideCeil(steps, llvm::divideCeil(steps, pieces));
}

void convoy::cpu::forEachStep(ImplicitLocOpBuilder &b, int64_t extent, int64_t width,
                              Value piece, int64_t pieces,
                              llvm::function_ref<void(Value, int64_t)> body) {
  int64_t steps = extent / width, rest = extent % width;
  auto visit = [&](Value start, ValueRange) {
    body(start, width);
    return SmallVector<Value>();
  };
  if (pieces > 1) {
    int64_t size = llvm::divideCeil(steps, pieces) * width;
    Value lower = affine(b, piece, size, 0);
    Value upper =
        arith::MinSIOp::create(b, affine(b, lower, 1, size), indexConstant(b, steps * width));
    emitLoop(b, lower, upper, width, {}, visit);
  } else if (steps == 1) {
    visit(indexConstant(b, 0), {});
  } else if (steps > 1) {
    emitLoop(b, indexConstant(b, 0), indexConstant(b, steps * width), width, {}, visit);
  }
  if (rest == 0)
    return;
  Value start = indexConstant(b, steps * width);
  emitIfElse(b, isLast(b, piece, pieces), [&](bool last) {
    if (last)
      body(start, rest);
  });
}

void convoy::cpu::emitIfElse(ImplicitLocOpBuilder &b, Value condition,
                             llvm::function_ref<void(bool)> body) {
  if (std::optional<int64_t> known = getConstantIntValue(condition))
    return body(*known != 0);
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body(true);
  b.setInsertionPointToStart(branch.elseBlock());
  body(false);
}

Value convoy::cpu::isLast(ImplicitLocOpBuilder &b, Value value, int64_t count) {
  if (count == 1)
    return arith::ConstantOp::create(b, b.getBoolAttr(true));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, value,
                               indexConstant(b, count - 1));
}
