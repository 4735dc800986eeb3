/*===- Launch.c - Launches of a GPU's kernels ---------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Backend.h"

void convoy_rt_launch_kernel(void *rt, int32_t kernel, convoy_emulated_kernel emulated,
                             int32_t grid_x, int32_t grid_y, int32_t grid_z, int32_t block_x,
                             int32_t block_y, int32_t block_z, int32_t shared_bytes,
                             void *const *args, int32_t arg_count, int32_t map_count) {
  const struct convoy_launch launch = {.kernel = kernel,
                                       .emulated = emulated,
                                       .grid = {grid_x, grid_y, grid_z},
                                       .block = {block_x, block_y, block_z},
                                       .shared_bytes = shared_bytes,
                                       .args = args,
                                       .arg_count = arg_count,
                                       .map_count = map_count};
  convoy_model.backend->launch_kernel(rt, &launch);
}
