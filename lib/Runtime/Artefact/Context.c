/*===- Context.c - The public functions of an artefact ------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "Backend.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
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
  /* Room for 8192 cores; the kernel refuses a set that is smaller than its own. */
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

/* The number of the size of an output's dimension, or -1 if `outputs` has the size. */
static int32_t find_size(int32_t output, int32_t dim) {
  const int32_t *sizes = convoy_model.output_sizes ? convoy_model.output_sizes[output] : NULL;
  return sizes ? sizes[dim] : -1;
}

int32_t convoy_output_is_bounded(int32_t index, int32_t dim) {
  const convoy_tensor_info *info = convoy_output(index);
  return info && dim >= 0 && dim < info->rank && find_size(index, dim) >= 0;
}

/* Profiles are of the first device. */
static const struct convoy_device_description *first(void) { return &convoy_model.devices[0]; }

int32_t convoy_layer_count(void) { return (int32_t)first()->layer_count; }

const char *convoy_layer_name(int32_t index) {
  if (index < 0 || index >= first()->layer_count)
    return NULL;
  return first()->layers[index];
}

const char *convoy_required_cpu(void) { return convoy_model.cpu; }

int32_t convoy_gpu_arch(int32_t index, int32_t *is_ptx) {
  if (!convoy_model.gpu || index < 0 || index >= convoy_model.gpu->image_count)
    return 0;
  const struct convoy_gpu_image *image = &convoy_model.gpu->images[index];
  if (is_ptx)
    *is_ptx = image->is_ptx;
  return image->arch;
}

int32_t convoy_device_count(void) { return convoy_model.device_count; }

int64_t convoy_arena_size(void) {
  int64_t size = 0;
  for (int32_t i = 0; i < convoy_model.device_count; ++i)
    size += convoy_model.devices[i].arena_size;
  return size;
}

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
  case CONVOY_ERROR_TRANSPORT:
    return "another device that shares the model could not be reached";
  case CONVOY_ERROR_BUSY:
    return "another thread runs the context; make a context for each thread";
  case CONVOY_ERROR_LOOP:
    return "a loop of the model did not end within the iterations that --max-iterations "
           "allows";
  case CONVOY_ERROR_RANGE:
    return "a sequence is longer than the input, an input is beyond its --max, or one of "
           "these is negative";
  case CONVOY_ERROR_NO_RUN:
    return "the context has no outputs: its last run failed, or there was none";
  default:
    return convoy_model.backend->status_text ? convoy_model.backend->status_text(status)
                                             : "unknown status";
  }
}

const char *convoy_context_error(const convoy_context *context) {
  for (int32_t i = 0; context && i < context->device_count; ++i)
    if (context->devices[i].status)
      return context->devices[i].error_text;
  return "";
}

/*===----------------------------------------------------------------------===*\
|* Contexts
\*===----------------------------------------------------------------------===*/

static void free_team(struct convoy_team *team) {
  free(team->workers);
  free(team->scratch);
}

static void free_context(struct convoy_context *context) {
  if (convoy_model.backend->close && context->devices)
    convoy_model.backend->close(context);
  for (int32_t i = 0; context->devices && i < context->device_count; ++i) {
    struct convoy_device *device = &context->devices[i];
    for (int32_t k = 0; device->outputs && k < convoy_result_count(); ++k)
      free(device->outputs[k]);
    free(device->outputs);
    free(device->layer_nanoseconds);
    free(device->arena);
    free_team(&device->team);
  }
  free(context->devices);
  free(context->outputs);
  free(context->sizes);
  free_team(&context->team);
  free(context);
}

static int make_team(struct convoy_team *team, int32_t threads, int64_t scratch_size,
                     int64_t spin_nanoseconds) {
  team->threads = threads;
  team->spin_nanoseconds = spin_nanoseconds;
  /* An odd number of cache lines, so that threads use different cache sets. */
  team->scratch_stride =
      ((size_t)scratch_size / CONVOY_CACHE_LINE + 1 | 1) * CONVOY_CACHE_LINE;
  team->scratch = convoy_allocate((size_t)threads * team->scratch_stride);
  team->workers = convoy_allocate((size_t)threads * sizeof(struct convoy_worker));
  return team->scratch && team->workers;
}

/* Makes the list of buffers for results, and the buffers of those that callers do not see. */
static int make_results(struct convoy_context *context) {
  context->outputs = calloc((size_t)convoy_result_count() + 1, sizeof *context->outputs);
  context->sizes = calloc((size_t)convoy_model.size_count + 1, sizeof *context->sizes);
  if (!context->outputs || !context->sizes)
    return 0;
  for (int32_t i = 0; i < convoy_model.size_count; ++i)
    context->outputs[convoy_model.output_count + i] = &context->sizes[i];
  return 1;
}

static int make_device(struct convoy_device *device, int32_t threads,
                       int64_t spin_nanoseconds) {
  const struct convoy_device_description *description = device->description;
  device->layer_nanoseconds = calloc((size_t)description->layer_count + 1, sizeof(int64_t));
  return device->layer_nanoseconds &&
         make_team(&device->team, threads, description->scratch_size, spin_nanoseconds) &&
         (!convoy_model.backend->make_memory || convoy_model.backend->make_memory(device));
}

/* Starts all threads, or none. */
static int32_t start(struct convoy_context *context) {
  int32_t status = convoy_start_workers(&context->team);
  int32_t started = 0;
  while (status == CONVOY_OK && started < context->device_count) {
    status = convoy_start_workers(&context->devices[started].team);
    if (status == CONVOY_OK)
      ++started;
    else
      convoy_stop_workers(&context->team);
  }
  if (status != CONVOY_OK)
    for (int32_t i = 0; i < started; ++i)
      convoy_stop_workers(&context->devices[i].team);
  return status;
}

/* Makes a context for `count` devices from number `first` on; null if there is not enough
 * memory. */
static struct convoy_context *make_context(int32_t threads, int32_t cores, int32_t first,
                                           int32_t count, const convoy_transport *transport) {
  struct convoy_context *context = convoy_allocate(sizeof *context);
  if (!context)
    return NULL;
  memset(context, 0, sizeof *context);
  context->transport = transport;
  context->device_count = count;
  context->devices = convoy_allocate((size_t)count * sizeof *context->devices);
  if (context->devices)
    memset(context->devices, 0, (size_t)count * sizeof *context->devices);
  /* If there are fewer cores than threads, spinning may take the core from the very thread
   * that is waited for. */
  int64_t spin = threads <= cores ? 40000 : 0;
  int complete =
      context->devices && make_results(context) && make_team(&context->team, count, 0, spin);
  for (int32_t i = 0; complete && i < count; ++i) {
    struct convoy_device *device = &context->devices[i];
    device->context = context;
    device->number = first + i;
    device->description = &convoy_model.devices[first + i];
    complete = make_device(device, threads / count + (i < threads % count), spin);
  }
  if (complete)
    return context;
  free_context(context);
  return NULL;
}

/* A context of `count` devices from `first` on, on GPUs from `ordinal` on if it uses them. */
static int32_t create(int32_t threads, int32_t ordinal, int32_t first, int32_t count,
                      const convoy_transport *transport, convoy_context **result) {
  const struct convoy_backend *backend = convoy_model.backend;
  if (!result)
    return CONVOY_ERROR_ARGUMENT;
  *result = NULL;
  /* More threads than this are a mistake of the caller's. */
  if (threads < 0 || threads > 4096)
    return CONVOY_ERROR_ARGUMENT;
  if (convoy_missing_cpu_feature(convoy_model.cpu_features))
    return CONVOY_ERROR_CPU;
  int32_t cores = threads == 1 && count == 1 ? 1 : convoy_core_count();
  if (threads == 0)
    threads = cores < 4096 ? cores : 4096;
  if (threads < count)
    threads = count;
  /* One thread for each device launches the kernels. */
  if (backend->uses_gpus)
    threads = count;
  struct convoy_context *context = make_context(threads, cores, first, count, transport);
  if (!context)
    return CONVOY_ERROR_MEMORY;
  int32_t status = backend->open ? backend->open(context, ordinal) : CONVOY_OK;
  if (status != CONVOY_OK) {
    context->broken = status;
    *result = context;
    return status;
  }
  status = start(context);
  if (status != CONVOY_OK) {
    free_context(context);
    return status;
  }
  *result = context;
  return CONVOY_OK;
}

int32_t convoy_create(int32_t threads, convoy_context **result) {
  int32_t status = create(threads, 0, 0, convoy_model.device_count, NULL, result);
  if (status != CONVOY_OK && result && *result) {
    convoy_destroy(*result);
    *result = NULL;
  }
  return status;
}

int32_t convoy_create_on(int32_t ordinal, convoy_context **result) {
  if (result)
    *result = NULL;
  if (!convoy_model.backend->uses_gpus || ordinal < 0)
    return CONVOY_ERROR_ARGUMENT;
  return create(1, ordinal, 0, convoy_model.device_count, NULL, result);
}

int32_t convoy_create_device(int32_t threads, int32_t device,
                             const convoy_transport *transport, convoy_context **result) {
  if (result)
    *result = NULL;
  /* Transports reach the memory of processes, not that of GPUs. */
  if (!transport || device < 0 || device >= convoy_model.device_count ||
      convoy_model.backend->uses_gpus)
    return CONVOY_ERROR_ARGUMENT;
  return create(threads, 0, device, 1, transport, result);
}

int32_t convoy_thread_count(const convoy_context *context) {
  int32_t threads = 0;
  for (int32_t i = 0; context && i < context->device_count; ++i)
    threads += context->devices[i].team.threads;
  return threads;
}

void convoy_destroy(convoy_context *context) {
  if (!context)
    return;
  if (!context->broken) {
    convoy_stop_workers(&context->team);
    for (int32_t i = 0; i < context->device_count; ++i)
      convoy_stop_workers(&context->devices[i].team);
  }
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

/* Runs the programs of devices [begin, end) of a context. */
static void run_devices(int64_t begin, int64_t end, void *const *args, uint8_t *scratch) {
  (void)scratch;
  struct convoy_context *context = args[0];
  for (int64_t i = begin; i < end; ++i)
    convoy_model.backend->run_device(&context->devices[i]);
}

static int32_t run_context(convoy_context *context, const void *const *inputs,
                           void *const *outputs) {
  if (context->broken)
    return context->broken;
  context->has_outputs = 0;
  context->inputs = inputs;
  for (int32_t i = 0; i < convoy_model.output_count; ++i)
    context->outputs[i] = outputs[i];
  if (convoy_model.backend->begin)
    convoy_model.backend->begin(context);
  void *args[] = {context};
  convoy_launch(&context->team, run_devices, args, context->device_count);
  if (context->profiling)
    ++context->profiled_runs;
  for (int32_t i = 0; i < context->device_count; ++i)
    if (context->devices[i].status != CONVOY_OK)
      return context->devices[i].status;
  if (convoy_model.backend->end)
    convoy_model.backend->end(context);
  context->has_outputs = 1;
  return CONVOY_OK;
}

int32_t convoy_run(convoy_context *context, const void *const *inputs, void *const *outputs) {
  if (!context || !buffers_are_valid(inputs, convoy_model.inputs, convoy_model.input_count) ||
      !buffers_are_valid((const void *const *)outputs, convoy_model.outputs,
                         convoy_model.output_count))
    return CONVOY_ERROR_ARGUMENT;
  if (atomic_exchange_explicit(&context->running, 1, memory_order_acquire))
    return CONVOY_ERROR_BUSY;
  int32_t status = run_context(context, inputs, outputs);
  atomic_store_explicit(&context->running, 0, memory_order_release);
  return status;
}

/* Only the first device of a model writes to the context's memory. */
static int64_t read_size(const convoy_context *context, int32_t number) {
  void *const *results = context->devices[0].outputs ? context->devices[0].outputs
                                                     : (void *const *)context->outputs;
  return *(const int64_t *)results[convoy_model.output_count + number];
}

int32_t convoy_output_dims(const convoy_context *context, int32_t index, int64_t *dims) {
  const convoy_tensor_info *info = convoy_output(index);
  if (!context || !info || (!dims && info->rank))
    return CONVOY_ERROR_ARGUMENT;
  if (context->broken)
    return context->broken;
  if (!context->has_outputs)
    return CONVOY_ERROR_NO_RUN;
  for (int32_t i = 0; i < info->rank; ++i) {
    int32_t number = find_size(index, i);
    dims[i] = number < 0 ? info->dims[i] : read_size(context, number);
    /* Callers would read beyond the buffer. */
    if (dims[i] < 0 || dims[i] > info->dims[i])
      return CONVOY_ERROR_MODEL;
  }
  return CONVOY_OK;
}

/*===----------------------------------------------------------------------===*\
|* Profile
\*===----------------------------------------------------------------------===*/

int32_t convoy_profile_enable(convoy_context *context, int32_t enable) {
  if (!context)
    return CONVOY_ERROR_ARGUMENT;
  if (context->broken)
    return context->broken;
  if (convoy_model.backend->prepare_profile && enable) {
    int32_t status = convoy_model.backend->prepare_profile(context);
    if (status != CONVOY_OK)
      return status;
  }
  context->profiling = enable != 0;
  context->profiled_runs = 0;
  for (int32_t i = 0; i < context->device_count; ++i) {
    struct convoy_device *device = &context->devices[i];
    memset(device->layer_nanoseconds, 0,
           (size_t)device->description->layer_count * sizeof(int64_t));
  }
  return CONVOY_OK;
}

int32_t convoy_profile_read(const convoy_context *context, int64_t *nanoseconds,
                            int64_t *runs) {
  if (!context || (!nanoseconds && first()->layer_count))
    return CONVOY_ERROR_ARGUMENT;
  /* A context without the first device has no profile of it. */
  const struct convoy_device *device = &context->devices[0];
  for (int64_t i = 0; i < first()->layer_count; ++i)
    nanoseconds[i] = device->number == 0 ? device->layer_nanoseconds[i] : 0;
  if (runs)
    *runs = context->profiled_runs;
  return CONVOY_OK;
}

void convoy_fail(struct convoy_device *device, int32_t status, const char *format, ...) {
  if (device->status)
    return;
  device->status = status;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(device->error_text, sizeof device->error_text, format, arguments);
  va_end(arguments);
}

void convoy_rt_limit_loop(void *rt, const char *node, uint8_t *goes_on, int64_t iteration,
                          int64_t limit) {
  struct convoy_device *device = rt;
  if (!*goes_on || iteration < limit)
    return;
  *goes_on = 0;
  convoy_fail(device, CONVOY_ERROR_LOOP, "'%.100s' after %lld iterations", node,
              (long long)iteration);
}

void convoy_rt_check_range(void *rt, const char *node, const void *input, void *output,
                           int64_t count, int64_t bytes, int64_t minimum, int64_t maximum) {
  struct convoy_device *device = rt;
  for (int64_t i = 0; i < count; ++i) {
    int64_t value = bytes == 4 ? ((const int32_t *)input)[i] : ((const int64_t *)input)[i];
    int64_t inside = value < minimum ? minimum : value > maximum ? maximum : value;
    if (value != inside)
      convoy_fail(device, CONVOY_ERROR_RANGE, "'%.100s': %lld is not between %lld and %lld",
                  node, (long long)value, (long long)minimum, (long long)maximum);
    if (bytes == 4)
      ((int32_t *)output)[i] = (int32_t)inside;
    else
      ((int64_t *)output)[i] = inside;
  }
}

void convoy_rt_layer_done(void *rt, int32_t layer) {
  struct convoy_device *device = rt;
  if (device->context->profiling)
    convoy_model.backend->mark(device, layer);
}
