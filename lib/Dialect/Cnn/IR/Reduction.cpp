//===- Reduction.cpp - Reductions and softmax -----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Folding.h"
#include "PartitionRules.h"
#include "ShapeRule.h"
#include "convoy/Dialect/Cnn/IR/BlockedForms.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseFormulas.h"
#include "convoy/Dialect/Cnn/IR/FieldExtent.h"
#include "convoy/Dialect/Cnn/IR/Narrowing.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

LogicalResult ReduceOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  ArrayRef<int64_t> input = shapeOf(op.getInput());
  SmallVector<bool> reduced(input.size(), false);
  for (int64_t axis : op.getAxes()) {
    if (failed(rule.checkAxis(axis, input.size())))
      return failure();
    if (reduced[axis])
      return rule.error("axis ", axis, " is named twice");
    reduced[axis] = true;
  }
  for (auto [extent, gone] : llvm::zip(input, reduced)) {
    if (!gone)
      result.shape.push_back(extent);
    else if (op.getKeepDims())
      result.shape.push_back(1);
  }
  return success();
}

template <typename Adaptor>
static LogicalResult inferSoftmax(const ShapeRule &rule, Adaptor op, InferredType &result) {
  result.shape = Shape(shapeOf(op.getInput()));
  return rule.checkAxis(op.getAxis(), result.shape.size());
}

LogicalResult SoftmaxOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  return inferSoftmax(rule, op, result);
}

LogicalResult LogSoftmaxOp::inferShape(const ShapeRule &rule, Adaptor op,
                                       InferredType &result) {
  return inferSoftmax(rule, op, result);
}

//===----------------------------------------------------------------------===//
// Folder and values of constants
//===----------------------------------------------------------------------===//

LogicalResult ReduceOp::fold(FoldAdaptor adaptor, FoldResults &results) {
  if (!isValueForm(*this))
    return failure();
  if (getAxes().empty() && getKind() != ReduceKind::sum_square &&
      getKind() != ReduceKind::l1 && getKind() != ReduceKind::l2)
    return replaceBy(results, getInput());
  return foldConstants(*this, adaptor.getOperands(), results);
}

/// The value of a sum, a product, ... of no numbers.
static ElementsAttr reduceNothing(RankedTensorType type, ReduceKind kind) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Type element = type.getElementType();
  ConstantResult result(type, /*splat=*/true);
  if (isa<FloatType>(element)) {
    result.setDouble(0, kind == ReduceKind::prod   ? 1
                        : kind == ReduceKind::max  ? -infinity
                        : kind == ReduceKind::min  ? infinity
                        : kind == ReduceKind::mean ? std::numeric_limits<double>::quiet_NaN()
                                                   : 0);
    return result.take();
  }
  // A bool has no sign: true is the largest.
  unsigned width = element.getIntOrFloatBitWidth();
  bool isUnsigned = element.isUnsignedInteger() || width == 1;
  APInt least = isUnsigned ? APInt::getMinValue(width) : APInt::getSignedMinValue(width);
  APInt most = isUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
  result.setInt(0, kind == ReduceKind::prod  ? 1
                   : kind == ReduceKind::max ? least.getSExtValue()
                   : kind == ReduceKind::min ? most.getSExtValue()
                                             : 0);
  return result.take();
}

static ElementsAttr reduceInts(RankedTensorType type, ReduceKind kind, const ConstantData &in,
                               const Shape &strides, int64_t folded) {
  if (kind == ReduceKind::l2)
    return {};
  bool isUnsigned = type.getElementType().isUnsignedInteger();
  using Limits = std::numeric_limits<int64_t>;
  int64_t start = kind == ReduceKind::prod  ? 1
                  : kind == ReduceKind::max ? (isUnsigned ? 0 : Limits::min())
                  : kind == ReduceKind::min ? (isUnsigned ? -1 : Limits::max())
                                            : 0;
  HostIntegers a(/*width=*/64, isUnsigned);
  std::vector<int64_t> sums(type.getNumElements(), start);
  int64_t next = 0;
  forEachPosition<1>(in.getShape(), {strides}, {0}, [&](std::array<int64_t, 1> to) {
    int64_t x = in.getInt(next++), &sum = sums[to[0]];
    BinaryKind step = kind == ReduceKind::max    ? BinaryKind::max
                      : kind == ReduceKind::min  ? BinaryKind::min
                      : kind == ReduceKind::prod ? BinaryKind::mul
                                                 : BinaryKind::add;
    if (kind == ReduceKind::sum_square)
      x = a.mul(x, x);
    if (kind == ReduceKind::l1 && !isUnsigned)
      x = a.max(x, a.neg(x));
    sum = applyIntegerBinary(a, step, sum, x);
  });
  ConstantResult result(type, /*splat=*/false);
  for (auto [index, sum] : llvm::enumerate(sums))
    result.setInt(index, kind == ReduceKind::mean ? a.div(sum, folded) : sum);
  return result.take();
}

ElementsAttr ReduceOp::evaluate(const ConstantOperands &operands) {
  RankedTensorType type = operands.getType();
  auto in = operands.read(0);
  ReduceKind kind = getKind();
  if (in && in->getNumElements() == 0 && type.getNumElements() != 0)
    return reduceNothing(type, kind);
  if (!in || !operands.fits(/*splat=*/false) || in->getNumElements() == 0)
    return {};
  bool isFloat = isa<FloatType>(in->getElementType());
  int64_t folded = in->getNumElements() / type.getNumElements();
  bool exact = kind == ReduceKind::max || kind == ReduceKind::min ||
               (folded == 1 && kind != ReduceKind::l2 && kind != ReduceKind::sum_square);
  if (isFloat && operands.isExactOnly() && !exact)
    return {};

  // The result's stride for each dimension of the input, 0 for reduced dimensions.
  ArrayRef<int64_t> shape = in->getShape();
  Shape kept(shape);
  for (int64_t axis : getAxes())
    kept[axis] = 1;
  Shape strides = broadcastStrides(kept, shape);
  if (!isFloat)
    return reduceInts(type, kind, *in, strides, folded);
  double start = kind == ReduceKind::prod  ? 1
                 : kind == ReduceKind::max ? -std::numeric_limits<double>::infinity()
                 : kind == ReduceKind::min ? std::numeric_limits<double>::infinity()
                                           : 0;
  HostFloats<double> a;
  std::vector<double> sums(type.getNumElements(), start);
  int64_t next = 0;
  forEachPosition<1>(shape, {strides}, {0}, [&](std::array<int64_t, 1> to) {
    double x = in->getDouble(next++), &sum = sums[to[0]];
    switch (kind) {
    case ReduceKind::sum:
    case ReduceKind::mean:
      sum += x;
      break;
    case ReduceKind::max:
      sum = a.max(sum, x);
      break;
    case ReduceKind::min:
      sum = a.min(sum, x);
      break;
    case ReduceKind::prod:
      sum *= x;
      break;
    case ReduceKind::sum_square:
    case ReduceKind::l2:
      sum += x * x;
      break;
    case ReduceKind::l1:
      sum += std::fabs(x);
      break;
    }
  });
  ConstantResult result(type, /*splat=*/false);
  for (auto [index, sum] : llvm::enumerate(sums)) {
    if (kind == ReduceKind::mean)
      sum /= double(folded);
    result.setDouble(index, kind == ReduceKind::l2 ? std::sqrt(sum) : sum);
  }
  return result.take();
}

//===----------------------------------------------------------------------===//
// Sharing between devices
//===----------------------------------------------------------------------===//

Factors ReduceOp::getPartitionFactors() {
  SmallVector<int64_t> kept;
  for (int64_t dim = 0; dim < int64_t(shapeOf(getInput()).size()); ++dim)
    if (getKeepDims() || !llvm::is_contained(getAxes(), dim))
      kept.push_back(dim);
  Factors factors = getPointwiseFactors(*this);
  for (PartitionFactor &factor : factors)
    factor.operands[0].dim = kept[factor.result.dim];
  return factors;
}

Factors SoftmaxOp::getPartitionFactors() {
  return getPointwiseFactors(*this, [&](int64_t dim) { return dim == int64_t(getAxis()); });
}
Factors LogSoftmaxOp::getPartitionFactors() {
  return getPointwiseFactors(*this, [&](int64_t dim) { return dim == int64_t(getAxis()); });
}

//===----------------------------------------------------------------------===//
// Layout, precision, receptive field and name
//===----------------------------------------------------------------------===//

/// Whether a reduction of all elements does not depend on their order, and all lanes of the
/// blocked input are elements.
static bool readsInAnyOrder(ReduceOp op, const BlockedForms &forms) {
  bool isAny = op.getKind() == ReduceKind::min || op.getKind() == ReduceKind::max;
  return isAny && !op.getKeepDims() &&
         int64_t(op.getAxes().size()) == shaped(op.getInput()).getRank() &&
         shapeOf(op.getInput())[1] % forms.getBlock() == 0;
}

bool ReduceOp::assignBlocked(BlockedForms &forms) {
  Value input = getInput();
  if (!forms.isData(input) || !forms.hasBlocked(input))
    return false;
  if (readsInAnyOrder(*this, forms)) {
    Value blocked = forms.getBlocked(input);
    getInputMutable().set(blocked);
    setAxes(llvm::to_vector(llvm::seq<int64_t>(shaped(blocked).getRank())));
    return true;
  }
  if (!getKeepDims() || !forms.isData((*this)->getResult(0)) ||
      !llvm::all_of(getAxes(), [](int64_t axis) { return axis >= 2; }))
    return false;
  forms.replace(*this, forms.getBlocked(input));
  return true;
}

void SoftmaxOp::narrow(Narrowing &narrowing) { narrowing.store((*this)->getResult(0)); }

void ReduceOp::widenField(ReceptiveField &field) {
  if (!field.isSpatial)
    return field.widenAll();
  int64_t rank = shapeOf(getInput()).size();
  for (int64_t axis : getAxes()) {
    field.widenAxis(axis, rank);
    if (axis >= rank - int64_t(field.dims.size()))
      field.isSpatial &= getKeepDims();
  }
}

static void widenAlong(int64_t axis, int64_t rank, ReceptiveField &field) {
  if (field.isSpatial)
    field.widenAxis(axis, rank);
  else
    field.widenAll();
}
void SoftmaxOp::widenField(ReceptiveField &field) {
  widenAlong(getAxis(), shapeOf(getInput()).size(), field);
}
void LogSoftmaxOp::widenField(ReceptiveField &field) {
  widenAlong(getAxis(), shapeOf(getInput()).size(), field);
}

std::string ReduceOp::getLayerKind() {
  return "reduce_" + stringifyReduceKind(getKind()).str();
}
