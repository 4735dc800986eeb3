/*===- Backend.h - What runs a model's kernels --------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A table of functions for each of the CPU, NVIDIA GPUs and the emulator of  *|
|* GPUs. The model's description names its table, which is a constant: calls  *|
|* through it become direct ones when an artefact is optimized, and nothing   *|
|* of the other tables' functions is left.                                    *|
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

/* What an exchange between devices comes to: its start, its sums, its end. */
enum convoy_event { CONVOY_POSTED, CONVOY_SUMMED, CONVOY_COMPLETED, CONVOY_EVENT_KINDS };

/* Functions are null where there is nothing to do, unless said otherwise. A function that
 * fails without returning a status leaves the reason in the device's `status` and
 * `error_text`. */
struct convoy_backend {
  /* Each device has one thread, contexts are made on a GPU of the caller's choice, and
   * devices are not shared out to processes. */
  int32_t uses_gpus;

  /* The text of a status that only this backend returns. */
  const char *(*status_text)(int32_t status);

  /* Makes a device's memory besides that of its threads; 0 if there is none left. */
  int (*make_memory)(struct convoy_device *device);
  /* Puts the devices' programs on the GPUs `ordinal`, `ordinal` + 1, ... and again from the
   * first. */
  int32_t (*open)(struct convoy_context *context, int32_t ordinal);
  /* Ends what `make_memory` and `open` began, also if that was not all. */
  void (*close)(struct convoy_context *context);

  /* The parts of a run: before it; a device's program, in its thread (never null); and
   * after it, if nothing failed. */
  void (*begin)(struct convoy_context *context);
  void (*run_device)(struct convoy_device *device);
  void (*end)(struct convoy_context *context);

  int32_t (*prepare_profile)(struct convoy_context *context);
  /* Takes the time at the end of a layer, in a profile. Never null. */
  void (*mark)(struct convoy_device *device, int32_t layer);

  /* Never null. */
  void (*launch_kernel)(struct convoy_device *device, const struct convoy_launch *launch);

  /* Communication, see Exchange.c: the host's threads have met before these are called, and
   * GPUs' streams get the same order. */
  /* Has the stream say that it reached exchange `number`, or wait until a peer's has. */
  void (*record)(struct convoy_device *device, enum convoy_event event, unsigned number);
  void (*wait)(struct convoy_device *device, const struct convoy_device *peer,
               enum convoy_event event, unsigned number);
  /* Copies rows of `bytes` bytes of a peer's. Never null. */
  void (*copy_rows)(struct convoy_device *device, struct convoy_device *peer, void *to,
                    int64_t to_stride, const void *from, int64_t from_stride, int64_t rows,
                    int64_t bytes);
  /* Adds the peer's `count` numbers to what the devices before it gave; after the last one
   * `to` holds the sums. Never null. */
  void (*add)(struct convoy_device *device, struct convoy_device *peer, float *to,
              const float *from, int64_t count);
  /* Has the devices themselves add up `count` numbers of each, once all have come there.
   * Called if the context's `uses_nccl` says that they can. */
  void (*all_reduce)(struct convoy_device *device, const float *from, float *to,
                     int64_t count);
};

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
