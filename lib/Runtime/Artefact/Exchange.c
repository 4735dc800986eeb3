/*===- Exchange.c - Communication between devices -----------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* If all devices are threads of one process: a device that starts an         *|
|* exchange posts the address of its data, and goes on. When it awaits the    *|
|* exchange, it waits until the others have posted theirs, and copies the     *|
|* data that it needs. When it releases the exchange, it waits until the      *|
|* devices that read its own data have done so; then it may overwrite them.   *|
|* Exchanges are numbered. The numbers are the same on all devices, because   *|
|* their programs start exchanges in the same order. Nobody waits for ever:   *|
|* an await waits for the others to start the exchange, a release for them    *|
|* to await it, and meanwhile they only wait for smaller numbers.             *|
|*                                                                            *|
|* If devices are other processes, a transport does all this.                 *|
|*                                                                            *|
|* With GPUs, threads wait for each other in the same way while they fill     *|
|* their streams. Each number has an event: if a thread waits for the number, *|
|* its stream waits for the event. If NCCL adds, it makes the GPUs wait for   *|
|* each other by itself, when they await the same number.                     *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Backend.h"

#include <limits.h>
#include <string.h>

static struct convoy_device *get_peer(const struct convoy_device *device, int32_t number) {
  return &device->context->devices[number];
}

/* Waits until the counter `*word` of a peer has reached `value`. */
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

/* The same, and lets the device's stream wait for `event` of the peer's stream. */
static void wait_for(struct convoy_device *device, struct convoy_device *peer,
                     atomic_uint *word, unsigned value, enum convoy_event event) {
  meet(device, peer, word, value);
  if (convoy_model.backend->wait)
    convoy_model.backend->wait(device, peer, event, value);
}

/* Sets this device's counter `*word` to `value`, lets its stream signal `event`, and wakes
 * the devices that wait. */
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

/* Device `number`'s side of the exchange that this device awaits. Waits until it is posted. */
static const struct convoy_exchange *get_other_side(struct convoy_device *device,
                                                    int32_t number) {
  struct convoy_device *peer = get_peer(device, number);
  wait_for(device, peer, &peer->posted, device->awaited, CONVOY_POSTED);
  return get_exchange(peer, device->awaited);
}

/* Copies rows from the memory of device `number`. */
static void copy_rows(struct convoy_device *device, int32_t number, char *to,
                      int64_t to_stride, const char *from, int64_t from_stride, int64_t rows,
                      int64_t bytes) {
  convoy_model.backend->copy_rows(device, get_peer(device, number), to, to_stride, from,
                                  from_stride, rows, bytes);
}

static void gather(struct convoy_device *device, const struct convoy_exchange *own) {
  int32_t count = convoy_model.device_count;
  const int64_t *bounds = own->bounds;
  /* Its own part first, because the others may not have posted theirs yet. */
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

/* Each device adds up its share of the numbers, and then copies the sums of the others. */
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

/* Lets the GPUs add. Either all of them do or none, because a GPU that starts a sum alone
 * waits for ever. */
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

/* The transport, or null. After a failure of the transport it is not called again, and the
 * run goes to its end without it. Between threads, a device takes part in exchanges also after
 * a failure, because others wait for it. */
static const convoy_transport *get_transport(const struct convoy_device *device) {
  return device->context->transport;
}

/* Stores a failure of the transport. */
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
