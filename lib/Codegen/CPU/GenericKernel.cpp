//===- GenericKernel.cpp - Kernels of linalg operations and copies --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// An operation that has no kernel of its own arrives here as a linalg operation or a copy.
// GenericPlan makes a loop nest of it with one linear index per operand; this file writes the
// nest. All extents are static, so elements that do not fill a vector are computed by smaller
// vectors of 2^n lanes instead of a loop.
//
//===----------------------------------------------------------------------===//

#include "GenericPlan.h"
#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Codegen/Common/GenericBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;

namespace {

using Values = SmallVector<Value>;

/// Accumulators of a reduction along the lanes: enough to hide the latency of one addition.
constexpr int64_t kAccumulators = 4;

class GenericEmitter : GenericBody {
public:
  GenericEmitter(ImplicitLocOpBuilder &b, Operation *op, const GenericPlan &plan,
                 ValueRange operands, Value task)
      : GenericBody(b, op, plan, operands), plan(plan), task(task) {}

  LogicalResult run();

private:
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
  void forEachVector(int64_t loop, ValueRange offsets,
                     function_ref<void(ValueRange offsets, int64_t lanes)> body);
  void emitParallel(int64_t loop, ValueRange offsets);
  void emitTiles(ValueRange offsets);
  void emitTile(ValueRange offsets);
  void emitReduction(ValueRange offsets);

  Value reduceLanes(int64_t output, Value vector);
  void transposeTile(MutableArrayRef<Value> rows);

  const GenericPlan &plan;
  Value task;
  /// Which chunk of the split loop the task runs.
  Value splitIndex;
};

} // namespace

//===----------------------------------------------------------------------===//
// Combining
//===----------------------------------------------------------------------===//

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

/// Runs `body` for each whole vector of a loop, then for the rest in smaller vectors.
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
    // Inputs that do not change along the loop are read once.
    Values uniforms(plan.accesses.size());
    if (!plan.reduces())
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

/// Computes a square of lanes x lanes: inputs that are contiguous in the loop before the last
/// are read along that loop and transposed.
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

/// Computes one element of each output. Vectors accumulate along the innermost loop; a scalar
/// accumulates the elements that do not fill a vector.
void GenericEmitter::emitReduction(ValueRange offsets) {
  int64_t loop = plan.numLoops() - 1, extent = plan.extents[loop], lanes = plan.lanes;
  int64_t accumulators = std::min(kAccumulators, extent / lanes);
  int64_t perOutput = accumulators + 1;

  Values carried;
  for (int64_t output = 0; output < numOutputs(); ++output) {
    carried.append(accumulators, accumulators ? emitNeutral(output, lanes) : Value());
    int64_t operand = firstOutput() + output;
    carried.push_back(load(operand, offsets[operand], 0, 1));
  }
  /// Combines `width` elements with accumulator `which` of each output.
  auto step = [&](ValueRange inner, Values &state, int64_t which, int64_t width) {
    Values arguments;
    for (int64_t i = 0; i < firstOutput(); ++i)
      arguments.push_back(isRead(i) ? load(i, inner[i], plan.accesses[i].stride(loop), width)
                                    : Value());
    bool isPiece = which == accumulators && width > 1;
    for (int64_t output = 0; output < numOutputs(); ++output)
      arguments.push_back(isPiece ? emitNeutral(output, width)
                                  : state[output * perOutput + which]);
    Values results = emitBody(arguments, {}, width);
    for (int64_t output = 0; output < numOutputs(); ++output) {
      Value &slot = state[output * perOutput + which];
      Value result = widen(results[output], width);
      slot = isPiece ? combine(output, slot, reduceLanes(output, result)) : result;
    }
  };
  BlockSums sums = getBlockSums(carried);
  int64_t stride = accumulators * lanes, steps = stride ? extent / stride : 0;
  auto row = [&](ValueRange inner, ValueRange before) -> Values {
    Values rowOffsets(inner), state(before);
    int64_t done = 0;
    if (steps >= 2) {
      done = steps * stride;
      state = emitSumLoop(b, steps, state, sums, [&](Value iv, ValueRange next) {
        Values updated(next);
        for (int64_t i = 0; i < accumulators; ++i)
          step(advance(rowOffsets, loop, convoy::affine(b, iv, stride, i * lanes)), updated, i,
               lanes);
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
  Values state = emitReductionLoops(plan.numParallel, plan.numLoops() - 1, offsets, carried,
                                    sums, row, std::max<int64_t>(steps, 1));
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

/// The task's indices in the loops before the split one; sets `splitIndex`.
Values GenericEmitter::getTaskIndices() {
  if (plan.splitLoop < 0)
    return {};
  SmallVector<int64_t> extents(ArrayRef(plan.extents).take_front(plan.splitLoop));
  extents.push_back(llvm::divideCeil(plan.extents[plan.splitLoop], plan.chunk));
  Values ivs = delinearize(b, task, extents);
  splitIndex = ivs.pop_back_val();
  return ivs;
}

/// Emits the loops in the operation's own order, one element at a time.
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
    emitIteration(ivs);
  };
  nest(ivs.size());
}

LogicalResult GenericEmitter::run() {
  if (failed(captureConstants()))
    return failure();
  if (plan.isGeneral) {
    emitGeneral();
    return success();
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

void convoy::cpu::addGenericKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<GenericFamily>());
}
