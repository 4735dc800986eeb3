//===- Term.h - Formulas of tensors -----------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_TERM_H
#define CONVOY_LIB_IMPORT_ONNX_TERM_H

#include "NodeImporter.h"

namespace convoy::onnximport {

/// A tensor in a formula; the operators make operations of the cnn dialect, which broadcast.
/// If one of them fails, so do all that depend on it.
class Term {
public:
  Term(NodeImporter &node, mlir::FailureOr<mlir::Value> value) : node(&node), value(value) {}
  operator mlir::FailureOr<mlir::Value>() const { return value; }

  /// A scalar of this term's element type.
  Term number(double value) const;

  Term operator+(Term other) const { return combine(cnn::BinaryKind::add, other); }
  Term operator-(Term other) const { return combine(cnn::BinaryKind::sub, other); }
  Term operator*(Term other) const { return combine(cnn::BinaryKind::mul, other); }
  Term operator/(Term other) const { return combine(cnn::BinaryKind::div, other); }
  Term operator+(double other) const { return *this + number(other); }
  Term operator-(double other) const { return *this - number(other); }
  Term operator*(double other) const { return *this * number(other); }
  Term operator/(double other) const { return *this / number(other); }
  Term combine(cnn::BinaryKind kind, Term other) const;
  Term apply(cnn::UnaryKind kind) const;
  /// Of a truth value.
  Term select(Term yes, Term no) const;
  /// Reduced over `axes`, which stay as dimensions of extent 1 if `keepDims`.
  Term reduce(cnn::ReduceKind kind, llvm::ArrayRef<int64_t> axes, bool keepDims = true) const;
  Term reshape(llvm::ArrayRef<int64_t> shape) const;
  /// Converted as ONNX Cast converts.
  Term to(mlir::Type elementType) const;

private:
  NodeImporter *node;
  mlir::FailureOr<mlir::Value> value;
};

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_TERM_H
