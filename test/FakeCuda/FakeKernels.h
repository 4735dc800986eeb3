/*===- FakeKernels.h - Kernels of the hand-made models ------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The kernels that the fake driver can run. `count` is the number of threads *|
|* of the launch.                                                             *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_TEST_FAKECUDA_FAKEKERNELS_H
#define CONVOY_TEST_FAKECUDA_FAKEKERNELS_H

#include <stdint.h>

struct fake_kernel {
  const char *name;
  int arg_count;
  void (*run)(int64_t count, float *const *args);
};

/* The weights of a device of HandMadeParts: which columns it has, [begin, end) of a tensor of
 * `rows` x `width`. */
struct fake_part {
  int32_t begin, end, width, rows;
  int32_t before, after; /* columns of its neighbours in its halo */
};

/* (x, y): y = 2 x */
static void fake_scale(int64_t count, float *const *args) {
  for (int64_t i = 0; i < count; ++i)
    args[1][i] = 2 * args[0][i];
}

/* (x, y, w, scratch, sum): sum = x + y + w */
static void fake_add(int64_t count, float *const *args) {
  for (int64_t i = 0; i < count; ++i)
    args[3][i] = args[0][i] + args[1][i];
  for (int64_t i = 0; i < count; ++i)
    args[4][i] = args[3][i] + args[2][i];
}

/* (x, part, own): own = 1 + the columns of x that are 7 further right, modulo the width */
static void fake_slice(int64_t count, float *const *args) {
  (void)count;
  const struct fake_part *part = (const struct fake_part *)args[1];
  int32_t own = part->end - part->begin;
  for (int32_t r = 0; r < part->rows; ++r)
    for (int32_t i = 0; i < own; ++i)
      args[2][r * own + i] =
          args[0][r * part->width + (part->begin + i + 7) % part->width] + 1;
}

/* (halo, part, own): own[i] = halo[i - 1] + halo[i] + halo[i + 2], 0 beyond the border */
static void fake_window(int64_t count, float *const *args) {
  (void)count;
  const struct fake_part *part = (const struct fake_part *)args[1];
  int32_t own = part->end - part->begin, stride = part->before + own + part->after;
  for (int32_t r = 0; r < part->rows; ++r)
    for (int32_t i = 0; i < own; ++i) {
      const float *row = args[0] + r * stride;
      int32_t at = part->before + i;
      args[2][r * own + i] =
          (at >= 1 ? row[at - 1] : 0) + row[at] + (at + 2 < stride ? row[at + 2] : 0);
    }
}

/* (x, part, terms): terms = x in the device's own columns, 0 in the others */
static void fake_mask(int64_t count, float *const *args) {
  const struct fake_part *part = (const struct fake_part *)args[1];
  for (int64_t i = 0; i < count; ++i) {
    int64_t column = i % part->width;
    args[2][i] = column >= part->begin && column < part->end ? args[0][i] : 0;
  }
}

/* (a, b, c, y): y = a + 10 b + 100 c */
static void fake_mix(int64_t count, float *const *args) {
  for (int64_t i = 0; i < count; ++i)
    args[3][i] = args[0][i] + 10 * args[1][i] + 100 * args[2][i];
}

/* (y, map of x): y = 2 x */
static void fake_twice(int64_t count, float *const *args) {
  for (int64_t i = 0; i < count; ++i)
    args[0][i] = 2 * args[1][i];
}

/* (x, n): n = |x[0]|, rounded down, as a number of type i64 */
static void fake_length(int64_t count, float *const *args) {
  (void)count;
  int64_t length = (int64_t)(args[0][0] < 0 ? -args[0][0] : args[0][0]);
  __builtin_memcpy(args[1], &length, sizeof length);
}

static const struct fake_kernel fake_kernels[] = {
    {"scale", 2, fake_scale},   {"add", 5, fake_add},       {"slice", 3, fake_slice},
    {"window", 3, fake_window}, {"mask", 3, fake_mask},     {"mix", 4, fake_mix},
    {"twice", 2, fake_twice},   {"length", 2, fake_length},
};

#endif /* CONVOY_TEST_FAKECUDA_FAKEKERNELS_H */
