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

/// Replaces each operation of @main that computes by launches of kernels; what kernels and
/// launches are is the target's. Operations that differ in locations and buffers only share
/// their kernels. Communication stays, for the runtime. The module gets `cnn.layers`, the
/// names under which profiles list launches and communication, in order.
class KernelGenerator {
public:
  explicit KernelGenerator(mlir::ModuleOp module) : module(module) {}
  virtual ~KernelGenerator() = default;

  /// Failure after a diagnostic.
  mlir::LogicalResult run();

protected:
  /// Before the first operation and after the last one.
  virtual mlir::LogicalResult begin(mlir::func::FuncOp main) = 0;
  virtual void end(mlir::func::FuncOp main) = 0;
  /// Notes on an operation, as attributes, what its kernels depend on besides.
  virtual void prepare(mlir::Operation *op) {}
  /// Makes the kernels of `op`. Calls count from 0: the number stands for the kernels.
  virtual mlir::LogicalResult build(mlir::Operation *op) = 0;
  /// Puts the launches of the kernels with this number in front of `op`, which goes later,
  /// and tells addLayer of each.
  virtual void launch(mlir::Operation *op, unsigned kernels) = 0;

  void addLayer(llvm::StringRef name) {
    layers.push_back(mlir::StringAttr::get(module.getContext(), name));
  }

  mlir::ModuleOp module;
  cnn::TargetAttr target;

private:
  /// The number of kernels that `op` can share, if there are some.
  std::optional<unsigned> findShared(mlir::Operation *op);

  llvm::SmallVector<mlir::Attribute> layers;
  /// The operations that kernels were built for, by hash, with the kernels' number.
  llvm::DenseMap<unsigned, llvm::SmallVector<std::pair<mlir::Operation *, unsigned>, 1>> built;
  unsigned numBuilt = 0;
};

/// The last name in a location: what a profile calls the operation's layer.
llvm::StringRef getLayerName(mlir::Location loc);

/// The first of some kernel families that builds `op`; null after a diagnostic if none does.
template <typename Family>
const Family *findFamily(llvm::ArrayRef<std::unique_ptr<Family>> families, mlir::Operation *op,
                         cnn::TargetAttr target) {
  for (const std::unique_ptr<Family> &family : families)
    if (family->matches(op, target))
      return family.get();
  op->emitError("has no ") << (target.getGpu() ? "GPU" : "CPU") << " kernel";
  return nullptr;
}

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_KERNELGENERATOR_H
