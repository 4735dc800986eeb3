//===- DataMovement.cpp - Shapes and layouts of data ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Folding.h"
#include "PartitionRules.h"
#include "ShapeRule.h"
#include "convoy/Dialect/Cnn/IR/BlockedForms.h"
#include "convoy/Dialect/Cnn/IR/FieldExtent.h"
#include "convoy/Dialect/Cnn/IR/Narrowing.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

LogicalResult ConcatOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  if (op.getInputs().empty())
    return rule.error("has no inputs");
  result.shape = Shape(shapeOf(op.getInputs().front()));
  if (failed(rule.checkAxis(op.getAxis(), result.shape.size())))
    return failure();
  for (auto [index, value] : llvm::enumerate(op.getInputs().drop_front())) {
    ArrayRef<int64_t> shape = shapeOf(value);
    if (shape.size() != result.shape.size())
      return rule.error("input ", index + 1, " has rank ", shape.size(), ", expected ",
                        result.shape.size());
    for (size_t i = 0; i < shape.size(); ++i)
      if (i != op.getAxis() && shape[i] != result.shape[i])
        return rule.error("input ", index + 1, " has extent ", shape[i], " in dimension ", i,
                          ", expected ", result.shape[i]);
    if (shaped(value).getElementType() != shaped(op.getInputs().front()).getElementType())
      return rule.error("input ", index + 1, " has another element type");
    result.shape[op.getAxis()] += shape[op.getAxis()];
  }
  return success();
}

LogicalResult GatherOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  ArrayRef<int64_t> input = shapeOf(op.getInput());
  if (failed(rule.checkAxis(op.getAxis(), input.size())))
    return failure();
  int64_t axis = op.getAxis();
  llvm::append_range(result.shape, input.take_front(axis));
  llvm::append_range(result.shape, shapeOf(op.getIndices()));
  llvm::append_range(result.shape, input.drop_front(axis + 1));
  return success();
}

LogicalResult BroadcastOp::inferShape(const ShapeRule &rule, Adaptor op,
                                      InferredType &result) {
  return rule.broadcast(shapeOf(op.getInput()), op.getShape(), result.shape);
}

LogicalResult ResizeOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  int64_t rank = shaped(op.getInput()).getRank();
  if (failed(rule.checkLength("shape", op.getShape(), rank)))
    return failure();
  if (int64_t(op.getScales().size()) != rank)
    return rule.error("scales has ", op.getScales().size(), " entries, expected ", rank);
  for (auto [index, extent] : llvm::enumerate(op.getShape()))
    if (extent < 1)
      return rule.error("shape is ", extent, " in dimension ", index);
  result.shape = Shape(op.getShape());
  return success();
}

LogicalResult ReorderOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  result.shape = Shape(shapeOf(op.getInput()));
  int64_t block = op.getBlock();
  if (result.shape.size() < 3)
    return rule.error("input has rank ", result.shape.size(), ", expected at least 3");
  int64_t shuffle = op.getShuffle();
  if (shuffle != 1 && (block <= 0 || shuffle < 1 || result.shape[1] % shuffle != 0))
    return rule.error("shuffle is ", shuffle, ", expected a divisor of the ", result.shape[1],
                      " channels of plain data");
  if (block > 0) {
    result.shape[1] = llvm::divideCeil(result.shape[1], block);
    result.shape.push_back(block);
    return success();
  }
  int64_t lanes = result.shape.pop_back_val(), channels = op.getChannels();
  if (int64_t(llvm::divideCeil(channels, lanes)) != result.shape[1])
    return rule.error("dimension 1 has ", result.shape[1], " blocks of ", lanes, ", not the ",
                      channels, " channels asked for");
  result.shape[1] = channels;
  return success();
}

//===----------------------------------------------------------------------===//
// Folders
//===----------------------------------------------------------------------===//

LogicalResult ConcatOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getInputs().size() == 1)
    return replaceBy(results, getInputs().front());
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult GatherOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  return foldConstants(*this, adaptor.getOperands(), results);
}

LogicalResult BroadcastOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getInput().getType() == getResult(0).getType())
    return replaceBy(results, getInput());
  return foldConstants(*this, adaptor.getOperands(), results);
}

/// If `value` is the channel shuffle of another value (a reshape, a transposition and a
/// reshape back): that value and the number of groups.
static std::pair<Value, int64_t> getShuffled(Value value) {
  auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>();
  auto transpose = collapse ? collapse.getSrc().getDefiningOp<linalg::TransposeOp>() : nullptr;
  auto expand =
      transpose ? transpose.getInput().getDefiningOp<tensor::ExpandShapeOp>() : nullptr;
  if (!expand || expand.getSrc().getType() != value.getType() ||
      collapse.getReassociationIndices() != expand.getReassociationIndices())
    return {};
  ArrayRef<int64_t> order = transpose.getPermutation();
  if (order.size() < 3 || order[0] != 0 || order[1] != 2 || order[2] != 1 ||
      !llvm::equal(order.drop_front(3), llvm::seq<int64_t>(3, order.size())) ||
      expand.getReassociationIndices()[1] != ReassociationIndices{1, 2})
    return {};
  return {expand.getSrc(), expand.getResultType().getDimSize(1)};
}

LogicalResult ReorderOp::fold(FoldAdaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (auto [input, groups] = getShuffled(getInput());
      input && getBlock() && getShuffle() == 1) {
    getInputMutable().assign(input);
    setShuffle(groups);
    return success();
  }
  // A reorder and its inverse cancel. The values in lanes past the last channel do not matter.
  auto producer = getInput().getDefiningOp<ReorderOp>();
  if (!producer || !isValueForm(producer) || producer.getShuffle() != 1)
    return failure();
  bool opposite = (getBlock() == 0) != (producer.getBlock() == 0);
  if (opposite && getShuffle() == 1 && producer.getInput().getType() == getResult(0).getType())
    return replaceBy(results, producer.getInput());
  return failure();
}

//===----------------------------------------------------------------------===//
// Values of constants
//===----------------------------------------------------------------------===//

ElementsAttr ConcatOp::evaluate(const ConstantOperands &operands) {
  RankedTensorType type = operands.getType();
  if (!operands.fits(/*splat=*/false))
    return {};
  ArrayRef<int64_t> shape = type.getShape();
  int64_t axis = getAxis(), outer = 1, inner = 1;
  for (int64_t i = 0; i < axis; ++i)
    outer *= shape[i];
  for (int64_t extent : shape.drop_front(axis + 1))
    inner *= extent;
  ConstantResult result(type, /*splat=*/false);
  int64_t begin = 0;
  for (unsigned i = 0; i < getInputs().size(); ++i) {
    auto in = operands.read(i);
    if (!in)
      return {};
    int64_t run = in->getShape()[axis] * inner, size = in->getElementBytes();
    const char *source = in->getBytes().data();
    for (int64_t row = 0; row < outer; ++row) {
      int64_t to = row * shape[axis] * inner + begin;
      if (!in->isSplat()) {
        std::memcpy(result.at(to), source + row * run * size, run * size);
        continue;
      }
      for (int64_t k = 0; k < run; ++k)
        std::memcpy(result.at(to + k), source, size);
    }
    begin += run;
  }
  return result.take();
}

ElementsAttr GatherOp::evaluate(const ConstantOperands &operands) {
  RankedTensorType type = operands.getType();
  auto in = operands.read(0), indices = operands.read(1);
  if (!in || !indices || !isa<IntegerType, IndexType>(indices->getElementType()) ||
      !operands.fits(in->isSplat()))
    return {};
  ArrayRef<int64_t> shape = in->getShape();
  int64_t axis = getAxis(), outer = 1, inner = 1;
  for (int64_t i = 0; i < axis; ++i)
    outer *= shape[i];
  for (int64_t extent : shape.drop_front(axis + 1))
    inner *= extent;
  SmallVector<int64_t> picks;
  for (int64_t i = 0; i < indices->getNumElements(); ++i) {
    int64_t pick = indices->getInt(i);
    pick += pick < 0 ? shape[axis] : 0;
    if (pick < 0 || pick >= shape[axis])
      return {};
    picks.push_back(pick);
  }
  if (in->isSplat())
    return makeConstantFromBytes(type, in->getBytes());
  ConstantResult result(type, /*splat=*/false);
  int64_t next = 0, size = in->getElementBytes();
  for (int64_t row = 0; row < outer; ++row)
    for (int64_t pick : picks) {
      std::memcpy(result.at(next),
                  in->getBytes().data() + (row * shape[axis] + pick) * inner * size,
                  inner * size);
      next += inner;
    }
  return result.take();
}

ElementsAttr BroadcastOp::evaluate(const ConstantOperands &operands) {
  RankedTensorType type = operands.getType();
  auto in = operands.read(0);
  if (!in || !operands.fits(in->isSplat()))
    return {};
  return readStrided(*in, type, 0, broadcastStrides(in->getShape(), type.getShape()));
}

//===----------------------------------------------------------------------===//
// Sharing between devices
//===----------------------------------------------------------------------===//

Factors ConcatOp::getPartitionFactors() {
  return getPointwiseFactors(*this, [&](int64_t dim) { return dim == int64_t(getAxis()); });
}

/// The result has the indices' dimensions in place of `axis`, which is read whole.
Factors GatherOp::getPartitionFactors() {
  int64_t axis = getAxis(), indices = shapeOf(getIndices()).size();
  Factors factors = getPointwiseFactors(*this);
  for (PartitionFactor &factor : factors) {
    int64_t dim = factor.result.dim, place = dim - axis;
    bool isPicked = place >= 0 && place < indices;
    factor.operands[0].dim = isPicked ? -1 : place < 0 ? dim : dim - indices + 1;
    factor.operands[1].dim = isPicked ? place : -1;
  }
  return factors;
}

Factors BroadcastOp::getPartitionFactors() { return getPointwiseFactors(*this); }

void BroadcastOp::adjustPart(const PartitionFactor &factor, int64_t begin, int64_t end) {
  setShape(cutShape(getShape(), shapeOf((*this)->getResult(0)).size(), factor, begin, end));
}

/// Whether a resize by a whole number repeats each element that many times.
static bool isRepetition(ResizeOp resize) {
  if (resize.getMode() != ResizeMode::nearest)
    return false;
  NearestMode nearest = resize.getNearest();
  switch (resize.getCoordinates()) {
  case CoordinateMode::asymmetric:
    return nearest == NearestMode::floor;
  case CoordinateMode::align_corners:
    return false;
  default:
    return nearest == NearestMode::round_prefer_floor ||
           nearest == NearestMode::round_prefer_ceil;
  }
}

Factors ResizeOp::getPartitionFactors() {
  ArrayRef<int64_t> from = shapeOf(getInput()), to = getShape();
  auto isMixed = [&](int64_t dim) {
    int64_t scale = to[dim] / from[dim];
    return from[dim] < 2 || to[dim] != from[dim] * scale || getScales()[dim] != float(scale) ||
           (scale != 1 && !isRepetition(*this));
  };
  Factors factors = getPointwiseFactors(*this, isMixed);
  for (PartitionFactor &factor : factors) {
    factor.extent = from[factor.result.dim];
    factor.result.size = to[factor.result.dim] / factor.extent;
  }
  return factors;
}

void ResizeOp::adjustPart(const PartitionFactor &factor, int64_t begin, int64_t end) {
  setShape(cutShape(getShape(), getShape().size(), factor, begin, end));
}

//===----------------------------------------------------------------------===//
// Layout, precision and receptive field
//===----------------------------------------------------------------------===//

bool ConcatOp::assignBlocked(BlockedForms &forms) {
  if (!forms.isData((*this)->getResult(0)))
    return false;
  int64_t blocked = 0, all = 0;
  for (auto [index, input] : llvm::enumerate(getInputs())) {
    bool last = index + 1 == getInputs().size();
    if (getAxis() == 1 && !last && shapeOf(input)[1] % forms.getBlock() != 0)
      return false;
    all += shaped(input).getNumElements();
    blocked += forms.hasBlocked(input) ? shaped(input).getNumElements() : 0;
  }
  if (2 * blocked < all)
    return false;
  SmallVector<Value> operands;
  for (Value input : getInputs())
    operands.push_back(forms.getBlocked(input));
  forms.replace(*this, operands);
  return true;
}

bool ResizeOp::assignBlocked(BlockedForms &forms) {
  Value input = getInput();
  if (!forms.isData(input) || !forms.hasBlocked(input))
    return false;
  for (int64_t axis : {0, 1})
    if (getShape()[axis] != shapeOf(input)[axis] || getScales()[axis] != 1.0f)
      return false;
  auto twin = cast<ResizeOp>(forms.replace(*this, forms.getBlocked(input)));
  twin.setShape(shaped(twin->getResult(0)).getShape());
  SmallVector<float> scales(getScales());
  scales.push_back(1.0f);
  twin.setScales(scales);
  return true;
}

void ConcatOp::narrow(Narrowing &narrowing) {
  Value result = (*this)->getResult(0);
  bool isLarge =
      llvm::any_of(getInputs(), [&](Value input) { return narrowing.isLarge(input); });
  bool readsData =
      llvm::any_of(getInputs(), [&](Value input) { return narrowing.isData(input); });
  if (llvm::any_of(getInputs(), [&](Value input) { return narrowing.isNarrow(input); })) {
    auto type = cast<RankedTensorType>(result.getType());
    bool isWide = type.getElementType().isF32() && (isLarge || narrowing.staysF32(result));
    Type element = isWide ? narrowing.getF32() : narrowing.getNarrow();
    for (OpOperand &input : (*this)->getOpOperands())
      narrowing.convertOperand(input, element);
    result.setType(type.clone(element));
  }
  if (isLarge)
    narrowing.addLarge(result);
  else if (readsData)
    narrowing.addData(result);
}

void ResizeOp::widenField(ReceptiveField &field) {
  if (!field.isSpatial)
    return field.widenAll();
  for (auto [dim, scale] : llvm::zip(field.dims, getScales().take_back(field.dims.size()))) {
    if (getMode() == ResizeMode::linear && scale != 1)
      dim.size += dim.stride;
    if (scale > 0)
      dim.stride /= double(scale);
  }
}
