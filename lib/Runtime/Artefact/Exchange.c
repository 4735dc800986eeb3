/*===- Exchange.c - Communication between devices -----------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Between threads of one process. A device that starts an exchange posts the *|
|* address of what it gives, and goes on. When it awaits it, it reads what it *|
|* wants where the others posted theirs. Before it writes there again, it     *|
|* waits until those that read from it have finished. Exchanges are numbered; *|
|* the numbers of all devices are the same, because their programs start them *|
|* in the same order. Nobody waits for ever: an exchange waits for the others *|
|* to start it, and its release for them to await it, and whatever they wait  *|
|* for meanwhile has a smaller number.                                        *|
|*                                                                            *|
|* A transport takes all this over where devices are other processes.         *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Context.h"

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

static struct convoy_exchange *get_exchange(struct convoy_device *device, unsigned number) {
  return &device->exchanges[number % CONVOY_MAX_EXCHANGES];
}

/* A peer's side of the exchange that this device awaits. */
static const struct convoy_exchange *get_other_side(struct convoy_device *device,
                                                    int32_t number) {
  struct convoy_device *peer = get_peer(device, number);
  wait_for(peer, &peer->posted, device->awaited, device->team.spin_nanoseconds);
  return get_exchange(peer, device->awaited);
}

static void copy_rows(char *to, int64_t to_stride, const char *from, int64_t from_stride,
                      int64_t rows, int64_t bytes) {
  for (int64_t row = 0; row < rows; ++row)
    memcpy(to + row * to_stride, from + row * from_stride, (size_t)bytes);
}

static void gather(struct convoy_device *device, const struct convoy_exchange *own) {
  int32_t count = convoy_model.device_count;
  const int64_t *bounds = own->bounds;
  /* Its own part first, while the others get there. */
  for (int32_t i = 0; i < count; ++i) {
    int32_t number = (device->number + i) % count;
    int64_t part = (bounds[number + 1] - bounds[number]) * own->bytes;
    copy_rows((char *)own->to + bounds[number] * own->bytes, bounds[count] * own->bytes,
              get_other_side(device, number)->from, part, own->rows, part);
  }
}

static void exchange_halo(struct convoy_device *device, const struct convoy_exchange *own) {
  int32_t number = device->number;
  const int64_t *bounds = own->bounds;
  int64_t middle = (bounds[number + 1] - bounds[number]) * own->bytes;
  int64_t front = number > 0 ? own->before * own->bytes : 0;
  int64_t back = number + 1 < convoy_model.device_count ? own->after * own->bytes : 0;
  int64_t stride = front + middle + back;
  char *target = own->to;
  copy_rows(target + front, stride, own->from, middle, own->rows, middle);
  if (front) {
    int64_t part = (bounds[number] - bounds[number - 1]) * own->bytes;
    const char *source = get_other_side(device, number - 1)->from;
    copy_rows(target, stride, source + part - front, part, own->rows, front);
  }
  if (back) {
    int64_t part = (bounds[number + 2] - bounds[number + 1]) * own->bytes;
    copy_rows(target + front + middle, stride, get_other_side(device, number + 1)->from, part,
              own->rows, back);
  }
}

/* Each device adds up its share, and then gathers the others'. */
static void sum(struct convoy_device *device, const struct convoy_exchange *own) {
  int32_t devices = convoy_model.device_count;
  int64_t begin = own->rows * device->number / devices;
  int64_t end = own->rows * (device->number + 1) / devices;
  float *to = own->to;
  for (int32_t number = 0; number < devices; ++number) {
    const float *source = get_other_side(device, number)->from;
    if (number == 0)
      memcpy(to + begin, source + begin, (size_t)(end - begin) * sizeof(float));
    else
      for (int64_t i = begin; i < end; ++i)
        to[i] += source[i];
  }
  advance(device, &device->summed, device->awaited);
  for (int32_t i = 1; i < devices; ++i) {
    int32_t number = (device->number + i) % devices;
    struct convoy_device *peer = get_peer(device, number);
    wait_for(peer, &peer->summed, device->awaited, device->team.spin_nanoseconds);
    const float *source = get_exchange(peer, device->awaited)->to;
    int64_t first = own->rows * number / devices, last = own->rows * (number + 1) / devices;
    memcpy(to + first, source + first, (size_t)(last - first) * sizeof(float));
  }
}

static void start(struct convoy_device *device, struct convoy_exchange exchange) {
  *get_exchange(device, ++device->started) = exchange;
  advance(device, &device->posted, device->started);
}

/* Keeps the first failure. After one, a run only comes to its end. */
static void keep(struct convoy_device *device, int32_t failed) {
  if (failed)
    device->status = CONVOY_ERROR_TRANSPORT;
}

void convoy_rt_all_gather(void *rt, const void *from, void *to, int64_t rows, int64_t bytes,
                          const int64_t *bounds) {
  struct convoy_device *device = rt;
  const convoy_transport *transport = device->context->transport;
  if (device->status)
    return;
  if (transport)
    keep(device, transport->all_gather(transport->user, from, to, rows, bytes, bounds));
  else
    start(device, (struct convoy_exchange){gather, from, to, rows, bytes, bounds, 0, 0, 0,
                                           convoy_model.device_count - 1});
}

void convoy_rt_halo_exchange(void *rt, const void *from, void *to, int64_t rows, int64_t bytes,
                             const int64_t *bounds, int64_t before, int64_t after) {
  struct convoy_device *device = rt;
  const convoy_transport *transport = device->context->transport;
  if (device->status)
    return;
  if (transport) {
    keep(device, transport->halo_exchange(transport->user, from, to, rows, bytes, bounds,
                                          before, after));
    return;
  }
  int32_t number = device->number, last = convoy_model.device_count - 1;
  start(device, (struct convoy_exchange){exchange_halo, from, to, rows, bytes, bounds, before,
                                         after, number > 0 ? number - 1 : 0,
                                         number < last ? number + 1 : last});
}

void convoy_rt_all_reduce(void *rt, const float *from, float *to, int64_t count) {
  struct convoy_device *device = rt;
  const convoy_transport *transport = device->context->transport;
  if (device->status)
    return;
  if (transport)
    keep(device, transport->all_reduce(transport->user, from, to, count));
  else
    start(device, (struct convoy_exchange){sum, from, to, count, sizeof(float), NULL, 0, 0, 0,
                                           convoy_model.device_count - 1});
}

void convoy_rt_await(void *rt) {
  struct convoy_device *device = rt;
  const convoy_transport *transport = device->context->transport;
  if (device->status)
    return;
  if (transport) {
    keep(device, transport->finish(transport->user));
    return;
  }
  const struct convoy_exchange *exchange = get_exchange(device, ++device->awaited);
  exchange->complete(device, exchange);
  advance(device, &device->completed, device->awaited);
}

void convoy_rt_release(void *rt) {
  struct convoy_device *device = rt;
  if (device->status || device->context->transport)
    return;
  unsigned number = ++device->released;
  const struct convoy_exchange *exchange = get_exchange(device, number);
  for (int32_t i = exchange->first; i <= exchange->last; ++i) {
    struct convoy_device *peer = get_peer(device, i);
    wait_for(peer, &peer->completed, number, device->team.spin_nanoseconds);
  }
}
