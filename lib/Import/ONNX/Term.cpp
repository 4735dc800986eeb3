//===- Term.cpp - Formulas of tensors -------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Term.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

Term Term::number(double number) const {
  if (failed(value))
    return *this;
  return {*node, node->scalar(NodeImporter::getElementType(*value), number)};
}

Term Term::combine(cnn::BinaryKind kind, Term other) const {
  if (failed(value) || failed(other.value))
    return {*node, failure()};
  return {*node, node->binary(kind, *value, *other.value)};
}

Term Term::apply(cnn::UnaryKind kind) const {
  return failed(value) ? *this : Term(*node, node->unary(*value, kind));
}

Term Term::select(Term yes, Term no) const {
  if (failed(value) || failed(yes.value) || failed(no.value))
    return {*node, failure()};
  return {*node, node->create<cnn::SelectOp>(*value, *yes.value, *no.value)};
}

Term Term::reshape(ArrayRef<int64_t> shape) const {
  return failed(value) ? *this : Term(*node, node->reshape(*value, shape));
}

Term Term::to(Type elementType) const {
  if (failed(value) || NodeImporter::getElementType(*value) == elementType)
    return *this;
  if (!NodeImporter::getElementType(*value).isUnsignedInteger() &&
      !elementType.isUnsignedInteger())
    return {*node, node->create<cnn::CastOp>(*value, elementType)};
  return {*node,
          node->computeElements("cast", *value, NodeImporter::getShape(*value), elementType,
                                [&](ComputeBody &body, ArrayRef<Scalar> at) {
                                  return body.input(0).load(at).to(elementType);
                                })};
}

/// A reduction of unsigned integers, whose arithmetic differs from that of cnn.reduce.
static FailureOr<Value> reduceUnsigned(NodeImporter &node, Value input, cnn::ReduceKind kind,
                                       ArrayRef<int64_t> axes, ArrayRef<int64_t> kept) {
  using cnn::ReduceKind;
  Type type = NodeImporter::getElementType(input);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  SmallVector<int64_t> points, extents;
  for (int64_t dim : kept)
    points.push_back(shape[dim]);
  for (int64_t axis : axes)
    extents.push_back(shape[axis]);
  std::string name = "reduce_" + cnn::stringifyReduceKind(kind).str();
  return node.compute(name, points, input, points, type, [&](ComputeBody &body) {
    Scalars at(shape.size());
    for (auto [dim, index] : llvm::zip_equal(kept, body.point()))
      at[dim] = index;
    Scalar start = body.number(type, kind == ReduceKind::prod ? 1 : 0);
    if (kind == ReduceKind::min)
      start = start.integer(-1);
    Scalar result =
        body.loops(extents, start,
                   [&](ArrayRef<Scalar> indices, ArrayRef<Scalar> carried) {
                     for (auto [axis, index] : llvm::zip_equal(axes, indices))
                       at[axis] = index;
                     Scalar x = body.input(0).load(at), sum = carried.front();
                     if (kind == ReduceKind::max || kind == ReduceKind::min)
                       return Scalars{kind == ReduceKind::max ? sum.max(x) : sum.min(x)};
                     if (kind == ReduceKind::prod)
                       return Scalars{sum * x};
                     return Scalars{sum + (kind == ReduceKind::sum_square ? x * x : x)};
                   })
            .front();
    if (kind == ReduceKind::mean)
      result = result / int64_t(llvm::product_of(extents));
    body.output().store(result, body.point());
  });
}

Term Term::reduce(cnn::ReduceKind kind, ArrayRef<int64_t> axes, bool keepDims) const {
  if (failed(value))
    return *this;
  if (!NodeImporter::getElementType(*value).isUnsignedInteger())
    return {*node, node->create<cnn::ReduceOp>(*value, kind, axes, keepDims)};
  SmallVector<int64_t> shape(NodeImporter::getShape(*value)), kept;
  for (int64_t dim = 0; dim < int64_t(shape.size()); ++dim)
    if (llvm::is_contained(axes, dim))
      shape[dim] = 1;
    else
      kept.push_back(dim);
  Term result(*node, reduceUnsigned(*node, *value, kind, axes, kept));
  return keepDims ? result.reshape(shape) : result;
}
