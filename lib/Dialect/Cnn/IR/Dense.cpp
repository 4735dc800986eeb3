//===- Dense.cpp - Dense layers and matrix products -----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PartitionRules.h"
#include "ShapeRule.h"
#include "convoy/Dialect/Cnn/IR/FieldExtent.h"
#include "convoy/Dialect/Cnn/IR/Narrowing.h"

using namespace mlir;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

LogicalResult DenseOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  ArrayRef<int64_t> input = shapeOf(op.getInput());
  Shape filter;
  if (op.getFilterShape())
    llvm::append_range(filter, *op.getFilterShape());
  else
    llvm::append_range(filter, shapeOf(op.getFilter()));
  if (input.size() != 2 || filter.size() != 2)
    return rule.error("input and filter have ranks ", input.size(), " and ", filter.size(),
                      ", expected 2");
  if (input[1] != filter[1])
    return rule.error("input has ", input[1], " elements in dimension 1, filter wants ",
                      filter[1]);
  if (op.getBias() && shaped(op.getBias()).getNumElements() < filter[0])
    return rule.error("bias has ", shaped(op.getBias()).getNumElements(),
                      " elements, expected ", filter[0]);
  if (op.getRows() &&
      (!shapeOf(op.getRows()).empty() || !shaped(op.getRows()).getElementType().isInteger(64)))
    return rule.error("rows is no single i64");
  result.shape = {input[0], filter[0]};
  if (failed(rule.inferSums(op.getInput(), op.getFilter(), op.getBias(),
                            op.getActivation().isIdentity(), result)))
    return failure();
  rule.inferEpilogue(op.getRegions(), result);
  return success();
}

LogicalResult MatmulOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  ArrayRef<int64_t> lhs = shapeOf(op.getLhs());
  ArrayRef<int64_t> rhs = shapeOf(op.getRhs());
  if (lhs.size() < 2 || rhs.size() < 2)
    return rule.error("operands have ranks ", lhs.size(), " and ", rhs.size(),
                      ", expected 2 or more");
  if (lhs.back() != rhs[rhs.size() - 2])
    return rule.error("lhs has ", lhs.back(), " columns, rhs ", rhs[rhs.size() - 2], " rows");
  if (failed(rule.broadcast(lhs.drop_back(2), rhs.drop_back(2), result.shape)))
    return failure();
  result.shape.push_back(lhs[lhs.size() - 2]);
  result.shape.push_back(rhs.back());
  return success();
}

//===----------------------------------------------------------------------===//
// Sharing between devices
//===----------------------------------------------------------------------===//

Factors DenseOp::getPartitionFactors() {
  Factors factors = {getBatchFactor(*this, getInput(), Value())};
  addChannelFactors(factors, *this, getInput(), getFilter(), getBias(), Value(),
                    getActivation());
  return factors;
}

/// Between chunks of the inputs, the sums themselves are in the result. A tile must not reach
/// past the end of a row, since vectors of the region's inputs are loaded without a mask.
bool DenseOp::takesEpilogueRegion() {
  ScheduleAttr schedule = getScheduleAttr();
  bool hasKernel =
      isScheduledAs(*this, Algorithm::dense) || isScheduledAs(*this, Algorithm::tile_product);
  return hasKernel && schedule.getChunk() == 0 &&
         getLogicalFilterShape()[0] % schedule.getFilter().getExtent(FilterDim::lane) == 0;
}

void DenseOp::adjustPart(const PartitionFactor &factor, int64_t begin, int64_t) {
  if (begin > 0 && !factor.addedOnce.empty())
    getBiasMutable().clear();
  // They are counted from the first row of the whole.
  if (factor.kind == FactorKind::batch)
    getRowsMutable().clear();
}

/// Leading dimensions, rows of the left matrix and, if there are no leading dimensions,
/// columns of the right matrix.
Factors MatmulOp::getPartitionFactors() {
  int64_t rank = shapeOf((*this)->getResult(0)).size(), columns = rank - 1;
  Factors factors =
      getPointwiseFactors(*this, [&](int64_t dim) { return dim == columns && rank > 2; });
  for (PartitionFactor &factor : factors) {
    if (factor.result.dim == columns) {
      factor.kind = FactorKind::output_channel;
      factor.operands[0].dim = -1;
    } else if (factor.result.dim == columns - 1) {
      factor.operands[1].dim = -1;
    }
  }
  return factors;
}

//===----------------------------------------------------------------------===//
// Precision, cost, epilogue and receptive field
//===----------------------------------------------------------------------===//

void DenseOp::narrow(Narrowing &narrowing) { narrowing.narrowLayer(*this, getActivation()); }
void MatmulOp::narrow(Narrowing &narrowing) { narrowing.store((*this)->getResult(0)); }

int64_t DenseOp::countMacs() {
  return llvm::product_of(getLogicalFilterShape()) * shapeOf(getInput())[0];
}
int64_t MatmulOp::countMacs() {
  ShapedType output = cast<DestinationOpInterface>(getOperation()).getOutputType();
  return output.getNumElements() * shapeOf(getLhs()).back();
}

std::optional<MutableOperandRange> DenseOp::getEpilogueBias() { return getBiasMutable(); }

void DenseOp::widenField(ReceptiveField &field) { field.join(); }
void MatmulOp::widenField(ReceptiveField &field) { field.join(); }
