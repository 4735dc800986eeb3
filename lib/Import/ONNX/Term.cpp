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
  return {*node, node->create<cnn::CastOp>(*value, elementType)};
}

Term Term::reduce(cnn::ReduceKind kind, ArrayRef<int64_t> axes, bool keepDims) const {
  if (failed(value))
    return *this;
  return {*node, node->create<cnn::ReduceOp>(*value, kind, axes, keepDims)};
}
