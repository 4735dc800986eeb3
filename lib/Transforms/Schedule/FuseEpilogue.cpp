//===- FuseEpilogue.cpp - Pass cnn-fuse-epilogue --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNFUSEEPILOGUE
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

//===----------------------------------------------------------------------===//
// What producers offer
//===----------------------------------------------------------------------===//

/// The activation of an operation that has one, otherwise null.
FunctionAttr getActivation(Operation *op) {
  return TypeSwitch<Operation *, FunctionAttr>(op)
      .Case<ConvOpInterface, DenseOp, BinaryOp, ScaleShiftOp>(
          [](auto producer) { return producer.getActivation(); })
      .Default(FunctionAttr());
}

void setActivation(Operation *op, FunctionAttr function) {
  TypeSwitch<Operation *>(op)
      .Case([&](ConvOpInterface conv) { conv.setActivation(function); })
      .Case<DenseOp, BinaryOp, ScaleShiftOp>(
          [&](auto producer) { producer.setActivationAttr(function); });
}

bool isValueForm(Operation *op) {
  auto destination = dyn_cast<DestinationOpInterface>(op);
  return destination && !destination.hasMemRefForm() && !destination.getDestination();
}

/// Whether `op` computes f32 and its epilogue has no activation yet, so that
/// more can be appended.
bool isOpen(Operation *op) {
  if (!isValueForm(op))
    return false;
  FunctionAttr activation = getActivation(op);
  return activation && activation.isIdentity() &&
         cast<ShapedType>(op->getResult(0).getType()).getElementType().isF32();
}

Value getResidual(Operation *op) {
  auto conv = dyn_cast<ConvOpInterface>(op);
  return conv ? conv.getResidual() : Value();
}

/// Whether a residual can be added to what `op` computes.
bool canTakeResidual(Operation *op) {
  return op && isa<ConvOp, GroupConvOp>(op) && isOpen(op) && !getResidual(op) &&
         op->getResult(0).hasOneUse();
}

//===----------------------------------------------------------------------===//
// Bias
//===----------------------------------------------------------------------===//

/// The channels of `value`, a constant that broadcasts to `type` along every
/// dimension but the channels' (1).
std::optional<std::vector<float>> readPerChannel(Value value, RankedTensorType type) {
  std::optional<ConstantData> data = ConstantData::get(value);
  if (!data || !data->holds<float>() || type.getRank() < 2)
    return std::nullopt;
  int64_t channels = type.getDimSize(1);
  if (data->isSplat() || data->getNumElements() == 1)
    return std::vector<float>(channels, data->get<float>(0));
  int64_t axis = data->getShape().size() - (type.getRank() - 1);
  if (axis < 0 || data->getNumElements() != channels || data->getShape()[axis] != channels)
    return std::nullopt;
  return data->toVector<float>();
}

/// Adds a per-channel constant to the bias of a convolution or dense layer.
bool fuseBias(Operation *producer, BinaryOp add) {
  bool subtract = add.getKind() == BinaryKind::sub;
  Value result = producer->getResult(0);
  Value other = add.getLhs() == result ? add.getRhs() : add.getLhs();
  if (!isa<ConvOpInterface, DenseOp>(producer) || getResidual(producer) ||
      (add.getKind() != BinaryKind::add && !(subtract && other == add.getRhs())))
    return false;
  auto type = cast<RankedTensorType>(result.getType());
  std::optional<std::vector<float>> values = readPerChannel(other, type);
  if (!values)
    return false;
  if (subtract)
    for (float &value : *values)
      value = -value;
  auto conv = dyn_cast<ConvOpInterface>(producer);
  Value bias = conv ? conv.getBias() : cast<DenseOp>(producer).getBias();
  if (bias) {
    std::optional<ConstantData> old = ConstantData::get(bias);
    if (!old || !old->holds<float>() || old->getNumElements() != int64_t(values->size()))
      return false;
    for (auto [index, value] : llvm::enumerate(*values))
      value += old->get<float>(index);
  }
  OpBuilder builder(producer);
  int64_t channels = values->size();
  Value constant = createConstant(
      builder, add.getLoc(), makeFloats(add.getContext(), {channels}, std::move(*values)));
  MutableOperandRange operand =
      conv ? conv.getBiasMutable() : cast<DenseOp>(producer).getBiasMutable();
  operand.assign(constant);
  return true;
}

//===----------------------------------------------------------------------===//
// Residual
//===----------------------------------------------------------------------===//

bool fuseResidual(Operation *producer, BinaryOp add) {
  if (!canTakeResidual(producer) || add.getKind() != BinaryKind::add)
    return false;
  Value result = producer->getResult(0);
  Value other = add.getLhs() == result ? add.getRhs() : add.getLhs();
  if (other.getType() != result.getType())
    return false;
  if (Operation *definition = other.getDefiningOp();
      definition && producer->isBeforeInBlock(definition)) {
    // The later of two convolutions takes the other's result.
    if (canTakeResidual(definition))
      return false;
    producer->moveBefore(add);
  }
  cast<ConvOpInterface>(producer).getResidualMutable().assign(other);
  return true;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Moves the only reader of `producer` into its epilogue.
bool fuseReader(Operation *producer) {
  Value result = producer->getResult(0);
  if (!result.hasOneUse())
    return false;
  Operation *reader = *result.user_begin();
  if (!isValueForm(reader) || reader->getBlock() != producer->getBlock() ||
      reader->getResult(0).getType() != result.getType())
    return false;
  if (auto unary = dyn_cast<UnaryOp>(reader)) {
    if (unary.getFunction().getKind() == UnaryKind::logical_not)
      return false;
    setActivation(producer, unary.getFunction());
  } else if (auto binary = dyn_cast<BinaryOp>(reader)) {
    if (!fuseBias(producer, binary) && !fuseResidual(producer, binary))
      return false;
    setActivation(producer, binary.getActivation());
  } else {
    return false;
  }
  reader->getResult(0).replaceAllUsesWith(result);
  reader->erase();
  return true;
}

struct FuseEpilogue : convoy::cnn::impl::CnnFuseEpilogueBase<FuseEpilogue> {
  void runOnOperation() override {
    SmallVector<Operation *> producers;
    getOperation().walk([&](Operation *op) {
      if (getActivation(op))
        producers.push_back(op);
    });
    // A reader is erased only by its producer, which comes before it; what was
    // erased must not be visited.
    DenseSet<Operation *> erased;
    for (Operation *producer : producers) {
      while (!erased.contains(producer) && isOpen(producer) &&
             producer->getResult(0).hasOneUse()) {
        Operation *reader = *producer->getResult(0).user_begin();
        if (!fuseReader(producer))
          break;
        erased.insert(reader);
      }
    }
  }
};

} // namespace
