//===- BlockedForms.h - Values in plain and blocked layout ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Used by the methods of BlockedLayoutOpInterface. A value of the function may be needed in
// two forms, plain and blocked. The operation that computes it makes one of them. The other
// form is made by a reorder before the first operation that reads it, and shared by all later
// readers.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_BLOCKEDFORMS_H
#define CONVOY_DIALECT_CNN_IR_BLOCKEDFORMS_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "llvm/ADT/DenseMap.h"

namespace convoy::cnn {

/// The plain and blocked forms of the values of a function. Its methods take values of the
/// original function, which are plain, and give the form that is asked for.
class BlockedForms {
public:
  /// `block` is the number of channels in a block.
  BlockedForms(mlir::MLIRContext *context, int64_t block) : builder(context), block(block) {}

  int64_t getBlock() const { return block; }
  /// From now on, new operations are made before `op`.
  void startAt(mlir::Operation *op) { builder.setInsertionPoint(op); }
  mlir::OpBuilder &getBuilder() { return builder; }

  /// Whether `value` can be blocked: a tensor of f32, or of integers of 8, 16 or 32 bits, with
  /// batch, channels and two or three spatial dimensions.
  static bool isData(mlir::Value value);
  static bool isConstant(mlir::Value value);
  /// Whether `value` is a constant that can be broadcast to data.
  static bool isBroadcastConstant(mlir::Value value);

  /// Whether a blocked form of `value` exists already.
  bool hasBlocked(mlir::Value value) const { return blockedTwins.contains(value); }
  /// The blocked or plain form of `value`, which is made if it does not exist.
  mlir::Value getBlocked(mlir::Value value);
  mlir::Value getPlain(mlir::Value value);
  /// Whether `value` can be an operand of a blocked element-wise operation whose plain result
  /// has the shape `result`, and the form of it that is that operand.
  bool hasBlockedOperand(mlir::Value value, llvm::ArrayRef<int64_t> result) const;
  mlir::Value getBlockedOperand(mlir::Value value, llvm::ArrayRef<int64_t> result);
  /// The constant `value`, read as a tensor of `shape`, as a constant of shape
  /// `target`. With `perChannel`, channels are put into blocks, with zeros past the last
  /// channel; otherwise the elements keep their order.
  mlir::Value relayConstant(mlir::Value value, llvm::ArrayRef<int64_t> shape, bool perChannel,
                            llvm::ArrayRef<int64_t> target);
  /// The type of the blocked form of plain data.
  mlir::RankedTensorType getBlockedType(mlir::RankedTensorType type) const;

  /// Clones `op` with other operands and a blocked result, which becomes the blocked form of
  /// the result of `op`.
  mlir::Operation *replace(mlir::Operation *op, mlir::ValueRange operands);
  /// Makes `twin` the blocked form of `op`'s result.
  void replaceWith(mlir::Operation *op, mlir::Value twin);
  /// If the first operand of `op` has a blocked form already, replaces `op` by a clone that
  /// reads it, and returns the clone; otherwise returns null.
  mlir::Operation *follow(mlir::Operation *op);

  /// Erases the operations that were replaced. By then, all other readers of their results
  /// must read a plain form instead.
  void eraseReplaced();

private:
  mlir::OpBuilder builder;
  int64_t block;
  /// The keys are values of the original function. Therefore a replaced operation stays,
  /// unused, until eraseReplaced.
  llvm::DenseMap<mlir::Value, mlir::Value> blockedTwins, plainTwins;
  llvm::SmallVector<mlir::Operation *> replaced;
};

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_BLOCKEDFORMS_H
