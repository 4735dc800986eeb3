//===- Passes.h - Passes on the cnn dialect ---------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_TRANSFORMS_PASSES_H
#define CONVOY_DIALECT_CNN_TRANSFORMS_PASSES_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace convoy::cnn {
#define GEN_PASS_DECL
#include "convoy/Dialect/Cnn/Transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "convoy/Dialect/Cnn/Transforms/Passes.h.inc"
} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_TRANSFORMS_PASSES_H
