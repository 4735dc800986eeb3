//===- ReceptiveField.cpp - What of the input an element sees -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ReceptiveField.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace convoy;

static ArrayRef<int64_t> getShape(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getShape() : ArrayRef<int64_t>();
}

ReceptiveFields::ReceptiveFields(func::FuncOp function) {
  for (Value argument : function.getArguments()) {
    ArrayRef<int64_t> shape = getShape(argument);
    if (shape.size() < 3)
      continue;
    Field field;
    field.dims.resize(shape.size() - 2);
    setResult(argument, std::move(field));
  }
  function.walk([&](Operation *op) {
    if (op->getParentOp() == function)
      visit(*op);
  });
}

ArrayRef<FieldExtent> ReceptiveFields::get(Value value) const {
  auto found = fields.find(value);
  return found == fields.end() ? ArrayRef<FieldExtent>() : found->second.dims;
}

/// Stores the field of `result`. Takes the extents from the result's shape.
void ReceptiveFields::setResult(Value result, Field field) {
  ArrayRef<int64_t> shape = getShape(result);
  if (field.isSpatial && shape.size() >= field.dims.size())
    for (auto [dim, extent] : llvm::zip(field.dims, shape.take_back(field.dims.size())))
      dim.extent = extent;
  else
    field.isSpatial = false;
  fields[result] = std::move(field);
}

/// Merges the fields of the operands. In each dimension the size is the largest one, and the
/// stride comes from the operands of the largest extent: the others are broadcast.
ReceptiveFields::Field ReceptiveFields::merge(Operation &op) const {
  Field merged;
  for (Value operand : op.getOperands()) {
    auto found = fields.find(operand);
    if (found == fields.end() || found->second.dims.empty())
      continue;
    const Field &field = found->second;
    if (merged.dims.empty()) {
      merged = field;
      continue;
    }
    merged.isSpatial &= field.isSpatial && field.dims.size() == merged.dims.size();
    for (auto [to, from] : llvm::zip(merged.dims, field.dims)) {
      to.size = std::max(to.size, from.size);
      if (from.extent == to.extent)
        to.stride = std::max(to.stride, from.stride);
      else if (from.extent > to.extent)
        to.stride = from.stride;
      to.extent = std::max(to.extent, from.extent);
    }
  }
  return merged;
}

/// Widens the field for an operation of an upstream dialect.
static void widenUpstream(Operation &op, cnn::ReceptiveField &field) {
  ArrayRef<int64_t> shape = getShape(op.getResult(0));
  int64_t rank = shape.size(), spatialRank = field.dims.size();
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (field.isSpatial && getShape(slice.getSource()).size() == size_t(rank))
      for (auto [dim, step] :
           llvm::zip(field.dims, slice.getStaticStrides().take_back(spatialRank)))
        dim.stride *= step > 0 ? double(step) : 1;
  } else if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    for (int64_t i = std::max<int64_t>(0, rank - spatialRank); i < rank; ++i)
      field.isSpatial &= permutation[i] == i;
  } else if (!isa<tensor::PadOp>(op)) {
    // A reshape keeps the image if it keeps the last dimensions.
    field.isSpatial &= rank >= spatialRank;
    if (field.isSpatial)
      for (auto [dim, extent] : llvm::zip(field.dims, shape.take_back(spatialRank)))
        field.isSpatial &= dim.extent == extent;
  }
}

void ReceptiveFields::visit(Operation &op) {
  if (op.getNumResults() != 1 || !isa<RankedTensorType>(op.getResult(0).getType()))
    return;
  Field field = merge(op);
  if (field.dims.empty())
    return;
  if (auto known = dyn_cast<cnn::ReceptiveFieldOpInterface>(op))
    known.widenField(field);
  else
    widenUpstream(op, field);
  setResult(op.getResult(0), std::move(field));
}
