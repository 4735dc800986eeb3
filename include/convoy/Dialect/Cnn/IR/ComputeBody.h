//===- ComputeBody.h - Writes the bodies of cnn.compute ---------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A body reads nearly as the formula that it computes. Reversing a list of `n` elements:
//
//   ComputeOp reversed = createCompute(
//       builder, loc, "reverse", {n}, input, type, [&](ComputeBody &body) {
//         Scalar i = body.at(0);
//         body.output().store(body.input(0).load({n - 1 - i}), {i});
//       });
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_COMPUTEBODY_H
#define CONVOY_DIALECT_CNN_IR_COMPUTEBODY_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include <functional>

namespace convoy::cnn {

/// A number in a body, with the arithmetic of its type. Floats are f32 or f64 (f16 and bf16
/// are converted when they are loaded and stored), integers are signless; a Scalar knows
/// whether an integer is signed. Both operands of an operator have the same type; a C++ number
/// takes the type of the other operand. Quotients and remainders of integers are C's; the
/// divisor must not be 0.
class Scalar {
public:
  Scalar() = default;
  Scalar(mlir::ImplicitLocOpBuilder &b, mlir::Value value, bool isUnsigned = false)
      : b(&b), value(value), unsignedInteger(isUnsigned) {}

  mlir::Value get() const { return value; }
  mlir::Type getType() const { return value.getType(); }
  bool isFloat() const { return mlir::isa<mlir::FloatType>(getType()); }
  bool isUnsigned() const { return unsignedInteger || getType().isInteger(1); }
  explicit operator bool() const { return bool(value); }

  /// A constant of this type.
  Scalar constant(double number) const;
  /// A constant of this integer type, exact for 64 bits.
  Scalar integer(int64_t number) const;

  Scalar operator+(Scalar other) const;
  Scalar operator-(Scalar other) const;
  Scalar operator*(Scalar other) const;
  Scalar operator/(Scalar other) const;
  Scalar operator%(Scalar other) const;
  Scalar operator-() const;
  // Of integers and truth values.
  Scalar operator&(Scalar other) const;
  Scalar operator|(Scalar other) const;
  Scalar operator^(Scalar other) const;
  Scalar operator!() const;
  // Comparisons give i1. A comparison with a NaN is false, except `!=`.
  Scalar operator<(Scalar other) const;
  Scalar operator<=(Scalar other) const;
  Scalar operator>(Scalar other) const { return other < *this; }
  Scalar operator>=(Scalar other) const { return other <= *this; }
  Scalar operator==(Scalar other) const;
  Scalar operator!=(Scalar other) const;

  /// Of a truth value: `yes` if it is true, otherwise `no`.
  Scalar select(Scalar yes, Scalar no) const;
  Scalar min(Scalar other) const { return (*this < other).select(*this, other); }
  Scalar max(Scalar other) const { return (other < *this).select(*this, other); }
  Scalar clamp(Scalar low, Scalar high) const { return max(low).min(high); }
  /// Of integers: the quotient rounded down, and the remainder with the divisor's sign.
  Scalar floorDiv(Scalar other) const;
  Scalar floorMod(Scalar other) const;

  /// An element-wise function, such as `UnaryKind::exp`, as cnn.unary computes it.
  Scalar apply(UnaryKind kind) const;
  /// An arithmetic function, such as `BinaryKind::pow`, as cnn.binary computes it.
  Scalar apply(BinaryKind kind, Scalar other) const;
  /// Converted as ONNX Cast converts; `type` may be the index type, too.
  Scalar to(mlir::Type type) const;
  Scalar toIndex() const;

private:
  template <typename FloatOp, typename SignedOp, typename UnsignedOp = SignedOp>
  Scalar make(Scalar other) const;
  Scalar compare(int floats, int integers, int unsignedIntegers, Scalar other) const;
  Scalar with(mlir::Value result) const { return {*b, result, unsignedInteger}; }

  mlir::ImplicitLocOpBuilder *b = nullptr;
  mlir::Value value;
  bool unsignedInteger = false;
};

#define CONVOY_SCALAR_OPERATOR(op)                                                            \
  inline Scalar operator op(Scalar lhs, double rhs) { return lhs op lhs.constant(rhs); }      \
  inline Scalar operator op(double lhs, Scalar rhs) { return rhs.constant(lhs) op rhs; }      \
  inline Scalar operator op(Scalar lhs, int64_t rhs) { return lhs op lhs.constant(rhs); }     \
  inline Scalar operator op(int64_t lhs, Scalar rhs) { return rhs.constant(lhs) op rhs; }     \
  inline Scalar operator op(Scalar lhs, int rhs) { return lhs op lhs.constant(rhs); }         \
  inline Scalar operator op(int lhs, Scalar rhs) { return rhs.constant(lhs) op rhs; }
CONVOY_SCALAR_OPERATOR(+)
CONVOY_SCALAR_OPERATOR(-)
CONVOY_SCALAR_OPERATOR(*)
CONVOY_SCALAR_OPERATOR(/)
CONVOY_SCALAR_OPERATOR(%)
CONVOY_SCALAR_OPERATOR(<)
CONVOY_SCALAR_OPERATOR(<=)
CONVOY_SCALAR_OPERATOR(>)
CONVOY_SCALAR_OPERATOR(>=)
CONVOY_SCALAR_OPERATOR(==)
CONVOY_SCALAR_OPERATOR(!=)
#undef CONVOY_SCALAR_OPERATOR

using Scalars = llvm::SmallVector<Scalar>;

/// The attribute of loops whose iterations may run in vectors.
constexpr llvm::StringLiteral kVectorLoopAttrName = "cnn.vectors";

/// One buffer of a body. Indices must lie inside.
class ComputeBuffer {
public:
  ComputeBuffer(mlir::ImplicitLocOpBuilder &b, mlir::Value buffer) : b(&b), buffer(buffer) {}

  mlir::MemRefType getType() const { return mlir::cast<mlir::MemRefType>(buffer.getType()); }
  llvm::ArrayRef<int64_t> getShape() const { return getType().getShape(); }
  int64_t getRank() const { return getType().getRank(); }
  Scalar load(llvm::ArrayRef<Scalar> indices) const;
  /// Converts between f32 and f16 or bf16 if need be; apart from that, `value` has the type of
  /// the buffer's elements.
  void store(Scalar value, llvm::ArrayRef<Scalar> indices) const;

private:
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value buffer;
};

/// The body of a cnn.compute while it is written.
class ComputeBody {
public:
  ComputeBody(mlir::ImplicitLocOpBuilder &b, ComputeOp op) : builder(b), op(op) {}

  mlir::ImplicitLocOpBuilder &b() { return builder; }
  /// The coordinates of the point.
  Scalars point();
  Scalar at(unsigned dimension) { return {builder, op.getPoint()[dimension]}; }
  ComputeBuffer input(unsigned number) { return {builder, op.getBuffers()[number]}; }
  ComputeBuffer output() { return {builder, op.getBuffers().back()}; }

  Scalar index(int64_t value);
  Scalar number(mlir::Type type, double value);
  Scalar truth(bool value);

  using LoopBody = llvm::function_ref<Scalars(Scalar, llvm::ArrayRef<Scalar>)>;
  /// A loop over the indices from `lower` up to `upper`, which is not included. `body` gets
  /// the index and the carried values, and returns their next values. Returns the last ones.
  Scalars loop(Scalar lower, Scalar upper, llvm::ArrayRef<Scalar> inits, LoopBody body);
  Scalars loop(int64_t upper, llvm::ArrayRef<Scalar> inits, LoopBody body) {
    return loop(index(0), index(upper), inits, body);
  }
  /// A loop that carries no values.
  void loop(int64_t upper, llvm::function_ref<void(Scalar)> body);
  /// A loop whose iterations a CPU may run in any order, several at a time in vectors.
  void vectorLoop(int64_t upper, llvm::function_ref<void(Scalar)> body);
  /// Nested loops over a space of the given extents.
  void loops(llvm::ArrayRef<int64_t> extents,
             llvm::function_ref<void(llvm::ArrayRef<Scalar>)> body);
  using NestBody = llvm::function_ref<Scalars(llvm::ArrayRef<Scalar>, llvm::ArrayRef<Scalar>)>;
  /// The same with carried values, which `body` gets after the indices; returns the last ones.
  Scalars loops(llvm::ArrayRef<int64_t> extents, llvm::ArrayRef<Scalar> inits, NestBody body);
  /// A loop that runs `body` as long as `condition`, an i1 made from the carried values.
  Scalars whileLoop(llvm::ArrayRef<Scalar> inits,
                    llvm::function_ref<Scalar(llvm::ArrayRef<Scalar>)> condition,
                    llvm::function_ref<Scalars(llvm::ArrayRef<Scalar>)> body);
  void when(Scalar condition, llvm::function_ref<void()> body);
  /// The values of one of the two; only that one is computed.
  Scalars choose(Scalar condition, llvm::function_ref<Scalars()> yes,
                 llvm::function_ref<Scalars()> no);

private:
  mlir::ImplicitLocOpBuilder &builder;
  ComputeOp op;
};

/// Makes a cnn.compute of the result type `type`, whose body `write` writes for one point.
ComputeOp createCompute(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef kind,
                        llvm::ArrayRef<int64_t> points, mlir::ValueRange inputs,
                        mlir::RankedTensorType type,
                        llvm::function_ref<void(ComputeBody &)> write);

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_COMPUTEBODY_H
