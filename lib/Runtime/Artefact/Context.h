/*===- Context.h - Working memory, threads and profile of one caller *- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_ARTEFACT_CONTEXT_H
#define CONVOY_RUNTIME_ARTEFACT_CONTEXT_H

#include "convoy/Runtime/Abi/Model.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct convoy_cuda;

#define CONVOY_CACHE_LINE 64

struct convoy_device;

/* A thread besides the caller's. Each has a cache line of its own, so that a launch wakes
 * only the threads that get tasks. */
struct convoy_worker {
  _Alignas(CONVOY_CACHE_LINE) atomic_uint signal; /* grows with each launch */
  atomic_uint sleeping;                           /* 1 while the worker may be in futex_wait */
  int32_t index;                                  /* 1 .. threads - 1; the caller is 0 */
  struct convoy_team *team;
  pthread_t handle;
};

/* Threads that run launches together. */
struct convoy_team {
  /* The current launch; written by the caller before it signals. */
  convoy_task_body body;
  void *const *args;
  int64_t tasks;
  int32_t participants; /* threads of this launch, the caller's included */
  int32_t stop;

  int32_t threads;
  int64_t spin_nanoseconds;
  struct convoy_worker *workers; /* threads - 1 */
  uint8_t *scratch;              /* scratch_stride bytes per thread */
  size_t scratch_stride;

  _Alignas(CONVOY_CACHE_LINE) atomic_uint pending; /* workers not yet done */
  atomic_uint caller_sleeping;
};

/* One device's side of an exchange. */
struct convoy_exchange {
  /* Waits for the other devices and brings their data into `to`. */
  void (*complete)(struct convoy_device *device, const struct convoy_exchange *exchange);
  const void *from;
  void *to;
  int64_t rows, bytes; /* of a sum: one row of f32 */
  const int64_t *bounds;
  int64_t before, after;
  int32_t first, last; /* devices that read `from` */
  int32_t failed;      /* before the exchange was started, so `from` has no valid data */
};

/* One device's program in one context. Generated code calls it `rt`. */
struct convoy_device {
  struct convoy_team team;
  struct convoy_context *context;
  const struct convoy_device_description *description;
  int32_t number;
  int32_t status;       /* the first failure of the current run */
  char error_text[256]; /* one line about it, empty if the status says it all */
  uint8_t *arena;
  void **outputs;           /* buffers of all devices but the first: only its results count */
  struct convoy_cuda *cuda; /* on a GPU, instead of the memory above; see Cuda.h */

  void *emulator; /* the emulator's working memory; null until a kernel is emulated */
  size_t emulator_size;

  int64_t *layer_nanoseconds;
  int64_t last_mark;

  /* See Exchange.c. */
  unsigned started, awaited, released; /* the number of the last such exchange */
  struct convoy_exchange exchanges[CONVOY_MAX_EXCHANGES];
  /* Read by the other devices. The first three are numbers of exchanges, too. */
  _Alignas(CONVOY_CACHE_LINE) atomic_uint posted;
  atomic_uint summed;
  atomic_uint completed;
  atomic_uint sleepers; /* devices that sleep until one of them changes */
};

struct convoy_context {
  struct convoy_team team; /* one thread per device, without scratch memory */
  int32_t device_count;    /* devices in this process */
  struct convoy_device *devices;
  const convoy_transport *transport; /* null if all devices are in this process */
  atomic_int running;                /* 1 during a run */
  int32_t broken;                    /* the status, if the context can only report an error */
  int32_t uses_nccl;                 /* in the current run, see CudaNccl.c */
  atomic_int nccl_lost;              /* a device failed to take part in a sum by NCCL */

  const void *const *inputs; /* of the current run */
  void **outputs;            /* of the current run; then pointers to `sizes` */
  int64_t *sizes;            /* of outputs, see convoy_model_description */
  int32_t has_outputs;       /* 1 if the last run succeeded */

  int32_t profiling;
  int64_t profiled_runs;
};

/* The results of a program: outputs and sizes. */
static inline int32_t convoy_result_count(void) {
  return convoy_model.output_count + convoy_model.size_count;
}

/* Memory of `size` bytes, aligned to a cache line, or to a huge page if it is as large as
 * one; null if there is none. */
CONVOY_HIDDEN void *convoy_allocate(size_t size);

/* Nanoseconds of the monotonic clock. */
CONVOY_HIDDEN int64_t convoy_now(void);

/* Cores that this process may use; at least 1. */
CONVOY_HIDDEN int32_t convoy_core_count(void);

/* Null if this CPU has all `features`, else the error. */
CONVOY_HIDDEN const char *convoy_missing_cpu_feature(uint64_t features);

/* Starts threads - 1 workers; on failure none remain. */
CONVOY_HIDDEN int32_t convoy_start_workers(struct convoy_team *team);
CONVOY_HIDDEN void convoy_stop_workers(struct convoy_team *team);
/* Runs all tasks on the team's threads, the caller's included, and waits for them. */
CONVOY_HIDDEN void convoy_launch(struct convoy_team *team, convoy_task_body body,
                                 void *const *args, int64_t tasks);

/* Waiting for another thread. */
CONVOY_HIDDEN void convoy_futex_wait(atomic_uint *word, unsigned expected);
CONVOY_HIDDEN void convoy_futex_wake(atomic_uint *word, int32_t count);
/* Spins until `*word` differs from `old` if `differ`, else until it equals `old`. Returns 0
 * if it gave up after `nanoseconds`. */
CONVOY_HIDDEN int convoy_spin(atomic_uint *word, unsigned old, int differ,
                              int64_t nanoseconds);

#endif /* CONVOY_RUNTIME_ARTEFACT_CONTEXT_H */
