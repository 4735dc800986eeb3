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
|* With GPUs, threads meet in the same way while they give their streams      *|
|* work, and an event goes along with each number: streams wait for it where  *|
|* the threads wait for the number. NCCL, where it adds, has the GPUs meet by *|
|* itself, at their awaits of the same number.                                *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Backend.h"

#include <limits.h>
#include <string.h>

static struct convoy_device *get_peer(const struct convoy_device *device, int32_t number) {
  return &device->context->devices[number];
}

/* Waits until `*word` of a peer, which counts up, has reached `value`. */
static void meet(struct convoy_device *device, struct convoy_device *peer, atomic_uint *word,
                 unsigned value) {
  int64_t nanoseconds = device->team.spin_nanoseconds;
  for (unsigned now; (int32_t)((now = atomic_load(word)) - value) < 0;) {
    if (convoy_spin(word, now, 1, nanoseconds))
      continue;
    atomic_fetch_add(&peer->sleepers, 1);
    while ((int32_t)((now = atomic_load(word)) - value) < 0)
      convoy_futex_wait(word, now);
    atomic_fetch_sub(&peer->sleepers, 1);
  }
}

/* The same, and has the stream wait for the peer's. */
static void wait_for(struct convoy_device *device, struct convoy_device *peer,
                     atomic_uint *word, unsigned value, enum convoy_event event) {
  meet(device, peer, word, value);
  if (convoy_model.backend->wait)
    convoy_model.backend->wait(device, peer, event, value);
}

/* Says that this device has reached number `value` of `word`, which `event` goes along with.
 */
static void advance(struct convoy_device *device, atomic_uint *word, unsigned value,
                    enum convoy_event event) {
  if (convoy_model.backend->record)
    convoy_model.backend->record(device, event, value);
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
  wait_for(device, peer, &peer->posted, device->awaited, CONVOY_POSTED);
  return get_exchange(peer, device->awaited);
}

/* Copies rows of device `number`. */
static void copy_rows(struct convoy_device *device, int32_t number, char *to,
                      int64_t to_stride, const char *from, int64_t from_stride, int64_t rows,
                      int64_t bytes) {
  convoy_model.backend->copy_rows(device, get_peer(device, number), to, to_stride, from,
                                  from_stride, rows, bytes);
}

static void gather(struct convoy_device *device, const struct convoy_exchange *own) {
  int32_t count = convoy_model.device_count;
  const int64_t *bounds = own->bounds;
  /* Its own part first, while the others get there. */
  for (int32_t i = 0; i < count; ++i) {
    int32_t number = (device->number + i) % count;
    int64_t part = (bounds[number + 1] - bounds[number]) * own->bytes;
    copy_rows(device, number, (char *)own->to + bounds[number] * own->bytes,
              bounds[count] * own->bytes, get_other_side(device, number)->from, part,
              own->rows, part);
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
  copy_rows(device, number, target + front, stride, own->from, middle, own->rows, middle);
  if (front) {
    int64_t part = (bounds[number] - bounds[number - 1]) * own->bytes;
    const char *source = get_other_side(device, number - 1)->from;
    copy_rows(device, number - 1, target, stride, source + part - front, part, own->rows,
              front);
  }
  if (back) {
    int64_t part = (bounds[number + 2] - bounds[number + 1]) * own->bytes;
    copy_rows(device, number + 1, target + front + middle, stride,
              get_other_side(device, number + 1)->from, part, own->rows, back);
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
    convoy_model.backend->add(device, get_peer(device, number), to + begin, source + begin,
                              end - begin);
  }
  advance(device, &device->summed, device->awaited, CONVOY_SUMMED);
  for (int32_t i = 1; i < devices; ++i) {
    int32_t number = (device->number + i) % devices;
    struct convoy_device *peer = get_peer(device, number);
    wait_for(device, peer, &peer->summed, device->awaited, CONVOY_SUMMED);
    const float *source = get_exchange(peer, device->awaited)->to;
    int64_t first = own->rows * number / devices, last = own->rows * (number + 1) / devices;
    int64_t part = (last - first) * (int64_t)sizeof(float);
    copy_rows(device, number, (char *)(to + first), part, (const char *)(source + first), part,
              /*rows=*/1, part);
  }
}

/* All devices add themselves, or none: one that comes alone waits for ever. */
static void sum_on_devices(struct convoy_device *device, const struct convoy_exchange *own) {
  int failed = 0;
  for (int32_t number = 0; number < convoy_model.device_count; ++number) {
    struct convoy_device *peer = get_peer(device, number);
    meet(device, peer, &peer->posted, device->awaited);
    failed |= get_exchange(peer, device->awaited)->failed;
  }
  if (!failed)
    convoy_model.backend->all_reduce(device, own->from, own->to, own->rows);
}

static void start(struct convoy_device *device, struct convoy_exchange exchange) {
  exchange.failed = device->status != CONVOY_OK;
  *get_exchange(device, ++device->started) = exchange;
  advance(device, &device->posted, device->started, CONVOY_POSTED);
}

/* The transport if there is one. After its failure it gets no more to do: a run only comes
 * to its end. Between threads, a device goes on after a failure, since others wait for it. */
static const convoy_transport *get_transport(const struct convoy_device *device) {
  return device->context->transport;
}

static void keep(struct convoy_device *device, int32_t failed) {
  if (failed)
    device->status = CONVOY_ERROR_TRANSPORT;
}

void convoy_rt_all_gather(void *rt, const void *from, void *to, int64_t rows, int64_t bytes,
                          const int64_t *bounds) {
  struct convoy_device *device = rt;
  const convoy_transport *transport = get_transport(device);
  if (!transport)
    start(device, (struct convoy_exchange){gather, from, to, rows, bytes, bounds, 0, 0, 0,
                                           convoy_model.device_count - 1, 0});
  else if (!device->status)
    keep(device, transport->all_gather(transport->user, from, to, rows, bytes, bounds));
}

void convoy_rt_halo_exchange(void *rt, const void *from, void *to, int64_t rows, int64_t bytes,
                             const int64_t *bounds, int64_t before, int64_t after) {
  struct convoy_device *device = rt;
  const convoy_transport *transport = get_transport(device);
  if (transport) {
    if (!device->status)
      keep(device, transport->halo_exchange(transport->user, from, to, rows, bytes, bounds,
                                            before, after));
    return;
  }
  int32_t number = device->number, last = convoy_model.device_count - 1;
  start(device, (struct convoy_exchange){exchange_halo, from, to, rows, bytes, bounds, before,
                                         after, number > 0 ? number - 1 : 0,
                                         number < last ? number + 1 : last, 0});
}

void convoy_rt_all_reduce(void *rt, const float *from, float *to, int64_t count) {
  struct convoy_device *device = rt;
  const convoy_transport *transport = get_transport(device);
  if (!transport)
    start(device, (struct convoy_exchange){convoy_model.backend->all_reduce &&
                                                   device->context->uses_nccl
                                               ? sum_on_devices
                                               : sum,
                                           from, to, count, sizeof(float), NULL, 0, 0, 0,
                                           convoy_model.device_count - 1, 0});
  else if (!device->status)
    keep(device, transport->all_reduce(transport->user, from, to, count));
}

void convoy_rt_await(void *rt) {
  struct convoy_device *device = rt;
  const convoy_transport *transport = get_transport(device);
  if (transport) {
    if (!device->status)
      keep(device, transport->finish(transport->user));
    return;
  }
  const struct convoy_exchange *exchange = get_exchange(device, ++device->awaited);
  exchange->complete(device, exchange);
  advance(device, &device->completed, device->awaited, CONVOY_COMPLETED);
}

void convoy_rt_release(void *rt) {
  struct convoy_device *device = rt;
  if (get_transport(device))
    return;
  unsigned number = ++device->released;
  const struct convoy_exchange *exchange = get_exchange(device, number);
  for (int32_t i = exchange->first; i <= exchange->last; ++i) {
    struct convoy_device *peer = get_peer(device, i);
    if (convoy_model.backend->all_reduce && exchange->complete == sum_on_devices)
      meet(device, peer, &peer->completed, number);
    else
      wait_for(device, peer, &peer->completed, number, CONVOY_COMPLETED);
  }
}
