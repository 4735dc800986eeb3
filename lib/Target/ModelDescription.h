//===- ModelDescription.h - Module attributes as an LLVM constant *- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TARGET_MODELDESCRIPTION_H
#define CONVOY_LIB_TARGET_MODELDESCRIPTION_H

#include "GpuCode.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

namespace convoy {

/// The integer attribute `name` of `module`, which must not be negative.
llvm::Expected<int64_t> getSizeAttr(mlir::ModuleOp module, llvm::StringRef name);

/// Adds the constant `convoy_model` of type `convoy_model_description`
/// (convoy/Runtime/Abi/Model.h) to `llvmModule`, made from the attributes of
/// `module`, the CPU features of `machine`, and the code for GPUs if there is any.
llvm::Error emitModelDescription(mlir::ModuleOp module, const llvm::TargetMachine &machine,
                                 const GpuCode &gpu, llvm::Module &llvmModule);

} // namespace convoy

#endif // CONVOY_LIB_TARGET_MODELDESCRIPTION_H
