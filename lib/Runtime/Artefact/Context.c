/*===- Context.c - The public functions of an artefact ------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "Context.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* Transparent huge pages cut TLB misses of large arenas. */
static const size_t huge_page = (size_t)2 << 20;

void *convoy_allocate(size_t size) {
  size_t alignment = size >= huge_page ? huge_page : CONVOY_CACHE_LINE;
  if (size > SIZE_MAX / 2)
    return NULL;
  size = (size + alignment - 1) / alignment * alignment;
  void *memory = aligned_alloc(alignment, size ? size : alignment);
#ifdef MADV_HUGEPAGE
  if (memory && alignment == huge_page)
    (void)madvise(memory, size, MADV_HUGEPAGE);
#endif
  return memory;
}

int64_t convoy_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int32_t convoy_core_count(void) {
  /* Room for 8192 cores; the kernel refuses a smaller set than it has. */
  unsigned long set[8192 / (8 * sizeof(unsigned long))];
  memset(set, 0, sizeof set);
  if (sched_getaffinity(0, sizeof set, (cpu_set_t *)set) != 0)
    return 1;
  int32_t count = 0;
  for (size_t i = 0; i < sizeof set / sizeof set[0]; ++i)
    for (unsigned long bits = set[i]; bits; bits &= bits - 1)
      ++count;
  return count ? count : 1;
}

/*===----------------------------------------------------------------------===*\
|* Model information
\*===----------------------------------------------------------------------===*/

int32_t convoy_abi_version(void) { return convoy_model.abi_version; }

int32_t convoy_input_count(void) { return convoy_model.input_count; }

const convoy_tensor_info *convoy_input(int32_t index) {
  if (index < 0 || index >= convoy_model.input_count)
    return NULL;
  return &convoy_model.inputs[index];
}

int32_t convoy_output_count(void) { return convoy_model.output_count; }

const convoy_tensor_info *convoy_output(int32_t index) {
  if (index < 0 || index >= convoy_model.output_count)
    return NULL;
  return &convoy_model.outputs[index];
}

int32_t convoy_layer_count(void) { return convoy_model.layer_count; }

const char *convoy_layer_name(int32_t index) {
  if (index < 0 || index >= convoy_model.layer_count)
    return NULL;
  return convoy_model.layers[index];
}

const char *convoy_required_cpu(void) { return convoy_model.cpu; }

int64_t convoy_arena_size(void) { return convoy_model.arena_size; }

const char *convoy_status_text(int32_t status) {
  switch (status) {
  case CONVOY_OK:
    return "no error";
  case CONVOY_ERROR_ARGUMENT:
    return "an argument is null, misaligned or out of range";
  case CONVOY_ERROR_MEMORY:
    return "out of memory";
  case CONVOY_ERROR_THREADS:
    return "the system cannot start another thread";
  case CONVOY_ERROR_CPU: {
    const char *missing = convoy_missing_cpu_feature(convoy_model.cpu_features);
    return missing ? missing : "this CPU cannot run the model";
  }
  case CONVOY_ERROR_MODEL:
    return "the model failed to run";
  default:
    return "unknown status";
  }
}

/*===----------------------------------------------------------------------===*\
|* Contexts
\*===----------------------------------------------------------------------===*/

static void free_context(struct convoy_context *context) {
  free(context->layer_nanoseconds);
  free(context->workers);
  free(context->arena);
  free(context->scratch);
  free(context);
}

int32_t convoy_create(int32_t threads, convoy_context **result) {
  if (!result)
    return CONVOY_ERROR_ARGUMENT;
  *result = NULL;
  /* More threads than this are a mistake of the caller's. */
  if (threads < 0 || threads > 4096)
    return CONVOY_ERROR_ARGUMENT;
  if (convoy_missing_cpu_feature(convoy_model.cpu_features))
    return CONVOY_ERROR_CPU;
  int32_t cores = threads == 1 ? 1 : convoy_core_count();
  if (threads == 0)
    threads = cores < 4096 ? cores : 4096;

  struct convoy_context *context = convoy_allocate(sizeof *context);
  if (!context)
    return CONVOY_ERROR_MEMORY;
  memset(context, 0, sizeof *context);
  context->threads = threads;
  /* Spinning takes the core from the thread that it waits for when there are
   * too few of them. */
  context->spin_nanoseconds = threads <= cores ? 40000 : 0;
  context->arena = convoy_allocate((size_t)convoy_model.arena_size);
  /* Apart by an odd number of cache lines, so that threads use different cache sets. */
  context->scratch_stride =
      ((size_t)convoy_model.scratch_size / CONVOY_CACHE_LINE + 1 | 1) * CONVOY_CACHE_LINE;
  context->scratch = convoy_allocate((size_t)threads * context->scratch_stride);
  context->workers = convoy_allocate((size_t)threads * sizeof(struct convoy_worker));
  context->layer_nanoseconds = calloc((size_t)convoy_model.layer_count + 1, sizeof(int64_t));
  if (!context->arena || !context->scratch || !context->workers ||
      !context->layer_nanoseconds) {
    free_context(context);
    return CONVOY_ERROR_MEMORY;
  }

  int32_t status = convoy_start_workers(context);
  if (status != CONVOY_OK) {
    free_context(context);
    return status;
  }
  *result = context;
  return CONVOY_OK;
}

int32_t convoy_thread_count(const convoy_context *context) {
  return context ? context->threads : 0;
}

void convoy_destroy(convoy_context *context) {
  if (!context)
    return;
  convoy_stop_workers(context);
  free_context(context);
}

static uintptr_t element_alignment(int32_t element_type) {
  switch (element_type) {
  case CONVOY_FLOAT64:
  case CONVOY_INT64:
  case CONVOY_UINT64:
    return 8;
  case CONVOY_FLOAT32:
  case CONVOY_INT32:
  case CONVOY_UINT32:
    return 4;
  case CONVOY_FLOAT16:
  case CONVOY_BFLOAT16:
  case CONVOY_INT16:
  case CONVOY_UINT16:
    return 2;
  default:
    return 1;
  }
}

static int buffers_are_valid(const void *const *buffers, const convoy_tensor_info *infos,
                             int32_t count) {
  if (!buffers)
    return count == 0;
  for (int32_t i = 0; i < count; ++i) {
    uintptr_t address = (uintptr_t)buffers[i];
    if ((!address && infos[i].size) || address % element_alignment(infos[i].element_type))
      return 0;
  }
  return 1;
}

int32_t convoy_run(convoy_context *context, const void *const *inputs, void *const *outputs) {
  if (!context || !buffers_are_valid(inputs, convoy_model.inputs, convoy_model.input_count) ||
      !buffers_are_valid((const void *const *)outputs, convoy_model.outputs,
                         convoy_model.output_count))
    return CONVOY_ERROR_ARGUMENT;
  if (context->profiling)
    context->last_mark = convoy_now();
  int failed = convoy_model_invoke(context, context->arena, convoy_model.weights,
                                   (void *const *)inputs, outputs);
  if (context->profiling)
    ++context->profiled_runs;
  return failed ? CONVOY_ERROR_MODEL : CONVOY_OK;
}

/*===----------------------------------------------------------------------===*\
|* Profile
\*===----------------------------------------------------------------------===*/

int32_t convoy_profile_enable(convoy_context *context, int32_t enable) {
  if (!context)
    return CONVOY_ERROR_ARGUMENT;
  context->profiling = enable != 0;
  context->profiled_runs = 0;
  memset(context->layer_nanoseconds, 0, (size_t)convoy_model.layer_count * sizeof(int64_t));
  return CONVOY_OK;
}

int32_t convoy_profile_read(const convoy_context *context, int64_t *nanoseconds,
                            int64_t *runs) {
  if (!context || (!nanoseconds && convoy_model.layer_count))
    return CONVOY_ERROR_ARGUMENT;
  if (convoy_model.layer_count)
    memcpy(nanoseconds, context->layer_nanoseconds,
           (size_t)convoy_model.layer_count * sizeof(int64_t));
  if (runs)
    *runs = context->profiled_runs;
  return CONVOY_OK;
}

void convoy_rt_layer_done(void *rt, int32_t layer) {
  struct convoy_context *context = rt;
  if (!context->profiling)
    return;
  int64_t now = convoy_now();
  if (layer >= 0 && layer < convoy_model.layer_count)
    context->layer_nanoseconds[layer] += now - context->last_mark;
  context->last_mark = now;
}
