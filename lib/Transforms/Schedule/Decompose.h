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

  /// The value that `op` computes; failure with a diagnostic where there is none.
  mlir::FailureOr<mlir::Value> run();

private:
  // DecomposeElementwise.cpp
  mlir::FailureOr<mlir::Value> decompose(UnaryOp op);
  mlir::FailureOr<mlir::Value> decompose(BinaryOp op);
  mlir::FailureOr<mlir::Value> decompose(SelectOp op);
  mlir::FailureOr<mlir::Value> decompose(CastOp op);
  mlir::FailureOr<mlir::Value> decompose(BroadcastOp op);
  mlir::FailureOr<mlir::Value> decompose(ScaleShiftOp op);
  mlir::FailureOr<mlir::Value> decompose(mlir::tensor::PadOp op);
  // DecomposeReduction.cpp
  mlir::FailureOr<mlir::Value> decompose(ReduceOp op);
  mlir::FailureOr<mlir::Value> decompose(LogSoftmaxOp op);
  mlir::Value reduce(ReduceKind kind, mlir::Value input, llvm::ArrayRef<int64_t> axes);
  /// Combines `body` of the inputs over `axes` of loops of `shape` by a sum,
  /// product, maximum or minimum; the result has the other dimensions.
  mlir::Value reduce(ReduceKind combiner, llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<int64_t> axes, llvm::ArrayRef<Input> inputs, Body body);
  // DecomposeNormalization.cpp
  mlir::FailureOr<mlir::Value> decompose(BatchNormOp op);
  mlir::FailureOr<mlir::Value> decompose(LayerNormOp op);
  mlir::FailureOr<mlir::Value> decompose(InstanceNormOp op);
  mlir::FailureOr<mlir::Value> decompose(GroupNormOp op);
  /// `(input - mean) / sqrt(variance + epsilon) * scale + bias` with the
  /// statistics over `axes`; scale and bias may be missing.
  mlir::FailureOr<mlir::Value> normalize(mlir::Value input, llvm::ArrayRef<int64_t> axes,
                                         double epsilon, Input scale, Input bias);

  // Decompose.cpp
  /// `body` for each element of a result of the given shape. Constants of equal
  /// elements become scalars of the body.
  mlir::FailureOr<mlir::Value> map(llvm::ArrayRef<int64_t> shape, mlir::Type element,
                                   llvm::ArrayRef<Input> inputs, Body body);
  mlir::Value fill(llvm::ArrayRef<int64_t> shape, mlir::Value scalar);
  /// The same elements in row-major order in another shape.
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// `value` broadcast as NumPy does to `shape`.
  Input broadcast(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// `value`, whose dimensions are the given ones of `rank` loops.
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

/// The dimensions of `rank` that `axes` does not name.
llvm::SmallVector<int64_t> getOtherDims(int64_t rank, llvm::ArrayRef<int64_t> axes);

} // namespace convoy::cnn

#endif // CONVOY_LIB_TRANSFORMS_SCHEDULE_DECOMPOSE_H
