//===- Narrowing.h - From f32 to f16 ----------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Used by the methods of NarrowOpInterface.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_NARROWING_H
#define CONVOY_DIALECT_CNN_IR_NARROWING_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "llvm/ADT/DenseSet.h"

namespace convoy::cnn {

/// The largest number of f16.
inline constexpr double kLargestF16 = 65504;

/// What `cnn-narrow-to-f16` knows about the values before the operation that it visits. A
/// value that stays f32 is *data* if results that are computed from it shall become f16, and
/// *large* if it may have numbers beyond the range of f16.
class Narrowing {
public:
  virtual ~Narrowing() = default;

  mlir::Type getF16() const { return f16; }
  mlir::Type getF32() const { return f32; }

  void addData(mlir::Value value) { data.insert(value); }
  void addLarge(mlir::Value value) { large.insert(value); }
  /// Whether results that are computed from `value` become f16: it is f16, or data.
  bool isData(mlir::Value value) const;
  /// Whether `value`, computed or constant, may have numbers beyond the range of f16.
  bool isLarge(mlir::Value value) const;

  /// Whether `value` must stay f32: it is a result of the function, or the host adds it to
  /// those of other devices, perhaps after operations that only move data.
  virtual bool staysF32(mlir::Value value) const = 0;
  /// Whether the kernel of `op`, a layer with a filter, needs its first operand in f16.
  virtual bool needsF16Input(mlir::Operation *op) const = 0;
  /// Gives `operand` the element type `element`, f16 or f32, by a conversion if necessary.
  virtual void convertOperand(mlir::OpOperand &operand, mlir::Type element) = 0;

  /// Makes f16 of an f32 result, unless it must stay f32; then it becomes data.
  void store(mlir::Value result);
  /// As `store`, for a result after an activation; but if the activation may give large
  /// numbers, the result stays f32 and becomes large.
  void finish(mlir::Value result, FunctionAttr activation);
  /// Narrows the input of a layer, if its kernel needs that, and the result, unless it must be
  /// exact: an f16 has 11 significant bits, enough for the factors, but not for their sums.
  void narrowLayer(ScheduledOpInterface layer, FunctionAttr activation);
  /// Gives a result that consists of elements of `source` the element type of `source`, and
  /// marks it.
  void follow(mlir::Value result, mlir::Value source);
  /// Makes a result data if `source` is data, and large if `source` is large.
  void mark(mlir::Value result, mlir::Value source);

protected:
  explicit Narrowing(mlir::MLIRContext *context)
      : f16(mlir::Float16Type::get(context)), f32(mlir::Float32Type::get(context)) {}

private:
  mlir::Type f16, f32;
  llvm::DenseSet<mlir::Value> data, large;
};

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_NARROWING_H
