//===- FuseEpilogue.cpp - Pass cnn-fuse-epilogue --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNFUSEEPILOGUE
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

//===----------------------------------------------------------------------===//
// Producers whose epilogue can be extended
//===----------------------------------------------------------------------===//

bool isValueForm(Operation *op) {
  auto destination = dyn_cast<DestinationOpInterface>(op);
  return destination && !destination.hasMemRefForm() && !destination.getDestination();
}

/// Whether `op` computes f32 and its epilogue has no activation yet, so that
/// more can be appended.
bool isOpen(EpilogueOpInterface op) {
  return isValueForm(op) && op.getActivation().isIdentity() &&
         cast<ShapedType>(op->getResult(0).getType()).getElementType().isF32();
}

/// `op` as a convolution, if a residual can be added to its result; otherwise null.
ConvOpInterface takeResidual(Operation *op) {
  auto conv = dyn_cast_if_present<ConvOpInterface>(op);
  bool isFree = conv && conv.takesResidual() && isOpen(conv) && !conv.getResidual() &&
                conv->getResult(0).hasOneUse();
  return isFree ? conv : ConvOpInterface();
}

//===----------------------------------------------------------------------===//
// Bias
//===----------------------------------------------------------------------===//

/// The value for each channel, if `value` is a constant that broadcasts to `type` along every
/// dimension except the channels (dimension 1).
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

/// If `add` adds or subtracts a per-channel constant, adds that to the bias of `producer`, a
/// convolution or dense layer.
bool fuseBias(EpilogueOpInterface producer, BinaryOp add) {
  bool subtract = add.getKind() == BinaryKind::sub;
  Value result = producer->getResult(0);
  Value other = add.getLhs() == result ? add.getRhs() : add.getLhs();
  std::optional<MutableOperandRange> bias = producer.getEpilogueBias();
  auto conv = dyn_cast<ConvOpInterface>(producer.getOperation());
  if (!bias || (conv && conv.getResidual()) ||
      (add.getKind() != BinaryKind::add && !(subtract && other == add.getRhs())))
    return false;
  auto type = cast<RankedTensorType>(result.getType());
  std::optional<std::vector<float>> values = readPerChannel(other, type);
  if (!values)
    return false;
  if (subtract)
    for (float &value : *values)
      value = -value;
  if (!bias->empty()) {
    std::optional<ConstantData> old = ConstantData::get((*bias)[0].get());
    if (!old || !old->holds<float>() || old->getNumElements() != int64_t(values->size()))
      return false;
    for (auto [index, value] : llvm::enumerate(*values))
      value += old->get<float>(index);
  }
  OpBuilder builder(producer);
  int64_t channels = values->size();
  Value constant = createConstant(
      builder, add.getLoc(), makeFloats(add.getContext(), {channels}, std::move(*values)));
  bias->assign(constant);
  return true;
}

//===----------------------------------------------------------------------===//
// Residual
//===----------------------------------------------------------------------===//

/// Makes the other operand of `add` the residual of `producer`, if it is a convolution.
bool fuseResidual(EpilogueOpInterface producer, BinaryOp add) {
  ConvOpInterface conv = takeResidual(producer);
  if (!conv || add.getKind() != BinaryKind::add)
    return false;
  Value result = producer->getResult(0);
  Value other = add.getLhs() == result ? add.getRhs() : add.getLhs();
  if (other.getType() != result.getType())
    return false;
  if (Operation *definition = other.getDefiningOp();
      definition && producer->isBeforeInBlock(definition)) {
    // If both operands are convolutions, the result of the earlier one becomes the residual of
    // the later one.
    if (takeResidual(definition))
      return false;
    producer->moveBefore(add);
  }
  conv.getResidualMutable().assign(other);
  return true;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Moves the only reader of `producer` into its epilogue.
bool fuseReader(EpilogueOpInterface producer) {
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
    producer.setActivation(unary.getFunction());
  } else if (auto binary = dyn_cast<BinaryOp>(reader)) {
    if (!fuseBias(producer, binary) && !fuseResidual(producer, binary))
      return false;
    producer.setActivation(binary.getActivation());
  } else {
    return false;
  }
  reader->getResult(0).replaceAllUsesWith(result);
  reader->erase();
  return true;
}

struct FuseEpilogue : convoy::cnn::impl::CnnFuseEpilogueBase<FuseEpilogue> {
  void runOnOperation() override {
    SmallVector<EpilogueOpInterface> producers;
    getOperation().walk([&](EpilogueOpInterface op) { producers.push_back(op); });
    // A fused reader is erased. It may be one of the later producers, and must not be visited
    // then.
    DenseSet<Operation *> erased;
    for (EpilogueOpInterface producer : producers) {
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
