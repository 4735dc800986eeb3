//===- Recurrence.cpp - Layers of RNN, GRU and LSTM cells -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeRule.h"
#include "convoy/Dialect/Cnn/IR/FieldExtent.h"

using namespace mlir;
using namespace convoy::cnn;

int64_t RecurrenceOp::countGates(CellKind cell) {
  switch (cell) {
  case CellKind::rnn:
    return 1;
  case CellKind::gru:
    return 3;
  case CellKind::lstm:
    return 4;
  }
  llvm_unreachable("unknown cell");
}

int64_t RecurrenceOp::countFunctions(CellKind cell) {
  return cell == CellKind::rnn ? 1 : cell == CellKind::gru ? 2 : 3;
}

/// Packed weights have a dimension for blocks, and one for gates.
static constexpr size_t kPackedRank = 5;

bool RecurrenceOp::isPacked(Value weights) { return shapeOf(weights).size() == kPackedRank; }

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// The extents `T`, `B`, `D`, `H` of a recurrence, and its gates `G`.
namespace {
struct Extents {
  int64_t steps, batch, directions, hidden, gates;
};
} // namespace

static LogicalResult checkOperand(const ShapeRule &rule, StringRef name, Value value,
                                  ArrayRef<int64_t> expected) {
  if (!value || shapeOf(value) == expected)
    return success();
  auto print = [](ArrayRef<int64_t> shape) {
    return llvm::join(llvm::map_range(shape, [](int64_t n) { return std::to_string(n); }),
                      "x");
  };
  return rule.error(name, " has shape ", print(shapeOf(value)), ", expected ",
                    print(expected));
}

/// Checks weights `D x H x gates*H`, or packed ones.
static LogicalResult checkWeights(const ShapeRule &rule, StringRef name, Value value,
                                  const Extents &extents, int64_t gates) {
  if (!value)
    return success();
  ArrayRef<int64_t> shape = shapeOf(value);
  if (!RecurrenceOp::isPacked(value))
    return checkOperand(rule, name, value,
                        {extents.directions, extents.hidden, gates * extents.hidden});
  int64_t units = std::max<int64_t>(shape[4], 1);
  return checkOperand(rule, name, value,
                      {extents.directions, int64_t(llvm::divideCeil(extents.hidden, units)),
                       extents.hidden, gates, units});
}

static LogicalResult checkFunctions(const ShapeRule &rule, RecurrenceOp::Adaptor op,
                                    const Extents &extents) {
  int64_t expected = extents.directions * RecurrenceOp::countFunctions(op.getCell());
  if (int64_t(op.getFunctions().size()) != expected)
    return rule.error("has ", op.getFunctions().size(), " functions, expected ", expected);
  for (auto function : op.getFunctions().getAsRange<FunctionAttr>())
    if (function.getKind() == UnaryKind::logical_not ||
        function.getKind() == UnaryKind::bitwise_not)
      return rule.error("function ", stringifyUnaryKind(function.getKind()),
                        " has no meaning for floats");
  return success();
}

/// Checks that the operands and attributes that not each cell has are for the cell.
static LogicalResult checkCell(const ShapeRule &rule, RecurrenceOp::Adaptor op) {
  CellKind cell = op.getCell();
  auto refuse = [&](bool is, StringRef name) -> LogicalResult {
    if (is)
      return rule.error("a cell ", stringifyCellKind(cell), " has no ", name);
    return success();
  };
  bool isGru = cell == CellKind::gru, isLstm = cell == CellKind::lstm;
  if (failed(refuse(op.getCandidate() && !isGru, "candidate")) ||
      failed(refuse(op.getBias() && !isGru, "bias")) ||
      failed(refuse(op.getPeepholes() && !isLstm, "peepholes")) ||
      failed(refuse(op.getInitialC() && !isLstm, "state c")) ||
      failed(refuse(op.getLastC() && !isLstm, "state c")) ||
      failed(refuse(op.getScales() && !isLstm, "scales")) ||
      failed(refuse(op.getInputForget() && !isLstm, "gate that forgets")))
    return failure();
  if (op.getCandidate() && op.getBias())
    return rule.error("has both a candidate and a bias: bias is of gates in weights");
  if (op.getClip() && !(op.getClip()->convertToFloat() >= 0))
    return rule.error("clip is negative or no number");
  if (!op.getSequence() && !op.getLastH() && !op.getLastC())
    return rule.error("has no result: set sequence, last_h or last_c");
  return success();
}

LogicalResult RecurrenceOp::inferShape(const ShapeRule &rule, Adaptor op,
                                       InferredType &result) {
  ArrayRef<int64_t> input = shapeOf(op.getInput());
  if (input.size() != 4)
    return rule.error("input has rank ", input.size(), ", expected 4");
  if (llvm::is_contained(input, 0))
    return rule.error("input has no elements");
  Extents extents{input[0], input[1], input[2], 0, countGates(op.getCell())};
  int64_t directions = op.getDirection() == Direction::bidirectional ? 2 : 1;
  if (extents.directions != directions)
    return rule.error("input has ", extents.directions, " directions, expected ", directions);
  if (input[3] % extents.gates != 0)
    return rule.error("input has ", input[3], " elements in dimension 3, no multiple of the ",
                      extents.gates, " gates");
  extents.hidden = input[3] / extents.gates;
  if (failed(checkCell(rule, op)) || failed(checkFunctions(rule, op, extents)))
    return failure();
  int64_t weightGates = extents.gates - (op.getCandidate() ? 1 : 0);
  Shape state = {extents.directions, extents.batch, extents.hidden};
  if (failed(checkWeights(rule, "weights", op.getWeights(), extents, weightGates)) ||
      failed(checkWeights(rule, "candidate", op.getCandidate(), extents, 1)) ||
      failed(checkOperand(rule, "bias", op.getBias(), {directions, extents.hidden})) ||
      failed(checkOperand(rule, "peepholes", op.getPeepholes(),
                          {directions, 3 * extents.hidden})) ||
      failed(checkOperand(rule, "h", op.getInitialH(), state)) ||
      failed(checkOperand(rule, "c", op.getInitialC(), state)) ||
      failed(checkOperand(rule, "lengths", op.getLengths(), {extents.batch})) ||
      failed(checkOperand(rule, "scales", op.getScales(), {directions, input[3]})))
    return failure();
  if (op.getLengths() && !shaped(op.getLengths()).getElementType().isInteger(32))
    return rule.error("lengths are of type ", shaped(op.getLengths()).getElementType(),
                      ", expected i32");
  result.shape = {(op.getSequence() ? extents.steps : 0) + (op.getLastH() ? 1 : 0) +
                  (op.getLastC() ? 1 : 0)};
  llvm::append_range(result.shape, state);
  return success();
}

//===----------------------------------------------------------------------===//
// Cost, receptive field and name
//===----------------------------------------------------------------------===//

int64_t RecurrenceOp::countMacs() { return shaped(getInput()).getNumElements() * getHidden(); }

void RecurrenceOp::widenField(ReceptiveField &field) { field.join(); }

std::string RecurrenceOp::getLayerKind() { return stringifyCellKind(getCell()).str(); }
