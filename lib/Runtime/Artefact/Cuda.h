/*===- Cuda.h - Contexts whose kernels run on NVIDIA GPUs ---------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Called where `convoy_model.gpu` is not null. That is a constant, so all of *|
|* this is dropped from artefacts whose kernels run on the CPU. Functions     *|
|* that fail leave the reason in the device's `status` and `error_text`, of   *|
|* which the first one stays.                                                 *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_ARTEFACT_CUDA_H
#define CONVOY_RUNTIME_ARTEFACT_CUDA_H

#include "Context.h"
#include "Nccl.h"

struct convoy_cuda_kernel {
  CUfunction function;
  int32_t static_bytes;  /* of shared memory, known from the image */
  int32_t dynamic_bytes; /* that the driver was told to expect */
};

/* What an exchange between devices comes to: its start, its sums, its end. */
enum convoy_cuda_event {
  CONVOY_CUDA_POSTED,
  CONVOY_CUDA_SUMMED,
  CONVOY_CUDA_COMPLETED,
  CONVOY_CUDA_EVENT_KINDS
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

  CUevent events[CONVOY_CUDA_EVENT_KINDS][CONVOY_MAX_EXCHANGES];
  float *sums, *terms; /* on the host, see convoy_cuda_reduce */
  int64_t sum_count;
  struct convoy_nccl nccl;
  ncclComm_t communicator; /* null where the host adds */

  /* Of the first device: pinned memory for all inputs and outputs, and of the current run,
   * where the caller wants outputs, and which of them come through that memory. */
  uint8_t *staging;
  void *const *outputs;
  uint8_t *is_staged;
};

/* Opens the driver and puts the program, the weights and the memory of `context`'s
 * devices on the GPUs `ordinal`, `ordinal` + 1, ... and again from the first. */
CONVOY_HIDDEN int32_t convoy_cuda_open(struct convoy_context *context, int32_t ordinal);
CONVOY_HIDDEN void convoy_cuda_close(struct convoy_context *context);

/* The parts of a run: sends inputs to the GPUs; runs a device's program, in its thread;
 * gives the caller what came through the staging memory. */
CONVOY_HIDDEN void convoy_cuda_begin(struct convoy_context *context, const void *const *inputs,
                                     void *const *outputs);
CONVOY_HIDDEN void convoy_cuda_run_device(struct convoy_device *device);
CONVOY_HIDDEN void convoy_cuda_end(struct convoy_context *context);

/* Makes the events of the profile. */
CONVOY_HIDDEN int32_t convoy_cuda_prepare_profile(struct convoy_context *context);
CONVOY_HIDDEN void convoy_cuda_mark(struct convoy_device *device, int32_t layer);

/* See convoy_rt_launch_kernel. */
CONVOY_HIDDEN void convoy_cuda_launch(struct convoy_device *device, int32_t kernel,
                                      const int32_t *grid, const int32_t *block,
                                      int32_t shared_bytes, void *const *args,
                                      int32_t arg_count, int32_t map_count);

/* Communication, see Exchange.c: the host's threads have met where these are called, and
 * the GPUs' streams get the same order. */
/* Has the stream say that it reached exchange `number`, or wait until a peer's has. */
CONVOY_HIDDEN void convoy_cuda_record(struct convoy_device *device,
                                      enum convoy_cuda_event event, unsigned number);
CONVOY_HIDDEN void convoy_cuda_wait(struct convoy_device *device,
                                    const struct convoy_device *peer,
                                    enum convoy_cuda_event event, unsigned number);
CONVOY_HIDDEN void convoy_cuda_copy_rows(struct convoy_device *device,
                                         struct convoy_device *peer, void *to,
                                         int64_t to_stride, const void *from,
                                         int64_t from_stride, int64_t rows, int64_t bytes);
/* Adds the peer's `count` numbers to what the devices before it gave; after the last one
 * `to` holds the sums. The host adds: it is rare, and needs no kernel. */
CONVOY_HIDDEN void convoy_cuda_reduce(struct convoy_device *device, struct convoy_device *peer,
                                      float *to, const float *from, int64_t count);

/* The same by NCCL, see CudaNccl.c: makes communicators where all GPUs differ, the model
 * adds, and the library is there; CONVOY_NCCL=1 in the environment makes it an error if
 * they cannot be made, CONVOY_NCCL=0 makes none. */
CONVOY_HIDDEN void convoy_nccl_open(struct convoy_context *context);
CONVOY_HIDDEN void convoy_nccl_close(struct convoy_context *context);
/* Before a run: gives up communicators after one in which a device was lost. */
CONVOY_HIDDEN void convoy_nccl_begin(struct convoy_context *context);
/* Has the stream add up `count` numbers of each device's, once all have come there. */
CONVOY_HIDDEN void convoy_nccl_all_reduce(struct convoy_device *device, const float *from,
                                          float *to, int64_t count);
/* Waits for a stream that may add, until a device is lost. */
CONVOY_HIDDEN void convoy_nccl_wait(struct convoy_device *device);

CONVOY_HIDDEN const char *convoy_cuda_status_text(int32_t status);

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
/* Between these two, calls concern the device's GPU; the caller's own choice of a GPU
 * comes back. `enter` returns 0 if it failed, and then there is nothing to leave. */
CONVOY_HIDDEN int convoy_cuda_enter(struct convoy_device *device);
CONVOY_HIDDEN void convoy_cuda_leave(struct convoy_device *device);

/* 1 if the call succeeded. */
#define CONVOY_CUDA_CALL(DEVICE, FUNCTION, ...)                                               \
  convoy_cuda_check(DEVICE, (DEVICE)->cuda->driver.FUNCTION(__VA_ARGS__), #FUNCTION)

#endif /* CONVOY_RUNTIME_ARTEFACT_CUDA_H */
