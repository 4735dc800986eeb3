//===- Reorder.h - Extents of a layout change -------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_REORDER_H
#define CONVOY_CODEGEN_COMMON_REORDER_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace convoy {

/// The extents of a reorder: its plain side is `batch x channels x pixels`, its blocked side
/// `batch x blocks x pixels x block`.
struct ReorderShape {
  explicit ReorderShape(cnn::ReorderOp op);

  /// The plain side's channel that the blocked side has as its channel number `channel`.
  mlir::Value emitPlainChannel(mlir::ImplicitLocOpBuilder &builder, mlir::Value channel) const;

  /// Whether plain data becomes blocked data, or the other way round.
  bool toBlocked;
  int64_t batch, channels, pixels, block, blocks;
  /// Groups of a channel shuffle, 1 for none.
  int64_t groups;
};

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_REORDER_H
