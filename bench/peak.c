/*===- peak.c - What this machine can do --------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Prints the f32 multiply-add peak of one core in GFLOP/s and its memory     *|
|* read bandwidth in GB/s, each the best of several tries:                    *|
|*   clang -O3 -march=native peak.c -o peak                                   *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif
/* Independent sums: more than an instruction's latency times the number of units, so that
 * they hide each other's latency. */
#define CHAINS 12

typedef float vector __attribute__((vector_size(LANES * 4)));
typedef int64_t integers __attribute__((vector_size(64), aligned(8)));

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

#pragma clang fp contract(fast)
static double measure_gflops(void) {
  enum { STEPS = 4000000 };
  vector sums[CHAINS], x, y;
  for (int i = 0; i < CHAINS; ++i)
    sums[i] = (vector){0} + (float)i;
  x = (vector){0} + 0.999999f;
  y = (vector){0} + 1e-7f;
  __asm__ volatile("" : "+x"(x), "+x"(y));
  double start = seconds();
  for (int step = 0; step < STEPS; ++step)
    for (int i = 0; i < CHAINS; ++i)
      sums[i] = sums[i] * x + y;
  double taken = seconds() - start;
  volatile float sink = 0;
  for (int i = 0; i < CHAINS; ++i)
    sink += sums[i][0];
  return 2.0 * STEPS * CHAINS * LANES / taken * 1e-9;
}

static double measure_read(const integers *data, size_t count) {
  integers a = {0}, b = {0}, c = {0}, d = {0};
  double start = seconds();
  for (size_t i = 0; i + 4 <= count; i += 4) {
    a ^= data[i];
    b ^= data[i + 1];
    c ^= data[i + 2];
    d ^= data[i + 3];
  }
  double taken = seconds() - start;
  volatile int64_t sink = (a ^ b ^ c ^ d)[0];
  (void)sink;
  return count * sizeof(integers) / taken * 1e-9;
}

int main(void) {
  enum { TRIES = 7 };
  size_t bytes = (size_t)256 << 20, count = bytes / sizeof(integers);
  integers *data = aligned_alloc(64, bytes);
  if (!data)
    return 1;
  for (size_t i = 0; i < count; ++i)
    data[i] = (integers){(int64_t)i};
  double gflops = 0, read = 0;
  for (int i = 0; i < TRIES; ++i) {
    double g = measure_gflops(), r = measure_read(data, count);
    gflops = g > gflops ? g : gflops;
    read = r > read ? r : read;
  }
  printf("%.1f %.1f\n", gflops, read);
  free(data);
  return 0;
}
