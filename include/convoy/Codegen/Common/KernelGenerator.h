//===- KernelGenerator.h - From operations of @main to launches -*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_KERNELGENERATOR_H
#define CONVOY_CODEGEN_COMMON_KERNELGENERATOR_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"

#include <memory>

namespace convoy {

/// Replaces each operation of @main that computes by launches of kernels. Subclasses make the
/// kernels and launches of a target. Operations that differ only in locations and buffers
/// share their kernels. Communication operations stay, for the runtime. The module gets
/// `cnn.layers`, the names under which profiles list launches and communication, in order.
class KernelGenerator {
public:
  explicit KernelGenerator(mlir::ModuleOp module) : module(module) {}
  virtual ~KernelGenerator() = default;

  /// Replaces the operations; failure after a diagnostic.
  mlir::LogicalResult run();

protected:
  /// Called before the first operation and after the last one.
  virtual mlir::LogicalResult begin(mlir::func::FuncOp main) = 0;
  virtual void end(mlir::func::FuncOp main) = 0;
  /// Sets attributes of `op` for everything else that its kernels depend on, so that only
  /// operations that are equal in this, too, share kernels.
  virtual void prepare(mlir::Operation *op) {}
  /// Makes the kernels of `op`. Calls are numbered from 0, and `launch` gets the number.
  virtual mlir::LogicalResult build(mlir::Operation *op) = 0;
  /// Puts launches of the kernels that call number `kernels` of `build` made before `op`,
  /// which is erased later, and calls addLayer for each.
  virtual void launch(mlir::Operation *op, unsigned kernels) = 0;

  /// Appends the name of a launch to `cnn.layers`.
  void addLayer(llvm::StringRef name) {
    layers.push_back(mlir::StringAttr::get(module.getContext(), name));
  }

  mlir::ModuleOp module;
  cnn::TargetAttr target;

private:
  /// The number of the kernels that `op` can share, if there are any.
  std::optional<unsigned> findShared(mlir::Operation *op);

  llvm::SmallVector<mlir::Attribute> layers;
  /// The operations that kernels were built for, by hash, with the number of the kernels.
  llvm::DenseMap<unsigned, llvm::SmallVector<std::pair<mlir::Operation *, unsigned>, 1>> built;
  unsigned numBuilt = 0;
};

/// The first of `families` that builds `op`; null after a diagnostic if none does.
template <typename Family>
const Family *findFamily(llvm::ArrayRef<std::unique_ptr<Family>> families, mlir::Operation *op,
                         cnn::TargetAttr target) {
  for (const std::unique_ptr<Family> &family : families)
    if (family->matches(op, target))
      return family.get();
  op->emitError("has no ") << (target.getGpu() ? "GPU kernel: compile the model for a CPU"
                                               : "CPU kernel");
  return nullptr;
}

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_KERNELGENERATOR_H
