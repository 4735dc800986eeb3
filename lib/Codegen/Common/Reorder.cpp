//===- Reorder.cpp - Extents of a layout change ---------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/Reorder.h"

#include "convoy/Codegen/Common/LoopEmitter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

ReorderShape::ReorderShape(ReorderOp op)
    : toBlocked(op.getBlock() > 0), groups(op.getShuffle()) {
  auto input = cast<ShapedType>(op.getInput().getType());
  auto output = cast<ShapedType>(op.getInit().getType());
  ArrayRef<int64_t> plain = (toBlocked ? input : output).getShape();
  block = toBlocked ? int64_t(op.getBlock()) : input.getShape().back();
  batch = plain[0];
  channels = plain[1];
  pixels = llvm::product_of(plain.drop_front(2));
  blocks = llvm::divideCeil(channels, block);
}

Value ReorderShape::emitPlainChannel(ImplicitLocOpBuilder &b, Value channel) const {
  if (groups == 1)
    return channel;
  int64_t size = channels / groups;
  SmallVector<Value> parts = delinearize(b, channel, {size, groups});
  return add(b, affine(b, parts[1], size, 0), parts[0]);
}
