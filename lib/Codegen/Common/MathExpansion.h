//===- MathExpansion.h - Arithmetic that functions expand to ----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_COMMON_MATHEXPANSION_H
#define CONVOY_LIB_CODEGEN_COMMON_MATHEXPANSION_H

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace convoy {

/// Writes arithmetic on float scalars or vectors of one shape.
struct MathExpansion {
  using Value = mlir::Value;
  using FloatPredicate = mlir::arith::CmpFPredicate;

  mlir::OpBuilder &b;
  mlir::Location loc;
  /// f32 and i32, or f64 and i64, or vectors of them.
  mlir::Type type, bitsType;

  Value constant(double value) { return emitConstant(b, loc, type, value); }
  Value bits(int64_t value) {
    mlir::TypedAttr attribute =
        mlir::IntegerAttr::get(mlir::getElementTypeOrSelf(bitsType), value);
    if (auto shaped = mlir::dyn_cast<mlir::ShapedType>(bitsType))
      attribute = mlir::DenseElementsAttr::get(shaped, mlir::Attribute(attribute));
    return mlir::arith::ConstantOp::create(b, loc, attribute);
  }
  Value add(Value x, Value y) { return mlir::arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return mlir::arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return mlir::arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return mlir::arith::DivFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) { return mlir::math::FmaOp::create(b, loc, x, y, z); }
  Value abs(Value x) { return mlir::math::AbsFOp::create(b, loc, x); }
  Value neg(Value x) { return mlir::arith::NegFOp::create(b, loc, x); }
  Value floor(Value x) { return mlir::math::FloorOp::create(b, loc, x); }
  Value copySign(Value x, Value y) { return mlir::math::CopySignOp::create(b, loc, x, y); }
  Value addBits(Value x, Value y) { return mlir::arith::AddIOp::create(b, loc, x, y); }
  Value subBits(Value x, Value y) { return mlir::arith::SubIOp::create(b, loc, x, y); }
  Value andBits(Value x, Value y) { return mlir::arith::AndIOp::create(b, loc, x, y); }
  Value orBits(Value x, Value y) { return mlir::arith::OrIOp::create(b, loc, x, y); }
  Value shiftLeft(Value x, int32_t by) {
    return mlir::arith::ShLIOp::create(b, loc, x, bits(by));
  }
  Value shiftRight(Value x, int32_t by) {
    return mlir::arith::ShRSIOp::create(b, loc, x, bits(by));
  }
  Value shiftRightUnsigned(Value x, int32_t by) {
    return mlir::arith::ShRUIOp::create(b, loc, x, bits(by));
  }
  Value toBits(Value x) { return mlir::arith::BitcastOp::create(b, loc, bitsType, x); }
  Value fromBits(Value x) { return mlir::arith::BitcastOp::create(b, loc, type, x); }
  Value compare(FloatPredicate predicate, Value x, Value y) {
    return mlir::arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value less(Value x, Value y) { return compare(FloatPredicate::OLT, x, y); }
  Value equal(Value x, Value y) { return compare(FloatPredicate::OEQ, x, y); }
  Value select(Value condition, Value x, Value y) {
    return mlir::arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value isBitSet(Value x, int32_t mask) {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::ne,
                                       andBits(x, bits(mask)), bits(0));
  }
  /// Horner's rule, the highest coefficient last.
  Value polynomial(Value x, llvm::ArrayRef<double> coefficients) {
    Value result = constant(coefficients.back());
    for (double coefficient : llvm::reverse(coefficients.drop_back()))
      result = fma(result, x, constant(coefficient));
    return result;
  }
  /// `x` to the power `y`, where `size` is `|x|` to the power `y`.
  Value powerWithSign(Value x, Value y, Value size);
};

/// The functions of MathApproximation.cpp for f64, in MathApproximationF64.cpp.
struct F64Expansion : MathExpansion {
  Value exp(Value x);
  Value expm1(Value x);
  Value log(Value x);
  Value log1p(Value x);
  Value tanh(Value x);
  Value erf(Value x);
  Value sinCos(Value x, bool cosine);
  Value pow(Value x, Value y);

private:
  /// round(x / ln 2) as an integer, and what is left of x.
  std::pair<Value, Value> reduceByLn2(Value x);
  /// exp(r) - 1 for |r| <= ln(2) / 2.
  Value smallExpm1(Value r);
  /// 2^n for exponents of normal numbers.
  Value powerOfTwo(Value n);
};

} // namespace convoy

#endif // CONVOY_LIB_CODEGEN_COMMON_MATHEXPANSION_H
