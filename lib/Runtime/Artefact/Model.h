/*===- Model.h - What the compiler tells the runtime --------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Contract between generated code and the runtime linked into the same       *|
|* artefact. lib/Target/ModelDescription.cpp emits the structure field by     *|
|* field.                                                                     *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_ARTEFACT_MODEL_H
#define CONVOY_RUNTIME_ARTEFACT_MODEL_H

#include "convoy-c/Artefact.h"

#define CONVOY_HIDDEN __attribute__((visibility("hidden")))

/* The program of one device. */
struct convoy_device_description {
  int (*invoke)(void *rt, uint8_t *arena, const uint8_t *weights, void *const *inputs,
                void *const *outputs);
  const char *const *layers;
  int64_t layer_count;
  int64_t arena_size;
  int64_t scratch_size; /* bytes that each thread needs besides */
  int64_t weights_size;
  /* Read through this pointer and not by name, so that generated code need not
   * be within 2 GiB of the weights. */
  const uint8_t *weights;
};

struct convoy_model_description {
  int32_t abi_version; /* CONVOY_ABI_VERSION of the compiler */
  int32_t input_count;
  int32_t output_count;
  int32_t device_count;
  const convoy_tensor_info *inputs;
  const convoy_tensor_info *outputs;
  const char *cpu;       /* such as "x86-64-v3" */
  uint64_t cpu_features; /* bits of CpuFeatures.def that the code uses */
  const struct convoy_device_description *devices;
};

/* Made by the compiler. */
CONVOY_HIDDEN extern const struct convoy_model_description convoy_model;

/* Called by generated code. */
typedef void (*convoy_task_body)(int64_t begin, int64_t end, void *const *args,
                                 uint8_t *scratch);
CONVOY_HIDDEN void convoy_rt_parallel_for(void *rt, convoy_task_body body, void *const *args,
                                          int64_t tasks);
CONVOY_HIDDEN void convoy_rt_layer_done(void *rt, int32_t layer);

/* Communication between devices, of which each starts the same exchanges in the same
 * order. Device k holds [bounds[k], bounds[k + 1]) of an axis, as `rows` rows of
 * elements of `bytes` bytes. `bounds` outlive the run. A failure is kept in `rt`, and
 * convoy_run returns it. */
CONVOY_HIDDEN void convoy_rt_all_gather(void *rt, const void *from, void *to, int64_t rows,
                                        int64_t bytes, const int64_t *bounds);
CONVOY_HIDDEN void convoy_rt_halo_exchange(void *rt, const void *from, void *to, int64_t rows,
                                           int64_t bytes, const int64_t *bounds,
                                           int64_t before, int64_t after);
/* Adds `count` f32 in the order of devices. */
CONVOY_HIDDEN void convoy_rt_all_reduce(void *rt, const float *from, float *to, int64_t count);
/* Waits until the oldest exchange that was not awaited has brought everything into `to`. */
CONVOY_HIDDEN void convoy_rt_await(void *rt);
/* Waits until no other device reads the buffers of the oldest exchange that was awaited
 * and not released. At most CONVOY_MAX_EXCHANGES are started and not released. */
CONVOY_HIDDEN void convoy_rt_release(void *rt);

#endif /* CONVOY_RUNTIME_ARTEFACT_MODEL_H */
