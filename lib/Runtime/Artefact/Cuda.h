/*===- Cuda.h - Contexts whose kernels run on NVIDIA GPUs ---------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The functions in the table of CudaBackend.c are defined in CudaOpen.c,     *|
|* CudaNccl.c and CudaRun.c. The first and the last of these call             *|
|* CudaNccl.c, and all call CudaCall.c. Functions that fail leave the reason  *|
|* in the device's `status` and `error_text`; of several, the first is kept.  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_ARTEFACT_CUDA_H
#define CONVOY_RUNTIME_ARTEFACT_CUDA_H

#include "Backend.h"
#include "Nccl.h"

struct convoy_cuda_kernel {
  CUfunction function;
  int32_t static_bytes;  /* of shared memory, which the image reserves */
  int32_t dynamic_bytes; /* of shared memory, which the driver was asked to allow */
};

/* One device of a context on its GPU. */
struct convoy_cuda {
  struct convoy_cuda_driver driver;
  int32_t ordinal;
  int32_t capability; /* 80 for 8.0 */
  char name[64];

  CUdevice gpu;
  CUcontext context; /* the GPU's primary context; null until it is retained */
  CUmodule module;
  struct convoy_cuda_kernel *kernels;
  CUdeviceptr weights, memory;
  uint8_t *arena; /* in `memory`, as are the inputs and outputs */
  void **buffers; /* inputs, then outputs and sizes */
  CUstream stream;
  CUgraphExec graph; /* the program; null if there are several devices */

  /* The profile: an event at the start and one after each layer. */
  CUevent *marks;
  int32_t *mark_layers;
  int32_t mark_count;

  CUevent events[CONVOY_EVENT_KINDS][CONVOY_MAX_EXCHANGES];
  float *sums, *terms; /* on the host, see convoy_cuda_add */
  int64_t sum_count;
  struct convoy_nccl nccl;
  ncclComm_t communicator; /* null if the host adds */

  /* Only of the first device: pinned memory for all these buffers; and for each result
   * whether it goes through that memory in the current run. */
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
/* Adds on the host: sums are rare, and this needs no kernel. */
CONVOY_HIDDEN void convoy_cuda_add(struct convoy_device *device, struct convoy_device *peer,
                                   float *to, const float *from, int64_t count);

/* Makes communicators if all devices have different GPUs, the model has sums over devices,
 * and NCCL is installed. If the environment has CONVOY_NCCL=1, it is an error if they cannot
 * be made; with CONVOY_NCCL=0 none are made. */
CONVOY_HIDDEN void convoy_nccl_open(struct convoy_context *context);
CONVOY_HIDDEN void convoy_nccl_close(struct convoy_context *context);
/* Called before a run: gives up the communicators if a device was lost in the run before. */
CONVOY_HIDDEN void convoy_nccl_begin(struct convoy_context *context);
CONVOY_HIDDEN void convoy_nccl_all_reduce(struct convoy_device *device, const float *from,
                                          float *to, int64_t count);
/* Waits for the device's stream, which may contain sums by NCCL, or until a device is lost. */
CONVOY_HIDDEN void convoy_nccl_wait(struct convoy_device *device);

/* The rest is in CudaCall.c. */
/* Does convoy_fail for a call of `function` that returned `error`; `reason` describes the
 * error. */
CONVOY_HIDDEN void convoy_cuda_fail_call(struct convoy_device *device, int32_t status,
                                         const char *function, const char *reason, int error);
/* Returns 1 if `result` is no error, else stores it as a failure. */
CONVOY_HIDDEN int convoy_cuda_check(struct convoy_device *device, CUresult result,
                                    const char *function);
/* The driver's text for `result`; never null. */
CONVOY_HIDDEN const char *convoy_cuda_describe(const struct convoy_device *device,
                                               CUresult result);
/* Between these two, calls of the driver go to the device's GPU; `leave` restores the
 * caller's own choice of a GPU. `enter` returns 0 if it failed; then `leave` is not called. */
CONVOY_HIDDEN int convoy_cuda_enter(struct convoy_device *device);
CONVOY_HIDDEN void convoy_cuda_leave(struct convoy_device *device);

/* 1 if the call succeeded. */
#define CONVOY_CUDA_CALL(DEVICE, FUNCTION, ...)                                               \
  convoy_cuda_check(DEVICE, (DEVICE)->cuda->driver.FUNCTION(__VA_ARGS__), #FUNCTION)

#endif /* CONVOY_RUNTIME_ARTEFACT_CUDA_H */
