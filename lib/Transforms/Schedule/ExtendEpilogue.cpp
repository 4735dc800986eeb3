//===- ExtendEpilogue.cpp - Pass cnn-extend-epilogue ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/IR/EpilogueBody.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNEXTENDEPILOGUE
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

bool isReadable(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isEpilogueElement(tensor.getElementType());
}

/// Whether `op` is element-wise, and its elements are in the order of the result's.
bool isElementwise(linalg::GenericOp op) {
  if (op->getNumResults() != 1 || op.getNumParallelLoops() != op.getNumLoops() ||
      op.hasIndexSemantics() || !isReadable(op->getResult(0).getType()) ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() ||
      op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return false;
  return isEpilogueBody(*op.getBody());
}

/// The layer whose only reader is `operand`, if its kernel can run the reader's body.
EpilogueRegionOpInterface getLayer(linalg::GenericOp reader, OpOperand *operand) {
  auto layer = operand->get().getDefiningOp<EpilogueRegionOpInterface>();
  if (!layer || layer.hasEpilogueRegion() || !layer.takesEpilogueRegion() ||
      layer->getBlock() != reader->getBlock() || !operand->get().hasOneUse() ||
      cast<DestinationOpInterface>(*layer).getDestination() ||
      !isReadable(operand->get().getType()) ||
      !reader.getMatchingIndexingMap(operand).isIdentity())
    return {};
  return layer;
}

/// Moves the body of `reader` into the epilogue of `layer`, which computes its operand `sums`.
void extend(EpilogueRegionOpInterface layer, linalg::GenericOp reader, OpOperand *sums) {
  OpBuilder builder(reader);
  auto extended = cast<EpilogueRegionOpInterface>(builder.clone(*layer));
  SmallVector<Value> inputs;
  SmallVector<Attribute> maps;
  for (OpOperand *input : reader.getDpsInputOperands()) {
    if (input == sums)
      continue;
    inputs.push_back(input->get());
    maps.push_back(AffineMapAttr::get(reader.getMatchingIndexingMap(input)));
  }
  extended.getEpilogueInputsMutable().assign(inputs);
  extended.setEpilogueMapsAttr(builder.getArrayAttr(maps));
  extended->getResult(0).setType(reader->getResult(0).getType());

  Region &region = extended.getEpilogue();
  region.takeBody(reader.getRegion());
  Block &body = region.front();
  // The sum becomes the first argument, and the result is no argument.
  unsigned number = sums->getOperandNumber();
  BlockArgument old = body.getArgument(number);
  BlockArgument sum = body.insertArgument(0u, old.getType(), old.getLoc());
  body.getArgument(number + 1).replaceAllUsesWith(sum);
  body.eraseArgument(body.getNumArguments() - 1);
  body.eraseArgument(number + 1);
  Operation *yield = body.getTerminator();
  builder.setInsertionPoint(yield);
  YieldOp::create(builder, yield->getLoc(), yield->getOperand(0));
  yield->erase();

  reader->getResult(0).replaceAllUsesWith(extended->getResult(0));
  reader->erase();
  layer->erase();
}

struct ExtendEpilogue : convoy::cnn::impl::CnnExtendEpilogueBase<ExtendEpilogue> {
  void runOnOperation() override {
    FailureOr<TargetAttr> target = requireTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    if (target->getGpu())
      return;
    SmallVector<linalg::GenericOp> readers;
    getOperation().walk([&](linalg::GenericOp op) { readers.push_back(op); });
    for (linalg::GenericOp reader : readers)
      if (isElementwise(reader))
        extendLayer(reader);
  }

  static void extendLayer(linalg::GenericOp reader) {
    EpilogueRegionOpInterface last;
    OpOperand *sums = nullptr;
    for (OpOperand *input : reader.getDpsInputOperands()) {
      if (!isReadable(input->get().getType()))
        return;
      EpilogueRegionOpInterface layer = getLayer(reader, input);
      if (layer && (!last || last->isBeforeInBlock(layer))) {
        last = layer;
        sums = input;
      }
    }
    if (!last)
      return;
    for (OpOperand *input : reader.getDpsInputOperands())
      if (input != sums && !isEpilogueMap(reader.getMatchingIndexingMap(input)))
        return;
    extend(last, reader, sums);
  }
};

} // namespace
