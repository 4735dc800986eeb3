/*===- peak.c - What this machine can do --------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Prints what one core does at its peak, each the best of several tries:     *|
|* f32 multiply-adds in GFLOP/s, memory reads in GB/s, multiply-adds of       *|
|* integers of 8 bits, or of 16 if the CPU has no exact instruction for 8, in *|
|* Gop/s, and those of bf16 (0 if it has none):                               *|
|*   clang -O3 -march=native peak.c -o peak                                   *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

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

/* DOT(sum, x, y) adds products of integers to the sums of a register. */
#if defined(__AVX512VNNI__)
typedef __m512i dots;
#define DOT(SUM, X, Y) _mm512_dpbusd_epi32(SUM, X, Y)
#define DOT_PRODUCTS 64
#elif defined(__AVXVNNI__)
typedef __m256i dots;
#define DOT(SUM, X, Y) _mm256_dpbusd_avx_epi32(SUM, X, Y)
#define DOT_PRODUCTS 32
#elif defined(__AVX512BW__)
typedef __m512i dots;
#define DOT(SUM, X, Y) _mm512_add_epi32(SUM, _mm512_madd_epi16(X, Y))
#define DOT_PRODUCTS 32
#elif defined(__AVX2__)
typedef __m256i dots;
#define DOT(SUM, X, Y) _mm256_add_epi32(SUM, _mm256_madd_epi16(X, Y))
#define DOT_PRODUCTS 16
#elif defined(__ARM_FEATURE_DOTPROD)
typedef int32x4_t dots;
#define DOT(SUM, X, Y) vdotq_s32(SUM, vreinterpretq_s8_s32(X), vreinterpretq_s8_s32(Y))
#define DOT_PRODUCTS 16
#endif

/* The same for bf16. */
#if defined(__AVX512BF16__)
typedef __m512 halves;
#define HALF_DOT(SUM, X, Y) _mm512_dpbf16_ps(SUM, (__m512bh)(X), (__m512bh)(Y))
#define HALF_PRODUCTS 32
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
typedef float32x4_t halves;
#define HALF_DOT(SUM, X, Y)                                                                   \
  vbfdotq_f32(SUM, vreinterpretq_bf16_f32(X), vreinterpretq_bf16_f32(Y))
#define HALF_PRODUCTS 8
#endif

/* Defines a function that returns billions of operations per second. */
#define DEFINE_MEASURE(NAME, TYPE, OPERATION, PRODUCTS)                                       \
  static double NAME(void) {                                                                  \
    enum { STEPS = 4000000 };                                                                 \
    TYPE sums[CHAINS], x = {0}, y = {0};                                                      \
    for (int i = 0; i < CHAINS; ++i)                                                          \
      sums[i] = (TYPE){0};                                                                    \
    double start = seconds();                                                                 \
    for (int step = 0; step < STEPS; ++step)                                                  \
      for (int i = 0; i < CHAINS; ++i) {                                                      \
        /* Otherwise one product would do for all sums. */                                    \
        __asm__ volatile("" : REGISTER(x), REGISTER(y));                                      \
        sums[i] = OPERATION(sums[i], x, y);                                                   \
      }                                                                                       \
    double taken = seconds() - start;                                                         \
    for (int i = 0; i < CHAINS; ++i)                                                          \
      __asm__ volatile("" : REGISTER(sums[i]));                                               \
    return 2.0 * STEPS * CHAINS * PRODUCTS / taken * 1e-9;                                    \
  }
#if defined(__x86_64__)
#define REGISTER(VALUE) "+x"(VALUE)
#else
#define REGISTER(VALUE) "+w"(VALUE)
#endif

#pragma clang fp contract(fast)
#define FMA(SUM, X, Y) ((SUM) * (X) + (Y))
DEFINE_MEASURE(measure_gflops, vector, FMA, LANES)
#if defined(DOT)
DEFINE_MEASURE(measure_dots, dots, DOT, DOT_PRODUCTS)
#else
static double measure_dots(void) { return 0; }
#endif
#if defined(HALF_DOT)
DEFINE_MEASURE(measure_halves, halves, HALF_DOT, HALF_PRODUCTS)
#else
static double measure_halves(void) { return 0; }
#endif

static double max(double x, double y) { return x > y ? x : y; }

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
  double gflops = 0, read = 0, integer = 0, half = 0;
  for (int i = 0; i < TRIES; ++i) {
    gflops = max(gflops, measure_gflops());
    read = max(read, measure_read(data, count));
    integer = max(integer, measure_dots());
    half = max(half, measure_halves());
  }
  printf("%.1f %.1f %.1f %.1f\n", gflops, read, integer, half);
  free(data);
  return 0;
}
