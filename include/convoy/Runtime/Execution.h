//===- Execution.h - A model that runs again and again ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_RUNTIME_EXECUTION_H
#define CONVOY_RUNTIME_EXECUTION_H

#include "convoy/Runtime/Artefact.h"

#include <vector>

namespace convoy {

/// A context that has run at least once, with its inputs and outputs.
struct Execution {
  std::vector<Tensor> inputs;
  Context context;
  /// Buffers of the largest shapes.
  std::vector<Tensor> outputs;

  /// Runs the model once on `inputs`, which must have its types and shapes.
  static llvm::Expected<Execution> create(Context context, std::vector<Tensor> inputs);

  /// Runs again, into the same outputs.
  llvm::Error run();
  /// Takes the outputs out, in the shapes that they have. The model cannot run again.
  llvm::Expected<std::vector<Tensor>> takeOutputs();
  /// The same with profiling; returns the nanoseconds of each layer.
  llvm::Expected<std::vector<int64_t>> profile();
};

/// A tensor for an input, of its type and shape, with elements of zero. An error names the
/// input.
llvm::Expected<Tensor> makeInput(const TensorInfo &info);

} // namespace convoy

#endif // CONVOY_RUNTIME_EXECUTION_H
