/*===- HandMade.c - Models that the fake driver runs --------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The code and the data that the compiler would make for a model: for one    *|
|* device, or for three with HAND_MADE_PARTS.                                 *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "HandMade.h"

#include "FakeKernels.h"
#include "convoy/Runtime/Abi/Model.h"

#include <stddef.h>
#include <stdio.h>

/*===----------------------------------------------------------------------===*\
|* Code
\*===----------------------------------------------------------------------===*/

#define NAMES "\nscale add slice window mask mix twice length\n"

enum { SCALE, ADD, SLICE, WINDOW, MASK, MIX, TWICE, LENGTH, KERNELS, MAX_IMAGES = 8 };
static const char *const kernels[] = {"scale", "add", "slice", "window",
                                      "mask",  "mix", "twice", "length"};

static char texts[MAX_IMAGES][128] = {"fake sm_80 12000" NAMES, "fake sm_90 12000" NAMES,
                                      "fake compute_90 12000" NAMES};
static struct convoy_gpu_image images[MAX_IMAGES] = {{80, 0, 0, 0, texts[0], sizeof texts[0]},
                                                     {90, 0, 0, 0, texts[1], sizeof texts[1]},
                                                     {90, 0, 1, 0, texts[2], sizeof texts[2]}};
#ifdef HAND_MADE_PARTS
enum { HAS_ALL_REDUCE = 1 };
#else
enum { HAS_ALL_REDUCE = 0 };
#endif
static struct convoy_gpu_code gpu = {3, KERNELS, HAS_ALL_REDUCE, 0, images, kernels};

CONVOY_EXPORT void hand_made_set_images(int32_t count, const int32_t *archs,
                                        const int32_t *is_ptx, int32_t is_specific,
                                        int32_t is_broken) {
  gpu.image_count = count;
  for (int32_t i = 0; i < count; ++i) {
    images[i].arch = archs[i];
    images[i].is_ptx = is_ptx[i];
    images[i].is_specific = is_specific;
    images[i].data = texts[i];
    snprintf(texts[i], sizeof texts[i], "fake %s_%d%s %d" NAMES, is_ptx[i] ? "compute" : "sm",
             (int)archs[i], is_specific ? "a" : "", is_broken ? 0 : 12000);
  }
}

CONVOY_EXPORT void hand_made_set_all_reduce(int32_t has_all_reduce) {
  gpu.has_all_reduce = has_all_reduce;
}

static void launch(void *rt, int32_t kernel, int32_t blocks, int32_t threads,
                   int32_t shared_bytes, void *const *args) {
  convoy_rt_launch_kernel(rt, kernel, NULL, blocks, 1, 1, threads, 1, 1, shared_bytes, args,
                          fake_kernels[kernel].arg_count, kernel == TWICE);
}

#ifndef HAND_MADE_PARTS

/*===----------------------------------------------------------------------===*\
|* One device
\*===----------------------------------------------------------------------===*/

static float weights[HAND_MADE_SIZE];

/* In a compiled model, the weights are constants. */
__attribute__((constructor)) static void make_weights(void) {
  for (int i = 0; i < HAND_MADE_SIZE; ++i)
    weights[i] = (float)i;
}

static void invoke(void *rt, uint8_t *arena, const uint8_t *w, void *const *inputs,
                   void *const *outputs) {
  enum { THREADS = 256, BLOCKS = HAND_MADE_SIZE / THREADS };
  void *scale[] = {inputs[0], arena};
  /* 61000 bytes of shared memory, of which the image reserves 1000. */
  launch(rt, SCALE, BLOCKS, THREADS, 61000, scale);
  convoy_rt_layer_done(rt, 0);
  void *add[] = {arena, inputs[1], (void *)w, arena + sizeof weights, outputs[0]};
  launch(rt, ADD, BLOCKS, THREADS, 1000, add);
  convoy_rt_layer_done(rt, 1);
  void *again[] = {inputs[1], outputs[1]};
  launch(rt, SCALE, BLOCKS, THREADS, 61000, again);
  struct convoy_tensor_map map = {inputs[1], 4,      2, 64, {16, HAND_MADE_SIZE / 16},
                                  {16, 32},  {1, 2}, 16};
  void *twice[] = {outputs[1], &map};
  launch(rt, TWICE, BLOCKS, THREADS, 61000, twice);
  convoy_rt_layer_done(rt, 2);
  void *length[] = {inputs[0], outputs[2]};
  launch(rt, LENGTH, 1, 1, 0, length);
}

static const int64_t dims[] = {HAND_MADE_SIZE};
static const convoy_tensor_info inputs[] = {
    {"a", CONVOY_FLOAT32, 1, dims, 4 * HAND_MADE_SIZE},
    {"b", CONVOY_FLOAT32, 1, dims, 4 * HAND_MADE_SIZE}};
static const convoy_tensor_info outputs[] = {
    {"sum", CONVOY_FLOAT32, 1, dims, 4 * HAND_MADE_SIZE},
    {"twice", CONVOY_FLOAT32, 1, dims, 4 * HAND_MADE_SIZE},
    {"", CONVOY_INT64, 0, NULL, 8}};
static const int32_t twice_sizes[] = {0};
static const int32_t *const output_sizes[] = {NULL, twice_sizes};
static const char *const layers[] = {"scale", "add", "scale again"};
static const struct convoy_device_description devices[] = {
    {invoke, layers, 3, 2 * sizeof weights, 0, sizeof weights, (const uint8_t *)weights}};

const struct convoy_model_description convoy_model = {.abi_version = CONVOY_ABI_VERSION,
                                                      .input_count = 2,
                                                      .output_count = 2,
                                                      .device_count = 1,
                                                      .inputs = inputs,
                                                      .outputs = outputs,
                                                      .cpu = "any",
                                                      .devices = devices,
                                                      .gpu = &gpu,
                                                      .backend = &convoy_cuda_backend,
                                                      .output_sizes = output_sizes,
                                                      .size_count = 1};

#else

/*===----------------------------------------------------------------------===*\
|* Three devices
\*===----------------------------------------------------------------------===*/

enum { PARTS = 3, ROWS = HAND_MADE_ROWS, WIDTH = HAND_MADE_WIDTH, COUNT = ROWS * WIDTH };
enum { BEFORE = 1, AFTER = 2 };

static const int64_t bounds[] = {0, 7, 16, WIDTH};
static const struct fake_part parts[PARTS] = {{0, 7, WIDTH, ROWS, 0, AFTER},
                                              {7, 16, WIDTH, ROWS, BEFORE, AFTER},
                                              {16, WIDTH, WIDTH, ROWS, BEFORE, 0}};

static void invoke(void *rt, uint8_t *arena, const uint8_t *w, void *const *in,
                   void *const *out) {
  void *buffers[7];
  for (int i = 0; i < 7; ++i)
    buffers[i] = arena + 4096 * i;
  void *part = buffers[0], *full = buffers[1], *halo = buffers[2], *own = buffers[3];
  void *windows = buffers[4], *terms = buffers[5], *sums = buffers[6];
  /* Five gathers into the same buffer, each of data from the gather before it. */
  for (int i = 0; i < 5; ++i) {
    void *slice[] = {i ? full : in[0], (void *)w, part};
    launch(rt, SLICE, 1, 1, 0, slice);
    convoy_rt_all_gather(rt, part, full, ROWS, 4, bounds);
    convoy_rt_await(rt);
    convoy_rt_release(rt);
  }
  convoy_rt_layer_done(rt, 0);
  convoy_rt_halo_exchange(rt, part, halo, ROWS, 4, bounds, BEFORE, AFTER);
  convoy_rt_await(rt);
  void *window[] = {halo, (void *)w, own};
  launch(rt, WINDOW, 1, 1, 0, window);
  convoy_rt_all_gather(rt, own, windows, ROWS, 4, bounds);
  convoy_rt_layer_done(rt, 1);
  void *mask[] = {in[0], (void *)w, terms};
  launch(rt, MASK, 1, COUNT, 0, mask);
  convoy_rt_all_reduce(rt, terms, sums, COUNT);
  /* First for the windows, then for the sums: both exchanges are under way. */
  convoy_rt_await(rt);
  convoy_rt_await(rt);
  void *mix[] = {full, windows, sums, out[0]};
  launch(rt, MIX, 1, COUNT, 0, mix);
  for (int i = 0; i < 3; ++i)
    convoy_rt_release(rt);
  convoy_rt_layer_done(rt, 2);
}

static const int64_t dims[] = {ROWS, WIDTH};
static const convoy_tensor_info inputs[] = {{"x", CONVOY_FLOAT32, 2, dims, 4 * COUNT}};
static const convoy_tensor_info outputs[] = {{"y", CONVOY_FLOAT32, 2, dims, 4 * COUNT}};
static const char *const layers[] = {"gather", "window", "reduce"};
#define PART(I) {invoke, layers, 3, 7 * 4096, 0, sizeof parts[I], (const uint8_t *)&parts[I]}
static const struct convoy_device_description devices[] = {PART(0), PART(1), PART(2)};

const struct convoy_model_description convoy_model = {
    CONVOY_ABI_VERSION,   1,    1, PARTS, inputs, outputs, "any", 0, devices, &gpu,
    &convoy_cuda_backend, NULL, 0, 0};

#endif
