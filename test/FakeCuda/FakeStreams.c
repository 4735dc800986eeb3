/*===- FakeStreams.c - Streams that run as late as they can -------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "FakeState.h"

#include <stdlib.h>
#include <string.h>

#pragma GCC visibility push(default)

struct op {
  enum { KERNEL, COPY, RECORD, WAIT, MEET } kind;
  const struct fake_kernel *kernel;
  int64_t count;
  float *args[FAKE_MAX_ARGS];
  char *to;
  const char *from;
  size_t to_stride, from_stride, rows, bytes;
  CUevent event;
  CUstream stream; /* waits until this one has run operation `index` */
  size_t index;
  struct fake_meeting *meeting;
  int place;
};

struct list {
  struct op *ops;
  size_t count, capacity;
};

struct CUstream_st {
  CUcontext context;
  struct list list;
  size_t next; /* operation that runs */
  int is_running;
  time_t waits_since; /* 0 if it does not wait */
  CUgraph capture;
};

struct CUevent_st {
  CUstream stream; /* that recorded it last, or null */
  size_t index;
  unsigned flags;
  double milliseconds;
  int done;
};

struct CUgraph_st {
  struct list list;
};
struct CUgraphExec_st {
  struct list list;
};

/* Streams and events that are destroyed. Streams that still wait for them read them, as the
 * driver keeps them until then; all are freed with the last stream. */
static struct {
  CUstream *streams;
  CUevent *events;
  size_t stream_count, event_count, live_streams;
} destroyed;

static double clock_milliseconds; /* kernels take half a millisecond each */
_Thread_local int fake_captures;

/*===----------------------------------------------------------------------===*\
|* Streams
\*===----------------------------------------------------------------------===*/

static struct op *append(struct list *list) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? 2 * list->capacity : 16;
    list->ops = realloc(list->ops, list->capacity * sizeof *list->ops);
    if (!list->ops)
      abort();
  }
  struct op *op = &list->ops[list->count++];
  memset(op, 0, sizeof *op);
  return op;
}

static struct op *enqueue(CUstream stream) {
  return append(stream->capture ? &stream->capture->list : &stream->list);
}

/* Runs the first `count` operations of the stream. Returns 0 if one of them has to wait. */
static int run_until(CUstream stream, size_t count);

static int run_meeting(CUstream stream, struct fake_meeting *meeting, int place) {
  if (stream->context->error || meeting->is_done || meeting->places[place].has_left)
    return 1;
  if (meeting->arrived < meeting->expected)
    return 0;
  for (int i = 0; i < meeting->expected; ++i) {
    CUstream other = meeting->places[i].stream;
    if (meeting->places[i].has_left || !run_until(other, meeting->places[i].index) ||
        other->context->error)
      return 0;
  }
  meeting->run(meeting);
  meeting->is_done = 1;
  return 1;
}

/* Returns 0 if the operation has to wait. */
static int run_op(CUstream stream, const struct op *op) {
  switch (op->kind) {
  case KERNEL:
    for (int i = 0; i < op->kernel->arg_count; ++i)
      if (fake_get_owner(op->args[i], 1) != stream->context->gpu ||
          fake_get_setting("FAKE_CUDA_BROKEN", -1) == stream->context->gpu) {
        stream->context->error = FAKE_ILLEGAL_ADDRESS;
        return 1;
      }
    clock_milliseconds += 0.5;
    op->kernel->run(op->count, op->args);
    break;
  case COPY:
    for (size_t row = 0; row < op->rows; ++row)
      memcpy(op->to + row * op->to_stride, op->from + row * op->from_stride, op->bytes);
    break;
  case RECORD:
    op->event->milliseconds = clock_milliseconds;
    op->event->done = 1;
    break;
  case WAIT:
    return run_until(op->stream, op->index + 1);
  case MEET:
    return run_meeting(stream, op->meeting, op->place);
  }
  return 1;
}

static int run_until(CUstream stream, size_t count) {
  if (stream->next >= count)
    return 1;
  if (stream->is_running)
    return 0;
  stream->is_running = 1;
  for (int goes_on = 1; goes_on && stream->next < count; stream->next += (size_t)goes_on) {
    struct op op = stream->list.ops[stream->next];
    goes_on = run_op(stream, &op);
  }
  stream->is_running = 0;
  return stream->next >= count;
}

void fake_meet(CUstream stream, struct fake_meeting *meeting, int place) {
  struct op *op = enqueue(stream);
  op->kind = MEET;
  op->meeting = meeting;
  op->place = place;
  meeting->places[place].stream = stream;
  meeting->places[place].index = stream->list.count - 1;
  ++meeting->arrived;
}

int fake_get_gpu(CUstream stream) { return stream->context->gpu; }

static CUresult copy(CUstream stream, void *to, size_t to_stride, const void *from,
                     size_t from_stride, size_t rows, size_t bytes) {
  struct op *op = enqueue(stream);
  op->kind = COPY;
  op->to = to;
  op->to_stride = to_stride;
  op->from = from;
  op->from_stride = from_stride;
  op->rows = rows;
  op->bytes = bytes;
  return CUDA_SUCCESS;
}

static void *grow(void *list, size_t count, size_t size) {
  list = realloc(list, (count + 1) * size);
  if (!list)
    abort();
  return list;
}

static void free_destroyed(void) {
  for (size_t i = 0; i < destroyed.stream_count; ++i) {
    free(destroyed.streams[i]->list.ops);
    free(destroyed.streams[i]);
  }
  for (size_t i = 0; i < destroyed.event_count; ++i)
    free(destroyed.events[i]);
  free(destroyed.streams);
  free(destroyed.events);
  memset(&destroyed, 0, sizeof destroyed);
}

CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  CUresult result = fake_begin_in_context("cuStreamCreate");
  if (result || flags != CU_STREAM_NON_BLOCKING)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  *stream = calloc(1, sizeof **stream);
  (*stream)->context = fake_current();
  ++destroyed.live_streams;
  ++fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuStreamDestroy_v2(CUstream stream) {
  fake_begin("cuStreamDestroy");
  run_until(stream, stream->list.count);
  destroyed.streams =
      grow(destroyed.streams, destroyed.stream_count, sizeof *destroyed.streams);
  destroyed.streams[destroyed.stream_count++] = stream;
  if (--destroyed.live_streams == 0)
    free_destroyed();
  --fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuStreamSynchronize(CUstream stream) {
  CUresult result = fake_begin_alone("cuStreamSynchronize");
  if (result)
    return fake_end(result);
  for (time_t begin = time(NULL);
       !run_until(stream, stream->list.count) && !stream->context->error; fake_wait())
    fake_check_wait(begin);
  return fake_end(stream->context->error);
}

CUresult cuStreamQuery(CUstream stream) {
  CUresult result = fake_begin_alone("cuStreamQuery");
  if (result)
    return fake_end(result);
  int is_done = run_until(stream, stream->list.count);
  if (is_done)
    stream->waits_since = 0;
  else if (!stream->waits_since)
    stream->waits_since = time(NULL);
  else
    fake_check_wait(stream->waits_since);
  return fake_end(stream->context->error ? stream->context->error
                  : is_done              ? CUDA_SUCCESS
                                         : CUDA_ERROR_NOT_READY);
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  CUresult result = fake_begin_in_context("cuStreamWaitEvent");
  (void)flags;
  if (result || !event->stream)
    return fake_end(result);
  struct op *op = enqueue(stream);
  op->kind = WAIT;
  op->stream = event->stream;
  op->index = event->index;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuEventCreate(CUevent *event, unsigned flags) {
  CUresult result = fake_begin_in_context("cuEventCreate");
  if (result)
    return fake_end(result);
  *event = calloc(1, sizeof **event);
  (*event)->flags = flags;
  ++fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuEventDestroy_v2(CUevent event) {
  fake_begin("cuEventDestroy");
  if (destroyed.live_streams == 0) {
    free(event);
  } else {
    destroyed.events = grow(destroyed.events, destroyed.event_count, sizeof *destroyed.events);
    destroyed.events[destroyed.event_count++] = event;
  }
  --fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
  CUresult result = fake_begin_in_context("cuEventRecord");
  if (result)
    return fake_end(result);
  struct op *op = enqueue(stream);
  op->kind = RECORD;
  op->event = event;
  event->stream = stream;
  event->index = stream->list.count - 1;
  event->done = 0;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent first, CUevent last) {
  CUresult result = fake_begin("cuEventElapsedTime");
  if (result || ((first->flags | last->flags) & CU_EVENT_DISABLE_TIMING))
    return fake_end(result ? result : CUDA_ERROR_INVALID_HANDLE);
  if (!first->done || !last->done)
    return fake_end(600);
  *milliseconds = (float)(last->milliseconds - first->milliseconds);
  return fake_end(CUDA_SUCCESS);
}

/*===----------------------------------------------------------------------===*\
|* Graphs
\*===----------------------------------------------------------------------===*/

CUresult cuStreamBeginCapture_v2(CUstream stream, int mode) {
  CUresult result = fake_begin_in_context("cuStreamBeginCapture");
  if (result || mode != CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  stream->capture = calloc(1, sizeof *stream->capture);
  ++fake_captures;
  ++fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  CUresult result = fake_begin("cuStreamEndCapture");
  --fake_captures;
  *graph = stream->capture;
  stream->capture = NULL;
  return fake_end(result);
}

static void copy_list(struct list *to, const struct list *from) {
  for (size_t i = 0; i < from->count; ++i)
    *append(to) = from->ops[i];
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *executable, CUgraph graph,
                                     unsigned long long flags) {
  CUresult result = fake_begin_in_context("cuGraphInstantiateWithFlags");
  (void)flags;
  if (result)
    return fake_end(result);
  *executable = calloc(1, sizeof **executable);
  copy_list(&(*executable)->list, &graph->list);
  ++fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuGraphDestroy(CUgraph graph) {
  fake_begin("cuGraphDestroy");
  free(graph->list.ops);
  free(graph);
  --fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  CUresult result = fake_begin_in_context("cuGraphLaunch");
  if (!result)
    copy_list(&stream->list, &executable->list);
  return fake_end(result);
}

CUresult cuGraphExecDestroy(CUgraphExec executable) {
  fake_begin("cuGraphExecDestroy");
  free(executable->list.ops);
  free(executable);
  --fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

/*===----------------------------------------------------------------------===*\
|* Copies and launches
\*===----------------------------------------------------------------------===*/

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t size) {
  CUresult result = fake_begin_alone("cuMemcpyHtoD");
  if (result || fake_get_owner(fake_to_host(to), size) != fake_current()->gpu)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  memcpy(fake_to_host(to), from, size);
  fake_state.uploaded += (long)size;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t size, CUstream stream) {
  CUresult result = fake_begin_in_context("cuMemcpyHtoDAsync");
  if (result || fake_get_owner(fake_to_host(to), size) != stream->context->gpu)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  return fake_end(copy(stream, fake_to_host(to), 0, from, 0, 1, size));
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t size, CUstream stream) {
  CUresult result = fake_begin_in_context("cuMemcpyDtoHAsync");
  if (result || fake_get_owner(fake_to_host(from), size) != stream->context->gpu)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  return fake_end(copy(stream, to, 0, fake_to_host(from), 0, 1, size));
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream) {
  CUresult result = fake_begin_in_context("cuMemcpyDtoDAsync");
  if (result || fake_get_owner(fake_to_host(to), size) != stream->context->gpu ||
      fake_get_owner(fake_to_host(from), size) != stream->context->gpu)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  return fake_end(copy(stream, fake_to_host(to), 0, fake_to_host(from), 0, 1, size));
}

static size_t get_extent(size_t pitch, size_t rows, size_t width) {
  return (rows - 1) * pitch + width;
}

CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *c, CUstream stream) {
  CUresult result = fake_begin_in_context("cuMemcpy2DAsync");
  int gpu = stream->context->gpu;
  if (result || c->srcMemoryType != CU_MEMORYTYPE_DEVICE ||
      c->dstMemoryType != CU_MEMORYTYPE_DEVICE || c->WidthInBytes > c->srcPitch ||
      c->WidthInBytes > c->dstPitch ||
      fake_get_owner(fake_to_host(c->srcDevice),
                     get_extent(c->srcPitch, c->Height, c->WidthInBytes)) != gpu ||
      fake_get_owner(fake_to_host(c->dstDevice),
                     get_extent(c->dstPitch, c->Height, c->WidthInBytes)) != gpu)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  return fake_end(copy(stream, fake_to_host(c->dstDevice), c->dstPitch,
                       fake_to_host(c->srcDevice), c->srcPitch, c->Height, c->WidthInBytes));
}

CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext to_context, CUdeviceptr from,
                           CUcontext from_context, size_t size, CUstream stream) {
  CUresult result = fake_begin_in_context("cuMemcpyPeerAsync");
  if (result || fake_get_owner(fake_to_host(to), size) != to_context->gpu ||
      fake_get_owner(fake_to_host(from), size) != from_context->gpu)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  return fake_end(copy(stream, fake_to_host(to), 0, fake_to_host(from), 0, 1, size));
}

CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER *c, CUstream stream) {
  CUresult result = fake_begin_in_context("cuMemcpy3DPeerAsync");
  if (result || c->srcMemoryType != CU_MEMORYTYPE_DEVICE ||
      c->dstMemoryType != CU_MEMORYTYPE_DEVICE || c->Depth != 1 ||
      c->WidthInBytes > c->srcPitch || c->WidthInBytes > c->dstPitch ||
      fake_get_owner(fake_to_host(c->srcDevice),
                     get_extent(c->srcPitch, c->Height, c->WidthInBytes)) !=
          c->srcContext->gpu ||
      fake_get_owner(fake_to_host(c->dstDevice),
                     get_extent(c->dstPitch, c->Height, c->WidthInBytes)) !=
          c->dstContext->gpu)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  return fake_end(copy(stream, fake_to_host(c->dstDevice), c->dstPitch,
                       fake_to_host(c->srcDevice), c->srcPitch, c->Height, c->WidthInBytes));
}

CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z,
                        unsigned shared_bytes, CUstream stream, void **parameters,
                        void **extra) {
  CUresult result = fake_begin_in_context("cuLaunchKernel");
  (void)extra;
  if (result || shared_bytes != function->shared_bytes || stream->context != fake_current())
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  struct op *op = enqueue(stream);
  op->kind = KERNEL;
  op->kernel = function->kernel;
  op->count = (int64_t)grid_x * grid_y * grid_z * block_x * block_y * block_z;
  for (int i = 0; i < op->kernel->arg_count; ++i)
    op->args[i] = *(float **)parameters[i];
  return fake_end(CUDA_SUCCESS);
}
