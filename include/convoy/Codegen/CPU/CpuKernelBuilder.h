//===- CpuKernelBuilder.h - What a CPU kernel family implements --*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A kernel family handles some kinds of operations in memref form and writes the code of one
// task. `cnn-generate-cpu-kernels` makes the function around it:
//
//   func.func private @conv(%begin: index, %end: index, %m0: memref<...>, ...) {
//     scf.for %task = %begin to %end step %c1 { <buildTask> }
//   }
//
// A kernel that needs scratch memory gets it as one more argument, `memref<Nxi8>` with the
// attribute `cnn.scratch`. It belongs to the thread, and its content is unspecified.
//
// Tasks run in any order and in parallel. Each output element is written by one task.
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

/// One family of kernels. Families have no state.
class KernelFamily {
public:
  virtual ~KernelFamily() = default;

  /// The prefix of the kernel's symbol, such as "conv".
  virtual llvm::StringRef getName() const = 0;

  /// Whether this family builds `op`, which is in memref form.
  virtual bool matches(mlir::Operation *op, cnn::TargetAttr target) const = 0;

  /// The number of independent tasks, at least 1.
  virtual int64_t countTasks(mlir::Operation *op, cnn::TargetAttr target) const = 0;

  /// Bytes of scratch memory that each thread needs, because they are too many for a stack.
  virtual int64_t countScratch(mlir::Operation *op, cnn::TargetAttr target) const {
    auto layer = mlir::dyn_cast<cnn::ScheduledOpInterface>(op);
    return layer ? layer.getScheduleAttr().getScratch() : 0;
  }

  /// Writes the code of one task at the builder's insertion point; failure after a diagnostic.
  /// `operands` are the operands of `op` inside the kernel (memref arguments, and clones of
  /// constants), followed by the scratch memory if there is some. `task` is the number of the
  /// task, in [0, countTasks): the variable of a loop over some of the tasks.
  virtual mlir::LogicalResult buildTask(mlir::ImplicitLocOpBuilder &builder,
                                        mlir::Operation *op, mlir::ValueRange operands,
                                        mlir::Value task, cnn::TargetAttr target) const = 0;
};

using KernelFamilies = std::vector<std::unique_ptr<KernelFamily>>;

/// These functions add the families, the most specialised first. Each is defined in a file of
/// its own in lib/Codegen/CPU.
void addWinogradConvKernels(KernelFamilies &families);
void addPixelwiseConvKernels(KernelFamilies &families);
void addDirectConvKernels(KernelFamilies &families);
void addTileProductConvKernels(KernelFamilies &families);
void addTileProductDenseKernels(KernelFamilies &families);
void addChannelwiseConvKernels(KernelFamilies &families);
void addTransposedConvKernels(KernelFamilies &families);
void addDenseKernels(KernelFamilies &families);
void addMatmulKernels(KernelFamilies &families);
void addPoolKernels(KernelFamilies &families);
void addGlobalPoolKernels(KernelFamilies &families);
void addLrnKernels(KernelFamilies &families);
void addSoftmaxKernels(KernelFamilies &families);
void addRecurrenceKernels(KernelFamilies &families);
void addDataMovementKernels(KernelFamilies &families);
void addResamplingKernels(KernelFamilies &families);
void addComputeKernels(KernelFamilies &families);
void addGenericKernels(KernelFamilies &families);

// Helpers that most families use. More are in LoopEmitter.h.

/// A buffer on the stack, allocated once at the entry of the kernel.
mlir::Value emitScratch(mlir::ImplicitLocOpBuilder &builder, mlir::MemRefType type);
/// Whether a task must prepare data in scratch memory that the tasks after it share: it is the
/// first task that the thread runs in this call of the kernel, or its `index` among the tasks
/// that share the data is 0.
mlir::Value isFirstOfShared(mlir::ImplicitLocOpBuilder &builder, mlir::Value task,
                            mlir::Value index);

/// Whether kernels compute with elements of this type in f32: f32 and narrower floats.
bool isComputedInF32(mlir::Type element);
/// Loads a vector, or an element if `type` is none. Floats that are narrower in memory are
/// widened.
mlir::Value loadAs(mlir::ImplicitLocOpBuilder &builder, mlir::Type type, mlir::Value buffer,
                   mlir::ValueRange indices);
/// `value` as `buffer` stores it: floats are rounded if the buffer's are narrower.
mlir::Value roundFor(mlir::ImplicitLocOpBuilder &builder, mlir::Value buffer,
                     mlir::Value value);
/// Stores a vector or an element, after roundFor.
void storeAs(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::Value buffer,
             mlir::ValueRange indices);

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_CPUKERNELBUILDER_H
