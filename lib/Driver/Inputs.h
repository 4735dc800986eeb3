//===- Inputs.h - Tensor files on the command line --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_INPUTS_H
#define CONVOY_LIB_DRIVER_INPUTS_H

#include "Arguments.h"
#include "Ranks.h"
#include "convoy/Runtime/Execution.h"

namespace convoy::driver {

/// The largest number that --threads accepts.
inline constexpr int64_t kMaxThreads = 4096;

/// Files of a model's inputs or outputs, in their order; empty where none is given.
using Files = std::vector<std::string>;

/// Assigns the `[NAME=]FILE` arguments of an option such as "--input" to the tensors that
/// they name. `role` is "input" or "output", for errors.
llvm::Expected<Files> bindFiles(llvm::StringRef option, llvm::ArrayRef<std::string> arguments,
                                llvm::ArrayRef<TensorInfo> tensors, llvm::StringRef role);

/// Reads a .npy file, or a .pb file with a TensorProto, that must have the
/// tensor's type and a shape that the tensor may have.
llvm::Expected<Tensor> readTensor(llvm::StringRef file, const TensorInfo &info,
                                  llvm::StringRef role);

/// How the inputs of a run are given.
struct InputOptions {
  /// Values of --input, each `[NAME=]FILE`.
  std::vector<std::string> words;
  /// Seed of random values for inputs without a file.
  std::optional<uint64_t> seed;

  /// Reads --input and --random-inputs.
  void read(Arguments &arguments);
  /// Makes all inputs. An input without a file is an error if there is no seed.
  llvm::Expected<std::vector<Tensor>> makeInputs(const Artefact &artefact) const;
};

/// Makes the inputs and runs the model once, with `threads` threads (0: one for each core).
/// If there are several ranks, the first one makes the inputs. A model for GPUs runs on GPU
/// number `gpu`, by default on the first.
llvm::Expected<Execution> runOnce(const Artefact &artefact, const InputOptions &inputOptions,
                                  int64_t threads, Ranks &ranks,
                                  std::optional<int64_t> gpu = std::nullopt);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_INPUTS_H
