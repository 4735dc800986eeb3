//===- Decompose.h - What the families of cnn-decompose share ---*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TRANSFORMS_SCHEDULE_DECOMPOSE_H
#define CONVOY_LIB_TRANSFORMS_SCHEDULE_DECOMPOSE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace convoy::cnn {

/// Writes linalg on tensors at one place of the function.
class Decomposer {
public:
  using Body =
      llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

  /// A tensor and how the loops of an operation index it.
  struct Input {
    mlir::Value value;
    mlir::AffineMap map;
  };

  explicit Decomposer(mlir::Operation *op) : builder(op), op(op) {}

  /// Builds the value that `op` computes; fails with a diagnostic if it cannot. Specialised
  /// for each operation in the file of its family.
  template <typename OpTy> mlir::FailureOr<mlir::Value> decompose(OpTy op);

private:
  // DecomposeReduction.cpp
  /// Reduces `input` over `axes`; the result has the other dimensions. The caller divides the
  /// sum of a mean, and takes the root of an l2.
  mlir::Value reduce(ReduceKind kind, mlir::Value input, llvm::ArrayRef<int64_t> axes);
  /// Computes `body` of the inputs in loops of `shape`, and combines its values over `axes` by
  /// a sum, product, maximum or minimum. The result has the other dimensions.
  mlir::Value reduce(ReduceKind combiner, llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<int64_t> axes, llvm::ArrayRef<Input> inputs, Body body);
  // DecomposeNormalization.cpp
  /// `(input - mean) / sqrt(variance + epsilon) * scale + bias`, with mean and variance over
  /// `axes`; scale and bias may be missing.
  mlir::FailureOr<mlir::Value> normalize(mlir::Value input, llvm::ArrayRef<int64_t> axes,
                                         double epsilon, Input scale, Input bias);

  // DecomposeElementwise.cpp
  /// `condition ? lhs : rhs` for each element of the result; all broadcast as NumPy does.
  mlir::FailureOr<mlir::Value> select(mlir::Value condition, mlir::Value lhs, mlir::Value rhs);

  // Decompose.cpp
  /// Computes `body` for each element of a result of the given shape. A constant whose
  /// elements are all equal becomes a scalar in the body. Fails with a diagnostic if `body`
  /// returns null or a value of another type than `element`.
  mlir::FailureOr<mlir::Value> map(llvm::ArrayRef<int64_t> shape, mlir::Type element,
                                   llvm::ArrayRef<Input> inputs, Body body);
  /// A tensor of the given shape with `scalar` in each element.
  mlir::Value fill(llvm::ArrayRef<int64_t> shape, mlir::Value scalar);
  /// The same elements in row-major order in another shape.
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// `value` broadcast as NumPy does to `shape`.
  Input broadcast(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// `value`, whose dimensions are indexed by the loops `dims` of `rank` loops.
  Input project(mlir::Value value, int64_t rank, llvm::ArrayRef<int64_t> dims);
  static mlir::RankedTensorType tensorType(mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType());
  }
  static llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
    return tensorType(value).getShape();
  }
  mlir::Location loc() { return op->getLoc(); }
  mlir::RankedTensorType resultType() { return tensorType(op->getResult(0)); }

  mlir::OpBuilder builder;
  mlir::Operation *op;
};

/// Implements DecomposeOpInterface for operations that a Decomposer can decompose.
template <typename OpTy>
struct DecomposeModel : DecomposeOpInterface::ExternalModel<DecomposeModel<OpTy>, OpTy> {
  mlir::FailureOr<mlir::Value> decompose(mlir::Operation *op) const {
    return Decomposer(op).decompose(mlir::cast<OpTy>(op));
  }
};
template <typename... Ops> void attachDecompositions(mlir::MLIRContext *context) {
  (Ops::template attachInterface<DecomposeModel<Ops>>(*context), ...);
}
// One for each family.
void attachElementwiseDecompositions(mlir::MLIRContext *context);
void attachNormalizationDecompositions(mlir::MLIRContext *context);
void attachReductionDecompositions(mlir::MLIRContext *context);

/// The dimensions below `rank` that are not in `axes`.
llvm::SmallVector<int64_t> getOtherDims(int64_t rank, llvm::ArrayRef<int64_t> axes);

} // namespace convoy::cnn

#endif // CONVOY_LIB_TRANSFORMS_SCHEDULE_DECOMPOSE_H
