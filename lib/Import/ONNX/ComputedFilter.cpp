//===- ComputedFilter.cpp - Convolutions by filters that are data ---------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ComputedFilter.h"

#include "ElementIndex.h"
#include "TensorReader.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

/// From so many products on, a matrix product is faster in spite of its copy of the input.
static constexpr int64_t kMinMatmulProducts = 1 << 18;

bool convoy::onnximport::hasComputedFilter(NodeImporter &node) {
  auto isEmpty = [&](unsigned index) { return llvm::is_contained(node.getShape(index), 0); };
  return node.isFed(1) && !isEmpty(0) && !isEmpty(1);
}

FailureOr<Value> convoy::onnximport::addBias(NodeImporter &node, FailureOr<Value> value,
                                             Value bias) {
  if (failed(value) || !bias)
    return value;
  SmallVector<int64_t> shape(NodeImporter::getRank(*value), 1);
  shape[1] = NodeImporter::getShape(*value)[1];
  if (NodeImporter::getShape(bias) != ArrayRef(shape[1]))
    return node.error(node.describeInput(2) + " has shape " +
                      formatShape(NodeImporter::getShape(bias)) + ", expected " +
                      Twine(shape[1]));
  FailureOr<Value> reshaped = node.reshape(bias, shape);
  if (failed(reshaped))
    return failure();
  return node.binary(cnn::BinaryKind::add, *value, *reshaped);
}

/// The sum over nested loops of the given extents of what `term` adds to a sum.
static Scalar sumOver(ComputeBody &body, ArrayRef<int64_t> extents, Scalar start,
                      llvm::function_ref<Scalar(ArrayRef<Scalar>, Scalar)> term) {
  Scalars indices;
  std::function<Scalar(Scalar)> nest = [&](Scalar sum) -> Scalar {
    if (indices.size() == extents.size())
      return term(indices, sum);
    return body
        .loop(extents[indices.size()], {sum},
              [&](Scalar i, ArrayRef<Scalar> carried) -> Scalars {
                indices.push_back(i);
                Scalar next = nest(carried[0]);
                indices.pop_back();
                return {next};
              })
        .front();
  };
  return nest(start);
}

static LogicalResult wrongFilter(NodeImporter &node, int64_t group) {
  return node.error("a filter of shape " + formatShape(node.getShape(1)) + " in " +
                    Twine(group) + " groups does not fit an input of shape " +
                    formatShape(node.getShape(0)));
}

/// The element of the input that an element of the window lies on.
static Scalars placeInInput(const Window &window, ArrayRef<Scalar> leading,
                            ArrayRef<Scalar> pixel, ArrayRef<Scalar> tap) {
  Scalars source(leading);
  for (auto [i, position] : llvm::enumerate(pixel))
    source.push_back(position * window.strides[i] + tap[i] * window.dilations[i] -
                     window.pads[i]);
  return source;
}

/// As a product of the filter with a matrix that has a column for each window.
static FailureOr<Value> multiplyColumns(NodeImporter &node, const Window &window,
                                        ArrayRef<int64_t> shape) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> from = node.getShape(0), filter = node.getShape(1);
  Type type = NodeImporter::getElementType(input);
  SmallVector<int64_t> columns = {from[0]};
  llvm::append_range(columns, filter.drop_front());
  llvm::append_range(columns, shape.drop_front(2));
  size_t rank = window.kernel.size();
  FailureOr<Value> matrix = node.computeElements(
      "im2col", input, columns, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        return loadInside(
            body, 0,
            placeInInput(window, at.take_front(2), at.drop_front(2 + rank), at.slice(2, rank)),
            body.number(type, 0));
      });
  if (failed(matrix))
    return failure();
  int64_t taps = llvm::product_of(filter.drop_front());
  matrix = node.reshape(*matrix, {from[0], taps, llvm::product_of(shape.drop_front(2))});
  FailureOr<Value> weights = node.reshape(node.getInput(1), {1, filter[0], taps});
  if (failed(matrix) || failed(weights))
    return failure();
  weights =
      node.create<cnn::BroadcastOp>(*weights, ArrayRef<int64_t>{from[0], filter[0], taps});
  if (failed(weights))
    return failure();
  FailureOr<Value> product = node.create<cnn::MatmulOp>(*weights, *matrix);
  if (failed(product))
    return failure();
  return node.reshape(*product, shape);
}

FailureOr<Value> convoy::onnximport::computeConv(NodeImporter &node, const Window &window,
                                                 int64_t group) {
  ArrayRef<int64_t> from = node.getShape(0), filter = node.getShape(1);
  size_t rank = window.kernel.size();
  if (filter[1] * group != from[1] || filter[0] % group != 0)
    return wrongFilter(node, group);
  SmallVector<int64_t> shape = {from[0], filter[0]};
  for (size_t i = 0; i < rank; ++i) {
    int64_t reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
    int64_t room = from[i + 2] + window.pads[i] + window.pads[rank + i] - reach;
    if (room < 0)
      return node.error("the kernel does not fit dimension " + Twine(i + 2));
    shape.push_back(room / window.strides[i] + 1);
  }
  Type type = NodeImporter::getElementType(node.getInput(0));
  if (failed(node.checkShape(shape, type)))
    return failure();
  int64_t products = 0;
  bool isLarge = llvm::MulOverflow(llvm::product_of(shape),
                                   llvm::product_of(filter.drop_front()), products) ||
                 products >= kMinMatmulProducts;
  if (group == 1 && isLarge)
    return addBias(node, multiplyColumns(node, window, shape), node.getInput(2));
  FailureOr<Value> result = node.computeElements(
      "conv", node.getInputs().take_front(2), shape, type,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar first = at[1] / body.index(filter[0] / group) * filter[1];
        return sumOver(body, filter.drop_front(), body.number(type, 0),
                       [&](ArrayRef<Scalar> tap, Scalar sum) {
                         Scalars weight = {at[1]};
                         llvm::append_range(weight, tap);
                         Scalars source = placeInInput(window, {at[0], first + tap[0]},
                                                       at.drop_front(2), tap.drop_front());
                         return sum + body.input(1).load(weight) *
                                          loadInside(body, 0, source, body.number(type, 0));
                       });
      });
  return addBias(node, result, node.getInput(2));
}

FailureOr<Value> convoy::onnximport::computeConvTranspose(NodeImporter &node,
                                                          const Window &window, int64_t group,
                                                          ArrayRef<int64_t> outputPadding) {
  ArrayRef<int64_t> from = node.getShape(0), filter = node.getShape(1);
  size_t rank = window.kernel.size();
  if (filter[0] != from[1] || from[1] % group != 0)
    return wrongFilter(node, group);
  SmallVector<int64_t> shape = {from[0], filter[1] * group};
  for (size_t i = 0; i < rank; ++i) {
    shape.push_back((from[i + 2] - 1) * window.strides[i] + outputPadding[i] +
                    (window.kernel[i] - 1) * window.dilations[i] + 1 - window.pads[i] -
                    window.pads[rank + i]);
    if (shape.back() < 1)
      return node.error("the result has no elements in dimension " + Twine(i + 2));
  }
  Type type = NodeImporter::getElementType(node.getInput(0));
  SmallVector<int64_t> extents = {from[1] / group};
  llvm::append_range(extents, window.kernel);
  FailureOr<Value> result = node.computeElements(
      "conv_transpose", node.getInputs().take_front(2), shape, type,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar channel = at[1] % body.index(filter[1]);
        Scalar first = at[1] / body.index(filter[1]) * extents[0];
        return sumOver(
            body, extents, body.number(type, 0), [&](ArrayRef<Scalar> tap, Scalar sum) {
              Scalars weight = {first + tap[0], channel}, source = {at[0], first + tap[0]};
              Scalar meets = body.truth(true);
              for (size_t i = 0; i < rank; ++i) {
                Scalar place = at[i + 2] + window.pads[i] - tap[i + 1] * window.dilations[i];
                // A remainder of a negative number is negative: that lies outside anyway.
                meets = meets & (place % body.index(window.strides[i]) == 0) & (place >= 0);
                weight.push_back(tap[i + 1]);
                source.push_back(place / body.index(window.strides[i]));
              }
              Scalar zero = body.number(type, 0);
              Scalar value = meets.select(loadInside(body, 0, source, zero), zero);
              return sum + body.input(1).load(weight) * value;
            });
      });
  return addBias(node, result, node.getInput(2));
}
