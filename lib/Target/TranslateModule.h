//===- TranslateModule.h - From the LLVM dialect to LLVM IR -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TARGET_TRANSLATEMODULE_H
#define CONVOY_LIB_TARGET_TRANSLATEMODULE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

namespace convoy {

/// The code generator for a target. `optLevel` is 0 to 3.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createMachine(cnn::TargetAttr target,
                                                                   unsigned optLevel);

/// Keeps the first error that LLVM reports, instead of printing it and ending the program, and
/// drops warnings.
struct DiagnosticKeeper : llvm::DiagnosticHandler {
  explicit DiagnosticKeeper(std::string &message) : message(message) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override;

  std::string &message;
};

/// Gives `module` the data layout and the triple of `machine`, and its context the
/// translations.
void prepareTranslation(mlir::ModuleOp module, const llvm::TargetMachine &machine);

/// Translates the host's code of a prepared module, which has no GPU kernels.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateModule(mlir::ModuleOp module, cnn::TargetAttr target, llvm::LLVMContext &llvmContext);

} // namespace convoy

#endif // CONVOY_LIB_TARGET_TRANSLATEMODULE_H
