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

/// The kind of output: a shared library, one relocatable object, a program, or the optimised
/// code without weights, as text in assembly language or LLVM IR.
enum class EmitKind { Lib, Obj, Exe, Asm, LLVMIR };

struct EmitOptions {
  /// 0 to 3, as in -O3, for the optimiser and for the code generator.
  unsigned optLevel = 3;
  /// Whether to free the module's weights as soon as they are in a file, so that they (575 MB
  /// for VGG-19) are not in memory a third time while the linker runs. The module is useless
  /// afterwards.
  bool releaseWeights = false;
};

/// Initialises LLVM's code generators for the architectures that Convoy
/// supports. Idempotent and thread-safe.
void registerTargets();

/// Registers the translations to LLVM IR that `emitArtefact` needs. `registry` must be that of
/// the module's context.
void registerTargetTranslations(mlir::DialectRegistry &registry);

/// The resources of a multiprocessor that a GPU kernel needs, as the assembler reports them.
struct KernelResources {
  std::string name;
  /// Registers per thread, bytes of shared memory per block, and bytes that a thread spills:
  /// stores to memory and loads back because there were not enough registers.
  int64_t registers = 0, sharedBytes = 0, spillStores = 0, spillLoads = 0;
  /// Whether the assembler makes each wgmma wait for the wgmma before it.
  bool isSerialized = false;
};

/// Assembles the GPU kernels of `module`, which must be as for `emitArtefact`, for compute
/// capability `arch`, and returns the resources of each. It is an error if there is no ptxas.
llvm::Expected<std::vector<KernelResources>> measureKernels(mlir::ModuleOp module,
                                                            int64_t arch);

/// Compiles `module` for its `cnn.target`, and writes the file `outputPath`. The module is in
/// the LLVM dialect, with the attributes that docs/architecture.md lists. The file appears
/// complete or not at all. If the path is "-", Asm and LLVMIR are written to the standard
/// output.
llvm::Error emitArtefact(mlir::ModuleOp module, EmitKind kind, llvm::StringRef outputPath,
                         const EmitOptions &options = {});

} // namespace convoy

#endif // CONVOY_TARGET_TARGET_H
