/*===- HandMade.h - Models that the fake driver runs --------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* HandMadeSingle.so computes sum = 2 a + b + w, with w[i] = i, and           *|
|* twice = 2 b, of HAND_MADE_SIZE numbers each. It says that only the first   *|
|* |a[0]| numbers of twice have a meaning. Its layers are "scale", "add" and   *|
|* "scale again".                                                             *|
|*                                                                            *|
|* HandMadeParts.so has three devices, which share the columns of x, a tensor *|
|* of HAND_MADE_ROWS rows and HAND_MADE_WIDTH columns. For each row it        *|
|* computes                                                                   *|
|*   z[i] = x[(i + 5 * 7) mod HAND_MADE_WIDTH] + 5                            *|
|*   y[i] = z[i] + 10 (z[i - 1] + z[i] + z[i + 2]) + 100 x[i]                 *|
|* where z is 0 beyond the borders.                                           *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_TEST_FAKECUDA_HANDMADE_H
#define CONVOY_TEST_FAKECUDA_HANDMADE_H

#include <stdint.h>

/* The numbers of a tensor: so many that the host copies it to the GPU in two parts. */
#define HAND_MADE_SIZE 300032
#define HAND_MADE_ROWS 4
#define HAND_MADE_WIDTH 24

#ifdef __cplusplus
extern "C" {
#endif

/* Replaces the images, which at first are machine code for sm_80 and sm_90 and PTX for
 * compute_90. All of them need a driver of version 12000. If `is_specific` is not 0, an image
 * runs on its own compute capability only; if `is_broken` is not 0, it cannot be loaded. */
void hand_made_set_images(int32_t count, const int32_t *archs, const int32_t *is_ptx,
                          int32_t is_specific, int32_t is_broken);
/* Sets whether the model says that its devices add tensors. HandMadeParts.so says so at
 * first. */
void hand_made_set_all_reduce(int32_t has_all_reduce);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_TEST_FAKECUDA_HANDMADE_H */
