//===- Concat.cpp - Concat ------------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "Operators.h"
#include "SizeRules.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

/// Moves the parts of a concatenation along `axis` together, of which each has as many
/// elements in that dimension as `parts` says.
static FailureOr<Value> closeGaps(NodeImporter &node, Value joined, int64_t axis,
                                  ArrayRef<DimSize> parts, DimSize &total) {
  SmallVector<Value> operands = {joined};
  SmallVector<int64_t> begins; // of the parts in `joined`, but for the first
  int64_t begin = 0;
  total = 0;
  for (const DimSize &part : parts) {
    if (begin) {
      operands.push_back(node.materialize(total));
      begins.push_back(begin);
    }
    begin += part.bound;
    total = node.combine(BinaryKind::add, total, part);
  }
  if (llvm::all_of(parts.drop_back(), [](const DimSize &part) { return part.isConstant(); }))
    return joined;
  Type i64 = node.getBuilder().getI64Type();
  ArrayRef<int64_t> shape = NodeImporter::getShape(joined);
  return node.computeElements(
      "concat_sized", operands, shape, NodeImporter::getElementType(joined),
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalars from(at);
        Scalar place = at[axis].to(i64), source = place;
        for (auto [number, begin] : llvm::enumerate(begins)) {
          Scalar own = body.input(number + 1).load({});
          source = (place >= own).select(place - own + begin, source);
        }
        from[axis] = source.min(source.integer(shape[axis] - 1)).toIndex();
        return body.input(0).load(from);
      });
}

/// Joins the extents of input `index` of a concatenation along `axis` with those of inputs
/// before it: in all other dimensions they have the same number of elements, though the
/// compiler may not know that they do.
static LogicalResult joinParts(NodeImporter &node, MutableArrayRef<DimSize> joined,
                               unsigned index, int64_t axis) {
  for (auto [dim, extent] : llvm::enumerate(node.getExtents(index))) {
    DimSize &known = joined[dim];
    if (int64_t(dim) == axis)
      continue;
    // A size may have any value up to its bound.
    bool isPossible = extent.isConstant() && known.isConstant() ? known.bound == extent.bound
                      : extent.isConstant()                     ? extent.bound <= known.bound
                      : known.isConstant()                      ? known.bound <= extent.bound
                                                                : true;
    if (!isPossible)
      return node.error(node.describeInput(index) + " has " + Twine(extent.bound) +
                        " elements in dimension " + Twine(dim) + ", others have " +
                        Twine(known.bound));
    if (known.isConstant())
      continue;
    if (extent.isConstant())
      known.size = {};
    known.bound = extent.isConstant() ? extent.bound : std::min(known.bound, extent.bound);
  }
  return success();
}

LogicalResult convoy::onnximport::importConcat(NodeImporter &node) {
  if (node.getOpset() >= 4 && !node.hasAttribute("axis"))
    return node.error("has no attribute 'axis'");
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.getInt("axis", 1), NodeImporter::getRank(node.getInput(0)));
  if (failed(axis))
    return failure();
  // Inputs without elements add nothing, but must be of the rank that the others have.
  SmallVector<SizedValue> inputs;
  SmallVector<DimSize> extents, parts;
  int64_t rank = NodeImporter::getRank(node.getInput(0));
  for (auto [index, input] : llvm::enumerate(node.getInputs())) {
    if (NodeImporter::getRank(input) != rank)
      return node.error(node.describeInput(index) + " has rank " +
                        Twine(NodeImporter::getRank(input)) + ", expected " + Twine(rank));
    SizedValue sized = node.getSized(index);
    bool isEmpty = NodeImporter::getType(input).getNumElements() == 0;
    // An empty part has the other dimensions that all have, if it has any.
    SmallVector<int64_t> others = getBounds(sized.extents);
    others.erase(others.begin() + *axis);
    if (node.hasSizes() && !llvm::is_contained(others, 0)) {
      if (extents.empty())
        extents = sized.extents;
      if (failed(joinParts(node, extents, index, *axis)))
        return failure();
    }
    if (isEmpty)
      continue;
    parts.push_back(sized.extents[*axis]);
    inputs.push_back(std::move(sized));
  }
  if (inputs.empty() || !node.hasSizes()) {
    SmallVector<Value> values =
        llvm::map_to_vector(inputs, [](const SizedValue &part) { return part.value; });
    return node.setResult(node.create<cnn::ConcatOp>(
        inputs.empty() ? node.getInputs() : ArrayRef<Value>(values), *axis));
  }
  SmallVector<Value> values;
  for (const SizedValue &part : inputs) {
    SmallVector<int64_t> bounds = getBounds(extents);
    bounds[*axis] = part.extents[*axis].bound;
    FailureOr<Value> value = changeBounds(node, part.value, bounds);
    if (failed(value))
      return failure();
    values.push_back(*value);
  }
  FailureOr<Value> result = node.create<cnn::ConcatOp>(values, *axis);
  if (failed(result))
    return failure();
  result = closeGaps(node, *result, *axis, parts, extents[*axis]);
  return node.setResult(result, extents);
}
