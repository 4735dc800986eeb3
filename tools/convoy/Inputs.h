//===- Inputs.h - Tensor files on the command line --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TOOLS_CONVOY_INPUTS_H
#define CONVOY_TOOLS_CONVOY_INPUTS_H

#include "Options.h"
#include "convoy/Runtime/Artefact.h"

namespace convoy::tool {

/// What --threads accepts at most.
inline constexpr int64_t kMaxThreads = 4096;

/// Files of a model's inputs or outputs, in their order; empty where none is given.
using Files = std::vector<std::string>;

/// Sorts the `[NAME=]FILE` arguments of an option such as "--input" by the
/// tensors that they name. `role` is "input" or "output", for errors.
llvm::Expected<Files> bindFiles(llvm::StringRef option, llvm::ArrayRef<std::string> arguments,
                                llvm::ArrayRef<TensorInfo> tensors, llvm::StringRef role);

/// Reads a .npy file, or a .pb file with a TensorProto, that must have the
/// tensor's type and shape.
llvm::Expected<Tensor> readTensor(llvm::StringRef file, const TensorInfo &info,
                                  llvm::StringRef role);

/// How the inputs of a run are given.
struct InputOptions {
  std::vector<std::string> arguments;
  /// For inputs without a file.
  std::optional<uint64_t> seed;

  /// Declares --input and --random-inputs.
  void declare(Options &options);
  llvm::Expected<std::vector<Tensor>> read(const Artefact &artefact) const;
};

} // namespace convoy::tool

#endif // CONVOY_TOOLS_CONVOY_INPUTS_H
