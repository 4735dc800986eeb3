//===- Passes.h - Code generation passes ------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_PASSES_H
#define CONVOY_CODEGEN_PASSES_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace convoy {
#define GEN_PASS_DECL
#include "convoy/Codegen/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

#endif // CONVOY_CODEGEN_PASSES_H
