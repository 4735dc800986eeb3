//===- PartitionRules.cpp - Common parts of partition rules ---------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PartitionRules.h"

using namespace mlir;
using namespace convoy::cnn;

PartitionFactor convoy::cnn::makeFactor(Operation *op, FactorKind kind, int64_t extent) {
  PartitionFactor factor;
  factor.kind = kind;
  factor.extent = extent;
  factor.operands.resize(op->getNumOperands());
  return factor;
}

static unsigned getIndex(Operation *op, Value operand) {
  return llvm::find(op->getOperands(), operand).getIndex();
}

void convoy::cnn::walkAlong(PartitionFactor &factor, Operation *op, Value operand, int64_t dim,
                            int64_t size) {
  if (operand)
    factor.operands[getIndex(op, operand)] = {dim, size};
}

static constexpr FactorKind kDimKinds[] = {FactorKind::batch, FactorKind::channel,
                                           FactorKind::height, FactorKind::width};

Factors convoy::cnn::getPointwiseFactors(Operation *op,
                                         llvm::function_ref<bool(int64_t)> isMixed) {
  Factors factors;
  ArrayRef<int64_t> result = shapeOf(op->getResult(0));
  for (int64_t dim = 0; dim < std::min<int64_t>(std::size(kDimKinds), result.size()); ++dim) {
    if (result[dim] < 2 || (isMixed && isMixed(dim)))
      continue;
    PartitionFactor factor = makeFactor(op, kDimKinds[dim], result[dim]);
    factor.result.dim = dim;
    for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
      ArrayRef<int64_t> shape = shapeOf(operand);
      int64_t own = dim - int64_t(result.size() - shape.size());
      if (own >= 0 && shape[own] != 1)
        factor.operands[index].dim = own;
    }
    factors.push_back(std::move(factor));
  }
  return factors;
}

void convoy::cnn::addWindowFactors(Factors &factors, WindowOpInterface op, Value residual) {
  WindowAttr window = op.getWindow();
  Value input = op.getInput();
  ArrayRef<int64_t> strides = window.getStrides(), pads = window.getPadsBegin();
  for (int64_t i = 0; i < std::min<int64_t>(2, window.getRank()); ++i) {
    int64_t dim = 2 + i, extent = shapeOf(op->getResult(0))[dim];
    if (extent < 2 || shapeOf(input)[dim] != extent * strides[i])
      continue;
    PartitionFactor factor = makeFactor(op, kDimKinds[dim], extent);
    walkAlong(factor, op, input, dim, strides[i]);
    walkAlong(factor, op, residual, dim);
    factor.result.dim = dim;
    factor.haloBefore = pads[i];
    factor.haloAfter =
        std::max<int64_t>(0, window.getReach(i) - 1 - pads[i] - (strides[i] - 1));
    factors.push_back(std::move(factor));
  }
}

PartitionFactor convoy::cnn::getBatchFactor(Operation *op, Value input, Value residual) {
  PartitionFactor batch = makeFactor(op, FactorKind::batch, shapeOf(input)[0]);
  walkAlong(batch, op, input, 0);
  walkAlong(batch, op, residual, 0);
  batch.result.dim = 0;
  return batch;
}

void convoy::cnn::addChannelFactors(Factors &factors, Operation *op, Value input, Value filter,
                                    Value bias, Value residual, FunctionAttr activation,
                                    bool isTransposed) {
  int64_t outputDim = isTransposed ? 1 : 0, inputDim = 1 - outputDim;
  PartitionFactor outputs =
      makeFactor(op, FactorKind::output_channel, shapeOf(filter)[outputDim]);
  walkAlong(outputs, op, filter, outputDim);
  walkAlong(outputs, op, bias, 0);
  walkAlong(outputs, op, residual, 1);
  outputs.result.dim = 1;
  factors.push_back(std::move(outputs));
  // The activation of a sum is not the sum of activations of its terms, and devices add
  // floats.
  if (!activation.isIdentity() || isa<IntegerType>(getElementTypeOrSelf(input.getType())))
    return;
  PartitionFactor inputs =
      makeFactor(op, FactorKind::input_channel, shapeOf(filter)[inputDim]);
  walkAlong(inputs, op, input, 1);
  walkAlong(inputs, op, filter, inputDim);
  inputs.isReduction = true;
  for (Value once : {bias, residual})
    if (once)
      inputs.addedOnce.push_back(getIndex(op, once));
  factors.push_back(std::move(inputs));
}

Factors convoy::cnn::getPerChannelFactors(Operation *op,
                                          llvm::function_ref<bool(int64_t)> isMixed) {
  Factors factors = getPointwiseFactors(op, isMixed);
  for (PartitionFactor &factor : factors)
    for (FactorDim &parameter : llvm::drop_begin(factor.operands))
      parameter.dim = factor.kind == FactorKind::channel ? 0 : -1;
  return factors;
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

void convoy::cnn::dropInnerPads(WindowOpInterface part, const PartitionFactor &factor,
                                int64_t begin, int64_t end) {
  if (factor.kind != FactorKind::height && factor.kind != FactorKind::width)
    return;
  WindowAttr window = part.getWindow();
  Shape pads(window.getPads());
  int64_t spatial = factor.kind == FactorKind::width;
  if (begin != 0)
    pads[spatial] = 0;
  if (end != factor.extent)
    pads[window.getRank() + spatial] = 0;
  part.setWindow(window.withPads(pads));
}

Shape convoy::cnn::cutShape(ArrayRef<int64_t> shape, int64_t rank,
                            const PartitionFactor &factor, int64_t begin, int64_t end) {
  Shape result(shape);
  int64_t dim = factor.result.dim - rank + int64_t(shape.size());
  if (dim >= 0)
    result[dim] = (end - begin) * factor.result.size;
  return result;
}

Value convoy::cnn::detail::buildPart(Operation *op, OpBuilder &builder, ValueRange operands,
                                     const PartitionFactor &factor, int64_t begin,
                                     int64_t end) {
  // A clone with a mapping would not do: a value that is two operands may be needed in two
  // forms.
  Operation *part = builder.clone(*op);
  part->setOperands(operands);
  part->removeAttr(kPartitionAttrName);
  cast<PartitionOpInterface>(part).adjustPart(factor, begin, end);
  SmallVector<Type, 1> types;
  auto infer = cast<InferTypeOpInterface>(part);
  LogicalResult inferred =
      infer.inferReturnTypes(op->getContext(), op->getLoc(), part->getOperands(),
                             part->getDiscardableAttrDictionary(),
                             part->getPropertiesStorage(), part->getRegions(), types);
  assert(succeeded(inferred) && "a part does not fit its operands");
  (void)inferred;
  part->getResult(0).setType(types.front());
  return part->getResult(0);
}
