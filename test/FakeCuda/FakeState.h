/*===- FakeState.h - What the parts of the fake driver share ------*- C -*-===*\
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
  CUresult error; /* the first one stays, as on a GPU */
};

struct CUfunc_st {
  const struct fake_kernel *kernel;
  unsigned shared_bytes; /* announced, besides the image's */
};

/* Exported for the libraries beside the driver. */
#pragma GCC visibility push(default)

/* What the whole driver knows; `fake_begin` locks it. */
struct fake_state {
  long live;     /* objects that are not released */
  long uploaded; /* bytes */
};
extern struct fake_state fake_state;

/* Of the calling thread: streams that it captures. */
extern _Thread_local int fake_captures;

/* Each of these counts a call, and holds the lock until `fake_end`. Those that need a
 * context fail without one; those of the third kind also while the thread captures. */
CUresult fake_begin(const char *name);
CUresult fake_begin_in_context(const char *name);
CUresult fake_begin_alone(const char *name);
CUresult fake_end(CUresult result);

CUcontext fake_current(void);

static inline void *fake_to_host(CUdeviceptr address) { return (void *)(uintptr_t)address; }

/* The GPU whose memory [address, address + size) is, -1 for pinned memory, -2 for other. */
int fake_get_owner(const void *address, size_t size);

long fake_get_setting(const char *name, long otherwise);

/* Waits for another thread's call, with the lock. */
void fake_wait(void);
/* Ends the process if a stream waits for a minute, `since` then. */
void fake_check_wait(time_t since);

/* What several streams do together when all of them have come there. */
struct fake_meeting {
  void (*run)(struct fake_meeting *meeting);
  int expected, arrived, is_done;
  struct {
    CUstream stream;
    size_t index;
    int has_left; /* and goes on */
  } places[FAKE_MAX_GPUS];
};
/* Has the stream come to the meeting next. */
void fake_meet(CUstream stream, struct fake_meeting *meeting, int place);
int fake_get_gpu(CUstream stream);

#pragma GCC visibility pop

#endif /* CONVOY_TEST_FAKECUDA_FAKESTATE_H */
