//===- SizeRules.cpp - Sizes that are known only at run time --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SizeRules.h"

#include "TensorReader.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

static bool isOpen(const DimSize &extent) { return !extent.isConstant(); }

/// An error about dimension `dim` of an operand.
static LogicalResult refuseSize(NodeImporter &node, unsigned index, int64_t dim) {
  return node.error(node.describeInput(index) + " has a size in dimension " + Twine(dim) +
                    " that depends on data, which is not supported here");
}

/// Fails if an operand but the first has a size, or the first has one elsewhere than in its
/// first `count` dimensions.
static LogicalResult requireSizesIn(NodeImporter &node, size_t count) {
  for (unsigned i = 0; i < node.getNumInputs(); ++i) {
    if (!node.getInput(i))
      continue;
    for (auto [dim, extent] : llvm::enumerate(node.getExtents(i)))
      if (isOpen(extent) && (i || dim >= count))
        return refuseSize(node, i, dim);
  }
  return success();
}

LogicalResult convoy::onnximport::importSized(NodeImporter &node, const OpEntry &entry) {
  if (entry.sizeRule)
    return entry.sizeRule(node, entry);
  for (unsigned i = 0; i < node.getNumInputs(); ++i)
    if (node.hasSizes(i)) {
      SmallVector<DimSize> extents = node.getExtents(i);
      return refuseSize(node, i, llvm::find_if(extents, isOpen) - extents.begin());
    }
  return failure();
}

LogicalResult convoy::onnximport::ruleOfItself(NodeImporter &node, const OpEntry &entry) {
  return entry.import(node);
}

/// Sets the sizes of all results that are made.
static LogicalResult setExtents(NodeImporter &node, ArrayRef<DimSize> extents) {
  for (unsigned i = 0; i < node.getNumOutputs(); ++i) {
    Value result = node.getResults()[i];
    if (!result)
      continue;
    SmallVector<int64_t> bounds = getBounds(extents);
    if (NodeImporter::getShape(result) != ArrayRef(bounds))
      return node.error("has a result of shape " +
                        formatShape(NodeImporter::getShape(result)) + ", expected " +
                        formatShape(bounds));
    if (failed(node.setResult(result, extents, i)))
      return failure();
  }
  return success();
}

/// Imports a node whose results keep the sizes of operand 0, which may have some in its first
/// `count` dimensions. Other dimensions may become different ones.
static LogicalResult importKeeping(NodeImporter &node, const OpEntry &entry, size_t count) {
  if (failed(requireSizesIn(node, count)) || failed(entry.import(node)))
    return failure();
  SmallVector<DimSize> own = node.getExtents(0);
  for (unsigned i = 0; i < node.getNumOutputs(); ++i) {
    Value result = node.getResults()[i];
    if (!result)
      continue;
    SmallVector<DimSize> extents(NodeImporter::getShape(result));
    for (auto [extent, kept] : llvm::zip(extents, own))
      if (isOpen(kept))
        extent = kept;
    if (failed(node.setResult(result, extents, i)))
      return failure();
  }
  return success();
}

LogicalResult convoy::onnximport::ruleOfBatches(NodeImporter &node, const OpEntry &entry) {
  return importKeeping(node, entry, 1);
}

LogicalResult convoy::onnximport::ruleOfKeptSizes(NodeImporter &node, const OpEntry &entry) {
  return importKeeping(node, entry, NodeImporter::getRank(node.getInput(0)));
}

LogicalResult convoy::onnximport::ruleOfOuterSizes(NodeImporter &node, const OpEntry &entry) {
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.getInt("axis", -1), NodeImporter::getRank(node.getInput(0)));
  return failed(axis) ? failure() : importKeeping(node, entry, *axis);
}

LogicalResult convoy::onnximport::ruleOfRows(NodeImporter &node, const OpEntry &entry) {
  SmallVector<DimSize> extents = node.getExtents(0);
  for (unsigned i = 1; i < node.getNumInputs(); ++i)
    if (node.hasSizes(i))
      return refuseSize(node, i, 0);
  if (extents.size() < 2 || isOpen(extents.back()) || node.getInt("transA", 0) != 0 ||
      node.getInt("transBatchA", 0) != 0 || NodeImporter::getRank(node.getInput(1)) != 2)
    return refuseSize(node, 0, extents.size() - 1);
  return importKeeping(node, entry, extents.size() - 1);
}

//===----------------------------------------------------------------------===//
// Operands that broadcast to one shape
//===----------------------------------------------------------------------===//

/// The extent of two that broadcast to each other: one is 1, or both are equal, though the
/// compiler may not know that they are.
static FailureOr<DimSize> broadcastExtents(NodeImporter &node, DimSize lhs, DimSize rhs) {
  if (rhs == DimSize(1) || lhs == rhs)
    return lhs;
  if (lhs == DimSize(1))
    return rhs;
  if (lhs.isConstant() || rhs.isConstant()) {
    // If both are constants that differ, the operation will find that out.
    return lhs.isConstant() ? lhs : rhs;
  }
  int64_t bound = std::max(lhs.bound, rhs.bound);
  if (lhs.size == rhs.size)
    return DimSize(bound, lhs.size);
  Value one = node.scalar(node.getBuilder().getI64Type(), 1);
  FailureOr<Value> isOne = node.binary(BinaryKind::equal, lhs.size, one);
  if (failed(isOne))
    return failure();
  FailureOr<Value> size = node.create<cnn::SelectOp>(*isOne, rhs.size, lhs.size);
  if (failed(size))
    return failure();
  return node.declareSize(*size, bound);
}

/// `value`, of extents `own`, with the bounds of `wanted`. If a dimension has the size 1 at
/// run time, its only element is repeated.
static FailureOr<Value> align(NodeImporter &node, Value value, ArrayRef<DimSize> own,
                              ArrayRef<DimSize> wanted) {
  llvm::SetVector<Value> operands;
  operands.insert(value);
  SmallVector<int64_t> shape;
  bool differs = false;
  for (auto [have, want] : llvm::zip_equal(own, wanted)) {
    bool isOne = have == DimSize(1);
    shape.push_back(isOne ? 1 : want.bound);
    differs |= !isOne && have.size && !(have == want);
    if (have.size)
      operands.insert(have.size);
  }
  if (!differs)
    return value;
  FailureOr<Value> aligned = node.computeElements(
      "align", operands.getArrayRef(), shape, NodeImporter::getElementType(value),
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalars from(at);
        for (auto [dim, have] : llvm::enumerate(own)) {
          if (!have.size)
            continue;
          unsigned number = llvm::find(operands, have.size) - operands.begin();
          Scalar last = body.input(number).load({}).toIndex() - 1;
          from[dim] = from[dim].min(last).clamp(body.index(0), body.index(have.bound - 1));
        }
        return body.input(0).load(from);
      });
  return node.isNeverNegative(value) ? node.declareIndices(aligned) : aligned;
}

/// Joins the extents of an operand, `own`, with the last ones of `result`.
static LogicalResult joinExtents(NodeImporter &node, MutableArrayRef<DimSize> result,
                                 ArrayRef<DimSize> own) {
  for (auto [joined, extent] : llvm::zip_equal(result.take_back(own.size()), own)) {
    FailureOr<DimSize> both = broadcastExtents(node, joined, extent);
    if (failed(both))
      return failure();
    joined = *both;
  }
  return success();
}

/// Changes an operand to the bounds of the extents that it broadcasts to.
static LogicalResult alignOperand(NodeImporter &node, unsigned index,
                                  ArrayRef<DimSize> extents) {
  SmallVector<DimSize> own = node.getExtents(index);
  FailureOr<Value> aligned =
      align(node, node.getInput(index), own, extents.take_back(own.size()));
  if (succeeded(aligned))
    node.setInput(index, *aligned);
  return aligned;
}

FailureOr<SmallVector<DimSize>> convoy::onnximport::broadcastOperands(NodeImporter &node) {
  size_t rank = 0;
  for (Value input : node.getInputs())
    rank = std::max<size_t>(rank, input ? NodeImporter::getRank(input) : 0);
  SmallVector<DimSize> result(rank, DimSize(1));
  for (unsigned i = 0; i < node.getNumInputs(); ++i)
    if (node.getInput(i) && failed(joinExtents(node, result, node.getExtents(i))))
      return failure();
  for (unsigned i = 0; i < node.getNumInputs(); ++i)
    if (node.hasSizes(i) && failed(alignOperand(node, i, result)))
      return failure();
  return result;
}

FailureOr<SmallVector<DimSize>> convoy::onnximport::broadcastOperand(NodeImporter &node,
                                                                     ArrayRef<DimSize> other) {
  SmallVector<DimSize> own = node.getExtents(0);
  size_t rank = std::max(own.size(), other.size());
  SmallVector<DimSize> result(rank - other.size(), DimSize(1));
  llvm::append_range(result, other);
  // If both are constants that differ, the stated one stays, and the broadcast fails.
  if (failed(joinExtents(node, result, own)) || failed(alignOperand(node, 0, result)))
    return failure();
  return result;
}

LogicalResult convoy::onnximport::ruleOfElements(NodeImporter &node, const OpEntry &entry) {
  FailureOr<SmallVector<DimSize>> extents = broadcastOperands(node);
  if (failed(extents) || failed(entry.import(node)))
    return failure();
  return setExtents(node, *extents);
}

//===----------------------------------------------------------------------===//
// Elements that do not count
//===----------------------------------------------------------------------===//

Counted::Counted(ArrayRef<DimSize> extents, SmallVectorImpl<Value> &operands)
    : extents(extents), first(operands.size()) {
  for (const DimSize &extent : extents)
    if (isOpen(extent))
      operands.push_back(extent.size);
}

Scalar Counted::getEnd(ComputeBody &body, unsigned dim) const {
  if (!isOpen(extents[dim]))
    return body.index(extents[dim].bound);
  unsigned number = first + llvm::count_if(ArrayRef(extents).take_front(dim), isOpen);
  return body.input(number).load({}).toIndex();
}

Scalar Counted::contains(ComputeBody &body, ArrayRef<Scalar> at) const {
  Scalar result = body.truth(true);
  for (auto [dim, extent] : llvm::enumerate(extents))
    if (isOpen(extent))
      result = result & (at[dim] < getEnd(body, dim));
  return result;
}

FailureOr<Value> convoy::onnximport::fillBeyond(NodeImporter &node, Value value,
                                                ArrayRef<DimSize> extents, Value filler) {
  if (llvm::none_of(extents, isOpen))
    return value;
  SmallVector<Value> operands = {value, filler};
  Counted counted(extents, operands);
  return node.computeElements("fill_beyond", operands, NodeImporter::getShape(value),
                              NodeImporter::getElementType(value),
                              [&](ComputeBody &body, ArrayRef<Scalar> at) {
                                return counted.contains(body, at).select(
                                    body.input(0).load(at), body.input(1).load({}));
                              });
}

FailureOr<Value> convoy::onnximport::enlarge(NodeImporter &node, Value value,
                                             ArrayRef<int64_t> bounds) {
  SmallVector<int64_t> from(NodeImporter::getShape(value));
  if (ArrayRef(from) == bounds)
    return value;
  Type element = NodeImporter::getElementType(value);
  if (llvm::product_of(from) == 0)
    return node.zeros(RankedTensorType::get(bounds, element));
  return node.computeElements("enlarge", value, bounds, element,
                              [&](ComputeBody &body, ArrayRef<Scalar> at) {
                                Scalars place(at);
                                for (auto [dim, index] : llvm::enumerate(place))
                                  index = index.min(body.index(from[dim] - 1));
                                return body.input(0).load(place);
                              });
}

FailureOr<Value> convoy::onnximport::changeBounds(NodeImporter &node, Value value,
                                                  ArrayRef<int64_t> bounds) {
  SmallVector<int64_t> shape(NodeImporter::getShape(value));
  for (auto [extent, bound] : llvm::zip_equal(shape, bounds))
    extent = std::min(extent, bound);
  SmallVector<int64_t> offsets(shape.size(), 0), steps(shape.size(), 1);
  FailureOr<Value> part = node.slice(value, offsets, shape, steps);
  return failed(part) ? part : enlarge(node, *part, bounds);
}

Value convoy::onnximport::makeLimit(NodeImporter &node, Type element, bool isLargest) {
  if (isa<FloatType>(element)) {
    double infinity = std::numeric_limits<double>::infinity();
    return node.scalar(element, isLargest ? infinity : -infinity);
  }
  unsigned width = element.getIntOrFloatBitWidth();
  bool isUnsigned = element.isUnsignedInteger() || width == 1;
  APInt number = isUnsigned  ? (isLargest ? APInt::getMaxValue(width) : APInt(width, 0))
                 : isLargest ? APInt::getSignedMaxValue(width)
                             : APInt::getSignedMinValue(width);
  Attribute attribute = IntegerAttr::get(element, number);
  return node.constant(DenseElementsAttr::get(RankedTensorType::get({}, element), attribute));
}

FailureOr<Value> convoy::onnximport::countFromBegin(NodeImporter &node, Value indices,
                                                    ArrayRef<DimSize> extents) {
  if (llvm::none_of(extents, isOpen) || node.isNeverNegative(indices))
    return indices;
  SmallVector<Value> operands = {indices};
  Counted counted(extents, operands);
  Type type = NodeImporter::getElementType(indices);
  return node.computeElements("count_from_begin", operands, NodeImporter::getShape(indices),
                              type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
                                Scalar index = body.input(0).load(at);
                                for (auto [number, extent] : llvm::enumerate(extents)) {
                                  if (!isOpen(extent))
                                    continue;
                                  Scalar counts = index < 0;
                                  if (extents.size() > 1)
                                    counts = counts & (at.back() == int64_t(number));
                                  index = counts.select(
                                      index + counted.getEnd(body, number).to(type), index);
                                }
                                return index;
                              });
}
