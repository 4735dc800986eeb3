/*===- FakeNccl.c - NCCL over GPUs of the fake driver -------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "../../lib/Runtime/Artefact/Nccl.h"
#include "FakeState.h"

#include <stdio.h>
#include <stdlib.h>

#pragma GCC visibility push(default)

struct ncclComm {
  int clique; /* number of the ncclCommInitAll that made it */
  int size, rank, gpu;
  int started; /* number of collectives */
};

/* A sum of all GPUs of a clique. It is never freed, because a stream may reach it after the
 * communicator was destroyed. */
struct collective {
  struct fake_meeting meeting;
  struct collective *next;
  int clique, number;
  size_t count;
  const float *from[FAKE_MAX_GPUS];
  float *to[FAKE_MAX_GPUS];
};

static struct collective *collectives;
static int cliques;

/* Ends a call. All errors of the driver become the same error of NCCL. */
static ncclResult_t end(CUresult result) {
  fake_end(CUDA_SUCCESS);
  return result > ncclInvalidUsage ? ncclUnhandledCudaError : result;
}

static void add(struct fake_meeting *meeting) {
  struct collective *collective = (struct collective *)meeting;
  for (size_t i = 0; i < collective->count; ++i) {
    float sum = 0;
    /* Not in the order of the devices, because NCCL promises no order. */
    for (int rank = meeting->expected; rank-- > 0;)
      sum += collective->from[rank][i];
    for (int rank = 0; rank < meeting->expected; ++rank)
      collective->to[rank][i] = sum;
  }
}

static struct collective *find_collective(ncclComm_t communicator) {
  for (struct collective *known = collectives; known; known = known->next)
    if (known->clique == communicator->clique && known->number == communicator->started)
      return known;
  return NULL;
}

static int is_under_way(const struct collective *collective, ncclComm_t communicator) {
  return collective->clique == communicator->clique &&
         collective->number < communicator->started && !collective->meeting.is_done;
}

ncclResult_t ncclGetVersion(int *version) {
  *version = (int)fake_get_setting("FAKE_NCCL", 22809);
  return end(fake_begin("ncclGetVersion"));
}

const char *ncclGetErrorString(ncclResult_t result) {
  return result == ncclSuccess              ? "no error"
         : result == ncclUnhandledCudaError ? "unhandled cuda error"
         : result == ncclSystemError        ? "unhandled system error"
         : result == ncclInvalidArgument    ? "invalid argument"
         : result == ncclInvalidUsage       ? "invalid usage"
                                            : "unknown result code";
}

ncclResult_t ncclCommInitAll(ncclComm_t *communicators, int count, const int *ordinals) {
  CUresult result = fake_begin("ncclCommInitAll");
  if (result || count < 1 || count > FAKE_MAX_GPUS)
    return end(result ? result : ncclInvalidArgument);
  for (int i = 0; i < count; ++i)
    for (int k = 0; k <= i; ++k)
      if (ordinals[i] < 0 || ordinals[i] >= fake_get_setting("FAKE_CUDA_GPUS", 2) ||
          (k < i && ordinals[k] == ordinals[i]))
        return end(ncclInvalidUsage);
  ++cliques;
  for (int i = 0; i < count; ++i) {
    communicators[i] = malloc(sizeof **communicators);
    *communicators[i] = (struct ncclComm){cliques, count, i, ordinals[i], 0};
    ++fake_state.live;
  }
  return end(CUDA_SUCCESS);
}

ncclResult_t ncclCommDestroy(ncclComm_t communicator) {
  fake_begin("ncclCommDestroy");
  for (struct collective *known = collectives; known; known = known->next)
    if (is_under_way(known, communicator)) {
      fprintf(stderr, "fake NCCL: a communicator is destroyed while it adds\n");
      abort();
    }
  free(communicator);
  --fake_state.live;
  return end(CUDA_SUCCESS);
}

#ifndef FAKE_NCCL_OLD
ncclResult_t ncclCommAbort(ncclComm_t communicator) {
  fake_begin("ncclCommAbort");
  for (struct collective *known = collectives; known; known = known->next)
    if (is_under_way(known, communicator))
      known->meeting.places[communicator->rank].has_left = 1;
  free(communicator);
  --fake_state.live;
  return end(CUDA_SUCCESS);
}
#endif

ncclResult_t ncclAllReduce(const void *from, void *to, size_t count, int type, int operation,
                           ncclComm_t communicator, CUstream stream) {
  CUresult result = fake_begin_in_context("ncclAllReduce");
  int gpu = communicator->gpu;
  if (result || type != ncclFloat32 || operation != ncclSum || fake_get_gpu(stream) != gpu ||
      fake_get_owner(from, count * sizeof(float)) != gpu ||
      fake_get_owner(to, count * sizeof(float)) != gpu)
    return end(result ? result : ncclInvalidArgument);
  struct collective *collective = find_collective(communicator);
  if (!collective) {
    collective = calloc(1, sizeof *collective);
    collective->meeting.run = add;
    collective->meeting.expected = communicator->size;
    collective->clique = communicator->clique;
    collective->number = communicator->started;
    collective->count = count;
    collective->next = collectives;
    collectives = collective;
  }
  /* If the GPUs do not agree on the count, NCCL waits for ever or adds wrong numbers. */
  if (collective->count != count)
    return end(ncclInvalidArgument);
  ++communicator->started;
  collective->from[communicator->rank] = from;
  collective->to[communicator->rank] = to;
  fake_meet(stream, &collective->meeting, communicator->rank);
  return end(CUDA_SUCCESS);
}
