/*===- Cuda.h - Contexts whose kernels run on NVIDIA GPUs ---------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The functions of CudaBackend.c's table, in CudaOpen.c, CudaNccl.c and      *|
|* CudaRun.c, each of which calls those before it, and CudaCall.c below all.  *|
|* Functions that fail leave the reason in the device's `status` and          *|
|* `error_text`, of which the first one stays.                                *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_ARTEFACT_CUDA_H
#define CONVOY_RUNTIME_ARTEFACT_CUDA_H

#include "Backend.h"
#include "Nccl.h"

struct convoy_cuda_kernel {
  CUfunction function;
  int32_t static_bytes;  /* of shared memory, known from the image */
  int32_t dynamic_bytes; /* that the driver was told to expect */
};

/* What a GPU holds for one device of a context. */
struct convoy_cuda {
  struct convoy_cuda_driver driver;
  int32_t ordinal;
  int32_t capability; /* 80 for 8.0 */
  char name[64];

  CUdevice gpu;
  CUcontext context; /* the GPU's primary one; null until it is retained */
  CUmodule module;
  struct convoy_cuda_kernel *kernels;
  CUdeviceptr weights, memory;
  uint8_t *arena; /* in `memory`, as are the inputs and outputs */
  void **buffers; /* inputs, then outputs */
  CUstream stream;
  CUgraphExec graph; /* the program; null with several devices */

  /* The profile: an event at the start and one behind each layer. */
  CUevent *marks;
  int32_t *mark_layers;
  int32_t mark_count;

  CUevent events[CONVOY_EVENT_KINDS][CONVOY_MAX_EXCHANGES];
  float *sums, *terms; /* on the host, see convoy_cuda_add */
  int64_t sum_count;
  struct convoy_nccl nccl;
  ncclComm_t communicator; /* null where the host adds */

  /* Of the first device: pinned memory for all inputs and outputs, and which outputs of the
   * current run come through that memory. */
  uint8_t *staging;
  uint8_t *is_staged;
};

/* See struct convoy_backend. */
CONVOY_HIDDEN int32_t convoy_cuda_open(struct convoy_context *context, int32_t ordinal);
CONVOY_HIDDEN void convoy_cuda_close(struct convoy_context *context);
CONVOY_HIDDEN void convoy_cuda_begin(struct convoy_context *context);
CONVOY_HIDDEN void convoy_cuda_run_device(struct convoy_device *device);
CONVOY_HIDDEN void convoy_cuda_end(struct convoy_context *context);
CONVOY_HIDDEN int32_t convoy_cuda_prepare_profile(struct convoy_context *context);
CONVOY_HIDDEN void convoy_cuda_mark(struct convoy_device *device, int32_t layer);
CONVOY_HIDDEN void convoy_cuda_launch(struct convoy_device *device,
                                      const struct convoy_launch *launch);
CONVOY_HIDDEN void convoy_cuda_record(struct convoy_device *device, enum convoy_event event,
                                      unsigned number);
CONVOY_HIDDEN void convoy_cuda_wait(struct convoy_device *device,
                                    const struct convoy_device *peer, enum convoy_event event,
                                    unsigned number);
CONVOY_HIDDEN void convoy_cuda_copy_rows(struct convoy_device *device,
                                         struct convoy_device *peer, void *to,
                                         int64_t to_stride, const void *from,
                                         int64_t from_stride, int64_t rows, int64_t bytes);
/* The host adds: it is rare, and needs no kernel. */
CONVOY_HIDDEN void convoy_cuda_add(struct convoy_device *device, struct convoy_device *peer,
                                   float *to, const float *from, int64_t count);

/* Makes communicators where all GPUs differ, the model adds, and NCCL is there;
 * CONVOY_NCCL=1 in the environment makes it an error if they cannot be made, CONVOY_NCCL=0
 * makes none. */
CONVOY_HIDDEN void convoy_nccl_open(struct convoy_context *context);
CONVOY_HIDDEN void convoy_nccl_close(struct convoy_context *context);
/* Before a run: gives up communicators after one in which a device was lost. */
CONVOY_HIDDEN void convoy_nccl_begin(struct convoy_context *context);
CONVOY_HIDDEN void convoy_nccl_all_reduce(struct convoy_device *device, const float *from,
                                          float *to, int64_t count);
/* Waits for a stream that may add, until a device is lost. */
CONVOY_HIDDEN void convoy_nccl_wait(struct convoy_device *device);

/* The rest is of CudaCall.c. */
/* Keeps the first failure. */
CONVOY_HIDDEN void convoy_cuda_fail(struct convoy_device *device, int32_t status,
                                    const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for `function`, which gave `error`. */
CONVOY_HIDDEN void convoy_cuda_fail_call(struct convoy_device *device, int32_t status,
                                         const char *function, const char *reason, int error);
/* Returns 1 if `result` is no error, else keeps it. */
CONVOY_HIDDEN int convoy_cuda_check(struct convoy_device *device, CUresult result,
                                    const char *function);
/* What the driver says of `result`; never null. */
CONVOY_HIDDEN const char *convoy_cuda_describe(const struct convoy_device *device,
                                               CUresult result);
/* Between these two, calls concern the device's GPU; the caller's own choice of a GPU
 * comes back. `enter` returns 0 if it failed, and then there is nothing to leave. */
CONVOY_HIDDEN int convoy_cuda_enter(struct convoy_device *device);
CONVOY_HIDDEN void convoy_cuda_leave(struct convoy_device *device);

/* 1 if the call succeeded. */
#define CONVOY_CUDA_CALL(DEVICE, FUNCTION, ...)                                               \
  convoy_cuda_check(DEVICE, (DEVICE)->cuda->driver.FUNCTION(__VA_ARGS__), #FUNCTION)

#endif /* CONVOY_RUNTIME_ARTEFACT_CUDA_H */
