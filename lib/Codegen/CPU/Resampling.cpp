//===- Resampling.cpp - Gather and resize ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Kernels that read their input at positions given by an operand or a table.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Codegen/Common/Gather.h"
#include "convoy/Codegen/Common/Resize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

MemRefType getType(Value value) { return cast<MemRefType>(value.getType()); }

Value loadRow(ImplicitLocOpBuilder &b, Type element, Value buffer, Value offset, int64_t lanes,
              int64_t count) {
  if (lanes == 1)
    return loadAs(b, element, buffer, offset);
  return loadLanes(b, VectorType::get(lanes, element), buffer, offset, count);
}

void storeRow(ImplicitLocOpBuilder &b, Value value, Value buffer, Value offset, int64_t lanes,
              int64_t count) {
  if (lanes == 1)
    storeAs(b, value, buffer, offset);
  else
    storeLanes(b, value, buffer, offset, count);
}

/// Walks a row in vectors.
void forEachVector(ImplicitLocOpBuilder &b, int64_t extent, int64_t lanes,
                   function_ref<void(Value, int64_t)> body) {
  forEachStep(b, extent, lanes, indexConstant(b, 0), /*pieces=*/1, body);
}

//===----------------------------------------------------------------------===//
// cnn.gather
//===----------------------------------------------------------------------===//

struct GatherFamily : KernelFamily {
  StringRef getName() const override { return "gather"; }

  bool matches(Operation *op, TargetAttr) const override {
    auto gather = dyn_cast<GatherOp>(op);
    return gather && getType(gather.getIndices()).getElementType().isSignlessInteger();
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    GatherShape shape(cast<GatherOp>(op));
    // A unit is the row of one index.
    return countUnitTasks(shape.rows(), shape.inner);
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    GatherShape shape(cast<GatherOp>(op));
    Value input = flatten(b, operands[0]), indices = flatten(b, operands[1]);
    Value output = flatten(b, operands[2]);
    Type element = getMovedType(input, output);
    int64_t lanes = getCopyLanes(element, target);
    forEachUnit(b, task, shape.rows(), countTasks(op, target), [&](Value unit) {
      SmallVector<Value> at = delinearize(b, unit, {shape.outer, shape.indices});
      Value row = emitGatheredRow(b, shape, at[0], indices, at[1]);
      Value from = affine(b, row, shape.inner, 0);
      Value to = affine(b, unit, shape.inner, 0);
      forEachVector(b, shape.inner, lanes, [&](Value first, int64_t count) {
        Value value = loadRow(b, element, input, add(b, from, first), lanes, count);
        storeRow(b, value, output, add(b, to, first), lanes, count);
      });
    });
    return success();
  }
};

//===----------------------------------------------------------------------===//
// cnn.resize
//===----------------------------------------------------------------------===//

/// A constant of the module, read by one kernel.
Value createTable(ImplicitLocOpBuilder &b, StringRef name, DenseElementsAttr values) {
  OpBuilder::InsertionGuard guard(b);
  Operation *kernel = b.getInsertionBlock()->getParentOp();
  if (!isa<func::FuncOp>(kernel))
    kernel = kernel->getParentOfType<func::FuncOp>();
  auto type = MemRefType::get(values.getType().getShape(), values.getElementType());
  b.setInsertionPoint(kernel);
  auto global = memref::GlobalOp::create(
      b, (cast<func::FuncOp>(kernel).getSymName() + name).str(),
      /*sym_visibility=*/b.getStringAttr("private"), type, values, /*constant=*/true,
      /*alignment=*/b.getI64IntegerAttr(64));
  b.setInsertionPointToStart(&cast<func::FuncOp>(kernel).front());
  return memref::GetGlobalOp::create(b, type, global.getSymName());
}

/// Writes the code of one task. Coordinates are known at compile time: they are tables.
class ResizeEmitter {
public:
  ResizeEmitter(ImplicitLocOpBuilder &b, ResizeOp op, ValueRange operands, TargetAttr target)
      : b(b), op(op), shape(op), input(flatten(b, operands[0])),
        output(flatten(b, operands[1])), element(getMovedType(input, output)) {
    if (op.getMode() == ResizeMode::linear)
      element = b.getF32Type();
    lanes = getCopyLanes(element, target);
  }

  void build(Value task, int64_t tasks) {
    for (int64_t dim : shape.changing)
      makeTables(dim);
    forEachUnit(b, task, countRows(shape), tasks, [&](Value row) { emitRow(row); });
  }

  static int64_t countRows(const ResizeShape &shape) {
    return llvm::product_of(shape.to.take_front(shape.last));
  }

private:
  /// A ResizeTable in memory; offsets are in elements of the input.
  struct Table {
    Value offsets, weights;
  };

  void makeTables(int64_t dim) {
    auto create = [&](StringRef name, Type element, auto values) {
      auto type = RankedTensorType::get({shape.to[dim]}, element);
      return createTable(b, (name + std::to_string(dim)).str(),
                         DenseElementsAttr::get(type, ArrayRef(values)));
    };
    StringRef names[][2] = {{"_lower_", "_lower_weight_"}, {"_upper_", "_upper_weight_"}};
    for (auto [names, table] : llvm::zip(names, makeResizeTables(op, dim))) {
      for (int64_t &index : table.indices)
        index *= shape.inputStride(dim);
      Table made;
      made.offsets = create(names[0], b.getI64Type(), table.indices);
      if (!table.weights.empty())
        made.weights = create(names[1], b.getF32Type(), table.weights);
      tables[dim].push_back(made);
    }
  }

  /// `taps`, each replaced by its neighbours along `dim` at `index`.
  SmallVector<ResizeTap> spread(ArrayRef<ResizeTap> taps, int64_t dim, Value index) {
    if (!shape.changes(dim))
      return spreadTaps(b, taps,
                        ResizeTap{affine(b, index, shape.inputStride(dim), 0), Value()});
    SmallVector<ResizeTap> neighbours;
    for (const Table &table : tables[dim]) {
      Value offset = memref::LoadOp::create(b, table.offsets, index);
      offset = arith::IndexCastOp::create(b, b.getIndexType(), offset);
      Value weight;
      if (table.weights)
        weight = memref::LoadOp::create(b, table.weights, index);
      neighbours.push_back({offset, weight});
    }
    return spreadTaps(b, taps, neighbours);
  }

  void emitRow(Value row) {
    SmallVector<Value> at = delinearize(b, row, shape.to.take_front(shape.last));
    SmallVector<ResizeTap> taps = {{indexConstant(b, 0), Value()}};
    Value start = indexConstant(b, 0);
    for (auto [dim, index] : llvm::enumerate(at)) {
      taps = spread(taps, dim, index);
      start = add(b, start, affine(b, index, shape.outputStride(dim), 0));
    }
    int64_t extent = shape.to[shape.last];
    emitLoop(b, extent, {}, [&](Value x, ValueRange) {
      SmallVector<ResizeTap> last = spread(taps, shape.last, x);
      Value to = add(b, start, affine(b, x, shape.outputStride(shape.last), 0));
      int64_t width = shape.inner == 1 ? 1 : lanes;
      forEachVector(b, shape.inner, width, [&](Value first, int64_t count) {
        Value sum = emitTapSum(b, last, [&](Value offset) {
          return loadRow(b, element, input, add(b, offset, first), width, count);
        });
        storeRow(b, sum, output, add(b, to, first), width, count);
      });
      return SmallVector<Value>();
    });
  }

  ImplicitLocOpBuilder &b;
  ResizeOp op;
  ResizeShape shape;
  Value input, output;
  /// The type in which elements are added up or moved.
  Type element;
  int64_t lanes;
  /// The tables of each dimension that changes.
  llvm::SmallDenseMap<int64_t, SmallVector<Table, 2>> tables;
};

struct ResizeFamily : KernelFamily {
  StringRef getName() const override { return "resize"; }

  bool matches(Operation *op, TargetAttr) const override {
    auto resize = dyn_cast<ResizeOp>(op);
    return resize && (resize.getMode() == ResizeMode::nearest ||
                      isComputedInF32(getType(resize.getInput()).getElementType()));
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    auto resize = cast<ResizeOp>(op);
    ResizeShape shape(resize);
    int64_t taps = resize.getMode() == ResizeMode::linear ? 4 << shape.changing.size() : 4;
    return countUnitTasks(ResizeEmitter::countRows(shape),
                          shape.to[shape.last] * shape.inner * taps);
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    auto resize = cast<ResizeOp>(op);
    ResizeEmitter(b, resize, operands, target).build(task, countTasks(op, target));
    return success();
  }
};

} // namespace

void convoy::cpu::addResamplingKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<GatherFamily>());
  families.push_back(std::make_unique<ResizeFamily>());
}
