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
  /// About how many seconds to spend on compiling and timing. With 0, nothing is timed, and
  /// only times of earlier runs are used.
  double seconds = 120;
  /// Threads that run the model; 0 means one for each core.
  int64_t threads = 0;
  /// Called with a line of text when a step begins; may be null.
  std::function<void(llvm::StringRef)> onStep;
};

/// A convolution for which both the cost model's schedule and the tuned schedule were timed.
struct TunedConv {
  std::string layer;
  /// The names of the cost model's schedule and of the tuned one, and their times in
  /// microseconds.
  std::string modelled, tuned;
  double modelledTime = 0, tunedTime = 0;
};

struct TuneReport {
  /// The file of times, for `CompileOptions::tuning`; empty if there are none.
  std::string file;
  /// The number of convolutions in the model, and the convolutions that were timed.
  size_t numConvs = 0;
  std::vector<TunedConv> timed;
};

/// Times the schedules of each convolution of the model on this machine, except for those that
/// were timed before. The times are kept in the cache folder, in a file for each processor,
/// compiler, type of weights and number of threads. A convolution is timed in its place in the
/// model: to time a schedule, the whole model is compiled with it and run. The handler gets
/// errors.
mlir::FailureOr<TuneReport> tune(Compilation &compilation, const TuneOptions &options);

} // namespace convoy

#endif // CONVOY_COMPILER_TUNING_H
