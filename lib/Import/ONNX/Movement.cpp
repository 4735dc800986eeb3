//===- Movement.cpp - Operators that move elements by indices ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementIndex.h"
#include "NodeImporter.h"
#include "OpTable.h"
#include "Operators.h"
#include "SizeRules.h"
#include "TensorReader.h"
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

//===----------------------------------------------------------------------===//
// By the position alone
//===----------------------------------------------------------------------===//

/// The upper or lower triangle of matrices; `k` moves the diagonal.
static LogicalResult importTrilu(NodeImporter &node) {
  Value input = node.getInput(0), k = node.getInput(1);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  if (shape.size() < 2)
    return node.error("input has rank " + Twine(shape.size()) + ", expected at least 2");
  if (k && NodeImporter::getType(k).getNumElements() != 1)
    return node.error(node.describeInput(1) + " is not one number");
  bool upper = node.getInt("upper", 1) != 0;
  SmallVector<Value> operands = {input};
  if (k)
    operands.push_back(k);
  int64_t rank = k ? NodeImporter::getRank(k) : 0;
  Type type = NodeImporter::getElementType(input);
  return node.setResult(node.computeElements(
      "trilu", operands, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Type i64 = body.b().getI64Type();
        Scalar row = at[at.size() - 2].to(i64), column = at.back().to(i64);
        if (k) // Beyond the matrix, all values have the same effect.
          row = row +
                body.input(1)
                    .load(Scalars(rank, body.index(0)))
                    .clamp(row.integer(-shape[shape.size() - 2]), row.integer(shape.back()));
        Scalar kept = upper ? column >= row : column <= row;
        return kept.select(body.input(0).load(at), body.number(type, 0));
      }));
}

/// Ones on a diagonal.
static LogicalResult importEyeLike(NodeImporter &node) {
  SmallVector<int64_t> shape(node.getShape(0));
  if (shape.size() == 1)
    shape.push_back(shape.front());
  if (shape.size() != 2)
    return node.error(node.describeInput(0) + " has rank " + Twine(shape.size()) +
                      ", expected 2");
  Type type = NodeImporter::getElementType(node.getInput(0));
  if (node.hasAttribute("dtype") && !(type = node.getDataType("dtype", 1)))
    return failure();
  int64_t k = std::clamp(node.getInt("k", 0), -shape[0], shape[1]);
  return node.setResult(node.computeElements(
      "eye", {}, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        return (at[1] == at[0] + k).select(body.number(type, 1), body.number(type, 0));
      }));
}

/// Cuts or pads around the centre.
static LogicalResult importCenterCropPad(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> from = NodeImporter::getShape(input);
  std::optional<SmallVector<int64_t>> sizes = node.getConstantInts(1);
  std::optional<SmallVector<int64_t>> axes = node.getInts("axes");
  if (!sizes)
    return failure();
  if (!axes) {
    axes.emplace(from.size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (axes->size() != sizes->size())
    return node.error("has " + Twine(sizes->size()) + " sizes for " + Twine(axes->size()) +
                      " axes");
  if (failed(node.normalizeAxes(*axes, from.size())))
    return failure();
  SmallVector<int64_t> shape(from), shift(from.size(), 0);
  for (auto [stated, size] : llvm::zip_equal(*axes, *sizes)) {
    int64_t axis = *node.normalizeAxis(stated, from.size());
    if (size < 0)
      return node.error("has the size " + Twine(size) + " for dimension " + Twine(axis));
    // An odd difference leaves one element more after than before.
    shift[axis] = size < from[axis] ? (from[axis] - size) / 2 : -((size - from[axis]) / 2);
    shape[axis] = size;
  }
  Type type = NodeImporter::getElementType(input);
  return node.setResult(node.computeElements(
      "center_crop_pad", input, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalars source;
        for (auto [i, position] : llvm::enumerate(at))
          source.push_back(position + shift[i]);
        return loadInside(body, 0, source, body.number(type, 0));
      }));
}

//===----------------------------------------------------------------------===//
// By other tensors
//===----------------------------------------------------------------------===//

static LogicalResult importGatherElements(NodeImporter &node) {
  Value input = node.getInput(0), indices = node.getInput(1);
  ArrayRef<int64_t> from = NodeImporter::getShape(input), shape = node.getShape(1);
  FailureOr<int64_t> axis = node.normalizeAxis(node.getInt("axis", 0), from.size());
  if (failed(axis))
    return failure();
  if (from.size() != shape.size())
    return node.error("inputs have ranks " + Twine(from.size()) + " and " +
                      Twine(shape.size()));
  for (auto [dim, extents] : llvm::enumerate(llvm::zip(from, shape)))
    if (int64_t(dim) != *axis && std::get<1>(extents) > std::get<0>(extents))
      return node.error(node.describeInput(1) + " has " + Twine(std::get<1>(extents)) +
                        " elements in dimension " + Twine(dim) + ", the data have " +
                        Twine(std::get<0>(extents)));
  FailureOr<Value> counted = countFromBegin(node, indices, node.getExtents(0)[*axis]);
  if (failed(counted))
    return failure();
  FailureOr<Value> result = node.computeElements(
      "gather_elements", {input, *counted}, shape, NodeImporter::getElementType(input),
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalars source(at);
        source[*axis] = toElementIndex(body.input(1).load(at), from[*axis]);
        return body.input(0).load(source);
      });
  return node.setResult(result, node.getExtents(1));
}

static LogicalResult importGatherND(NodeImporter &node) {
  Value input = node.getInput(0), indices = node.getInput(1);
  ArrayRef<int64_t> from = NodeImporter::getShape(input), which = node.getShape(1);
  int64_t batch = node.getInt("batch_dims", 0), rank = which.size();
  if (rank < 1 || from.empty())
    return node.error("has an input of rank 0");
  int64_t depth = which.back();
  if (batch < 0 || batch >= rank || batch + depth > int64_t(from.size()) || depth < 1)
    return node.error("picks by " + Twine(depth) + " indices after " + Twine(batch) +
                      " batch dimensions from rank " + Twine(from.size()));
  if (from.take_front(batch) != which.take_front(batch))
    return node.error("inputs differ in their batch dimensions");
  SmallVector<int64_t> shape(which.drop_back());
  llvm::append_range(shape, from.drop_front(batch + depth));
  SmallVector<DimSize> data = node.getExtents(0), extents = node.getExtents(1);
  FailureOr<Value> counted = countFromBegin(node, indices, ArrayRef(data).slice(batch, depth));
  if (failed(counted))
    return failure();
  extents.pop_back();
  llvm::append_range(extents, ArrayRef(data).drop_front(batch + depth));
  FailureOr<Value> result = node.computeElements(
      "gather_nd", {input, *counted}, shape, NodeImporter::getElementType(input),
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalars source(at.take_front(batch));
        for (int64_t i = 0; i < depth; ++i) {
          Scalars place(at.take_front(rank - 1));
          place.push_back(body.index(i));
          source.push_back(toElementIndex(body.input(1).load(place), from[batch + i]));
        }
        llvm::append_range(source, at.drop_front(rank - 1));
        return body.input(0).load(source);
      });
  return node.setResult(result, extents);
}

/// Reverses the first elements of each sequence; as many as input 1 says.
static LogicalResult importReverseSequence(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  FailureOr<int64_t> batch = node.normalizeAxis(node.getInt("batch_axis", 1), shape.size());
  FailureOr<int64_t> time = node.normalizeAxis(node.getInt("time_axis", 0), shape.size());
  if (failed(batch) || failed(time))
    return failure();
  if (*batch == *time)
    return node.error("attributes 'batch_axis' and 'time_axis' are equal");
  if (node.getShape(1) != ArrayRef(shape[*batch]))
    return node.error(node.describeInput(1) + " has shape " + formatShape(node.getShape(1)) +
                      ", expected " + Twine(shape[*batch]));
  FailureOr<Value> checked = readLengths(node, 1, shape[*time]);
  if (failed(checked))
    return failure();
  return node.setResult(node.computeElements(
      "reverse_sequence", {input, *checked}, shape, NodeImporter::getElementType(input),
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar length = body.input(1).load({at[*batch]}).toIndex();
        Scalars source(at);
        source[*time] = (at[*time] < length).select(length - 1 - at[*time], at[*time]);
        return body.input(0).load(source);
      }));
}

/// An element of `values`, off or on, at each position of the new dimension.
static LogicalResult importOneHot(NodeImporter &node) {
  Value indices = node.getInput(0), values = node.getInput(2);
  ArrayRef<int64_t> from = NodeImporter::getShape(indices);
  std::optional<SmallVector<float>> depth = node.getConstantFloats(1);
  FailureOr<int64_t> axis = node.normalizeAxis(node.getInt("axis", -1), from.size() + 1);
  if (!depth || failed(axis))
    return failure();
  if (depth->size() != 1 || depth->front() < 1 || depth->front() > float(1 << 30))
    return node.error(node.describeInput(1) + " is not one positive number");
  if (node.getShape(2) != ArrayRef<int64_t>(2))
    return node.error(node.describeInput(2) + " has shape " + formatShape(node.getShape(2)) +
                      ", expected 2");
  int64_t extent = int64_t(depth->front());
  SmallVector<int64_t> shape(from);
  shape.insert(shape.begin() + *axis, extent);
  SmallVector<DimSize> extents = node.getExtents(0);
  extents.insert(extents.begin() + *axis, extent);
  FailureOr<Value> result = node.computeElements(
      "one_hot", {indices, values}, shape, NodeImporter::getElementType(values),
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalars place(at);
        place.erase(place.begin() + *axis);
        Type i64 = body.b().getI64Type();
        Scalar hot = body.input(0).load(place).to(i64), here = at[*axis].to(i64);
        hot = (hot < hot.integer(0)).select(hot + hot.integer(extent), hot);
        return body.input(1).load({(hot == here).select(body.index(1), body.index(0))});
      });
  return node.setResult(result, extents);
}

ArrayRef<OpEntry> convoy::onnximport::getMovementOps() {
  static constexpr OpEntry ops[] = {
      {"CenterCropPad", importCenterCropPad, 2, 2, InputTypes(kAny, kInteger), 18, kNoEnd,
       "the shape must be constant"},
      {"EyeLike", importEyeLike, 1, 1, kAny, 9},
      OpEntry{"GatherElements", importGatherElements, 2, 2, InputTypes(kAny, kIndex), 11}.with(
          ruleOfItself),
      OpEntry{"GatherND", importGatherND, 2, 2, InputTypes(kAny, kIndex), 11}.with(
          ruleOfItself),
      OpEntry{"OneHot", importOneHot, 3, 3, InputTypes(kNumber, kNumber, kAny), 9, kNoEnd,
              "the depth must be constant"}
          .with(ruleOfItself),
      {"ReverseSequence", importReverseSequence, 2, 2, InputTypes(kAny, kIndex), 10},
      OpEntry{"Trilu", importTrilu, 1, 2, InputTypes(kAny, kInt64), 14}.with(ruleOfKeptSizes),
  };
  return ops;
}
