//===- Target.h - From the LLVM dialect to native artefacts -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TARGET_TARGET_H
#define CONVOY_TARGET_TARGET_H

#include "convoy/Runtime/OutputFile.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace convoy {

/// What to write: a shared library, one relocatable object, a program, or the
/// optimised code without the weights as assembly or LLVM IR text.
enum class EmitKind { Lib, Obj, Exe, Asm, LLVMIR };

struct EmitOptions {
  /// 0 to 3, as in -O3: both the middle end's and the code generator's.
  unsigned optLevel = 3;
  /// Frees the module's weights as soon as they are in a file, so that VGG-19's
  /// 575 MB are not held a third time beside the linker. The module is useless then.
  bool releaseWeights = false;
};

/// Initialises LLVM's code generators for the architectures that Convoy
/// supports. Idempotent and thread-safe.
void registerTargets();

/// Registers the translations to LLVM IR that `emitArtefact` needs with the
/// registry of the module's context.
void registerTargetTranslations(mlir::DialectRegistry &registry);

/// What a GPU kernel takes of a multiprocessor, as the assembler says.
struct KernelResources {
  std::string name;
  /// A thread's registers, a block's bytes of shared memory, and bytes that a thread
  /// stores to and loads from memory because registers did not suffice.
  int64_t registers = 0, sharedBytes = 0, spillStores = 0, spillLoads = 0;
  /// Whether the assembler made each wgmma wait for the one before it.
  bool isSerialized = false;
};

/// Assembles the GPU kernels of `module`, which is as for `emitArtefact`, for compute
/// capability `arch`. An error where there is no ptxas.
llvm::Expected<std::vector<KernelResources>> measureKernels(mlir::ModuleOp module,
                                                            int64_t arch);

/// Compiles `module`, which is in the LLVM dialect with the attributes that
/// docs/architecture.md lists, for its `cnn.target`, and writes `outputPath`.
/// The file appears complete or not at all. "-" writes Asm and LLVMIR to the
/// standard output.
llvm::Error emitArtefact(mlir::ModuleOp module, EmitKind kind, llvm::StringRef outputPath,
                         const EmitOptions &options = {});

} // namespace convoy

#endif // CONVOY_TARGET_TARGET_H
