//===- Pooling.cpp - Pools ------------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PartitionRules.h"
#include "ShapeRule.h"
#include "convoy/Dialect/Cnn/IR/BlockedForms.h"
#include "convoy/Dialect/Cnn/IR/FieldExtent.h"

#include <limits>

using namespace mlir;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

template <typename Adaptor>
static LogicalResult inferPool(const ShapeRule &rule, Adaptor op, InferredType &result) {
  DataShape in;
  if (failed(in.read(rule, op.getInput(), op.getWindow().getRank())))
    return failure();
  DataShape output = in;
  output.spatial.clear();
  if (failed(rule.slide(in.spatial, op.getWindow(), bool(op.getCeilMode()), output.spatial)))
    return failure();
  result.shape = output.shape();
  return success();
}

LogicalResult MaxPoolOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  return inferPool(rule, op, result);
}

LogicalResult AvgPoolOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  return inferPool(rule, op, result);
}

LogicalResult GlobalPoolOp::inferShape(const ShapeRule &rule, Adaptor op,
                                       InferredType &result) {
  DataShape in;
  if (failed(in.read(rule, op.getInput(), bool(op.getBlocked()))))
    return failure();
  in.spatial.assign(in.spatial.size(), 1);
  result.shape = in.shape();
  return success();
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

PoolKind MaxPoolOp::getPoolKind() { return PoolKind::maximum; }
PoolKind AvgPoolOp::getPoolKind() { return PoolKind::average; }

bool MaxPoolOp::isNeutral(double number) {
  return number == -std::numeric_limits<double>::infinity() ||
         number == double(std::numeric_limits<float>::lowest());
}
bool AvgPoolOp::isNeutral(double number) {
  return number == 0 && (getCountIncludePad() || !getWindow().hasPads());
}

void AvgPoolOp::absorbPads(WindowAttr window) {
  setWindowAttr(window);
  setCountIncludePad(true);
}

//===----------------------------------------------------------------------===//
// Sharing between devices
//===----------------------------------------------------------------------===//

static Factors getPoolFactors(PoolOpInterface op) {
  Factors factors = getPointwiseFactors(op, [](int64_t dim) { return dim >= 2; });
  if (!op.getCeilMode())
    addWindowFactors(factors, op);
  return factors;
}

Factors MaxPoolOp::getPartitionFactors() { return getPoolFactors(*this); }
Factors AvgPoolOp::getPartitionFactors() { return getPoolFactors(*this); }
Factors GlobalPoolOp::getPartitionFactors() { return getPointwiseFactors(*this); }

void MaxPoolOp::adjustPart(const PartitionFactor &factor, int64_t begin, int64_t end) {
  dropInnerPads(*this, factor, begin, end);
}
void AvgPoolOp::adjustPart(const PartitionFactor &factor, int64_t begin, int64_t end) {
  dropInnerPads(*this, factor, begin, end);
}

//===----------------------------------------------------------------------===//
// Layout, receptive field and name
//===----------------------------------------------------------------------===//

bool GlobalPoolOp::assignBlocked(BlockedForms &forms) {
  Operation *twin = forms.follow(*this);
  if (twin)
    cast<GlobalPoolOp>(twin).setBlocked(true);
  return twin != nullptr;
}

void MaxPoolOp::widenField(ReceptiveField &field) { field.slide(getWindow()); }
void AvgPoolOp::widenField(ReceptiveField &field) { field.slide(getWindow()); }
void GlobalPoolOp::widenField(ReceptiveField &field) { field.widenAll(); }

std::string GlobalPoolOp::getLayerKind() {
  return getKind() == PoolKind::average ? "global_avg_pool" : "global_max_pool";
}
