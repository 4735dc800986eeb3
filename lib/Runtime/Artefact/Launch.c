/*===- Launch.c - Launches of GPU kernels -------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Context.h"

#include <stdio.h>

void convoy_rt_launch_kernel(void *rt, int32_t kernel, convoy_emulated_kernel emulated,
                             int32_t grid_x, int32_t grid_y, int32_t grid_z, int32_t block_x,
                             int32_t block_y, int32_t block_z, int32_t shared_bytes,
                             void *const *args, int32_t arg_count) {
  struct convoy_device *device = rt;
  (void)arg_count;
  if (device->status)
    return;
  if (!emulated) {
    device->status = CONVOY_ERROR_MODEL;
    snprintf(device->error_text, sizeof device->error_text,
             "this artefact has no code that runs kernel %d here", (int)kernel);
    return;
  }
  const int32_t grid[3] = {grid_x, grid_y, grid_z};
  const int32_t block[3] = {block_x, block_y, block_z};
  convoy_emulate(device, kernel, emulated, grid, block, shared_bytes, args);
}

/* The blocks of a kernel share one thread's scratch memory: what it is to be large enough
 * for is the same number. */
uint8_t *convoy_rt_scratch(void *rt) { return ((struct convoy_device *)rt)->team.scratch; }
