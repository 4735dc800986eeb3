//===- CpuKernelBuilder.h - What a CPU kernel family implements --*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A kernel family knows some operations in memref form and writes the code of one
// task of them. `cnn-generate-cpu-kernels` makes the function around it:
//
//   func.func private @conv(%begin: index, %end: index, %m0: memref<...>, ...) {
//     scf.for %task = %begin to %end step %c1 { <buildTask> }
//   }
//
// A family that asks for scratch memory gets it as one more argument, `memref<Nxi8>`
// with the attribute `cnn.scratch`: the thread's own, of unspecified content.
//
// Tasks run in any order and in parallel; each output element belongs to one task.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_CPUKERNELBUILDER_H
#define CONVOY_CODEGEN_CPU_CPUKERNELBUILDER_H

#include "convoy/Codegen/Common/LoopEmitter.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <memory>
#include <vector>

namespace convoy::cpu {

/// One family of kernels. Families hold no state.
class KernelFamily {
public:
  virtual ~KernelFamily() = default;

  /// The prefix of the kernel's symbol, such as "conv".
  virtual llvm::StringRef getName() const = 0;

  /// Whether this family builds `op`, which is in memref form.
  virtual bool matches(mlir::Operation *op, cnn::TargetAttr target) const = 0;

  /// The number of independent tasks, at least 1.
  virtual int64_t countTasks(mlir::Operation *op, cnn::TargetAttr target) const = 0;

  /// Writes the code of one task at the builder's insertion point. `operands`
  /// stand for `op`'s operands inside the kernel (memref arguments, and clones
  /// of constants), followed by the scratch memory if there is some; `task` is the
  /// task's index in [0, countTasks), the variable of a loop over some of them.
  virtual mlir::LogicalResult buildTask(mlir::ImplicitLocOpBuilder &builder,
                                        mlir::Operation *op, mlir::ValueRange operands,
                                        mlir::Value task, cnn::TargetAttr target) const = 0;
};

using KernelFamilies = std::vector<std::unique_ptr<KernelFamily>>;

/// Every family, the most special first; one function a file in lib/Codegen/CPU.
void addWinogradConvKernels(KernelFamilies &families);
void addPixelwiseConvKernels(KernelFamilies &families);
void addDirectConvKernels(KernelFamilies &families);
void addChannelwiseConvKernels(KernelFamilies &families);
void addTransposedConvKernels(KernelFamilies &families);
void addDenseKernels(KernelFamilies &families);
void addMatmulKernels(KernelFamilies &families);
void addPoolKernels(KernelFamilies &families);
void addGlobalPoolKernels(KernelFamilies &families);
void addLrnKernels(KernelFamilies &families);
void addSoftmaxKernels(KernelFamilies &families);
void addDataMovementKernels(KernelFamilies &families);
void addResamplingKernels(KernelFamilies &families);
void addGenericKernels(KernelFamilies &families);

/// Helpers that most families use; more are in LoopEmitter.h.
///
/// A buffer on the stack, allocated once at the entry of the kernel.
mlir::Value emitScratch(mlir::ImplicitLocOpBuilder &builder, mlir::MemRefType type);
/// Whether a task must prepare what the tasks behind it share in the thread's scratch memory:
/// it is the first that the thread runs, or `index` in what they share is 0.
mlir::Value isFirstOfShared(mlir::ImplicitLocOpBuilder &builder, mlir::Value task,
                            mlir::Value index);
/// `lanes` weights side by side, or one weight as a scalar for 0 lanes, as f32 whatever
/// type they are stored in.
mlir::Value loadWeights(mlir::ImplicitLocOpBuilder &builder, int64_t lanes, mlir::Value filter,
                        mlir::ValueRange indices);

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_CPUKERNELBUILDER_H
