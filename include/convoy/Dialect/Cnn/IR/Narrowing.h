//===- Narrowing.h - From f32 to f16 ----------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// For methods of NarrowOpInterface.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_NARROWING_H
#define CONVOY_DIALECT_CNN_IR_NARROWING_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "llvm/ADT/DenseSet.h"

namespace convoy::cnn {

/// The largest number of f16.
inline constexpr double kLargestF16 = 65504;

/// The values up to an operation, as `cnn-narrow-to-f16` knows them. A value that stays f32 is
/// *data* if results computed of it become f16, and *large* if f16 may be too small for it.
class Narrowing {
public:
  virtual ~Narrowing() = default;

  mlir::Type getF16() const { return f16; }
  mlir::Type getF32() const { return f32; }

  void addData(mlir::Value value) { data.insert(value); }
  void addLarge(mlir::Value value) { large.insert(value); }
  /// Whether results computed of `value` become f16: it is f16, or data.
  bool isData(mlir::Value value) const;
  /// Whether f16 may be too small for `value`, a computed one or a constant.
  bool isLarge(mlir::Value value) const;

  /// Whether `value` leaves the function, or meets those of other devices on the host, as it
  /// is: then it stays f32.
  virtual bool staysF32(mlir::Value value) const = 0;
  /// Whether the kernel of `op`, a layer with a filter, needs its first operand in f16.
  virtual bool needsF16Input(mlir::Operation *op) const = 0;
  /// Makes the operand's elements f16 or f32.
  virtual void convertOperand(mlir::OpOperand &operand, mlir::Type element) = 0;

  /// Makes a result that a kernel stores f16, unless it stays f32.
  void store(mlir::Value result);
  /// As `store`, of a result after an activation, which may make it large.
  void finish(mlir::Value result, FunctionAttr activation);
  /// Gives a result that holds elements of `source` its element type.
  void follow(mlir::Value result, mlir::Value source);
  /// Makes a result data or large if `source` is, and for the same reason f32.
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
