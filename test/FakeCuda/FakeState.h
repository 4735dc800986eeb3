/*===- FakeState.h - Shared by the files of the fake driver -------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_TEST_FAKECUDA_FAKESTATE_H
#define CONVOY_TEST_FAKECUDA_FAKESTATE_H

#include "../../lib/Runtime/Artefact/CudaDriver.h"
#include "FakeKernels.h"

#include <time.h>

enum {
  FAKE_MAX_GPUS = 8,
  FAKE_MAX_ARGS = 8,
  FAKE_ILLEGAL_ADDRESS = 700,
  FAKE_CAPTURING = 900
};

struct CUctx_st {
  int gpu, retained;
  size_t used;
  CUresult error; /* the first error of a kernel; it stays, as on a GPU */
};

struct CUfunc_st {
  const struct fake_kernel *kernel;
  unsigned shared_bytes; /* of cuFuncSetAttribute, besides the image's */
};

/* Exported for the fake NCCL, which is a library of its own. */
#pragma GCC visibility push(default)

/* The state of the driver, which `fake_begin` locks. */
struct fake_state {
  long live;     /* objects that are not released */
  long uploaded; /* bytes */
};
extern struct fake_state fake_state;

/* The number of streams that the calling thread captures. */
extern _Thread_local int fake_captures;

/* A function of the driver begins with one of the first three, which count the call and lock
 * the state, and ends with `fake_end`, which unlocks it. They return the error that
 * FAKE_CUDA_FAIL asks for. `fake_begin_in_context` also fails if the thread has no context,
 * or if a kernel has failed in it; `fake_begin_alone` also if the thread captures a stream. */
CUresult fake_begin(const char *name);
CUresult fake_begin_in_context(const char *name);
CUresult fake_begin_alone(const char *name);
CUresult fake_end(CUresult result);

CUcontext fake_current(void);

static inline void *fake_to_host(CUdeviceptr address) { return (void *)(uintptr_t)address; }

/* The GPU that has the memory [address, address + size); -1 if the memory is pinned host
 * memory, -2 if the driver has not allocated it. */
int fake_get_owner(const void *address, size_t size);

/* The number in an environment variable, or `otherwise`. */
long fake_get_setting(const char *name, long otherwise);

/* Unlocks the state until another thread has made a call. */
void fake_wait(void);
/* Ends the process if a stream has waited since `since`, more than a minute ago. */
void fake_check_wait(time_t since);

/* An operation that several streams do together when all of them have reached it. */
struct fake_meeting {
  void (*run)(struct fake_meeting *meeting);
  int expected, arrived, is_done;
  struct {
    CUstream stream;
    size_t index;
    int has_left; /* the stream goes on without the others */
  } places[FAKE_MAX_GPUS];
};
/* Appends the meeting to the stream's operations. */
void fake_meet(CUstream stream, struct fake_meeting *meeting, int place);
int fake_get_gpu(CUstream stream);

#pragma GCC visibility pop

#endif /* CONVOY_TEST_FAKECUDA_FAKESTATE_H */
