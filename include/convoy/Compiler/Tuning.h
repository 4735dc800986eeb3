//===- Tuning.h - Measured choices of convolutions --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_COMPILER_TUNING_H
#define CONVOY_COMPILER_TUNING_H

#include "convoy/Compiler/Compilation.h"

#include <functional>
#include <string>
#include <vector>

namespace convoy {

struct TuneOptions {
  /// About how long to compile and time; 0 uses the times that are kept.
  double seconds = 120;
  /// Threads that run the model; 0 is one for each core.
  int64_t threads = 0;
  /// Called with a line as each step begins; null if nobody wants to know.
  std::function<void(llvm::StringRef)> onStep;
};

/// A convolution of which the cost model's choice and the tuned one were timed.
struct TunedConv {
  std::string layer;
  /// The cost model's choice and the tuned one, as text, and their microseconds.
  std::string modelled, tuned;
  double modelledTime = 0, tunedTime = 0;
};

struct TuneReport {
  /// The file of times, for `CompileOptions::tuning`; empty if there are none.
  std::string file;
  /// How many convolutions the model has, and those that were timed.
  size_t numConvs = 0;
  std::vector<TunedConv> timed;
};

/// Times the schedules of each convolution of the model on this machine, those that were
/// timed before excepted. The times are kept in the cache folder, in a file for each
/// processor, compiler, type of weights and number of threads. A convolution is timed where
/// it stands in the model: each schedule of it runs in a compilation of the whole. The
/// handler gets errors.
mlir::FailureOr<TuneReport> tune(Compilation &compilation, const TuneOptions &options);

} // namespace convoy

#endif // CONVOY_COMPILER_TUNING_H
