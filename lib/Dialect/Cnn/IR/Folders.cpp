//===- Folders.cpp - Folders of cnn ops -----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Folders keep every bit and stay small: integer shape arithmetic and identities.
// Folding weights is the pass cnn-fold-constants.
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"

using namespace mlir;
using namespace convoy::cnn;

using FoldResults = SmallVectorImpl<OpFoldResult>;

LogicalResult UnaryOp::fold(FoldAdaptor adaptor, FoldResults &results) { return failure(); }
LogicalResult BinaryOp::fold(FoldAdaptor adaptor, FoldResults &results) { return failure(); }
LogicalResult SelectOp::fold(FoldAdaptor adaptor, FoldResults &results) { return failure(); }
LogicalResult CastOp::fold(FoldAdaptor adaptor, FoldResults &results) { return failure(); }
LogicalResult ReduceOp::fold(FoldAdaptor adaptor, FoldResults &results) { return failure(); }
LogicalResult ConcatOp::fold(FoldAdaptor adaptor, FoldResults &results) { return failure(); }
LogicalResult GatherOp::fold(FoldAdaptor adaptor, FoldResults &results) { return failure(); }
LogicalResult BroadcastOp::fold(FoldAdaptor adaptor, FoldResults &results) { return failure(); }
LogicalResult ReorderOp::fold(FoldAdaptor adaptor, FoldResults &results) { return failure(); }
