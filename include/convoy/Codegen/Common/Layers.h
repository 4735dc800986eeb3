//===- Layers.h - Operations of @main that become kernels -------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_LAYERS_H
#define CONVOY_CODEGEN_COMMON_LAYERS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"

#include <deque>

namespace convoy {

/// The function whose operations become kernels; emits an error if there is none.
mlir::func::FuncOp findMain(mlir::ModuleOp module);

/// Whether an operation of @main does something: no view, constant or terminator.
bool isLayer(mlir::Operation *op);

/// The last name in a location: what a profile calls the layer.
llvm::StringRef getLayerName(mlir::Location loc);

/// Two operations share a kernel when they differ in locations and buffers only; their
/// hashes are equal then.
bool shareKernel(mlir::Operation *a, mlir::Operation *b);
unsigned hashKernel(mlir::Operation *op);

/// What was made for operations so far. Operations live until the end, to be compared.
template <typename Made> class SharedKernels {
public:
  /// What was made for an operation that shares its kernel with `op`, or null. `op` is
  /// taken to be replaced then.
  Made *find(mlir::Operation *op) {
    for (auto &[known, result] : made[hashKernel(op)])
      if (shareKernel(known, op)) {
        replaced.push_back(op);
        return &result;
      }
    return nullptr;
  }
  Made &add(mlir::Operation *op, Made result) {
    replaced.push_back(op);
    auto &same = made[hashKernel(op)];
    same.emplace_back(op, std::move(result));
    return same.back().second;
  }
  /// Erases the operations that were found or added.
  void eraseOperations() {
    made.clear();
    for (mlir::Operation *op : replaced)
      op->erase();
  }

private:
  llvm::DenseMap<unsigned, std::deque<std::pair<mlir::Operation *, Made>>> made;
  llvm::SmallVector<mlir::Operation *> replaced;
};

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_LAYERS_H
