/*===- exchanges.c - Random exchanges between devices -------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A model written by hand and linked with the runtime. All devices start the *|
|* same random exchanges, and each device awaits and releases them at random  *|
|* times. It overwrites buffers as soon as they are released.                 *|
|* test_exchanges.py builds this with the thread sanitizer.                   *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include "../../lib/Runtime/Artefact/Context.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DEVICES = 4, EXCHANGES = 30, MOST = 3 * 24 * 4 };

/* A random exchange, the same on all devices. */
struct plan {
  int kind; /* 0 gather, 1 halo, 2 sum */
  int64_t rows, width, before, after, bounds[DEVICES + 1];
};

/* The buffers of an exchange on one device. */
struct side {
  float from[MOST], to[MOST];
};

static unsigned draw(unsigned *state, unsigned below) {
  *state = *state * 1664525u + 1013904223u;
  return (*state >> 16) % below;
}

static struct plan make_plan(unsigned *state) {
  struct plan plan = {draw(state, 3), 1 + draw(state, 3), 1 + draw(state, 4),
                      draw(state, 3), draw(state, 3),     {0}};
  for (int i = 0; i < DEVICES; ++i)
    plan.bounds[i + 1] = plan.bounds[i] + 2 + draw(state, 4);
  return plan;
}

/* Element `i` of row `row` of the whole tensor of exchange `number`. In a sum, element `i` of
 * the term of device `row`. */
static float value(int64_t number, int64_t row, int64_t i) {
  return (float)(number * 1000 + row * 200 + i);
}

static void begin(void *rt, int64_t device, int64_t number, const struct plan *plan,
                  struct side *side) {
  int64_t first = plan->bounds[device] * plan->width;
  int64_t own = plan->bounds[device + 1] * plan->width - first;
  if (plan->kind == 2) {
    for (int64_t i = 0; i < plan->bounds[DEVICES]; ++i)
      side->from[i] = value(number, device, i);
    convoy_rt_all_reduce(rt, side->from, side->to, plan->bounds[DEVICES]);
    return;
  }
  for (int64_t row = 0; row < plan->rows; ++row)
    for (int64_t i = 0; i < own; ++i)
      side->from[row * own + i] = value(number, row, first + i);
  int64_t bytes = plan->width * (int64_t)sizeof(float);
  if (plan->kind == 0)
    convoy_rt_all_gather(rt, side->from, side->to, plan->rows, bytes, plan->bounds);
  else
    convoy_rt_halo_exchange(rt, side->from, side->to, plan->rows, bytes, plan->bounds,
                            plan->before, plan->after);
}

static int is_right(int64_t device, int64_t number, const struct plan *plan,
                    const struct side *side) {
  if (plan->kind == 2) {
    for (int64_t i = 0; i < plan->bounds[DEVICES]; ++i) {
      float sum = 0;
      for (int64_t k = 0; k < DEVICES; ++k)
        sum += value(number, k, i);
      if (side->to[i] != sum)
        return 0;
    }
    return 1;
  }
  int64_t first = 0, last = plan->bounds[DEVICES];
  if (plan->kind == 1) {
    first = plan->bounds[device] - (device > 0 ? plan->before : 0);
    last = plan->bounds[device + 1] + (device + 1 < DEVICES ? plan->after : 0);
  }
  const float *next = side->to;
  for (int64_t row = 0; row < plan->rows; ++row)
    for (int64_t i = first * plan->width; i < last * plan->width; ++i)
      if (*next++ != value(number, row, i))
        return 0;
  return 1;
}

/* Whether a device has received a wrong number. */
static atomic_int wrong;

static void invoke(void *rt, uint8_t *arena, const uint8_t *weights, void *const *inputs,
                   void *const *outputs) {
  (void)weights;
  (void)outputs;
  int64_t device = ((struct convoy_device *)rt)->number;
  unsigned shared = *(const unsigned *)inputs[0], own = shared * 64 + (unsigned)device;
  struct side *sides = (struct side *)arena;
  struct plan plans[EXCHANGES];
  for (int i = 0; i < EXCHANGES; ++i)
    plans[i] = make_plan(&shared);
  int started = 0, awaited = 0, released = 0;
  while (released < EXCHANGES) {
    if (draw(&own, 40) == 0)
      usleep(draw(&own, 200));
    unsigned action = draw(&own, 3);
    if (action == 0 && started < EXCHANGES && started - released < CONVOY_MAX_EXCHANGES) {
      begin(rt, device, started, &plans[started], &sides[started % CONVOY_MAX_EXCHANGES]);
      ++started;
    } else if (action == 1 && awaited < started) {
      convoy_rt_await(rt);
      if (!is_right(device, awaited, &plans[awaited], &sides[awaited % CONVOY_MAX_EXCHANGES]))
        atomic_store(&wrong, 1);
      ++awaited;
    } else if (action == 2 && released < awaited) {
      convoy_rt_release(rt);
      struct side *side = &sides[released++ % CONVOY_MAX_EXCHANGES];
      for (int i = 0; i < MOST; ++i)
        side->from[i] = side->to[i] = -1;
    }
  }
}

static const convoy_tensor_info inputs[] = {{"seed", CONVOY_UINT32, 0, NULL, 4}};
static const int64_t dims[] = {1};
static const convoy_tensor_info outputs[] = {{"none", CONVOY_FLOAT32, 1, dims, 4}};
#define DEVICE {invoke, NULL, 0, CONVOY_MAX_EXCHANGES * sizeof(struct side), 0, 0, NULL}
static const struct convoy_device_description devices[DEVICES] = {DEVICE, DEVICE, DEVICE,
                                                                  DEVICE};
const struct convoy_model_description convoy_model = {
    CONVOY_ABI_VERSION, 1, 1, DEVICES, inputs, outputs, "any", 0, devices, NULL,
    &convoy_cpu_backend};

int main(int argc, char **argv) {
  unsigned runs = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
  convoy_context *context;
  if (convoy_create(0, &context) != CONVOY_OK)
    return 2;
  for (unsigned seed = 0; seed < runs; ++seed) {
    const void *input = &seed;
    float none;
    void *output = &none;
    if (convoy_run(context, &input, &output) != CONVOY_OK || atomic_load(&wrong)) {
      printf("seed %u: wrong\n", seed);
      return 1;
    }
  }
  convoy_destroy(context);
  printf("%u runs of %d exchanges\n", runs, (int)EXCHANGES);
  return 0;
}
