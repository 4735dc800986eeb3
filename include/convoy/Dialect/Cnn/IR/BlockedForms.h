//===- BlockedForms.h - Values in plain and blocked layout ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// For methods of BlockedLayoutOpInterface. A value may have two twins: its plain and its
// blocked form. The one that its producer does not make is made by a reorder in front of the
// first operation that reads it, and shared by all later readers.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_BLOCKEDFORMS_H
#define CONVOY_DIALECT_CNN_IR_BLOCKEDFORMS_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "llvm/ADT/DenseMap.h"

namespace convoy::cnn {

class BlockedForms {
public:
  /// Blocks of this many channels.
  BlockedForms(mlir::MLIRContext *context, int64_t block) : builder(context), block(block) {}

  int64_t getBlock() const { return block; }
  /// Makes new operations in front of `op`.
  void startAt(mlir::Operation *op) { builder.setInsertionPoint(op); }
  mlir::OpBuilder &getBuilder() { return builder; }

  /// Data that can be blocked: f32, batch, channels and two spatial dimensions.
  static bool isData(mlir::Value value);
  static bool isConstant(mlir::Value value);
  /// An f32 constant of at most rank 4 that broadcasts against data.
  static bool isBroadcastConstant(mlir::Value value);

  bool hasBlocked(mlir::Value value) const { return blockedTwins.contains(value); }
  mlir::Value getBlocked(mlir::Value value);
  mlir::Value getPlain(mlir::Value value);
  /// Whether `value` can be an operand of a blocked element-wise operation on `channels`
  /// channels, and the operand.
  bool hasBlockedOperand(mlir::Value value, int64_t channels) const;
  mlir::Value getBlockedOperand(mlir::Value value, int64_t channels);
  /// `value`, a constant of rank-4 `shape`, as a constant of shape `target`: with channels in
  /// blocks and zeros past the last one if `perChannel`, otherwise in the order it has.
  mlir::Value relayConstant(mlir::Value value, llvm::ArrayRef<int64_t> shape, bool perChannel,
                            llvm::ArrayRef<int64_t> target);
  mlir::RankedTensorType getBlockedType(mlir::RankedTensorType type) const;

  /// Clones `op` with other operands and a blocked result, which takes its result's place.
  mlir::Operation *replace(mlir::Operation *op, mlir::ValueRange operands);
  /// Makes `twin` the blocked form of `op`'s result.
  void replaceWith(mlir::Operation *op, mlir::Value twin);
  /// `op` with its first operand blocked, if that is the layout it has; otherwise null.
  mlir::Operation *follow(mlir::Operation *op);

  /// Erases the operations that were replaced, which nothing reads once every other reader of
  /// blocked values has its plain form.
  void eraseReplaced();

private:
  mlir::OpBuilder builder;
  int64_t block;
  /// Keys are values of the function as it was: a replaced operation stays, dead, until the
  /// end.
  llvm::DenseMap<mlir::Value, mlir::Value> blockedTwins, plainTwins;
  llvm::SmallVector<mlir::Operation *> replaced;
};

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_BLOCKEDFORMS_H
