//===- Resampling.cpp - Gather and resize ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Kernels that read their input at places from a table. The tables of a resize are
// made here, in f32 as ONNX Runtime does, so that roundings fall the same way.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/VectorRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"

#include <cmath>

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

MemRefType getType(Value value) { return cast<MemRefType>(value.getType()); }

/// Lanes of a vector of `element`; 1 where only scalar accesses work, because the
/// elements are no whole number of bytes.
int64_t getLanes(Type element, TargetAttr target) {
  int64_t bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
  return element.isIndex() || bits % 8 ? 1 : target.getVectorLanes() * 32 / bits;
}

Value loadRow(ImplicitLocOpBuilder &b, Value buffer, Value offset, int64_t lanes,
              int64_t count) {
  if (lanes == 1)
    return memref::LoadOp::create(b, buffer, offset);
  return loadLanes(b, VectorType::get(lanes, getType(buffer).getElementType()), buffer, offset,
                   count);
}

void storeRow(ImplicitLocOpBuilder &b, Value value, Value buffer, Value offset, int64_t lanes,
              int64_t count) {
  if (lanes == 1)
    memref::StoreOp::create(b, value, buffer, offset);
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

  /// A unit is a row behind one index.
  struct Extents {
    int64_t outer, axis, indices, inner;
    int64_t units() const { return outer * indices; }
  };
  static Extents getExtents(GatherOp op) {
    ArrayRef<int64_t> shape = getType(op.getInput()).getShape();
    int64_t axis = op.getAxis();
    return {countElements(shape.take_front(axis)), shape[axis],
            getType(op.getIndices()).getNumElements(),
            countElements(shape.drop_front(axis + 1))};
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    Extents extents = getExtents(cast<GatherOp>(op));
    return countUnitTasks(extents.units(), extents.inner);
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    Extents extents = getExtents(cast<GatherOp>(op));
    Value input = flatten(b, operands[0]), indices = flatten(b, operands[1]);
    Value output = flatten(b, operands[2]);
    int64_t lanes = getLanes(getType(output).getElementType(), target);
    forEachUnit(b, task, extents.units(), countTasks(op, target), [&](Value unit) {
      SmallVector<Value> at = delinearize(b, unit, {extents.outer, extents.indices});
      Value index = memref::LoadOp::create(b, indices, at[1]);
      index = arith::IndexCastOp::create(b, b.getIndexType(), index);
      // Counted from the end where negative; never outside, whatever the data says.
      Value zero = indexConstant(b, 0);
      Value isNegative = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, index, zero);
      index = arith::SelectOp::create(b, isNegative, convoy::affine(b, index, 1, extents.axis),
                                      index);
      index = arith::MaxSIOp::create(b, index, zero);
      index = arith::MinSIOp::create(b, index, indexConstant(b, extents.axis - 1));
      Value row = convoy::add(b, convoy::affine(b, at[0], extents.axis, 0), index);
      Value from = convoy::affine(b, row, extents.inner, 0);
      Value to = convoy::affine(b, unit, extents.inner, 0);
      forEachVector(b, extents.inner, lanes, [&](Value first, int64_t count) {
        Value value = loadRow(b, input, convoy::add(b, from, first), lanes, count);
        storeRow(b, value, output, convoy::add(b, to, first), lanes, count);
      });
    });
    return success();
  }
};

//===----------------------------------------------------------------------===//
// cnn.resize
//===----------------------------------------------------------------------===//

/// Where the elements along one dimension come from.
struct Table {
  /// Index of the lower and the upper neighbour; equal for `nearest`.
  SmallVector<int64_t> lower, upper;
  SmallVector<float> lowerWeight, upperWeight;
};

float mapCoordinate(CoordinateMode mode, float x, float scale, int64_t from, int64_t to) {
  switch (mode) {
  case CoordinateMode::half_pixel:
    return (x + 0.5f) / scale - 0.5f;
  case CoordinateMode::pytorch_half_pixel:
    return to > 1 ? (x + 0.5f) / scale - 0.5f : 0.0f;
  case CoordinateMode::align_corners:
    return to == 1 ? 0.0f : x * float(from - 1) / float(to - 1);
  case CoordinateMode::asymmetric:
    return x / scale;
  case CoordinateMode::half_pixel_symmetric: {
    // `scale * from` is what the extent was before it was rounded.
    float adjustment = float(to) / (scale * float(from));
    float centre = float(from) / 2;
    return centre * (1 - adjustment) + (x + 0.5f) / scale - 0.5f;
  }
  }
  llvm_unreachable("unknown coordinate mode");
}

int64_t roundCoordinate(NearestMode mode, float x) {
  switch (mode) {
  case NearestMode::round_prefer_floor:
    return std::ceil(x - 0.5f);
  case NearestMode::round_prefer_ceil:
    return std::floor(x + 0.5f);
  case NearestMode::floor:
    return std::floor(x);
  case NearestMode::ceil:
    return std::ceil(x);
  }
  llvm_unreachable("unknown nearest mode");
}

Table makeTable(ResizeOp op, int64_t dim) {
  int64_t from = getType(op.getInput()).getDimSize(dim), to = op.getShape()[dim];
  float scale = op.getScales()[dim];
  Table table;
  for (int64_t i = 0; i < to; ++i) {
    float x = mapCoordinate(op.getCoordinates(), float(i), scale, from, to);
    if (op.getMode() == ResizeMode::nearest) {
      int64_t index = std::clamp<int64_t>(roundCoordinate(op.getNearest(), x), 0, from - 1);
      table.lower.push_back(index);
      table.upper.push_back(index);
      continue;
    }
    x = std::clamp(x, 0.0f, float(from - 1));
    int64_t lower = int64_t(x), upper = std::min(lower + 1, from - 1);
    float weight = x - float(lower);
    table.lower.push_back(lower);
    table.upper.push_back(upper);
    table.lowerWeight.push_back(1 - weight);
    table.upperWeight.push_back(weight);
  }
  return table;
}

/// Dimensions of a resize: those behind the last one that changes are a row of
/// contiguous elements, `inner`.
struct ResizeShape {
  explicit ResizeShape(ResizeOp op)
      : from(getType(op.getInput()).getShape()), to(op.getShape()),
        inputImage(getImageStride(cast<MemRefType>(op.getInput().getType()))),
        outputImage(getImageStride(cast<MemRefType>(op.getInit().getType()))) {
    for (int64_t dim = 0; dim < int64_t(to.size()); ++dim)
      if (from[dim] != to[dim] || op.getScales()[dim] != 1.0f)
        changing.push_back(dim);
    last = changing.empty() ? int64_t(to.size()) - 1 : changing.back();
    inner = countElements(to.drop_front(last + 1));
  }
  int64_t rows() const { return countElements(to.take_front(last)); }
  int64_t inputStride(int64_t dim) const {
    return dim == 0 ? inputImage : countElements(from.drop_front(dim + 1));
  }
  int64_t outputStride(int64_t dim) const {
    return dim == 0 ? outputImage : countElements(to.drop_front(dim + 1));
  }
  bool changes(int64_t dim) const { return llvm::is_contained(changing, dim); }

  ArrayRef<int64_t> from, to;
  SmallVector<int64_t> changing;
  int64_t last, inner;
  /// Elements from an image to the next.
  int64_t inputImage, outputImage;
};

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

class ResizeEmitter {
public:
  ResizeEmitter(ImplicitLocOpBuilder &b, ResizeOp op, ValueRange operands, int64_t lanes)
      : b(b), op(op), shape(op), isLinear(op.getMode() == ResizeMode::linear), lanes(lanes) {
    input = flatten(b, operands[0]);
    output = flatten(b, operands[1]);
  }

  void run(Value task, int64_t tasks) {
    for (int64_t dim : shape.changing)
      makeTables(dim);
    forEachUnit(b, task, shape.rows(), tasks, [&](Value row) { emitRow(row); });
  }

private:
  /// One neighbour: its offset in the input and, without one for 1, its weight.
  struct Tap {
    Value offset, weight;
  };
  /// A dimension's tables in memory; offsets are in elements of the input.
  struct Tables {
    Value lower, upper, lowerWeight, upperWeight;
  };

  void makeTables(int64_t dim) {
    Table table = makeTable(op, dim);
    int64_t extent = shape.to[dim];
    for (SmallVector<int64_t> *offsets : {&table.lower, &table.upper})
      for (int64_t &offset : *offsets)
        offset *= shape.inputStride(dim);
    auto indices = [&](StringRef name, ArrayRef<int64_t> values) {
      auto type = RankedTensorType::get({extent}, b.getI64Type());
      return createTable(b, (name + std::to_string(dim)).str(),
                         DenseElementsAttr::get(type, values));
    };
    auto weights = [&](StringRef name, ArrayRef<float> values) {
      auto type = RankedTensorType::get({extent}, b.getF32Type());
      return createTable(b, (name + std::to_string(dim)).str(),
                         DenseElementsAttr::get(type, values));
    };
    Tables &made = tables[dim];
    made.lower = indices("_lower_", table.lower);
    if (!isLinear)
      return;
    made.upper = indices("_upper_", table.upper);
    made.lowerWeight = weights("_lower_weight_", table.lowerWeight);
    made.upperWeight = weights("_upper_weight_", table.upperWeight);
  }

  Value multiply(Value x, Value y) {
    if (!x || !y)
      return x ? x : y;
    return arith::MulFOp::create(b, x, y);
  }

  /// `taps`, each replaced by its neighbours along `dim` at `index`.
  SmallVector<Tap> spread(ArrayRef<Tap> taps, int64_t dim, Value index) {
    if (!shape.changes(dim)) {
      SmallVector<Tap> moved(taps);
      for (Tap &tap : moved)
        tap.offset =
            convoy::add(b, tap.offset, convoy::affine(b, index, shape.inputStride(dim), 0));
      return moved;
    }
    Tables &dimension = tables[dim];
    auto step = [&](ArrayRef<Tap> from, Value offsets, Value weights, SmallVector<Tap> &to) {
      Value offset = memref::LoadOp::create(b, offsets, index);
      offset = arith::IndexCastOp::create(b, b.getIndexType(), offset);
      Value weight = weights ? memref::LoadOp::create(b, weights, index).getResult() : Value();
      for (const Tap &tap : from)
        to.push_back({convoy::add(b, tap.offset, offset), multiply(tap.weight, weight)});
    };
    SmallVector<Tap> result;
    step(taps, dimension.lower, dimension.lowerWeight, result);
    if (isLinear)
      step(taps, dimension.upper, dimension.upperWeight, result);
    return result;
  }

  void emitRow(Value row) {
    SmallVector<Value> at = delinearize(b, row, shape.to.take_front(shape.last));
    SmallVector<Tap> taps = {{indexConstant(b, 0), Value()}};
    Value start = indexConstant(b, 0);
    for (auto [dim, index] : llvm::enumerate(at)) {
      taps = spread(taps, dim, index);
      start = convoy::add(b, start, convoy::affine(b, index, shape.outputStride(dim), 0));
    }
    int64_t extent = shape.to[shape.last];
    emitLoop(b, extent, {}, [&](Value x, ValueRange) {
      SmallVector<Tap> last = spread(taps, shape.last, x);
      Value to =
          convoy::add(b, start, convoy::affine(b, x, shape.outputStride(shape.last), 0));
      int64_t width = shape.inner == 1 ? 1 : lanes;
      forEachVector(b, shape.inner, width, [&](Value first, int64_t count) {
        Value sum;
        for (const Tap &tap : last) {
          Value value = loadRow(b, input, convoy::add(b, tap.offset, first), width, count);
          if (tap.weight)
            value = multiply(value, splat(tap.weight, value.getType()));
          sum = sum ? arith::AddFOp::create(b, sum, value).getResult() : value;
        }
        storeRow(b, sum, output, convoy::add(b, to, first), width, count);
      });
      return SmallVector<Value>();
    });
  }

  Value splat(Value scalar, Type type) {
    return isa<VectorType>(type) ? vector::BroadcastOp::create(b, type, scalar).getResult()
                                 : scalar;
  }

  ImplicitLocOpBuilder &b;
  ResizeOp op;
  ResizeShape shape;
  bool isLinear;
  int64_t lanes;
  Value input, output;
  llvm::SmallDenseMap<int64_t, Tables> tables;
};

struct ResizeFamily : KernelFamily {
  StringRef getName() const override { return "resize"; }

  bool matches(Operation *op, TargetAttr) const override {
    auto resize = dyn_cast<ResizeOp>(op);
    return resize && (resize.getMode() == ResizeMode::nearest ||
                      getType(resize.getInput()).getElementType().isF32());
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    auto resize = cast<ResizeOp>(op);
    ResizeShape shape(resize);
    int64_t taps = resize.getMode() == ResizeMode::linear ? 4 << shape.changing.size() : 4;
    return countUnitTasks(shape.rows(), shape.to[shape.last] * shape.inner * taps);
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    auto resize = cast<ResizeOp>(op);
    int64_t lanes = getLanes(getType(operands[1]).getElementType(), target);
    ResizeEmitter(b, resize, operands, lanes).run(task, countTasks(op, target));
    return success();
  }
};

} // namespace

void convoy::cpu::addResamplingKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<GatherFamily>());
  families.push_back(std::make_unique<ResizeFamily>());
}
