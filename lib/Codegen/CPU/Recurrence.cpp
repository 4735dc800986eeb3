//===- Recurrence.cpp - Steps of RNN, GRU and LSTM cells ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A task runs all steps of some sequences in one direction. The states are in scratch memory,
// `h` twice: a step reads one of the two and writes the other. A row of a state has room for
// the units of all blocks, so that only accesses to tensors need masks.
//
// A register tile has all gates of a block of hidden units, for some sequences. Each element
// of `h` is broadcast and multiplied by a row of the weights. The sums of several sequences go
// to scratch memory, so that the code of a cell is there once.
//
//===----------------------------------------------------------------------===//

#include "QuantizeState.h"
#include "RecurrencePlan.h"
#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

/// A sequence in a step.
struct Row {
  /// Its number in the task, and in the batch.
  Value local, number;
  /// Whether the sequence has this step; null if it always has.
  Value isActive;
  /// Where the input and the result of the step are.
  Value position;
};

/// A block of hidden units in a product with weights.
struct Block {
  const RecurrenceTile &tile;
  Value weights;
  int64_t gates;
  /// Element `k` of the vector that is multiplied, for a row of the task.
  std::function<Value(Value row, Value k)> source;
  Value number, firstUnit;
  /// The lanes of each vector that are hidden units; empty if all are.
  SmallVector<Value> masks;
};

/// Writes the code of one part.
class RecurrenceEmitter {
public:
  RecurrenceEmitter(ImplicitLocOpBuilder &b, RecurrenceOp op, ValueRange operands,
                    const RecurrencePlan &plan)
      : b(b), op(op), operands(operands.drop_back(), op), scratch(operands.back()),
        output(operands[operands.size() - 2]), plan(plan),
        type(VectorType::get({plan.tile.lanes}, b.getF32Type())) {}

  void build(Value part) {
    SmallVector<Value> indices = delinearize(b, part, {plan.directions, plan.groups});
    direction = indices[0];
    firstTile = affine(b, indices[1], plan.taskTiles, 0);
    endTile = affine(b, firstTile, 1, plan.taskTiles);
    if (plan.tiles % plan.taskTiles != 0)
      endTile = arith::MinUIOp::create(b, endTile, indexConstant(b, plan.tiles));
    h = view(0, {2, plan.rows(), plan.units});
    SmallVector<int64_t> shape = {plan.rows(), plan.units};
    if (op.getCell() == CellKind::lstm)
      c = view(2, shape);
    if (op.getScales())
      quantizedH = view(3, shape);
    if (op.getCandidate()) {
      update = view(2, shape);
      resetH = view(3, shape);
    }
    if (plan.sums > 0)
      sums = view(plan.buffers, {plan.rows(), plan.sums});
    firstRow = affine(b, firstTile, plan.tile.rows, 0);
    endRow = indexConstant(b, plan.rows());
    if (plan.batch % plan.rows() != 0)
      endRow = arith::MinUIOp::create(
          b, endRow, arith::SubIOp::create(b, indexConstant(b, plan.batch), firstRow));
    size_t count = RecurrenceOp::countFunctions(op.getCell());
    auto all = llvm::to_vector(op.getFunctions().getAsRange<FunctionAttr>());
    auto first = ArrayRef(all).take_front(count), last = ArrayRef(all).take_back(count);
    if (first == last) {
      functions = first;
      return buildSteps();
    }
    Value isFirst =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, direction, indexConstant(b, 0));
    emitIfElse(b, isFirst, [&](bool isFirst) {
      functions = isFirst ? first : last;
      buildSteps();
    });
  }

private:
  //===--------------------------------------------------------------------===//
  // Accesses
  //===--------------------------------------------------------------------===//

  /// A view of the scratch memory from buffer `number` on.
  Value view(int64_t number, ArrayRef<int64_t> shape) {
    return memref::ViewOp::create(b, MemRefType::get(shape, b.getF32Type()), scratch,
                                  indexConstant(b, number * plan.bufferBytes()), ValueRange());
  }
  /// Loads a vector of a tensor, or of a state in scratch memory if there is no mask.
  Value load(Value buffer, ValueRange indices, Value mask = {}) {
    if (!mask)
      return vector::LoadOp::create(b, type, buffer, indices);
    return vector::MaskedLoadOp::create(b, type, buffer, indices, mask, zeroVector(b, type));
  }
  void store(Value value, Value buffer, ValueRange indices, Value mask = {}) {
    if (mask)
      vector::MaskedStoreOp::create(b, buffer, indices, mask, value);
    else
      vector::StoreOp::create(b, value, buffer, indices);
  }
  /// The mask of a vector that begins at a hidden unit.
  Value emitMask(Value unit) {
    Value count = arith::SubIOp::create(b, indexConstant(b, plan.hidden), unit);
    return vector::CreateMaskOp::create(b, type.clone(b.getI1Type()), count);
  }

  /// The first unit of vector `v` of a block, for gate `gate` of a row with several gates.
  Value unitOf(const Block &block, int64_t v, int64_t gate = 0) {
    return affine(b, block.firstUnit, 1, gate * plan.hidden + v * type.getDimSize(0));
  }
  Value maskOf(const Block &block, int64_t v) {
    return block.masks.empty() ? Value() : block.masks[v];
  }
  Value loadInput(const Block &block, const Row &row, int64_t v, int64_t gate) {
    return load(operands.getInput(),
                {row.position, row.number, direction, unitOf(block, v, gate)},
                maskOf(block, v));
  }
  /// The vector of an operand `D x gates*H`.
  Value loadParameter(Value parameter, const Block &block, int64_t v, int64_t gate) {
    return load(parameter, {direction, unitOf(block, v, gate)}, maskOf(block, v));
  }
  Value loadState(Value buffer, const Block &block, const Row &row, int64_t v) {
    return load(buffer, {row.local, unitOf(block, v)});
  }
  Value loadH(const Block &block, const Row &row, int64_t v) {
    return load(h, {parity, row.local, unitOf(block, v)});
  }

  //===--------------------------------------------------------------------===//
  // Arithmetic
  //===--------------------------------------------------------------------===//

  Value fma(Value x, Value y, Value z) { return vector::FMAOp::create(b, x, y, z); }
  Value addUp(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  /// Function `number` of the direction, of the clipped argument.
  Value apply(int64_t number, Value x) {
    if (op.getClip()) {
      float clip = op.getClip()->convertToFloat();
      x = emitUnary(b, b.getLoc(),
                    FunctionAttr::get(b.getContext(), UnaryKind::clip, -clip, clip), x);
    }
    return emitUnary(b, b.getLoc(), functions[number], x);
  }

  /// Adds the products with elements `k` for the rows from `firstLocal` on to `sums`, which
  /// are in the order gates, vectors, rows.
  void addProducts(const Block &block, Value firstLocal, Value k,
                   MutableArrayRef<Value> sums) {
    const RecurrenceTile &tile = block.tile;
    bool isPacked = RecurrenceOp::isPacked(block.weights);
    SmallVector<Value> factors;
    for (int64_t r = 0; r < tile.rows; ++r)
      factors.push_back(
          vector::BroadcastOp::create(b, type, block.source(affine(b, firstLocal, 1, r), k)));
    Value *sum = sums.begin();
    for (int64_t gate = 0; gate < block.gates; ++gate)
      for (int64_t v = 0; v < tile.vectors; ++v) {
        Value weight =
            isPacked ? loadPacked(block, {direction, block.number, k, indexConstant(b, gate),
                                          indexConstant(b, v * tile.lanes)})
                     : load(block.weights, {direction, k, unitOf(block, v, gate)},
                            maskOf(block, v));
        for (Value factor : factors) {
          *sum = fma(factor, weight, *sum);
          ++sum;
        }
      }
  }

  /// Loads a vector of packed weights, which may be integers.
  Value loadPacked(const Block &block, ValueRange indices) {
    Type stored = cast<MemRefType>(block.weights.getType()).getElementType();
    if (stored.isF32())
      return load(block.weights, indices);
    Value weights = vector::LoadOp::create(b, type.clone(stored), block.weights, indices);
    weights = arith::ExtSIOp::create(b, type.clone(b.getI32Type()), weights);
    return arith::SIToFPOp::create(b, type, weights);
  }

  /// The sums of the products of a tile, for all elements.
  SmallVector<Value> multiply(const Block &block, Value firstLocal) {
    int64_t splits = block.tile.splits, whole = plan.hidden / splits;
    size_t count = block.gates * block.tile.vectors * block.tile.rows;
    SmallVector<Value> sums(count * splits, zeroVector(b, type));
    if (whole > 0)
      sums = emitSumLoop(b, whole, sums,
                         BlockSums(sums, [this](Value x, Value y) { return addUp(x, y); }),
                         [&](Value index, ValueRange carried) {
                           SmallVector<Value> next(carried);
                           for (int64_t split = 0; split < splits; ++split)
                             addProducts(block, firstLocal, affine(b, index, splits, split),
                                         MutableArrayRef(next).slice(split * count, count));
                           return next;
                         });
    for (int64_t k = whole * splits; k < plan.hidden; ++k)
      addProducts(block, firstLocal, indexConstant(b, k),
                  MutableArrayRef(sums).take_front(count));
    for (size_t i = count; i < sums.size(); ++i)
      sums[i % count] = addUp(sums[i % count], sums[i]);
    sums.truncate(count);
    return sums;
  }

  /// Emits `visit(row, column, number)` for the place of each sum of a tile in the buffer.
  void forEachSum(const Block &block, Value firstLocal,
                  llvm::function_ref<void(Value, Value, int64_t)> visit) {
    int64_t vectors = block.gates * block.tile.vectors, rows = block.tile.rows;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t vector = 0; vector < vectors; ++vector)
        visit(affine(b, firstLocal, 1, r), indexConstant(b, vector * block.tile.lanes),
              vector * rows + r);
  }

  /// Puts the sums of all tiles of the task into the buffer. Several tiles share weights that
  /// are in the L1 cache: those for some elements.
  void multiplyRows(const Block &block) {
    bool inPieces = plan.taskTiles > 1 && block.tile.splits == 1 && plan.hidden > kSumBlock;
    if (!inPieces)
      return forEachTileOfTask([&](Value firstLocal) {
        SmallVector<Value> made = multiply(block, firstLocal);
        forEachSum(block, firstLocal, [&](Value row, Value column, int64_t number) {
          store(made[number], sums, {row, column});
        });
      });
    forEachTileOfTask([&](Value firstLocal) {
      forEachSum(block, firstLocal, [&](Value row, Value column, int64_t) {
        store(zeroVector(b, type), sums, {row, column});
      });
    });
    int64_t pieces = llvm::divideCeil(plan.hidden, kSumBlock);
    emitLongLoop(indexConstant(b, 0), indexConstant(b, pieces), [&](Value piece) {
      Value lower = affine(b, piece, kSumBlock, 0), upper = affine(b, lower, 1, kSumBlock);
      if (plan.hidden % kSumBlock != 0)
        upper = arith::MinUIOp::create(b, upper, indexConstant(b, plan.hidden));
      forEachTileOfTask([&](Value firstLocal) {
        SmallVector<Value> made(block.gates * block.tile.vectors * block.tile.rows,
                                zeroVector(b, type));
        made = emitLoop(b, lower, upper, 1, made, [&](Value k, ValueRange carried) {
          SmallVector<Value> next(carried);
          addProducts(block, firstLocal, k, next);
          return next;
        });
        forEachSum(block, firstLocal, [&](Value row, Value column, int64_t number) {
          Value before = load(sums, {row, column});
          store(addUp(before, made[number]), sums, {row, column});
        });
      });
    });
  }

  //===--------------------------------------------------------------------===//
  // Steps
  //===--------------------------------------------------------------------===//

  Row getRow(Value local) { return {local, add(b, firstRow, local), {}, {}}; }

  /// Finds where a row is in its sequence.
  void locate(Row &row, Value step) {
    Value last = indexConstant(b, plan.steps - 1);
    if (Value lengths = operands.getLengths()) {
      Value length = memref::LoadOp::create(b, lengths, row.number);
      length = arith::IndexCastOp::create(b, b.getIndexType(), length);
      length = arith::MaxSIOp::create(b, length, indexConstant(b, 0));
      length = arith::MinSIOp::create(b, length, indexConstant(b, plan.steps));
      row.isActive = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, step, length);
      last = affine(b, length, 1, -1);
    }
    row.position = step;
    if (op.getDirection() == cnn::Direction::forward)
      return;
    row.position = arith::SubIOp::create(b, last, step);
    Value isReverse = row.isActive;
    if (op.getDirection() == cnn::Direction::bidirectional) {
      Value second =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ne, direction, indexConstant(b, 0));
      isReverse = isReverse ? arith::AndIOp::create(b, isReverse, second) : second;
    }
    if (isReverse)
      row.position = select(isReverse, row.position, step);
  }

  /// A loop that LLVM does not unroll: its body is long.
  void emitLongLoop(Value lower, Value upper, llvm::function_ref<void(Value)> body) {
    auto loop = scf::ForOp::create(b, lower, upper, indexConstant(b, 1));
    keepRolled(loop);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }

  /// Emits `body` for each tile of the task, with its first row.
  void forEachTileOfTask(llvm::function_ref<void(Value)> body) {
    if (plan.taskTiles == 1)
      return body(indexConstant(b, 0));
    Value count = arith::SubIOp::create(b, endTile, firstTile);
    emitLongLoop(indexConstant(b, 0), count,
                 [&](Value number) { body(affine(b, number, plan.tile.rows, 0)); });
  }

  /// Emits `body` for each row of the task.
  void forEachRow(llvm::function_ref<void(Value)> body) {
    if (plan.rows() == 1)
      body(indexConstant(b, 0));
    else
      emitLongLoop(indexConstant(b, 0), endRow, body);
  }

  /// Emits `body(row, vector of units, its first unit, its mask)` for the states of the task.
  void forEachState(llvm::function_ref<void(const Row &, Value, Value)> body) {
    forEachRow([&](Value local) {
      Row row = getRow(local);
      int64_t vectors = plan.units / plan.tile.lanes;
      emitLoop(b, vectors, {}, [&](Value v, ValueRange) -> SmallVector<Value> {
        Value unit = affine(b, v, plan.tile.lanes, 0);
        body(row, unit, plan.units == plan.hidden ? Value() : emitMask(unit));
        return {};
      });
    });
  }

  using Body =
      llvm::function_ref<void(const Block &, const Row &, int64_t, MutableArrayRef<Value>)>;

  /// Emits `body(block, row, vector, sums of the gates)` for the products of a step with
  /// weights.
  void forEachProduct(const RecurrenceTile &tile, Value weights, int64_t gates, Value step,
                      std::function<Value(Value, Value)> source, Body body) {
    auto visit = [&](Value number) {
      // Every other step begins with the blocks that the last one has left in the cache.
      if (tile.blocks > 1)
        number = select(isOdd, affine(b, number, -1, tile.blocks - 1), number);
      Block block{tile, weights, gates, source, number, affine(b, number, tile.units(), 0),
                  {}};
      if (plan.hidden % tile.units() != 0)
        for (int64_t v = 0; v < tile.vectors; ++v)
          block.masks.push_back(emitMask(unitOf(block, v)));
      SmallVector<Value> made;
      if (plan.rows() == 1)
        made = multiply(block, indexConstant(b, 0));
      else
        multiplyRows(block);
      forEachRow([&](Value local) {
        Row row = getRow(local);
        locate(row, step);
        for (int64_t v = 0; v < tile.vectors; ++v) {
          SmallVector<Value> ofGates;
          for (int64_t gate = 0; gate < gates; ++gate) {
            int64_t number = gate * tile.vectors + v;
            Value column = indexConstant(b, number * tile.lanes);
            ofGates.push_back(made.empty() ? load(sums, {local, column}) : made[number]);
          }
          body(block, row, v, ofGates);
        }
      });
    };
    if (tile.blocks == 1)
      visit(indexConstant(b, 0));
    else
      emitLongLoop(indexConstant(b, 0), indexConstant(b, tile.blocks), visit);
  }

  void buildSteps() {
    Value zero = indexConstant(b, 0);
    if (plan.batch % plan.tile.rows != 0)
      clearUnusedRows();
    forEachState([&](const Row &row, Value unit, Value mask) {
      auto first = [&](Value state) {
        return state ? load(state, {direction, row.number, unit}, mask) : zeroVector(b, type);
      };
      store(first(operands.getInitialH()), h, {zero, row.local, unit});
      if (c)
        store(first(operands.getInitialC()), c, {row.local, unit});
    });
    emitLongLoop(zero, indexConstant(b, plan.steps), [&](Value step) {
      parity = arith::RemUIOp::create(b, step, indexConstant(b, 2));
      isOdd = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, parity, zero);
      buildStep(step);
    });
    Value slab = indexConstant(b, op.getSequence() ? plan.steps : 0);
    Value lastParity = indexConstant(b, plan.steps % 2);
    forEachState([&](const Row &row, Value unit, Value mask) {
      if (op.getLastH())
        store(load(h, {lastParity, row.local, unit}), output,
              {slab, direction, row.number, unit}, mask);
      if (op.getLastC())
        store(load(c, {row.local, unit}), output,
              {affine(b, slab, 1, op.getLastH() ? 1 : 0), direction, row.number, unit}, mask);
    });
  }

  /// The last tile multiplies rows past the last one, too. They should not be denormal
  /// numbers, which are slow.
  void clearUnusedRows() {
    emitLongLoop(endRow, indexConstant(b, plan.rows()), [&](Value local) {
      emitLoop(b, plan.units / plan.tile.lanes, {}, [&](Value v, ValueRange) {
        Value unit = affine(b, v, plan.tile.lanes, 0);
        for (int64_t i = 0; i < 2; ++i)
          store(zeroVector(b, type), h, {indexConstant(b, i), local, unit});
        for (Value buffer : {resetH, quantizedH})
          if (buffer)
            store(zeroVector(b, type), buffer, {local, unit});
        return SmallVector<Value>();
      });
    });
  }

  void buildStep(Value step) {
    if (op.getScales())
      scaleOfH = quantizeState(b, type, h, parity, endRow, plan.hidden, quantizedH);
    auto elementOfH = [this](Value row, Value k) -> Value {
      if (quantizedH)
        return memref::LoadOp::create(b, quantizedH, ValueRange{row, k});
      return memref::LoadOp::create(b, h, ValueRange{parity, row, k});
    };
    forEachProduct(plan.tile, operands.getWeights(), op.getWeightGates(), step, elementOfH,
                   [&](const Block &block, const Row &row, int64_t v,
                       MutableArrayRef<Value> sums) { buildCell(block, row, v, sums); });
    if (!op.getCandidate())
      return;
    auto elementOfResetH = [this](Value row, Value k) -> Value {
      return memref::LoadOp::create(b, resetH, ValueRange{row, k});
    };
    forEachProduct(
        plan.candidate, operands.getCandidate(), /*gates=*/1, step, elementOfResetH,
        [&](const Block &block, const Row &row, int64_t v, MutableArrayRef<Value> sums) {
          Value n = addUp(sums[0], loadInput(block, row, v, /*gate=*/2));
          finishGru(block, row, v, loadState(update, block, row, v), apply(1, n));
        });
  }

  //===--------------------------------------------------------------------===//
  // Cells
  //===--------------------------------------------------------------------===//

  /// `gates` are the products with the last `h`.
  void buildCell(const Block &block, const Row &row, int64_t v, MutableArrayRef<Value> gates) {
    // Only the reset gate multiplies a product without its input.
    bool isResetAfter = op.getCell() == CellKind::gru && !op.getCandidate();
    for (auto [gate, sum] : llvm::enumerate(gates)) {
      if (Value scales = operands.getScales())
        sum = mul(sum, mul(scaleOfH, loadParameter(scales, block, v, gate)));
      if (!(isResetAfter && gate == 2))
        sum = addUp(sum, loadInput(block, row, v, gate));
      else if (op.getBias())
        sum = addUp(sum, loadParameter(operands.getBias(), block, v, 0));
    }
    switch (op.getCell()) {
    case CellKind::rnn:
      return finish(block, row, v, apply(0, gates[0]), loadOld(block, row, v));
    case CellKind::gru: {
      Value z = apply(0, gates[0]), r = apply(0, gates[1]);
      if (isResetAfter)
        return finishGru(block, row, v, z,
                         apply(1, fma(r, gates[2], loadInput(block, row, v, /*gate=*/2))));
      store(z, update, {row.local, unitOf(block, v)});
      store(mul(r, loadH(block, row, v)), resetH, {row.local, unitOf(block, v)});
      return;
    }
    case CellKind::lstm:
      return buildLstm(block, row, v, gates);
    }
  }

  void finishGru(const Block &block, const Row &row, int64_t v, Value z, Value n) {
    Value last = loadH(block, row, v);
    finish(block, row, v, fma(z, sub(last, n), n), last);
  }

  void buildLstm(const Block &block, const Row &row, int64_t v, ArrayRef<Value> gates) {
    Value last = loadState(c, block, row, v);
    auto gate = [&](int64_t number, Value state) {
      Value x = gates[number];
      if (Value peepholes = operands.getPeepholes())
        x = fma(loadParameter(peepholes, block, v, number), state, x);
      return apply(0, x);
    };
    Value i = gate(0, last);
    Value forget = op.getInputForget() ? sub(splatVector(b, type, 1.0f), i) : gate(2, last);
    Value n = apply(1, gates[3]);
    Value next = fma(forget, last, mul(i, n));
    Value o = gate(1, next);
    Value result = mul(o, apply(2, next));
    if (row.isActive)
      next = select(row.isActive, next, last);
    store(next, c, {row.local, unitOf(block, v)});
    finish(block, row, v, result, loadOld(block, row, v));
  }

  /// The last state, if a sequence that has ended keeps it.
  Value loadOld(const Block &block, const Row &row, int64_t v) {
    return row.isActive ? loadH(block, row, v) : Value();
  }

  /// Stores the next `h`.
  void finish(const Block &block, const Row &row, int64_t v, Value next, Value last) {
    Value other = arith::SubIOp::create(b, indexConstant(b, 1), parity);
    Value unit = unitOf(block, v);
    store(row.isActive ? select(row.isActive, next, last) : next, h, {other, row.local, unit});
    if (!op.getSequence())
      return;
    if (row.isActive)
      next = select(row.isActive, next, zeroVector(b, type));
    store(next, output, {row.position, direction, row.number, unit}, maskOf(block, v));
  }

  ImplicitLocOpBuilder &b;
  RecurrenceOp op;
  RecurrenceOp::Adaptor operands;
  Value scratch, output;
  const RecurrencePlan &plan;
  VectorType type;
  ArrayRef<FunctionAttr> functions;
  Value direction, firstTile, endTile, firstRow, endRow;
  /// The states, and which of the two `h` a step reads.
  Value h, c, update, resetH, parity, isOdd;
  /// The last `h` as integers less their zero point, and a vector of its scale.
  Value quantizedH, scaleOfH;
  /// The sums of all gates of a block of units, for the rows of the task.
  Value sums;
};

struct RecurrenceFamily : KernelFamily {
  StringRef getName() const override { return "recurrence"; }

  bool matches(Operation *op, TargetAttr) const override { return isa<RecurrenceOp>(op); }

  int64_t countTasks(Operation *op, TargetAttr target) const override {
    RecurrencePlan plan(cast<RecurrenceOp>(op), target);
    return countUnitTasks(plan.parts(), plan.work);
  }

  int64_t countScratch(Operation *op, TargetAttr target) const override {
    RecurrencePlan plan(cast<RecurrenceOp>(op), target);
    return plan.scratchBytes();
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    auto recurrence = cast<RecurrenceOp>(op);
    RecurrencePlan plan(recurrence, target);
    for (Value weights : {recurrence.getWeights(), recurrence.getCandidate()})
      if (weights && RecurrenceOp::isPacked(weights) &&
          cast<ShapedType>(weights.getType()).getShape().back() % plan.tile.lanes != 0)
        return op->emitError("has weights that are not packed for vectors of ")
               << plan.tile.lanes << " lanes";
    forEachUnit(b, task, plan.parts(), countTasks(op, target), [&](Value part) {
      RecurrenceEmitter(b, recurrence, operands, plan).build(part);
    });
    return success();
  }
};

} // namespace

void convoy::cpu::addRecurrenceKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<RecurrenceFamily>());
}
