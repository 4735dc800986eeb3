/*===- Exchange.c - Communication between devices -----------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Between threads of one process. A device posts the address of what it      *|
|* gives, reads what it wants where the others posted theirs, and waits until *|
|* those that read from it have finished, since its next operation may write  *|
|* there. Exchanges are numbered; the numbers of all devices are the same,    *|
|* because their programs communicate in the same order. A transport takes    *|
|* all this over where devices are other processes; after it failed, a run    *|
|* only comes to its end.                                                     *|
|*                                                                            *|
|* With GPUs, threads meet in the same way while they give their streams      *|
|* work, and an event goes along with each number: streams wait for it where  *|
|* the threads wait for the number.                                           *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Cuda.h"

#include <limits.h>
#include <string.h>

static struct convoy_device *get_peer(const struct convoy_device *device, int32_t number) {
  return &device->context->devices[number];
}

/* Waits until `*word`, which counts up, has reached `value`. */
static void wait_for(struct convoy_device *peer, atomic_uint *word, unsigned value,
                     int64_t nanoseconds) {
  for (unsigned now; (int32_t)((now = atomic_load(word)) - value) < 0;) {
    if (convoy_spin(word, now, 1, nanoseconds))
      continue;
    atomic_fetch_add(&peer->sleepers, 1);
    while ((int32_t)((now = atomic_load(word)) - value) < 0)
      convoy_futex_wait(word, now);
    atomic_fetch_sub(&peer->sleepers, 1);
  }
}

static void advance(struct convoy_device *device, atomic_uint *word, unsigned value) {
  atomic_store(word, value);
  if (atomic_load(&device->sleepers))
    convoy_futex_wake(word, INT_MAX);
}

static void post(struct convoy_device *device, const void *source) {
  ++device->exchange;
  device->sources[device->exchange & 1] = source;
  if (convoy_model.gpu)
    convoy_cuda_record(device, device->cuda->posted[device->exchange & 1]);
  advance(device, &device->posted, device->exchange);
}

/* What a peer posted in the current exchange; it may be one ahead, not two. */
static const void *get_source(struct convoy_device *device, int32_t number) {
  struct convoy_device *peer = get_peer(device, number);
  wait_for(peer, &peer->posted, device->exchange, device->team.spin_nanoseconds);
  if (convoy_model.gpu)
    convoy_cuda_wait(device, peer->cuda->posted[device->exchange & 1]);
  return peer->sources[device->exchange & 1];
}

static void finish(struct convoy_device *device, int32_t first, int32_t last) {
  if (convoy_model.gpu)
    convoy_cuda_record(device, device->cuda->finished[device->exchange & 1]);
  advance(device, &device->finished, device->exchange);
  for (int32_t i = first; i <= last; ++i) {
    struct convoy_device *peer = get_peer(device, i);
    wait_for(peer, &peer->finished, device->exchange, device->team.spin_nanoseconds);
    if (convoy_model.gpu)
      convoy_cuda_wait(device, peer->cuda->finished[device->exchange & 1]);
  }
}

/* Copies rows of device `number`. */
static void copy_rows(struct convoy_device *device, int32_t number, char *to,
                      int64_t to_stride, const char *from, int64_t from_stride, int64_t rows,
                      int64_t bytes) {
  if (convoy_model.gpu) {
    convoy_cuda_copy_rows(device, get_peer(device, number), to, to_stride, from, from_stride,
                          rows, bytes);
    return;
  }
  for (int64_t row = 0; row < rows; ++row)
    memcpy(to + row * to_stride, from + row * from_stride, (size_t)bytes);
}

void convoy_rt_all_gather(void *rt, const void *from, void *to, int64_t rows, int64_t bytes,
                          const int64_t *bounds) {
  struct convoy_device *device = rt;
  const convoy_transport *transport = device->context->transport;
  if (transport) {
    if (!device->status &&
        transport->all_gather(transport->user, from, to, rows, bytes, bounds))
      device->status = CONVOY_ERROR_TRANSPORT;
    return;
  }
  int32_t count = convoy_model.device_count;
  post(device, from);
  /* Its own part first, while the others get there. */
  for (int32_t i = 0; i < count; ++i) {
    int32_t number = (device->number + i) % count;
    int64_t part = (bounds[number + 1] - bounds[number]) * bytes;
    copy_rows(device, number, (char *)to + bounds[number] * bytes, bounds[count] * bytes,
              get_source(device, number), part, rows, part);
  }
  finish(device, 0, count - 1);
}

void convoy_rt_halo_exchange(void *rt, const void *from, void *to, int64_t rows, int64_t bytes,
                             const int64_t *bounds, int64_t before, int64_t after) {
  struct convoy_device *device = rt;
  const convoy_transport *transport = device->context->transport;
  if (transport) {
    if (!device->status && transport->halo_exchange(transport->user, from, to, rows, bytes,
                                                    bounds, before, after))
      device->status = CONVOY_ERROR_TRANSPORT;
    return;
  }
  int32_t number = device->number, last = convoy_model.device_count - 1;
  int64_t own = (bounds[number + 1] - bounds[number]) * bytes;
  int64_t front = number > 0 ? before * bytes : 0, back = number < last ? after * bytes : 0;
  int64_t stride = front + own + back;
  char *target = to;
  post(device, from);
  copy_rows(device, number, target + front, stride, from, own, rows, own);
  if (front) {
    int64_t part = (bounds[number] - bounds[number - 1]) * bytes;
    const char *source = get_source(device, number - 1);
    copy_rows(device, number - 1, target, stride, source + part - front, part, rows, front);
  }
  if (back) {
    int64_t part = (bounds[number + 2] - bounds[number + 1]) * bytes;
    copy_rows(device, number + 1, target + front + own, stride, get_source(device, number + 1),
              part, rows, back);
  }
  finish(device, number > 0 ? number - 1 : 0, number < last ? number + 1 : last);
}

void convoy_rt_all_reduce(void *rt, const float *from, float *to, int64_t count) {
  struct convoy_device *device = rt;
  const convoy_transport *transport = device->context->transport;
  if (transport) {
    if (!device->status && transport->all_reduce(transport->user, from, to, count))
      device->status = CONVOY_ERROR_TRANSPORT;
    return;
  }
  /* Each device adds up its share, and then gathers the others'. */
  int32_t devices = convoy_model.device_count;
  int64_t begin = count * device->number / devices;
  int64_t end = count * (device->number + 1) / devices;
  post(device, from);
  for (int32_t number = 0; number < devices; ++number) {
    const float *source = get_source(device, number);
    if (convoy_model.gpu)
      convoy_cuda_reduce(device, get_peer(device, number), to + begin, source + begin,
                         end - begin);
    else if (number == 0)
      memcpy(to + begin, source + begin, (size_t)(end - begin) * sizeof(float));
    else
      for (int64_t i = begin; i < end; ++i)
        to[i] += source[i];
  }
  post(device, to);
  for (int32_t i = 1; i < devices; ++i) {
    int32_t number = (device->number + i) % devices;
    const float *source = get_source(device, number);
    int64_t first = count * number / devices, last = count * (number + 1) / devices;
    int64_t part = (last - first) * (int64_t)sizeof(float);
    copy_rows(device, number, (char *)(to + first), part, (const char *)(source + first), part,
              /*rows=*/1, part);
  }
  finish(device, 0, devices - 1);
}
