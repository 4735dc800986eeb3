//===- GenericBody.h - Elements of a linalg operation -----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Shared by the generic kernels of all targets, which compute linalg operations and copies:
// reading operands, running the body and writing results in one iteration of the loop nest, as
// scalars or as vectors.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_GENERICBODY_H
#define CONVOY_CODEGEN_COMMON_GENERICBODY_H

#include "convoy/Codegen/Common/GenericLoops.h"
#include "convoy/Codegen/Common/LoopEmitter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"

namespace convoy {

/// Emits the body of a linalg operation, or of a copy, in a kernel.
class GenericBody {
public:
  /// `operands` stand for the operation's operands inside the kernel. With `alignsVectors`,
  /// the address of each vector in memory is known to be a multiple of its size.
  GenericBody(mlir::ImplicitLocOpBuilder &builder, mlir::Operation *op,
              const GenericLoops &loops, mlir::ValueRange operands, bool alignsVectors = false)
      : b(builder), op(op), loops(loops), operands(operands), alignsVectors(alignsVectors),
        linalgOp(mlir::dyn_cast<mlir::linalg::LinalgOp>(op)) {
    if (loops.reduces())
      combiners = findCombiners(op);
  }

  /// Clones constants that the body uses into the kernel; failure after a diagnostic.
  mlir::LogicalResult captureConstants();
  /// Makes one-dimensional buffers of the operands. Needed by the functions below that take
  /// offsets; not for general loops (see GenericLoops).
  void flatten();

  /// The number of outputs, and the operand that is the first of them.
  int64_t numOutputs() { return linalgOp ? linalgOp.getNumDpsInits() : 1; }
  int64_t firstOutput() { return loops.accesses.size() - numOutputs(); }
  /// Whether the body reads the value that the operand has before.
  bool isRead(int64_t operand) {
    return linalgOp ? !linalgOp.getBlock()->getArgument(operand).use_empty() : operand == 0;
  }

  /// The offsets of the operands' elements after `iv` more steps of loop `loop`.
  llvm::SmallVector<mlir::Value> advance(mlir::ValueRange offsets, int64_t loop,
                                         mlir::Value iv);
  /// `lanes` elements of an operand, `stride` apart, from `offset` on; a scalar if `lanes` is
  /// 1 or `stride` is 0.
  mlir::Value load(int64_t operand, mlir::Value offset, int64_t stride, int64_t lanes);
  /// Stores `lanes` contiguous elements from `offset` on.
  void store(int64_t operand, mlir::Value value, mlir::Value offset, int64_t lanes);
  /// Broadcasts a scalar to `lanes` lanes. Vectors, and scalars for one lane, stay as they
  /// are.
  mlir::Value widen(mlir::Value value, int64_t lanes);

  /// Emits the operations of the body on `arguments`, which are scalars or vectors, and
  /// returns its results. An operation whose operands are all scalars stays a scalar one.
  /// `arguments` of outputs that the body does not read may be null; `ivs` are needed for
  /// general loops.
  llvm::SmallVector<mlir::Value> emitBody(mlir::ValueRange arguments, mlir::ValueRange ivs,
                                          int64_t lanes);
  /// Computes and stores the outputs at `offsets`: `lanes` of them along the last parallel
  /// loop, with all reduction loops. An operand that has a value in `uniforms` is not read;
  /// that value is used.
  void emitPoint(mlir::ValueRange offsets, int64_t lanes,
                 llvm::ArrayRef<mlir::Value> uniforms = {});
  /// Combines two values of the output with the number `output`. Only if the operation has
  /// combiners (see findCombiners).
  mlir::Value combine(int64_t output, mlir::Value lhs, mlir::Value rhs);
  /// `width` lanes that change no value that they are combined with.
  mlir::Value emitNeutral(int64_t output, int64_t width);
  /// How loops combine the `carried` values, the same number of them for each output; without
  /// blocks if that is exact in any order.
  BlockSums getBlockSums(mlir::ValueRange carried);
  using ReductionBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::ValueRange offsets, mlir::ValueRange carried)>;
  /// Emits the loops from `loop` up to `end`, which is not included, around `body`, which
  /// combines `steps` values one after the other.
  llvm::SmallVector<mlir::Value> emitReductionLoops(int64_t loop, int64_t end,
                                                    mlir::ValueRange offsets,
                                                    mlir::ValueRange carried,
                                                    const BlockSums &sums, ReductionBody body,
                                                    int64_t steps = 1);
  /// Emits one iteration of general loops, with the indices `ivs`.
  void emitIteration(mlir::ValueRange ivs);

protected:
  mlir::ImplicitLocOpBuilder &b;
  mlir::Operation *op;
  const GenericLoops &loops;
  mlir::ValueRange operands;
  bool alignsVectors;
  mlir::linalg::LinalgOp linalgOp;
  /// Those of a reduction.
  std::optional<llvm::SmallVector<mlir::Operation *>> combiners;
  /// The operands after flatten: one-dimensional buffers, or scalars.
  llvm::SmallVector<mlir::Value> flats;
  /// Clones of the constants that the body uses from outside.
  mlir::IRMapping captured;
};

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_GENERICBODY_H
