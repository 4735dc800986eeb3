/*===- Backend.h - The functions that run a model -----------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* There is a table of functions for each of the CPU, NVIDIA's GPUs and the   *|
|* emulator of GPUs. The model's description names its table. The table is a  *|
|* constant, so calls through it become direct calls when an artefact is      *|
|* optimized, and functions of the other tables are dropped.                  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_ARTEFACT_BACKEND_H
#define CONVOY_RUNTIME_ARTEFACT_BACKEND_H

#include "Context.h"

/* Arguments of convoy_rt_launch_kernel. */
struct convoy_launch {
  int32_t kernel;
  convoy_emulated_kernel emulated;
  int32_t grid[3], block[3]; /* x, y, z */
  int32_t shared_bytes;
  void *const *args;
  int32_t arg_count, map_count;
};

/* The states of an exchange between devices: started, added up, completed. */
enum convoy_event { CONVOY_POSTED, CONVOY_SUMMED, CONVOY_COMPLETED, CONVOY_EVENT_KINDS };

/* A function is null if the backend has nothing to do there, unless its comment says "never
 * null". A function that fails without returning a status leaves the reason in the device's
 * `status` and `error_text`. */
struct convoy_backend {
  /* If not 0: each device has one thread, the caller chooses the GPU of a context, and
   * devices cannot be processes of their own. */
  int32_t uses_gpus;

  /* The text of a status that only this backend returns. */
  const char *(*status_text)(int32_t status);

  /* Allocates a device's memory, except that of its threads. Returns 0 if there is not
   * enough. */
  int (*make_memory)(struct convoy_device *device);
  /* Puts the devices' programs on the GPUs `ordinal`, `ordinal` + 1, ...; after the last GPU
   * comes the first one again. */
  int32_t (*open)(struct convoy_context *context, int32_t ordinal);
  /* Frees everything that `make_memory` and `open` made, also if they failed halfway. */
  void (*close)(struct convoy_context *context);

  /* The parts of a run: before it; a device's program, in its thread (never null); and
   * after it, if nothing failed. */
  void (*begin)(struct convoy_context *context);
  void (*run_device)(struct convoy_device *device);
  void (*end)(struct convoy_context *context);

  /* Called when profiling is switched on. */
  int32_t (*prepare_profile)(struct convoy_context *context);
  /* Takes the time at the end of a layer, if profiling is on. Never null. */
  void (*mark)(struct convoy_device *device, int32_t layer);

  /* Never null. */
  void (*launch_kernel)(struct convoy_device *device, const struct convoy_launch *launch);

  /* Communication, see Exchange.c. The host's threads have waited for each other before
   * these are called; `record` and `wait` order the streams of GPUs in the same way. */
  /* `record` lets the device's stream signal `event` of exchange `number`; `wait` lets it
   * wait until the stream of a peer has signalled that. */
  void (*record)(struct convoy_device *device, enum convoy_event event, unsigned number);
  void (*wait)(struct convoy_device *device, const struct convoy_device *peer,
               enum convoy_event event, unsigned number);
  /* Copies `rows` rows of `bytes` bytes from a peer's memory. Strides are in bytes. Never
   * null. */
  void (*copy_rows)(struct convoy_device *device, struct convoy_device *peer, void *to,
                    int64_t to_stride, const void *from, int64_t from_stride, int64_t rows,
                    int64_t bytes);
  /* Called for each device in order, `device` included: adds the `count` numbers of `peer` to
   * those of the devices before it. After the call for the last device `to` contains the
   * sums. Never null. */
  void (*add)(struct convoy_device *device, struct convoy_device *peer, float *to,
              const float *from, int64_t count);
  /* Lets the GPUs add up `count` numbers of each device by themselves, as soon as all of them
   * have reached this point. Only called if the context's `uses_nccl` is set. */
  void (*all_reduce)(struct convoy_device *device, const float *from, float *to,
                     int64_t count);
};

/* Stores a failure in the device, unless it has one already; see Context.c. */
CONVOY_HIDDEN void convoy_fail(struct convoy_device *device, int32_t status,
                               const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The CPU's functions, which the emulator shares; see CpuBackend.c. */
CONVOY_HIDDEN int convoy_cpu_make_memory(struct convoy_device *device);
CONVOY_HIDDEN void convoy_cpu_run_device(struct convoy_device *device);
CONVOY_HIDDEN void convoy_cpu_mark(struct convoy_device *device, int32_t layer);
CONVOY_HIDDEN void convoy_cpu_copy_rows(struct convoy_device *device,
                                        struct convoy_device *peer, void *to,
                                        int64_t to_stride, const void *from,
                                        int64_t from_stride, int64_t rows, int64_t bytes);
CONVOY_HIDDEN void convoy_cpu_add(struct convoy_device *device, struct convoy_device *peer,
                                  float *to, const float *from, int64_t count);

#endif /* CONVOY_RUNTIME_ARTEFACT_BACKEND_H */
