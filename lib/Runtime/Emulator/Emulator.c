/*===- Emulator.c - Blocks of emulated kernels --------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Blocks are independent, so each thread of a team runs a part of them.      *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Emulator.h"

#include <stdlib.h>
#include <string.h>

/* The distance of stacks is no power of two, so that they use different cache sets. */
static const size_t stack_size = 64 << 10;
static const size_t stack_stride = (64 << 10) + 9 * CONVOY_CACHE_LINE;

/* Written to the low end of each stack. It is overwritten if a thread uses too much of it. */
static const uint64_t canary = 0x5f3759df9e3779b9;
enum { canary_words = 8 };

/* The address sanitizer marks parts of a stack. A fiber that is ended by a failure leaves its
 * marks behind; they are removed before the memory is used again. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
void __asan_unpoison_memory_region(void const volatile *address, size_t size);
#else
#define __asan_unpoison_memory_region(address, size) ((void)0)
#endif

static void run_fiber(struct convoy_fiber *fiber) {
  struct convoy_block *block = fiber->block;
  block->emulation->launch->emulated(&fiber->thread, block->emulation->launch->args);
  convoy_drop_copies(fiber);
  convoy_check_products(fiber);
  fiber->warp->ready &= ~(1u << fiber->thread.lane);
  if (++block->done < block->emulation->threads)
    convoy_hand_over(fiber);
  if (block->box_count)
    convoy_fail_block(block, "the block ends while %d copies of boxes are under way",
                      (int)block->box_count);
  convoy_switch_stack(&fiber->stack_pointer, block->stack_pointer);
}

static void start_fiber(struct convoy_block *block, int32_t number) {
  const struct convoy_emulation *emulation = block->emulation;
  const int32_t *shape = emulation->launch->block;
  struct convoy_fiber *fiber = &block->fibers[number];
  struct convoy_gpu_thread *thread = &fiber->thread;
  thread->thread_id[0] = number % shape[0];
  thread->thread_id[1] = number / shape[0] % shape[1];
  thread->thread_id[2] = number / shape[0] / shape[1];
  memcpy(thread->block_id, block->number, sizeof thread->block_id);
  memcpy(thread->block_dim, shape, sizeof thread->block_dim);
  memcpy(thread->grid_dim, emulation->launch->grid, sizeof thread->grid_dim);
  thread->lane = number % CONVOY_WARP;
  thread->warp = number / CONVOY_WARP;
  thread->shared = block->shared;
  fiber->block = block;
  fiber->warp = &block->warps[thread->warp];
  fiber->warp->full |= 1u << thread->lane;
  fiber->warp->ready = fiber->warp->full;
  fiber->number = number;
  fiber->group = fiber->first_copy = fiber->copy_count = 0;
  fiber->fences = 0;
  fiber->mbarrier = 0;
  fiber->warp->clocks[thread->warp] = 1;
  uint8_t *stack = block->stacks + (size_t)number * stack_stride;
  for (int i = 0; i < canary_words; ++i)
    memcpy(stack + i * sizeof canary, &canary, sizeof canary);
  fiber->stack_pointer = convoy_prepare_stack(stack + stack_size, run_fiber, fiber);
}

static void check_canaries(struct convoy_block *block, const char *format, ...) {
  for (int32_t number = 0; number < block->emulation->threads; ++number)
    for (int i = 0; i < canary_words; ++i)
      if (memcmp(block->stacks + (size_t)number * stack_stride + i * sizeof canary, &canary,
                 sizeof canary) != 0) {
        va_list arguments;
        va_start(arguments, format);
        convoy_keep_failure(block, format, arguments);
        va_end(arguments);
      }
}

static void run_block(struct convoy_block *block) {
  int32_t threads = block->emulation->threads;
  /* NaN in each float format, so that memory that nobody wrote shows in results. */
  memset(block->shared, 0xff, (size_t)block->emulation->launch->shared_bytes);
  memset(block->warps, 0, sizeof block->warps);
  block->first_epoch = ++block->epoch;
  block->waiting = block->done = 0;
  block->mbarrier_count = block->has_pieces = 0;
  block->first_box = block->box_count = 0;
  for (int32_t i = 0; i * CONVOY_WARP < threads; ++i)
    for (int32_t k = 0; k < CONVOY_MAX_SUMS; ++k)
      block->sums[i * CONVOY_MAX_SUMS + k].is_used = 0;
  for (int32_t i = 0; i < threads; ++i)
    start_fiber(block, i);
  convoy_switch_stack(&block->stack_pointer, block->fibers[0].stack_pointer);
  check_canaries(block, "a thread needs more than %d KiB of stack", (int)(stack_size >> 10));
}

static size_t round_up(size_t size) {
  return (size + CONVOY_CACHE_LINE - 1) / CONVOY_CACHE_LINE * CONVOY_CACHE_LINE;
}

/* Returns `size` bytes at `*used` in `memory`, and moves `*used` past them. `memory` may be
 * null, to count only. */
static void *take(uint8_t *memory, size_t *used, size_t size) {
  void *result = memory ? memory + *used : NULL;
  *used += round_up(size);
  return result;
}

/* Lays out one worker's memory and returns its size. `memory` may be null. */
static size_t place_block(struct convoy_block *placed, uint8_t *memory, int32_t threads,
                          int32_t shared_bytes) {
  size_t used = 0, words = (size_t)(shared_bytes + 3) / 4;
  placed->fibers = take(memory, &used, (size_t)threads * sizeof *placed->fibers);
  placed->shared = take(memory, &used, words * 4);
  placed->words = take(memory, &used, words * sizeof *placed->words);
  placed->bytes = take(memory, &used, words * 4 * sizeof *placed->bytes);
  placed->pieces = take(memory, &used, (words + 3) / 4 * sizeof *placed->pieces);
  placed->sums = take(memory, &used,
                      (size_t)(threads + CONVOY_WARP - 1) / CONVOY_WARP * CONVOY_MAX_SUMS *
                          sizeof *placed->sums);
  placed->stacks = take(memory, &used, (size_t)threads * stack_stride);
  return used;
}

/* The team's task: blocks [begin, end) of a grid. */
static void run_blocks(int64_t begin, int64_t end, void *const *args, uint8_t *scratch) {
  struct convoy_emulation *emulation = args[0];
  struct convoy_device *device = emulation->device;
  size_t worker = (size_t)(scratch - device->team.scratch) / device->team.scratch_stride;
  uint8_t *memory = (uint8_t *)device->emulator + worker * emulation->worker_size;
  __asan_unpoison_memory_region(memory, emulation->worker_size);
  struct convoy_block block = {.emulation = emulation};
  place_block(&block, memory, emulation->threads, emulation->launch->shared_bytes);
  memset(block.words, 0,
         (size_t)(emulation->launch->shared_bytes + 3) / 4 * sizeof *block.words);
  const int32_t *grid = emulation->launch->grid;
  for (int64_t i = begin; i < end && !atomic_load(&emulation->failed); ++i) {
    block.number[0] = (int32_t)(i % grid[0]);
    block.number[1] = (int32_t)(i / grid[0] % grid[1]);
    block.number[2] = (int32_t)(i / grid[0] / grid[1]);
    run_block(&block);
  }
}

/* Counts the threads of a block and the blocks of the grid. Returns 0 if no GPU would launch
 * them. */
static int get_size(const struct convoy_launch *launch, int64_t *threads, int64_t *blocks) {
  *threads = *blocks = 1;
  for (int i = 0; i < 3; ++i) {
    if (launch->grid[i] < 1 || launch->block[i] < 1 || launch->block[i] > CONVOY_MAX_BLOCK)
      return 0;
    *threads *= launch->block[i];
    *blocks *= launch->grid[i];
  }
  return 1;
}

/* Makes the device's working memory at least `size` bytes large; returns 0 if that fails. */
static int make_memory(struct convoy_device *device, size_t size) {
  if (size <= device->emulator_size)
    return 1;
  free(device->emulator);
  device->emulator_size = 0;
  device->emulator = aligned_alloc(CONVOY_CACHE_LINE, size);
  if (device->emulator)
    device->emulator_size = size;
  return device->emulator != NULL;
}

static void launch_kernel(struct convoy_device *device, const struct convoy_launch *launch) {
  if (device->status)
    return;
  int64_t threads, blocks;
  if (!launch->emulated) {
    convoy_fail(device, CONVOY_ERROR_MODEL, "a kernel has no code that the emulator can run");
    return;
  }
  if (!get_size(launch, &threads, &blocks)) {
    convoy_fail(device, CONVOY_ERROR_MODEL, "a kernel's grid or block is empty or too large");
    return;
  }
  /* The limits of sm_90. */
  if (threads > CONVOY_MAX_BLOCK || launch->shared_bytes < 0 ||
      launch->shared_bytes > 227 << 10) {
    convoy_fail(device, CONVOY_ERROR_MODEL, "a kernel's block or shared memory is too large");
    return;
  }
  struct convoy_emulation emulation = {
      .device = device, .launch = launch, .threads = (int32_t)threads};
  struct convoy_block unused;
  emulation.worker_size = place_block(&unused, NULL, emulation.threads, launch->shared_bytes);
  if (!make_memory(device, (size_t)device->team.threads * emulation.worker_size)) {
    convoy_fail(device, CONVOY_ERROR_MEMORY, "no memory to emulate a kernel");
    return;
  }
  void *task[] = {&emulation};
  convoy_rt_parallel_for(device, run_blocks, task, blocks);
}

static void free_memory(struct convoy_context *context) {
  for (int32_t i = 0; i < context->device_count; ++i)
    free(context->devices[i].emulator);
}

const struct convoy_backend convoy_emulator_backend = {.make_memory = convoy_cpu_make_memory,
                                                       .close = free_memory,
                                                       .run_device = convoy_cpu_run_device,
                                                       .mark = convoy_cpu_mark,
                                                       .launch_kernel = launch_kernel,
                                                       .copy_rows = convoy_cpu_copy_rows,
                                                       .add = convoy_cpu_add};
