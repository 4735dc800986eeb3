//===- MathApproximation.h - Elementary functions without libm --*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_MATHAPPROXIMATION_H
#define CONVOY_CODEGEN_COMMON_MATHAPPROXIMATION_H

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace convoy {

/// Expands `math.exp`, `expm1`, `log`, `log1p`, `tanh`, `erf`, `powf` and the functions below
/// on scalars and vectors into `arith` and `math.fma`. Artefacts link no libm.
void populateMathApproximationPatterns(mlir::RewritePatternSet &patterns);

/// Expands `math.sin`, `cos`, `tan`, `sinh`, `cosh` and the inverses of these and of `tanh`.
/// Sine and cosine of f64 are left to the function above; the others are computed in f32.
void populateTrigonometricApproximationPatterns(mlir::RewritePatternSet &patterns);

/// Expands conversions from and to bf16, and from f64 to f16, on scalars and vectors; not
/// those from f32 to bf16 if the target `roundsToBF16` by an instruction.
void populateFloatConversionPatterns(mlir::RewritePatternSet &patterns, bool roundsToBF16);

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_MATHAPPROXIMATION_H
