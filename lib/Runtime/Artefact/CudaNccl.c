/*===- CudaNccl.c - Sums over several GPUs by NCCL ----------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Each device has a communicator, which only its thread uses during a run.   *|
|* A GPU that reaches a sum waits there until all GPUs have reached it. So    *|
|* the devices first agree on the host that all will take part (Exchange.c),  *|
|* and only then add the sum to their streams. If a device still cannot take  *|
|* part, because NCCL refuses or its GPU fails, its thread sets `nccl_lost`.  *|
|* Then each of the others aborts its own communicator, which ends the        *|
|* waiting on its GPU. After such a run the host adds.                        *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "Cuda.h"

#include <dlfcn.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* 2.9. In earlier versions the call that starts a sum may wait for the other threads of the
 * process, and so for ever if one of them failed. */
static const int least_version = 20900;

static int check(struct convoy_device *device, ncclResult_t result, const char *function) {
  if (result == ncclSuccess)
    return 1;
  convoy_cuda_fail_call(device, CONVOY_ERROR_NCCL, function,
                        device->cuda->nccl.ncclGetErrorString(result), result);
  return 0;
}

/*===----------------------------------------------------------------------===*\
|* The library
\*===----------------------------------------------------------------------===*/

static int gpus_differ(struct convoy_context *context) {
  for (int32_t i = 1; i < context->device_count; ++i)
    for (int32_t k = 0; k < i; ++k)
      if (context->devices[i].cuda->gpu == context->devices[k].cuda->gpu) {
        convoy_fail(&context->devices[0], CONVOY_ERROR_NCCL, "devices %d and %d share GPU %d",
                    (int)k, (int)i, (int)context->devices[i].cuda->ordinal);
        return 0;
      }
  return 1;
}

static int open_library(struct convoy_device *device) {
  struct convoy_nccl *nccl = &device->cuda->nccl;
  /* NCCL has threads of its own, so it stays loaded after the last context. */
  nccl->library = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!nccl->library) {
    const char *reason = dlerror();
    convoy_fail(device, CONVOY_ERROR_NCCL, "%s", reason ? reason : "libnccl.so.2");
    return 0;
  }
#define FIND(NAME, RESULT, PARAMETERS)                                                        \
  nccl->NAME = (RESULT(*) PARAMETERS)(uintptr_t)dlsym(nccl->library, #NAME);                  \
  if (!nccl->NAME) {                                                                          \
    convoy_fail(device, CONVOY_ERROR_NCCL, "libnccl.so.2 has no %s", #NAME);                  \
    return 0;                                                                                 \
  }
  CONVOY_NCCL_FUNCTIONS(FIND)
#undef FIND
  int version;
  if (!check(device, nccl->ncclGetVersion(&version), "ncclGetVersion"))
    return 0;
  if (version < least_version) {
    /* Versions before 2.9 were numbered this way. */
    convoy_fail(device, CONVOY_ERROR_NCCL, "libnccl.so.2 is version %d.%d, not 2.9",
                version / 1000, version % 1000 / 100);
    return 0;
  }
  return 1;
}

static int make_communicators(struct convoy_context *context) {
  struct convoy_device *first = &context->devices[0];
  const struct convoy_nccl *nccl = &first->cuda->nccl;
  size_t count = (size_t)context->device_count;
  int *ordinals = calloc(count, sizeof *ordinals);
  ncclComm_t *communicators = calloc(count, sizeof(ncclComm_t));
  int made = 0;
  if (!ordinals || !communicators) {
    convoy_fail(first, CONVOY_ERROR_MEMORY, "%s", "communicators");
  } else {
    for (size_t i = 0; i < count; ++i)
      ordinals[i] = context->devices[i].cuda->ordinal;
    /* ncclCommInitAll changes the thread's current GPU, which `leave` restores. */
    if (convoy_cuda_enter(first)) {
      made = check(first, nccl->ncclCommInitAll(communicators, (int)count, ordinals),
                   "ncclCommInitAll");
      convoy_cuda_leave(first);
    }
    for (size_t i = 0; made && i < count; ++i) {
      context->devices[i].cuda->nccl = *nccl;
      context->devices[i].cuda->communicator = communicators[i];
    }
  }
  free(ordinals);
  free(communicators);
  return made;
}

void convoy_nccl_open(struct convoy_context *context) {
  struct convoy_device *first = &context->devices[0];
  const char *wish = getenv("CONVOY_NCCL");
  if (context->device_count == 1 || !convoy_model.gpu->has_all_reduce ||
      (wish && strcmp(wish, "0") == 0))
    return;
  context->uses_nccl =
      gpus_differ(context) && open_library(first) && make_communicators(context);
  if (context->uses_nccl || (wish && strcmp(wish, "1") == 0))
    return;
  first->status = CONVOY_OK;
  first->error_text[0] = 0;
}

/*===----------------------------------------------------------------------===*\
|* Runs
\*===----------------------------------------------------------------------===*/

static void abort_communicator(struct convoy_device *device) {
  struct convoy_cuda *cuda = device->cuda;
  if (cuda->communicator)
    (void)cuda->nccl.ncclCommAbort(cuda->communicator);
  cuda->communicator = NULL;
}

void convoy_nccl_all_reduce(struct convoy_device *device, const float *from, float *to,
                            int64_t count) {
  struct convoy_cuda *cuda = device->cuda;
  /* Called also after a failure of this device, because the others wait for it. */
  if (!cuda->communicator ||
      check(device,
            cuda->nccl.ncclAllReduce(from, to, (size_t)count, ncclFloat32, ncclSum,
                                     cuda->communicator, cuda->stream),
            "ncclAllReduce"))
    return;
  atomic_store(&device->context->nccl_lost, 1);
  abort_communicator(device);
}

void convoy_nccl_wait(struct convoy_device *device) {
  struct convoy_cuda *cuda = device->cuda;
  atomic_int *lost = &device->context->nccl_lost;
  if (!cuda->communicator)
    return;
  CUresult result;
  while ((result = cuda->driver.cuStreamQuery(cuda->stream)) == CUDA_ERROR_NOT_READY) {
    if (atomic_load(lost)) {
      abort_communicator(device);
      return;
    }
    (void)sched_yield();
  }
  if (!convoy_cuda_check(device, result, "cuStreamQuery"))
    atomic_store(lost, 1);
}

/*===----------------------------------------------------------------------===*\
|* Closing
\*===----------------------------------------------------------------------===*/

static void release(struct convoy_context *context) {
  int lost = atomic_load(&context->nccl_lost);
  context->uses_nccl = 0;
  for (int32_t i = 0; i < context->device_count; ++i) {
    struct convoy_device *device = &context->devices[i];
    struct convoy_cuda *cuda = device->cuda;
    if (!cuda || !cuda->communicator || !convoy_cuda_enter(device))
      continue;
    if (lost)
      abort_communicator(device);
    else
      (void)cuda->nccl.ncclCommDestroy(cuda->communicator);
    cuda->communicator = NULL;
    convoy_cuda_leave(device);
  }
}

void convoy_nccl_begin(struct convoy_context *context) {
  if (context->uses_nccl && atomic_load(&context->nccl_lost))
    release(context);
}

void convoy_nccl_close(struct convoy_context *context) {
  release(context);
  const struct convoy_cuda *first = context->devices[0].cuda;
  if (first && first->nccl.library)
    (void)dlclose(first->nccl.library);
}
