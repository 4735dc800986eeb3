/*===- Launch.c - Kernels of a GPU, wherever they run -------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Cuda.h"

#include <stdio.h>

void convoy_rt_launch_kernel(void *rt, int32_t kernel, convoy_emulated_kernel emulated,
                             int32_t grid_x, int32_t grid_y, int32_t grid_z, int32_t block_x,
                             int32_t block_y, int32_t block_z, int32_t shared_bytes,
                             void *const *args, int32_t arg_count, int32_t map_count) {
  struct convoy_device *device = rt;
  const int32_t grid[] = {grid_x, grid_y, grid_z}, block[] = {block_x, block_y, block_z};
  if (convoy_model.gpu) {
    convoy_cuda_launch(device, kernel, grid, block, shared_bytes, args, arg_count, map_count);
    return;
  }
  if (device->status)
    return;
  if (emulated) {
    convoy_emulate(device, kernel, emulated, grid, block, shared_bytes, args);
    return;
  }
  device->status = CONVOY_ERROR_MODEL;
  snprintf(device->error_text, sizeof device->error_text,
           "this artefact has no code that runs kernel %d here", (int)kernel);
}
