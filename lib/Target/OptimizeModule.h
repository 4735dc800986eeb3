//===- OptimizeModule.h - LLVM's optimizations and codegen ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TARGET_OPTIMIZEMODULE_H
#define CONVOY_LIB_TARGET_OPTIMIZEMODULE_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

namespace convoy {

/// Makes all symbols internal but the model's description, through which the runtime reaches
/// everything else.
void internalizeModel(llvm::Module &module);

/// Links the runtime's bitcode into `module`, and the program's `main` if `isExecutable`.
/// Symbols that are not exported become internal.
llvm::Error linkRuntime(llvm::Module &module, const llvm::TargetMachine &machine,
                        bool isExecutable);

/// Runs LLVM's default pipeline of level 0 to 3.
void optimizeModule(llvm::Module &module, llvm::TargetMachine &machine, unsigned optLevel);

/// Inlines, and drops what nothing uses, in a module of parts that are optimised already.
void optimizeLinked(llvm::Module &module, llvm::TargetMachine &machine, unsigned optLevel);

/// Appends an object file to `code`, or assembly text if `isAssembly`.
llvm::Error generateCode(llvm::Module &module, llvm::TargetMachine &machine, bool isAssembly,
                         llvm::SmallVectorImpl<char> &code);

} // namespace convoy

#endif // CONVOY_LIB_TARGET_OPTIMIZEMODULE_H
