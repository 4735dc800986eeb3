//===- Loops.h - Loops that stay loops --------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A Loop or Scan that cannot be unrolled, or would become too large, is imported as
// cnn.loop_begin, its body once, and cnn.loop_end. All its tensors have static types. If the
// size of a variable changes from one iteration to the next, the type has the largest size,
// and the size is a variable of the loop, too.
//
// The body must be imported to find out which sizes change, which variables stay as they are,
// and how far an integer counts. So there are several attempts. What an attempt leaves behind
// is not used, and does not stay in the program.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_LOOPS_H
#define CONVOY_LIB_IMPORT_ONNX_LOOPS_H

#include "NodeImporter.h"

namespace convoy::onnximport {

/// How often a loop runs at most.
struct TripCount {
  mlir::Value count;           ///< an i64 of rank 0; null if only the condition ends the loop
  std::optional<int64_t> most; ///< the most iterations that are possible, or allowed
  /// The run fails if the loop goes on after so many iterations; 0 if it cannot.
  int64_t limit = 0;
};

/// Begins a loop. `goesOn`, an i1 of rank 0, says whether there is a first iteration, if the
/// trip count allows it. Afterwards `node.getLoop().rolled` has the variables in an iteration.
mlir::LogicalResult beginRolled(NodeImporter &node, mlir::Value goesOn, const TripCount &trips,
                                llvm::ArrayRef<SizedValue> firsts);

/// What is known of a loop after its last iteration.
struct LoopResults {
  llvm::SmallVector<SizedValue> variables, collected;
  /// Whether the loop must begin again, because more is known of its variables now.
  bool beginAgain = false;
};

/// Ends a loop. `goesOn` is the condition for the next iteration, `nexts` are the variables in
/// it. Dimension 0 of each of `collected` is the number of iterations.
mlir::FailureOr<LoopResults> endRolled(NodeImporter &node, mlir::Value goesOn,
                                       const TripCount &trips,
                                       llvm::ArrayRef<SizedValue> nexts,
                                       llvm::ArrayRef<SizedValue> rows);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_LOOPS_H
