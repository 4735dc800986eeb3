//===- WeightsObject.h - Weights in an object file --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TARGET_WEIGHTSOBJECT_H
#define CONVOY_TARGET_WEIGHTSOBJECT_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

namespace convoy {

/// Writes the `size` bytes of a weight section to `os`. `weights` is the module attribute
/// `cnn.weights`: an array of `{offset = N : i64, value = <elements>}`; gaps are zero.
/// Elements are written directly from the attributes, so that no second copy of the weights is
/// made.
llvm::Error writeWeights(llvm::raw_ostream &os, mlir::ArrayAttr weights, int64_t size);

/// Writes an ELF relocatable object for `triple` to `os`. It has one read-only section
/// `.convoy.weights` with what `writeWeights` writes, and the hidden symbol `convoy_weights`
/// at its start.
llvm::Error writeWeightsObject(llvm::raw_ostream &os, const llvm::Triple &triple,
                               mlir::ArrayAttr weights, int64_t size);

} // namespace convoy

#endif // CONVOY_TARGET_WEIGHTSOBJECT_H
