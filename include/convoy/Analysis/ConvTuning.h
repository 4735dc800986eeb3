//===- ConvTuning.h - Measured choices of convolutions ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A tuning file says how long convolutions took on a machine, for each schedule that was
// timed:
//   {"convolutions": {"1x4x56x56x16 -> ...": {"direct/2": 412.5, "winograd_4x4/2": 201.3}}}
// in microseconds. `convoy compile --tune` writes it, `cnn-select-algorithm` reads it.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_CONVTUNING_H
#define CONVOY_ANALYSIS_CONVTUNING_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "llvm/Support/Error.h"

#include <map>

namespace convoy {

/// A text of everything on which the time of a convolution depends: equal convolutions have
/// equal texts.
std::string describeConv(cnn::ConvOpInterface op);

/// The times that were measured on one machine. Convolutions are named by describeConv(), and
/// schedules by getScheduleName().
class ConvTuning {
public:
  /// Reads a tuning file. Errors name the file.
  static llvm::Expected<ConvTuning> read(llvm::StringRef path);
  void write(llvm::raw_ostream &os) const;

  std::optional<double> getTime(llvm::StringRef conv, llvm::StringRef schedule) const;
  void setTime(llvm::StringRef conv, llvm::StringRef schedule, double microseconds);

  /// The index of the fastest of `schedules` that was timed. The first one stays the choice
  /// unless another was clearly faster, and if none was timed.
  size_t choose(llvm::StringRef conv, llvm::ArrayRef<std::string> schedules) const;

private:
  /// Microseconds by convolution and schedule, sorted for the file.
  std::map<std::string, std::map<std::string, double>> times;
};

} // namespace convoy

#endif // CONVOY_ANALYSIS_CONVTUNING_H
