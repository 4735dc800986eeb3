/*===- Emulator.h - GPU kernels on the CPU ------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Each thread of a block is a fiber, with a stack of its own. One of them    *|
|* runs at a time, until it waits for others: for the block at a barrier, for *|
|* its warp at a shuffle or mma. So results do not depend on luck, and what   *|
|* depends on the order of threads is found by looking at who touched what    *|
|* since the last barrier, not by chance.                                     *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_ARTEFACT_EMULATOR_H
#define CONVOY_RUNTIME_ARTEFACT_EMULATOR_H

#include "Context.h"

#define CONVOY_WARP 32
#define CONVOY_MAX_BLOCK 1024
/* Copies that one thread may have under way. */
#define CONVOY_MAX_COPIES 128

/* Who touched a piece of shared memory since the last barrier. Threads count from 1; 0 is
 * none. */
struct convoy_touch {
  uint32_t epoch;  /* the rest but `copier` is void unless this is the block's */
  uint16_t writer; /* the last one */
  uint16_t reader; /* the first one */
  uint16_t other;  /* the last one that is not `reader` */
  uint16_t copier; /* has an asynchronous copy to here under way */
  uint16_t split;  /* of a word: its bytes are kept one by one */
  uint16_t unused;
};

struct convoy_async_copy {
  uint8_t *to;
  const uint8_t *from;
  int32_t bytes, from_bytes;
  uint32_t group;
};

struct convoy_warp {
  uint32_t full;    /* a bit a lane: all that there are */
  uint32_t ready;   /* can run */
  uint32_t arrived; /* wait for the others at `site` */
  int32_t site;
  const char *operation;
  void *given[CONVOY_WARP]; /* by each lane that arrived */
};

struct convoy_fiber {
  struct convoy_gpu_thread thread; /* generated code knows this address */
  struct convoy_block *block;
  struct convoy_warp *warp;
  void *stack_pointer; /* while another one runs */
  int32_t number;
  uint32_t group; /* of the next asynchronous copy */
  uint32_t first_copy, copy_count;
  struct convoy_async_copy copies[CONVOY_MAX_COPIES]; /* a ring */
};

/* All blocks of a launch. */
struct convoy_emulation {
  struct convoy_device *device;
  int32_t layer;
  convoy_emulated_kernel kernel;
  const int32_t *grid, *block;
  int32_t threads, shared_bytes;
  void *const *args;
  size_t worker_size; /* bytes of working memory that each thread of the team has */
  atomic_int failed;
};

/* What one thread of the team emulates now. */
struct convoy_block {
  struct convoy_emulation *emulation;
  int32_t number[3];
  uint32_t epoch;  /* counts barriers */
  int32_t waiting; /* threads at the barrier `site` */
  int32_t site;
  int32_t done;        /* threads that have ended */
  void *stack_pointer; /* of the thread of the team */
  uint8_t *shared;
  struct convoy_touch *words, *bytes; /* of shared memory */
  uint8_t *stacks;
  struct convoy_fiber *fibers;
  struct convoy_warp warps[CONVOY_MAX_BLOCK / CONVOY_WARP];
};

/* Keeps the launch's first failure, and leaves the block for good. */
CONVOY_HIDDEN _Noreturn void convoy_fail_block(struct convoy_block *block, const char *format,
                                               ...) __attribute__((format(printf, 2, 3)));

/* Waits for all lanes of the warp, each of which gives something; the last one calls
 * `act` for all, and then all go on. */
CONVOY_HIDDEN void convoy_meet_warp(struct convoy_fiber *fiber, int32_t site,
                                    const char *operation, void *given,
                                    void (*act)(struct convoy_fiber *last));

/* A thread touches [address, address + bytes) of shared memory. */
CONVOY_HIDDEN void convoy_touch_shared(struct convoy_fiber *fiber, const void *address,
                                       int32_t bytes, int32_t is_write);

/* Forgets the asynchronous copies that nobody waited for. */
CONVOY_HIDDEN void convoy_drop_copies(struct convoy_fiber *fiber);

#endif /* CONVOY_RUNTIME_ARTEFACT_EMULATOR_H */
