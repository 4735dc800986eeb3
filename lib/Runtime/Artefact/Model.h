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

struct convoy_model_description {
  int32_t abi_version; /* CONVOY_ABI_VERSION of the compiler */
  int32_t input_count;
  int32_t output_count;
  int32_t layer_count;
  const convoy_tensor_info *inputs;
  const convoy_tensor_info *outputs;
  const char *const *layers;
  const char *cpu;       /* such as "x86-64-v3" */
  uint64_t cpu_features; /* bits of CpuFeatures.def that the code uses */
  int64_t arena_size;
  int64_t scratch_size; /* bytes that each thread needs besides */
  int64_t weights_size;
  /* Read through this pointer and not by name, so that generated code need not
   * be within 2 GiB of the weights. */
  const uint8_t *weights;
};

/* Made by the compiler. */
CONVOY_HIDDEN extern const struct convoy_model_description convoy_model;
CONVOY_HIDDEN int convoy_model_invoke(void *rt, uint8_t *arena, const uint8_t *weights,
                                      void *const *inputs, void *const *outputs);

/* Called by generated code. */
typedef void (*convoy_task_body)(int64_t begin, int64_t end, void *const *args,
                                 uint8_t *scratch);
CONVOY_HIDDEN void convoy_rt_parallel_for(void *rt, convoy_task_body body, void *const *args,
                                          int64_t tasks);
CONVOY_HIDDEN void convoy_rt_layer_done(void *rt, int32_t layer);

#endif /* CONVOY_RUNTIME_ARTEFACT_MODEL_H */
