//===- WidenFloats.cpp - Computation in f32 -------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Simplify/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNWIDENFLOATS
#include "convoy/Transforms/Simplify/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

bool isNarrow(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}
bool isF64(Type type) { return getElementTypeOrSelf(type).isF64(); }

Type withElement(Type type, Type element) {
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped ? Type(shaped.clone(element)) : element;
}

struct WidenFloats : convoy::cnn::impl::CnnWidenFloatsBase<WidenFloats> {
  using CnnWidenFloatsBase::CnnWidenFloatsBase;

  void runOnOperation() override;

private:
  Value cast(OpBuilder &builder, Value value, Type element) {
    return CastOp::create(builder, value.getLoc(),
                          TypeRange(withElement(value.getType(), element)), value, element)
        ->getResult(0);
  }
  /// Makes `after` the value that the readers of `before` read; `made` is between the two.
  static void replaceReaders(Value before, Value after, Operation *made) {
    before.replaceAllUsesExcept(after, made);
  }
  void widenType(Value value) {
    if (isNarrow(value.getType()))
      value.setType(withElement(value.getType(), f32));
  }
  void castArguments(Block &body);
  void castResults(Operation *terminator);
  void widenConstants(arith::ConstantOp op);
  void roundAtCast(CastOp op);
  void keepBits(BitcastOp op);
  void narrowF64(Operation *op);

  Type f32;
  /// Constants that are widened already, so that weights which several layers share stay so.
  DenseMap<Attribute, ElementsAttr> widened;
  /// The element types of operands whose bits count.
  DenseMap<Operation *, Type> bitTypes;
};

} // namespace

void WidenFloats::castArguments(Block &body) {
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  for (BlockArgument argument : body.getArguments())
    if (isNarrow(argument.getType()) && !argument.use_empty()) {
      Value wide = cast(builder, argument, f32);
      replaceReaders(argument, wide, wide.getDefiningOp());
    }
}

void WidenFloats::castResults(Operation *terminator) {
  OpBuilder builder(terminator);
  for (auto [operand, type] : llvm::zip_equal(terminator->getOpOperands(),
                                              getOperation().getFunctionType().getResults()))
    if (isNarrow(type))
      operand.set(cast(builder, operand.get(), getElementTypeOrSelf(type)));
}

void WidenFloats::widenConstants(arith::ConstantOp op) {
  if (!isNarrow(op.getType()))
    return;
  TypedAttr value = op.getValue();
  if (auto number = dyn_cast<FloatAttr>(value)) {
    value = FloatAttr::get(f32, number.getValueAsDouble());
  } else {
    ElementsAttr &wide = widened[value];
    if (!wide)
      wide = widenConstant(mlir::cast<ElementsAttr>(value));
    value = wide;
  }
  op.setValueAttr(value);
  op.getResult().setType(value.getType());
}

/// A cast to a narrow type rounds, unless it has nothing to round.
void WidenFloats::roundAtCast(CastOp op) {
  Value result = op->getResult(0), rounded = result;
  Type narrow = op.getTo(), from = getElementTypeOrSelf(op.getInput().getType());
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  if (!isa<FloatType>(from)) {
    // Integers become f32 first. f16 and bf16 hold all those of 8 bits.
    op.setTo(f32);
    widenType(result);
    if (from.getIntOrFloatBitWidth() <= 8)
      return;
    rounded = cast(builder, result, narrow);
  }
  Value wide = cast(builder, rounded, f32);
  replaceReaders(result, wide,
                 rounded == result ? wide.getDefiningOp() : rounded.getDefiningOp());
}

/// Bits are those of the narrow types.
void WidenFloats::keepBits(BitcastOp op) {
  OpBuilder builder(op);
  if (Type narrow = bitTypes.lookup(op))
    op.getInputMutable().assign(cast(builder, op.getInput(), narrow));
  Value result = op->getResult(0);
  if (!isNarrow(result.getType()))
    return;
  builder.setInsertionPointAfter(op);
  Value wide = cast(builder, result, f32);
  replaceReaders(result, wide, wide.getDefiningOp());
}

/// Casts the operands of an operation without f64 kernels, and its results.
void WidenFloats::narrowF64(Operation *op) {
  OpBuilder builder(op);
  for (OpOperand &operand : op->getOpOperands())
    if (isF64(operand.get().getType()))
      operand.set(cast(builder, operand.get(), f32));
  builder.setInsertionPointAfter(op);
  for (Value result : op->getResults())
    if (isF64(result.getType())) {
      result.setType(withElement(result.getType(), f32));
      Value wide = cast(builder, result, builder.getF64Type());
      replaceReaders(result, wide, wide.getDefiningOp());
    }
}

void WidenFloats::runOnOperation() {
  func::FuncOp function = getOperation();
  auto isOther = [](Type type) { return isNarrow(type) || isF64(type); };
  bool isUsed = llvm::any_of(function.getArgumentTypes(), isOther);
  function.walk([&](Operation *op) {
    isUsed |= llvm::any_of(op->getResultTypes(), isOther);
    return isUsed ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (function.isExternal() || !isUsed)
    return markAllAnalysesPreserved();

  f32 = Float32Type::get(&getContext());
  function.walk([&](BitcastOp op) {
    if (Type type = getElementTypeOrSelf(op.getInput().getType()); isNarrow(type))
      bitTypes[op] = type;
  });
  castArguments(function.front());
  function.walk([&](Operation *op) {
    if (op == function.getOperation())
      return;
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      return widenConstants(constant);
    if (auto cast = dyn_cast<CastOp>(op); cast && isNarrow(cast.getTo()))
      return roundAtCast(cast);
    if (auto bitcast = dyn_cast<BitcastOp>(op))
      return keepBits(bitcast);
    if (isa<func::ReturnOp>(op))
      return castResults(op);
    for (Value result : op->getResults())
      widenType(result);
    // In the body of a cnn.compute, elements are converted already.
    if (isa<arith::ExtFOp, arith::TruncFOp>(op) &&
        op->getOperand(0).getType() == op->getResult(0).getType()) {
      op->getResult(0).replaceAllUsesWith(op->getOperand(0));
      op->erase();
      return;
    }
    for (Region &region : op->getRegions())
      for (BlockArgument argument : region.getArguments())
        widenType(argument);
    if (isa<CnnDialect>(op->getDialect()) && !op->hasTrait<TakesF64>())
      narrowF64(op);
  });
  widened.clear();
  bitTypes.clear();
}
