//===- GenericKernel.cpp - Kernels of linalg operations and copies --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Whatever has no kernel of its own arrives here as a linalg operation or a copy.
// GenericPlan makes a loop nest of it with one linear index an operand; this file
// writes the nest. All extents are static, so what does not fill a vector is done
// by smaller vectors of 2^n lanes instead of a loop.
//
//===----------------------------------------------------------------------===//

#include "GenericPlan.h"
#include "convoy/Codegen/CPU/KernelBuilder.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace convoy;

namespace {

using Values = SmallVector<Value>;

/// Accumulators of a reduction along the vector: enough to hide the latency of
/// one addition.
constexpr int64_t kAccumulators = 4;

class GenericEmitter {
public:
  GenericEmitter(ImplicitLocOpBuilder &b, Operation *op, const GenericPlan &plan,
                 ValueRange operands, Value task)
      : b(b), op(op), plan(plan), operands(operands), task(task),
        linalgOp(dyn_cast<linalg::LinalgOp>(op)) {}

  LogicalResult run();

private:
  LogicalResult captureConstants();
  void flatten();
  void emitGeneral();
  Values getTaskIndices();

  /// Iterations of one loop that a task runs.
  struct Range {
    Value lower, upper;
  };
  Range getRange(int64_t loop, int64_t extent);
  bool isSplit(int64_t loop) const {
    return loop == plan.splitLoop && plan.chunk < plan.extents[loop];
  }
  Values advance(ValueRange offsets, int64_t loop, Value iv);
  void forEachVector(int64_t loop, ValueRange offsets,
                     function_ref<void(ValueRange offsets, int64_t lanes)> body);
  void emitParallel(int64_t loop, ValueRange offsets);
  void emitTiles(ValueRange offsets);
  void emitTile(ValueRange offsets);
  void emitPoint(ValueRange offsets, int64_t lanes, ArrayRef<Value> uniforms = {});
  void emitReduction(ValueRange offsets);
  Values emitReductionLoops(int64_t loop, ValueRange offsets, ValueRange carried,
                            function_ref<Values(ValueRange offsets, ValueRange carried)> body);

  Value load(int64_t operand, Value offset, int64_t stride, int64_t lanes);
  void store(int64_t operand, Value value, Value offset, int64_t lanes);
  Value widen(Value value, int64_t lanes);
  Values emitBody(ValueRange arguments, ValueRange ivs, int64_t lanes);
  Value combine(int64_t output, Value lhs, Value rhs);
  Value reduceLanes(int64_t output, Value vector);
  void transposeTile(MutableArrayRef<Value> rows);

  bool isOutput(int64_t operand) const { return plan.accesses[operand].isOutput; }
  int64_t numOutputs() { return linalgOp ? linalgOp.getNumDpsInits() : 1; }
  int64_t firstOutput() { return plan.accesses.size() - numOutputs(); }
  /// Whether the body reads the operand.
  bool isRead(int64_t operand) {
    return linalgOp ? !linalgOp.getBlock()->getArgument(operand).use_empty() : operand == 0;
  }
  bool reduces() const { return plan.numLoops() > plan.numParallel; }

  ImplicitLocOpBuilder &b;
  Operation *op;
  const GenericPlan &plan;
  ValueRange operands;
  Value task;
  linalg::LinalgOp linalgOp;
  /// The operands as one-dimensional buffers, or the scalars.
  Values flats;
  /// Constants from outside of the body.
  IRMapping captured;
  /// Where the task's split loop stands.
  Value splitIndex;
  SmallVector<Operation *> combiners;
};

} // namespace

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void GenericEmitter::flatten() {
  for (auto [operand, access] : llvm::zip(operands, plan.accesses)) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (!type) {
      flats.push_back(operand);
      continue;
    }
    int64_t span = 1;
    for (auto [extent, stride] : llvm::zip(plan.extents, access.strides))
      span += (extent - 1) * std::abs(stride);
    int64_t offset = std::get<1>(type.getStridesAndOffset()) + access.offset;
    MemRefLayoutAttrInterface layout;
    if (offset != 0)
      layout = StridedLayoutAttr::get(b.getContext(), offset, {1});
    auto flat = MemRefType::get({span}, type.getElementType(), layout, type.getMemorySpace());
    flats.push_back(memref::ReinterpretCastOp::create(
        b, flat, operand, offset, ArrayRef<int64_t>(span), ArrayRef<int64_t>(1)));
  }
}

Values GenericEmitter::advance(ValueRange offsets, int64_t loop, Value iv) {
  Values result(offsets);
  for (auto [offset, access] : llvm::zip(result, plan.accesses))
    if (int64_t stride = access.stride(loop))
      offset = add(b, offset, convoy::affine(b, iv, stride, 0));
  return result;
}

Value GenericEmitter::load(int64_t operand, Value offset, int64_t stride, int64_t lanes) {
  if (plan.accesses[operand].isScalar)
    return flats[operand];
  if (lanes == 1 || stride == 0)
    return memref::LoadOp::create(b, flats[operand], offset);
  auto type = VectorType::get(lanes, plan.accesses[operand].elementType);
  if (stride == 1)
    return vector::LoadOp::create(b, type, flats[operand], offset);
  Values elements;
  for (int64_t lane = 0; lane < lanes; ++lane)
    elements.push_back(memref::LoadOp::create(b, flats[operand],
                                              convoy::affine(b, offset, 1, lane * stride)));
  return vector::FromElementsOp::create(b, type, elements);
}

void GenericEmitter::store(int64_t operand, Value value, Value offset, int64_t lanes) {
  if (lanes == 1)
    memref::StoreOp::create(b, value, flats[operand], offset);
  else
    vector::StoreOp::create(b, widen(value, lanes), flats[operand], offset);
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

Value GenericEmitter::widen(Value value, int64_t lanes) {
  if (lanes == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(b, VectorType::get(lanes, value.getType()), value);
}

/// Runs the body on scalars and vectors; what depends on scalars only stays one.
/// `arguments` of outputs that the body does not read may be null.
Values GenericEmitter::emitBody(ValueRange arguments, ValueRange ivs, int64_t lanes) {
  if (!linalgOp)
    return {arguments.front()};
  IRMapping mapping = captured;
  Block *body = linalgOp.getBlock();
  for (auto [argument, value] : llvm::zip(body->getArguments(), arguments))
    if (value)
      mapping.map(argument, value);
  for (Operation &inner : body->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      mapping.map(index.getResult(), ivs[index.getDim()]);
      continue;
    }
    Values values;
    for (Value operand : inner.getOperands())
      values.push_back(mapping.lookupOrDefault(operand));
    bool isVector =
        llvm::any_of(values, [](Value value) { return isa<VectorType>(value.getType()); });
    if (!isVector) {
      b.clone(inner, mapping);
      continue;
    }
    SmallVector<Type> types;
    for (Type type : inner.getResultTypes())
      types.push_back(VectorType::get(lanes, type));
    for (Value &value : values)
      value = widen(value, lanes);
    Operation *wide = mlir::clone(b, &inner, types, values);
    mapping.map(inner.getResults(), wide->getResults());
  }
  Values results;
  for (Value value : body->getTerminator()->getOperands())
    results.push_back(mapping.lookupOrDefault(value));
  return results;
}

Value GenericEmitter::combine(int64_t output, Value lhs, Value rhs) {
  return mlir::clone(b, combiners[output], lhs.getType(), {lhs, rhs})->getResult(0);
}

/// Halves the vector until one lane is left.
Value GenericEmitter::reduceLanes(int64_t output, Value vector) {
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  while (lanes > 1) {
    lanes /= 2;
    auto low = llvm::to_vector(llvm::seq<int64_t>(0, lanes));
    auto high = llvm::to_vector(llvm::seq<int64_t>(lanes, 2 * lanes));
    Value lowHalf = vector::ShuffleOp::create(b, vector, vector, low);
    Value highHalf = vector::ShuffleOp::create(b, vector, vector, high);
    vector = combine(output, lowHalf, highHalf);
  }
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}

//===----------------------------------------------------------------------===//
// Parallel loops
//===----------------------------------------------------------------------===//

GenericEmitter::Range GenericEmitter::getRange(int64_t loop, int64_t extent) {
  if (!isSplit(loop))
    return {indexConstant(b, 0), indexConstant(b, extent)};
  Value lower = convoy::affine(b, splitIndex, plan.chunk, 0);
  Value upper = convoy::affine(b, lower, 1, plan.chunk);
  if (extent % plan.chunk || extent < plan.extents[loop])
    upper = arith::MinUIOp::create(b, upper, indexConstant(b, extent));
  return {lower, upper};
}

/// Runs `body` for each whole vector of a loop, then for what is left of it.
void GenericEmitter::forEachVector(
    int64_t loop, ValueRange offsets,
    function_ref<void(ValueRange offsets, int64_t lanes)> body) {
  int64_t extent = plan.extents[loop], rest = extent % plan.lanes, whole = extent - rest;
  if (whole == plan.lanes) {
    body(offsets, plan.lanes);
  } else if (whole) {
    Range range = getRange(loop, whole);
    emitLoop(b, range.lower, range.upper, plan.lanes, {}, [&](Value iv, ValueRange) {
      body(advance(offsets, loop, iv), plan.lanes);
      return Values();
    });
  }
  if (!rest)
    return;
  OpBuilder::InsertionGuard guard(b);
  if (isSplit(loop)) {
    Value last = indexConstant(b, llvm::divideCeil(extent, plan.chunk) - 1);
    Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, splitIndex, last);
    auto branch = scf::IfOp::create(b, isLast, /*withElseRegion=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
  }
  for (int64_t lanes = plan.lanes / 2; lanes; lanes /= 2)
    if (rest & lanes) {
      body(advance(offsets, loop, indexConstant(b, whole)), lanes);
      whole += lanes;
    }
}

void GenericEmitter::emitParallel(int64_t loop, ValueRange offsets) {
  bool hasVector = plan.vector == GenericPlan::Vector::Parallel;
  if (loop == plan.numParallel) {
    if (plan.vector == GenericPlan::Vector::Reduction)
      return emitReduction(offsets);
    return emitPoint(offsets, 1);
  }
  if (plan.transposes && loop == plan.numParallel - 2)
    return emitTiles(offsets);
  if (hasVector && loop == plan.numParallel - 1) {
    // What does not change along the loop is read once.
    Values uniforms(plan.accesses.size());
    if (!reduces())
      for (int64_t i = 0; i < firstOutput(); ++i)
        if (isRead(i) && plan.accesses[i].stride(loop) == 0)
          uniforms[i] = load(i, offsets[i], 0, 1);
    return forEachVector(loop, offsets, [&](ValueRange inner, int64_t lanes) {
      emitPoint(inner, lanes, uniforms);
    });
  }
  Range range = getRange(loop, plan.extents[loop]);
  emitLoop(b, range.lower, range.upper, 1, {}, [&](Value iv, ValueRange) {
    emitParallel(loop + 1, advance(offsets, loop, iv));
    return Values();
  });
}

void GenericEmitter::emitPoint(ValueRange offsets, int64_t lanes, ArrayRef<Value> uniforms) {
  int64_t loop = plan.numParallel - 1;
  auto read = [&](int64_t i, Value offset) -> Value {
    if (!uniforms.empty() && uniforms[i])
      return uniforms[i];
    int64_t stride = lanes == 1 ? 0 : plan.accesses[i].stride(loop);
    return load(i, offset, stride, lanes);
  };
  Values outputs;
  for (int64_t i = firstOutput(); i < int64_t(plan.accesses.size()); ++i)
    outputs.push_back(isRead(i) ? widen(read(i, offsets[i]), lanes) : Value());
  auto body = [&](ValueRange inner, ValueRange carried) {
    Values arguments;
    for (int64_t i = 0; i < firstOutput(); ++i)
      arguments.push_back(isRead(i) ? read(i, inner[i]) : Value());
    llvm::append_range(arguments, carried);
    Values results = emitBody(arguments, {}, lanes);
    for (Value &result : results)
      result = widen(result, lanes);
    return results;
  };
  Values results;
  if (reduces())
    results = emitReductionLoops(plan.numParallel, offsets, outputs, body);
  else
    results = body(offsets, outputs);
  for (auto [i, result] : llvm::enumerate(results))
    store(firstOutput() + i, result, offsets[firstOutput() + i], lanes);
}

//===----------------------------------------------------------------------===//
// Transposed tiles
//===----------------------------------------------------------------------===//

/// Transposes a square of vectors by swapping ever smaller off-diagonal blocks.
void GenericEmitter::transposeTile(MutableArrayRef<Value> rows) {
  int64_t size = rows.size();
  for (int64_t block = size / 2; block; block /= 2) {
    for (int64_t row = 0; row < size; ++row) {
      if (row & block)
        continue;
      SmallVector<int64_t> low, high;
      for (int64_t lane = 0; lane < size; ++lane) {
        low.push_back(lane & block ? size + lane - block : lane);
        high.push_back(lane & block ? size + lane : lane + block);
      }
      Value x = rows[row], y = rows[row + block];
      rows[row] = vector::ShuffleOp::create(b, x, y, low);
      rows[row + block] = vector::ShuffleOp::create(b, x, y, high);
    }
  }
}

/// A square of lanes x lanes: inputs that are contiguous in the loop before the
/// last are read along it and transposed.
void GenericEmitter::emitTile(ValueRange offsets) {
  int64_t column = plan.numParallel - 1, row = column - 1, lanes = plan.lanes;
  SmallVector<Values> tiles(plan.accesses.size());
  for (int64_t i = 0; i < firstOutput(); ++i) {
    const Access &access = plan.accesses[i];
    if (!isRead(i) || access.stride(row) != 1 || access.stride(column) <= 1)
      continue;
    for (int64_t lane = 0; lane < lanes; ++lane)
      tiles[i].push_back(
          load(i, convoy::affine(b, offsets[i], 1, lane * access.stride(column)), 1, lanes));
    transposeTile(tiles[i]);
  }
  for (int64_t r = 0; r < lanes; ++r) {
    Values uniforms(plan.accesses.size());
    for (auto [uniform, tile] : llvm::zip(uniforms, tiles))
      if (!tile.empty())
        uniform = tile[r];
    emitPoint(advance(offsets, row, indexConstant(b, r)), lanes, uniforms);
  }
}

void GenericEmitter::emitTiles(ValueRange offsets) {
  int64_t column = plan.numParallel - 1, row = column - 1;
  forEachVector(row, offsets, [&](ValueRange band, int64_t rows) {
    Values bandOffsets(band);
    forEachVector(column, bandOffsets, [&](ValueRange tile, int64_t columns) {
      if (rows == plan.lanes && columns == plan.lanes)
        return emitTile(tile);
      Values tileOffsets(tile);
      emitLoop(b, rows, {}, [&](Value iv, ValueRange) {
        emitPoint(advance(tileOffsets, row, iv), columns);
        return Values();
      });
    });
  });
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Values GenericEmitter::emitReductionLoops(
    int64_t loop, ValueRange offsets, ValueRange carried,
    function_ref<Values(ValueRange offsets, ValueRange carried)> body) {
  int64_t end = plan.numLoops() - (plan.vector == GenericPlan::Vector::Reduction);
  if (loop == end)
    return body(offsets, carried);
  return emitLoop(b, plan.extents[loop], carried, [&](Value iv, ValueRange inner) {
    return emitReductionLoops(loop + 1, advance(offsets, loop, iv), inner, body);
  });
}

/// One output element: vectors accumulate along the innermost loop, a scalar
/// takes the elements that do not fill one.
void GenericEmitter::emitReduction(ValueRange offsets) {
  int64_t loop = plan.numLoops() - 1, extent = plan.extents[loop], lanes = plan.lanes;
  int64_t accumulators = std::min(kAccumulators, extent / lanes);
  int64_t perOutput = accumulators + 1;

  auto neutral = [&](int64_t output, int64_t width) -> Value {
    TypedAttr value = *arith::getNeutralElement(combiners[output]);
    return widen(arith::ConstantOp::create(b, value), width);
  };
  Values carried;
  for (int64_t output = 0; output < numOutputs(); ++output) {
    carried.append(accumulators, accumulators ? neutral(output, lanes) : Value());
    int64_t operand = firstOutput() + output;
    carried.push_back(load(operand, offsets[operand], 0, 1));
  }
  /// Adds `width` elements to the accumulator `which` of each output.
  auto step = [&](ValueRange inner, Values &state, int64_t which, int64_t width) {
    Values arguments;
    for (int64_t i = 0; i < firstOutput(); ++i)
      arguments.push_back(isRead(i) ? load(i, inner[i], plan.accesses[i].stride(loop), width)
                                    : Value());
    bool isPiece = which == accumulators && width > 1;
    for (int64_t output = 0; output < numOutputs(); ++output)
      arguments.push_back(isPiece ? neutral(output, width)
                                  : state[output * perOutput + which]);
    Values results = emitBody(arguments, {}, width);
    for (int64_t output = 0; output < numOutputs(); ++output) {
      Value &slot = state[output * perOutput + which];
      Value result = widen(results[output], width);
      slot = isPiece ? combine(output, slot, reduceLanes(output, result)) : result;
    }
  };
  auto row = [&](ValueRange inner, ValueRange before) -> Values {
    Values rowOffsets(inner), state(before);
    int64_t stride = accumulators * lanes, done = 0;
    if (stride && extent >= 2 * stride) {
      done = extent - extent % stride;
      state = emitLoop(b, indexConstant(b, 0), indexConstant(b, done), stride, state,
                       [&](Value iv, ValueRange next) {
                         Values updated(next);
                         for (int64_t i = 0; i < accumulators; ++i)
                           step(advance(rowOffsets, loop, convoy::affine(b, iv, 1, i * lanes)),
                                updated, i, lanes);
                         return updated;
                       });
    }
    for (int64_t i = 0; done + lanes <= extent; ++i, done += lanes)
      step(advance(rowOffsets, loop, indexConstant(b, done)), state, i % accumulators, lanes);
    for (int64_t width = lanes / 2; width; width /= 2)
      if ((extent - done) & width) {
        step(advance(rowOffsets, loop, indexConstant(b, done)), state, accumulators, width);
        done += width;
      }
    return state;
  };
  Values state = emitReductionLoops(plan.numParallel, offsets, carried, row);
  for (int64_t output = 0; output < numOutputs(); ++output) {
    MutableArrayRef<Value> slots = MutableArrayRef(state).slice(output * perOutput, perOutput);
    Value result = slots.back();
    if (accumulators) {
      Value sum = slots[0];
      for (int64_t i = 1; i < accumulators; ++i)
        sum = combine(output, sum, slots[i]);
      result = combine(output, result, reduceLanes(output, sum));
    }
    int64_t operand = firstOutput() + output;
    store(operand, result, offsets[operand], 1);
  }
}

//===----------------------------------------------------------------------===//
// The task
//===----------------------------------------------------------------------===//

/// The iterations of the loops before the split one that the task stands for;
/// sets `splitIndex`.
Values GenericEmitter::getTaskIndices() {
  if (plan.splitLoop < 0)
    return {};
  SmallVector<int64_t> extents(ArrayRef(plan.extents).take_front(plan.splitLoop));
  extents.push_back(llvm::divideCeil(plan.extents[plan.splitLoop], plan.chunk));
  Values ivs = delinearize(b, task, extents);
  splitIndex = ivs.pop_back_val();
  return ivs;
}

/// Loops as the operation states them, one element at a time.
void GenericEmitter::emitGeneral() {
  Values ivs = getTaskIndices();
  std::function<void(int64_t)> nest = [&](int64_t loop) {
    if (loop < plan.numLoops()) {
      Range range = getRange(loop, plan.extents[loop]);
      emitLoop(b, range.lower, range.upper, 1, {}, [&](Value iv, ValueRange) {
        ivs.push_back(iv);
        nest(loop + 1);
        ivs.pop_back();
        return Values();
      });
      return;
    }
    SmallVector<Values> indices(operands.size());
    Values arguments;
    for (auto [i, operand] : llvm::enumerate(operands)) {
      if (plan.accesses[i].isScalar) {
        arguments.push_back(operand);
        continue;
      }
      for (AffineExpr expr : plan.maps[i].getResults())
        indices[i].push_back(affine::expandAffineExpr(b, b.getLoc(), expr, ivs, {}));
      arguments.push_back(
          isRead(i) ? memref::LoadOp::create(b, operand, indices[i]).getResult() : Value());
    }
    Values results = emitBody(arguments, ivs, 1);
    for (auto [i, result] : llvm::enumerate(results))
      memref::StoreOp::create(b, result, operands[firstOutput() + i],
                              indices[firstOutput() + i]);
  };
  nest(ivs.size());
}

LogicalResult GenericEmitter::captureConstants() {
  if (!linalgOp)
    return success();
  SetVector<Value> values;
  getUsedValuesDefinedAbove(linalgOp->getRegion(0), linalgOp->getRegion(0), values);
  for (Value value : values) {
    Operation *constant = value.getDefiningOp();
    if (!constant || !constant->hasTrait<OpTrait::ConstantLike>())
      return op->emitError("uses a value from outside of its body that is no constant");
    captured.map(value, b.clone(*constant)->getResult(0));
  }
  return success();
}

LogicalResult GenericEmitter::run() {
  if (failed(captureConstants()))
    return failure();
  if (plan.isGeneral) {
    emitGeneral();
    return success();
  }
  if (plan.vector == GenericPlan::Vector::Reduction)
    for (int64_t i = 0; i < numOutputs(); ++i) {
      SmallVector<Operation *> found;
      matchReduction(linalgOp.getRegionOutputArgs(), i, found);
      combiners.push_back(found.front());
    }
  flatten();
  Values offsets(plan.accesses.size(), indexConstant(b, 0));
  Values ivs = getTaskIndices();
  for (auto [loop, iv] : llvm::enumerate(ivs))
    offsets = advance(offsets, loop, iv);
  emitParallel(ivs.size(), offsets);
  return success();
}

namespace {

struct GenericFamily : KernelFamily {
  StringRef getName() const override { return "generic"; }

  bool matches(Operation *op, cnn::TargetAttr target) const override {
    return succeeded(GenericPlan::create(op, target));
  }
  int64_t countTasks(Operation *op, cnn::TargetAttr target) const override {
    return GenericPlan::create(op, target)->tasks;
  }
  LogicalResult buildTask(ImplicitLocOpBuilder &builder, Operation *op, ValueRange operands,
                          Value task, cnn::TargetAttr target) const override {
    FailureOr<GenericPlan> plan = GenericPlan::create(op, target);
    return GenericEmitter(builder, op, *plan, operands, task).run();
  }
};

} // namespace

void convoy::addGenericKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<GenericFamily>());
}
