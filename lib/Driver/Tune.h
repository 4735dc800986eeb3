//===- Tune.h - Measured choices of convolutions ----------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_TUNE_H
#define CONVOY_LIB_DRIVER_TUNE_H

#include "ModelOptions.h"

namespace convoy::driver {

/// How long --tune may take where it is given no SECONDS.
inline constexpr double kTuneSeconds = 120;

/// Times the schedules of each convolution of `model` on this machine for about
/// `seconds`, those that were timed before excepted, and makes `options` choose by the
/// times. The times are kept in the cache folder, in a file for each processor,
/// compiler, type of weights and number of threads (0 is one for each core). A
/// convolution is timed where it stands in the model: each schedule of it runs in a
/// compilation of the whole. Returns an exit code; failures are reported.
int tune(llvm::StringRef model, ModelOptions &options, double seconds, int64_t threads);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_TUNE_H
