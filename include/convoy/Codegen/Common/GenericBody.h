//===- GenericBody.h - Elements of a linalg operation -----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// What the generic kernels of all targets share: they read operands, run the body and
// write results at one place of the loop nest, as scalars or as vectors.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_GENERICBODY_H
#define CONVOY_CODEGEN_COMMON_GENERICBODY_H

#include "convoy/Codegen/Common/GenericLoops.h"
#include "convoy/Codegen/Common/LoopEmitter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"

namespace convoy {

class GenericBody {
public:
  /// `operands` stand for the operation's. With `alignsVectors`, vectors in memory are
  /// known to lie on a multiple of their size.
  GenericBody(mlir::ImplicitLocOpBuilder &builder, mlir::Operation *op,
              const GenericLoops &loops, mlir::ValueRange operands, bool alignsVectors = false)
      : b(builder), op(op), loops(loops), operands(operands), alignsVectors(alignsVectors),
        linalgOp(mlir::dyn_cast<mlir::linalg::LinalgOp>(op)) {}

  /// Brings what the body uses into the kernel; failure after a diagnostic.
  mlir::LogicalResult captureConstants();
  /// Makes the operands flat, for loops that are not general.
  void flatten();

  int64_t numOutputs() { return linalgOp ? linalgOp.getNumDpsInits() : 1; }
  int64_t firstOutput() { return loops.accesses.size() - numOutputs(); }
  /// Whether the body reads the operand.
  bool isRead(int64_t operand) {
    return linalgOp ? !linalgOp.getBlock()->getArgument(operand).use_empty() : operand == 0;
  }

  /// Where the operands' elements are after loop `loop` took `iv` steps.
  llvm::SmallVector<mlir::Value> advance(mlir::ValueRange offsets, int64_t loop,
                                         mlir::Value iv);
  mlir::Value load(int64_t operand, mlir::Value offset, int64_t stride, int64_t lanes);
  void store(int64_t operand, mlir::Value value, mlir::Value offset, int64_t lanes);
  /// A scalar as a vector of `lanes`; vectors, and scalars for one lane, as they are.
  mlir::Value widen(mlir::Value value, int64_t lanes);

  /// Runs the body on scalars and vectors; what depends on scalars only stays one.
  /// `arguments` of outputs that the body does not read may be null.
  llvm::SmallVector<mlir::Value> emitBody(mlir::ValueRange arguments, mlir::ValueRange ivs,
                                          int64_t lanes);
  /// The outputs at `offsets`, `lanes` of them along the last parallel loop, with all
  /// reduction loops. Operands that have a value in `uniforms` are not read.
  void emitPoint(mlir::ValueRange offsets, int64_t lanes,
                 llvm::ArrayRef<mlir::Value> uniforms = {});
  using ReductionBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::ValueRange offsets, mlir::ValueRange carried)>;
  /// The loops `loop` to `end` around `body`.
  llvm::SmallVector<mlir::Value> emitReductionLoops(int64_t loop, int64_t end,
                                                    mlir::ValueRange offsets,
                                                    mlir::ValueRange carried,
                                                    ReductionBody body);
  /// One iteration of general loops, of which `ivs` are the indices.
  void emitIteration(mlir::ValueRange ivs);

protected:
  mlir::ImplicitLocOpBuilder &b;
  mlir::Operation *op;
  const GenericLoops &loops;
  mlir::ValueRange operands;
  bool alignsVectors;
  mlir::linalg::LinalgOp linalgOp;
  /// The operands as one-dimensional buffers, or the scalars.
  llvm::SmallVector<mlir::Value> flats;
  /// Constants from outside of the body.
  mlir::IRMapping captured;
};

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_GENERICBODY_H
