//===- PeakRate.h - Peak rate of a core -------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_PEAKRATE_H
#define CONVOY_LIB_DRIVER_PEAKRATE_H

namespace convoy::driver {

/// The f32 multiply-add peak of this core in GFLOP/s, with its widest vectors; a multiply-add
/// counts as two operations. It is the best of some tries, which take about 0.1 s.
double measurePeakGigaflops();

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_PEAKRATE_H
