//===- Narrowing.h - From f32 to floats of 16 bits --------------*- C++ -*-===//
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

/// What `cnn-narrow-floats` knows about the values before the operation that it visits. The
/// narrow type is f16 or bf16. A value that stays f32 is *data* if results that are computed
/// from it shall become narrow, and *large* if it may have numbers beyond the range of the
/// narrow type. bf16 has the range of f32, so that no value is large for it.
class Narrowing {
public:
  virtual ~Narrowing() = default;

  mlir::FloatType getNarrow() const { return narrow; }
  mlir::FloatType getF32() const { return f32; }
  /// The largest number of the narrow type.
  double getLargest() const;

  void addData(mlir::Value value) { data.insert(value); }
  void addLarge(mlir::Value value) { large.insert(value); }
  bool isNarrow(mlir::Value value) const;
  /// Whether results that are computed from `value` become narrow: it is narrow, or data.
  bool isData(mlir::Value value) const;
  /// Whether `value`, computed or constant, may have numbers beyond the range.
  bool isLarge(mlir::Value value) const;

  /// Whether `value` must stay f32: it is a result of the function, or the host adds it to
  /// those of other devices, perhaps after operations that only move data.
  virtual bool staysF32(mlir::Value value) const = 0;
  /// Whether the kernel of `op`, a layer with a filter, needs its first operand narrow.
  virtual bool needsNarrowInput(ScheduledOpInterface op) const = 0;
  /// Gives `operand` the element type `element`, narrow or f32, by a conversion if necessary.
  virtual void convertOperand(mlir::OpOperand &operand, mlir::Type element) = 0;

  /// Makes an f32 result narrow, unless it must stay f32; then it becomes data.
  void store(mlir::Value result);
  /// As `store`, for a result after an activation; but if the activation may give large
  /// numbers, the result stays f32 and becomes large.
  void finish(mlir::Value result, FunctionAttr activation);
  /// Narrows the input of a layer, if its kernel needs that, and the result, unless it must be
  /// exact: 8 or 11 significant bits are enough for the factors, but not for their sums.
  void narrowLayer(ScheduledOpInterface layer, FunctionAttr activation);
  /// Gives a result that consists of elements of `source` the element type of `source`, and
  /// marks it.
  void follow(mlir::Value result, mlir::Value source);
  /// Makes a result data if `source` is data, and large if `source` is large.
  void mark(mlir::Value result, mlir::Value source);

protected:
  explicit Narrowing(mlir::FloatType narrow)
      : narrow(narrow), f32(mlir::Float32Type::get(narrow.getContext())) {}

private:
  mlir::FloatType narrow, f32;
  llvm::DenseSet<mlir::Value> data, large;
};

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_NARROWING_H
