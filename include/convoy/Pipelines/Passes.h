//===- Passes.h - A pass that runs the phases -------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_PIPELINES_PASSES_H
#define CONVOY_PIPELINES_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace convoy {
#define GEN_PASS_DECL
#include "convoy/Pipelines/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "convoy/Pipelines/Passes.h.inc"
} // namespace convoy

#endif // CONVOY_PIPELINES_PASSES_H
