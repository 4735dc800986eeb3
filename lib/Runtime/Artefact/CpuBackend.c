/*===- CpuBackend.c - Programs whose kernels run on the CPU -------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "Backend.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The first run reads all weights. Mapping all of their pages in one call takes less time than
 * a page fault for every few of them. Kernels before Linux 5.14 refuse. */
static void map_weights(const struct convoy_device_description *description) {
#ifdef MADV_POPULATE_READ
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t begin = (uintptr_t)description->weights / page * page;
  uintptr_t end = (uintptr_t)description->weights + (uintptr_t)description->weights_size;
  if (end > begin)
    (void)madvise((void *)begin, end - begin, MADV_POPULATE_READ);
#else
  (void)description;
#endif
}

int convoy_cpu_make_memory(struct convoy_device *device) {
  map_weights(device->description);
  device->arena = convoy_allocate((size_t)device->description->arena_size);
  if (!device->arena)
    return 0;
  if (device->number == 0)
    return 1;
  device->outputs = calloc((size_t)convoy_result_count() + 1, sizeof(void *));
  for (int32_t i = 0; device->outputs && i < convoy_result_count(); ++i)
    if (!(device->outputs[i] = convoy_allocate((size_t)convoy_model.outputs[i].size)))
      return 0;
  return device->outputs != NULL;
}

void convoy_cpu_run_device(struct convoy_device *device) {
  const struct convoy_context *context = device->context;
  /* After a failed exchange the transport cannot be used again. */
  if (device->status == CONVOY_ERROR_TRANSPORT)
    return;
  device->status = CONVOY_OK;
  device->error_text[0] = 0;
  if (context->profiling)
    device->last_mark = convoy_now();
  device->description->invoke(device, device->arena, device->description->weights,
                              (void *const *)context->inputs,
                              device->outputs ? device->outputs : context->outputs);
}

void convoy_cpu_mark(struct convoy_device *device, int32_t layer) {
  int64_t now = convoy_now();
  if (layer >= 0 && layer < device->description->layer_count)
    device->layer_nanoseconds[layer] += now - device->last_mark;
  device->last_mark = now;
}

static void refuse_kernel(struct convoy_device *device, const struct convoy_launch *launch) {
  convoy_fail(device, CONVOY_ERROR_MODEL, "this artefact has no code that runs kernel %d here",
              (int)launch->kernel);
}

void convoy_cpu_copy_rows(struct convoy_device *device, struct convoy_device *peer, void *to,
                          int64_t to_stride, const void *from, int64_t from_stride,
                          int64_t rows, int64_t bytes) {
  (void)device;
  (void)peer;
  for (int64_t row = 0; row < rows; ++row)
    memcpy((char *)to + row * to_stride, (const char *)from + row * from_stride,
           (size_t)bytes);
}

void convoy_cpu_add(struct convoy_device *device, struct convoy_device *peer, float *to,
                    const float *from, int64_t count) {
  (void)device;
  if (peer->number == 0) {
    memcpy(to, from, (size_t)count * sizeof(float));
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    to[i] += from[i];
}

const struct convoy_backend convoy_cpu_backend = {.make_memory = convoy_cpu_make_memory,
                                                  .run_device = convoy_cpu_run_device,
                                                  .mark = convoy_cpu_mark,
                                                  .launch_kernel = refuse_kernel,
                                                  .copy_rows = convoy_cpu_copy_rows,
                                                  .add = convoy_cpu_add};
