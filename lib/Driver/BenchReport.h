//===- BenchReport.h - Output of convoy bench -------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_BENCHREPORT_H
#define CONVOY_LIB_DRIVER_BENCHREPORT_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace convoy::driver {

struct LayerTime {
  std::string name;
  double milliseconds = 0;
  /// Multiply-adds of the layers of that name; 0 if unknown.
  int64_t macs = 0;

  double getGigaflops() const {
    return milliseconds > 0 ? 2 * double(macs) / (milliseconds * 1e6) : 0;
  }
};

/// The results of `convoy bench`.
struct Report {
  int threads = 0;
  /// The GPU that ran it, such as "cuda:0"; empty for the CPU.
  std::string gpu;
  /// In milliseconds, ascending.
  std::vector<double> runs;
  std::vector<LayerTime> layers;
  /// Peak rate of the cores that the threads run on, all together; 0 if not measured.
  double peakGigaflops = 0;

  double getMin() const { return runs.front(); }
  double getMedian() const {
    size_t half = runs.size() / 2;
    return runs.size() % 2 ? runs[half] : (runs[half - 1] + runs[half]) / 2;
  }
  double getMean() const {
    return std::accumulate(runs.begin(), runs.end(), 0.0) / double(runs.size());
  }
};

/// Print to stdout.
void printText(const Report &report);
void printJSON(const Report &report, llvm::StringRef model);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_BENCHREPORT_H
