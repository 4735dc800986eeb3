//===- PeakRate.cpp - Peak rate of a core ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PeakRate.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace {

/// A try does kSteps multiply-adds in each of kChains independent sums. There are more sums
/// than an instruction's latency times the number of units, so that they hide the latency.
constexpr int kSteps = 2000000;
constexpr int kChains = 12;

double getSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Defines the function `NAME`, which returns the seconds of a try with vectors of `LANES`
/// elements.
#define DEFINE_TRY(NAME, LANES, TARGET)                                                       \
  TARGET double NAME() {                                                                      \
    _Pragma("clang fp contract(fast)") typedef float vector                                   \
        __attribute__((vector_size(LANES * sizeof(float))));                                  \
    vector sums[kChains], factor = vector{} + 0.999999f, addend = vector{} + 1e-7f;           \
    for (int i = 0; i < kChains; ++i)                                                         \
      sums[i] = vector{} + float(i);                                                          \
    double start = getSeconds();                                                              \
    for (int step = 0; step < kSteps; ++step)                                                 \
      for (int i = 0; i < kChains; ++i)                                                       \
        sums[i] = sums[i] * factor + addend;                                                  \
    double taken = getSeconds() - start;                                                      \
    volatile float sink = 0;                                                                  \
    for (int i = 0; i < kChains; ++i)                                                         \
      sink = sink + sums[i][0];                                                               \
    return taken;                                                                             \
  }

#if defined(__x86_64__)
DEFINE_TRY(tryAVX512, 16, __attribute__((target("avx512f"))))
DEFINE_TRY(tryAVX2, 8, __attribute__((target("avx2,fma"))))
#endif
DEFINE_TRY(tryBaseline, 4, )

double getBest(double (*attempt)(), int64_t lanes) {
  double best = 0;
  for (int i = 0; i < 5; ++i)
    best = std::max(best, 2e-9 * kSteps * kChains * double(lanes) / attempt());
  return best;
}

} // namespace

double convoy::driver::measurePeakGigaflops() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return std::max(getBest(tryAVX512, 16), getBest(tryAVX2, 8));
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return getBest(tryAVX2, 8);
#endif
  return getBest(tryBaseline, 4);
}
