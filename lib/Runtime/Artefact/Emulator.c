/*===- Emulator.c - Blocks and threads of emulated kernels --------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Threads of a team share out blocks, which are independent. Within a block, *|
|* a fiber that waits hands over to the next one that can run, without a      *|
|* scheduler in between.                                                      *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Emulator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not a power of two apart, so that the stacks of a block use different cache sets. */
static const size_t stack_size = 64 << 10;
static const size_t stack_stride = (64 << 10) + 9 * CONVOY_CACHE_LINE;

/* Below each stack's lowest address that may be used. */
static const uint64_t canary = 0x5f3759df9e3779b9;
enum { canary_words = 8 };

/* A fiber that a failure ends leaves its stack as it is, which the address sanitizer has
 * marked. */
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

/*===----------------------------------------------------------------------===*\
|* Switching between stacks
\*===----------------------------------------------------------------------===*/

#if defined(__x86_64__)

/* Keeps the registers that a call preserves on the stack, and that stack's pointer in
 * `*from`; goes on where `to` was kept. */
__attribute__((naked, noinline)) static void switch_stack(__attribute__((unused)) void **from,
                                                          __attribute__((unused)) void *to) {
  __asm__ volatile("pushq %rbp\n\t"
                   "pushq %rbx\n\t"
                   "pushq %r12\n\t"
                   "pushq %r13\n\t"
                   "pushq %r14\n\t"
                   "pushq %r15\n\t"
                   "movq %rsp, (%rdi)\n\t"
                   "movq %rsi, %rsp\n\t"
                   "popq %r15\n\t"
                   "popq %r14\n\t"
                   "popq %r13\n\t"
                   "popq %r12\n\t"
                   "popq %rbx\n\t"
                   "popq %rbp\n\t"
                   "retq");
}

/* Where a new stack goes on. */
__attribute__((naked, noinline)) static void begin(void) {
  __asm__ volatile("movq %rbx, %rdi\n\t"
                   "callq *%r12\n\t"
                   "ud2");
}

/* A stack that will call `function(argument)`. */
static void *prepare_stack(uint8_t *top, void (*function)(struct convoy_fiber *),
                           struct convoy_fiber *argument) {
  uintptr_t *frame = (uintptr_t *)top - 7;
  memset(frame, 0, 7 * sizeof *frame);
  frame[3] = (uintptr_t)function;
  frame[4] = (uintptr_t)argument;
  frame[6] = (uintptr_t)begin;
  return frame;
}

#elif defined(__aarch64__)

__attribute__((naked, noinline)) static void switch_stack(__attribute__((unused)) void **from,
                                                          __attribute__((unused)) void *to) {
  __asm__ volatile("sub sp, sp, #160\n\t"
                   "stp x19, x20, [sp, #0]\n\t"
                   "stp x21, x22, [sp, #16]\n\t"
                   "stp x23, x24, [sp, #32]\n\t"
                   "stp x25, x26, [sp, #48]\n\t"
                   "stp x27, x28, [sp, #64]\n\t"
                   "stp x29, x30, [sp, #80]\n\t"
                   "stp d8, d9, [sp, #96]\n\t"
                   "stp d10, d11, [sp, #112]\n\t"
                   "stp d12, d13, [sp, #128]\n\t"
                   "stp d14, d15, [sp, #144]\n\t"
                   "mov x9, sp\n\t"
                   "str x9, [x0]\n\t"
                   "mov sp, x1\n\t"
                   "ldp x19, x20, [sp, #0]\n\t"
                   "ldp x21, x22, [sp, #16]\n\t"
                   "ldp x23, x24, [sp, #32]\n\t"
                   "ldp x25, x26, [sp, #48]\n\t"
                   "ldp x27, x28, [sp, #64]\n\t"
                   "ldp x29, x30, [sp, #80]\n\t"
                   "ldp d8, d9, [sp, #96]\n\t"
                   "ldp d10, d11, [sp, #112]\n\t"
                   "ldp d12, d13, [sp, #128]\n\t"
                   "ldp d14, d15, [sp, #144]\n\t"
                   "add sp, sp, #160\n\t"
                   "ret");
}

__attribute__((naked, noinline)) static void begin(void) {
  __asm__ volatile("mov x0, x19\n\t"
                   "blr x20\n\t"
                   "brk #1");
}

static void *prepare_stack(uint8_t *top, void (*function)(struct convoy_fiber *),
                           struct convoy_fiber *argument) {
  uintptr_t *frame = (uintptr_t *)top - 20;
  memset(frame, 0, 20 * sizeof *frame);
  frame[0] = (uintptr_t)argument;
  frame[1] = (uintptr_t)function;
  frame[11] = (uintptr_t)begin;
  return frame;
}

#endif

/*===----------------------------------------------------------------------===*\
|* Failures
\*===----------------------------------------------------------------------===*/

/* Keeps the launch's first failure. */
static void keep_failure(struct convoy_block *block, const char *format, va_list arguments) {
  struct convoy_emulation *emulation = block->emulation;
  struct convoy_device *device = emulation->device;
  if (atomic_exchange(&emulation->failed, 1))
    return;
  int64_t layers = device->description->layer_count;
  const char *name = emulation->layer >= 0 && emulation->layer < layers
                         ? device->description->layers[emulation->layer]
                         : "";
  size_t size = sizeof device->error_text;
  int length = snprintf(device->error_text, size,
                        "kernel %d (%.64s), block (%d, %d, %d): ", (int)emulation->layer, name,
                        (int)block->number[0], (int)block->number[1], (int)block->number[2]);
  vsnprintf(device->error_text + length, size - (size_t)length, format, arguments);
  device->status = CONVOY_ERROR_MODEL;
}

void convoy_fail_block(struct convoy_block *block, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  keep_failure(block, format, arguments);
  va_end(arguments);
  void *unused;
  switch_stack(&unused, block->stack_pointer);
  __builtin_unreachable();
}

/* No thread can go on. */
static _Noreturn void fail_deadlock(struct convoy_block *block) {
  int32_t threads = block->emulation->threads;
  for (int32_t i = 0; i * CONVOY_WARP < threads; ++i) {
    struct convoy_warp *warp = &block->warps[i];
    if (warp->arrived)
      convoy_fail_block(block,
                        "lane %d of warp %d waits at %s (meeting point %d), which lane %d "
                        "does not reach",
                        __builtin_ctz(warp->arrived), (int)i, warp->operation, (int)warp->site,
                        __builtin_ctz(warp->full & ~warp->arrived));
  }
  for (int32_t i = 0; i < threads; ++i) {
    const struct convoy_fiber *fiber = &block->fibers[i];
    if (fiber->mbarrier) {
      const struct convoy_mbarrier *barrier = &block->mbarriers[fiber->mbarrier - 1];
      convoy_fail_block(block,
                        "thread %d waits for phase %u of the mbarrier at byte %lld, which "
                        "lacks %d arrivals and %lld bytes",
                        (int)i, (unsigned)barrier->phase, (long long)barrier->offset,
                        (int)barrier->pending, (long long)barrier->bytes);
    }
  }
  convoy_fail_block(block,
                    "%d of %d threads wait at a barrier (meeting point %d), the rest "
                    "have ended",
                    (int)block->waiting, (int)threads, (int)block->site);
}

/*===----------------------------------------------------------------------===*\
|* Waiting
\*===----------------------------------------------------------------------===*/

static struct convoy_fiber *find_ready(struct convoy_fiber *fiber) {
  struct convoy_block *block = fiber->block;
  int32_t warps = (block->emulation->threads + CONVOY_WARP - 1) / CONVOY_WARP;
  int32_t own = fiber->thread.warp;
  for (int32_t i = 0; i < warps; ++i) {
    int32_t warp = own + i < warps ? own + i : own + i - warps;
    uint32_t ready = block->warps[warp].ready;
    if (ready)
      return &block->fibers[warp * CONVOY_WARP + __builtin_ctz(ready)];
  }
  return NULL;
}

/* Lets others run until another one makes this thread ready. */
static void hand_over(struct convoy_fiber *fiber) {
  struct convoy_fiber *next;
  /* Copies arrive as late as they can. */
  while (!(next = find_ready(fiber)))
    if (!convoy_deliver_box(fiber->block))
      fail_deadlock(fiber->block);
  if (next != fiber)
    switch_stack(&fiber->stack_pointer, next->stack_pointer);
}

void convoy_suspend(struct convoy_fiber *fiber) {
  fiber->warp->ready &= ~(1u << fiber->thread.lane);
  hand_over(fiber);
}

void convoy_gpu_barrier(struct convoy_gpu_thread *thread, int32_t site) {
  struct convoy_fiber *fiber = (struct convoy_fiber *)thread;
  struct convoy_block *block = fiber->block;
  if (block->waiting && block->site != site)
    convoy_fail_block(block,
                      "thread %d is at one barrier (meeting point %d) while %d others wait "
                      "at another (meeting point %d)",
                      (int)fiber->number, (int)site, (int)block->waiting, (int)block->site);
  block->site = site;
  fiber->warp->ready &= ~(1u << thread->lane);
  if (++block->waiting < block->emulation->threads) {
    hand_over(fiber);
    return;
  }
  block->waiting = 0;
  ++block->epoch;
  int32_t warps = (block->emulation->threads + CONVOY_WARP - 1) / CONVOY_WARP;
  for (int32_t i = 0; i < warps; ++i)
    block->warps[i].ready = block->warps[i].full;
  if (!block->has_pieces)
    return;
  for (int32_t i = 1; i < warps; ++i)
    convoy_join_clocks(block->warps[0].clocks, block->warps[i].clocks);
  for (int32_t i = 0; i < warps; ++i) {
    convoy_join_clocks(block->warps[i].clocks, block->warps[0].clocks);
    ++block->warps[i].clocks[i];
  }
}

void convoy_meet_warp(struct convoy_fiber *fiber, int32_t site, const char *operation,
                      void *given, void (*act)(struct convoy_fiber *last)) {
  struct convoy_warp *warp = fiber->warp;
  uint32_t bit = 1u << fiber->thread.lane;
  if (warp->arrived && warp->site != site)
    convoy_fail_block(fiber->block,
                      "lane %d of warp %d is at %s (meeting point %d) while lane %d waits at "
                      "%s (meeting point %d)",
                      (int)fiber->thread.lane, (int)fiber->thread.warp, operation, (int)site,
                      __builtin_ctz(warp->arrived), warp->operation, (int)warp->site);
  warp->site = site;
  warp->operation = operation;
  warp->given[fiber->thread.lane] = given;
  warp->arrived |= bit;
  warp->ready &= ~bit;
  if (warp->arrived != warp->full) {
    hand_over(fiber);
    return;
  }
  act(fiber);
  warp->arrived = 0;
  warp->ready = warp->full;
}

/*===----------------------------------------------------------------------===*\
|* Blocks
\*===----------------------------------------------------------------------===*/

static void run_fiber(struct convoy_fiber *fiber) {
  struct convoy_block *block = fiber->block;
  block->emulation->kernel(&fiber->thread, block->emulation->args);
  convoy_drop_copies(fiber);
  convoy_check_products(fiber);
  fiber->warp->ready &= ~(1u << fiber->thread.lane);
  if (++block->done < block->emulation->threads)
    hand_over(fiber);
  if (block->box_count)
    convoy_fail_block(block, "the block ends while %d copies of boxes are under way",
                      (int)block->box_count);
  switch_stack(&fiber->stack_pointer, block->stack_pointer);
}

static void start_fiber(struct convoy_block *block, int32_t number) {
  const struct convoy_emulation *emulation = block->emulation;
  const int32_t *shape = emulation->block;
  struct convoy_fiber *fiber = &block->fibers[number];
  struct convoy_gpu_thread *thread = &fiber->thread;
  thread->thread_id[0] = number % shape[0];
  thread->thread_id[1] = number / shape[0] % shape[1];
  thread->thread_id[2] = number / shape[0] / shape[1];
  memcpy(thread->block_id, block->number, sizeof thread->block_id);
  memcpy(thread->block_dim, shape, sizeof thread->block_dim);
  memcpy(thread->grid_dim, emulation->grid, sizeof thread->grid_dim);
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
  fiber->stack_pointer = prepare_stack(stack + stack_size, run_fiber, fiber);
}

static void check_canaries(struct convoy_block *block, const char *format, ...) {
  for (int32_t number = 0; number < block->emulation->threads; ++number)
    for (int i = 0; i < canary_words; ++i)
      if (memcmp(block->stacks + (size_t)number * stack_stride + i * sizeof canary, &canary,
                 sizeof canary) != 0) {
        va_list arguments;
        va_start(arguments, format);
        keep_failure(block, format, arguments);
        va_end(arguments);
      }
}

static void run_block(struct convoy_block *block) {
  int32_t threads = block->emulation->threads;
  /* NaN in each float format: what nobody wrote is to be seen in results. */
  memset(block->shared, 0xff, (size_t)block->emulation->shared_bytes);
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
  switch_stack(&block->stack_pointer, block->fibers[0].stack_pointer);
  check_canaries(block, "a thread needs more than %d KiB of stack", (int)(stack_size >> 10));
}

static size_t round_up(size_t size) {
  return (size + CONVOY_CACHE_LINE - 1) / CONVOY_CACHE_LINE * CONVOY_CACHE_LINE;
}

/* `size` bytes at `*used` in `memory`, which may be null. */
static void *take(uint8_t *memory, size_t *used, size_t size) {
  void *result = memory ? memory + *used : NULL;
  *used += round_up(size);
  return result;
}

/* Lays out one worker's memory and returns its size. */
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
  place_block(&block, memory, emulation->threads, emulation->shared_bytes);
  memset(block.words, 0, (size_t)(emulation->shared_bytes + 3) / 4 * sizeof *block.words);
  const int32_t *grid = emulation->grid;
  for (int64_t i = begin; i < end && !atomic_load(&emulation->failed); ++i) {
    block.number[0] = (int32_t)(i % grid[0]);
    block.number[1] = (int32_t)(i / grid[0] % grid[1]);
    block.number[2] = (int32_t)(i / grid[0] / grid[1]);
    run_block(&block);
  }
}

/* Fails a launch before it begins. */
static void refuse(struct convoy_device *device, int32_t status, const char *text) {
  device->status = status;
  snprintf(device->error_text, sizeof device->error_text, "%s", text);
}

void convoy_emulate(struct convoy_device *device, int32_t layer, convoy_emulated_kernel kernel,
                    const int32_t grid[3], const int32_t block[3], int32_t shared_bytes,
                    void *const *args) {
  int64_t threads = 1, blocks = 1;
  for (int i = 0; i < 3; ++i) {
    if (grid[i] < 1 || block[i] < 1 || block[i] > CONVOY_MAX_BLOCK) {
      refuse(device, CONVOY_ERROR_MODEL, "a kernel's grid or block is empty or too large");
      return;
    }
    threads *= block[i];
    blocks *= grid[i];
  }
  /* What sm_90 has at most. */
  if (threads > CONVOY_MAX_BLOCK || shared_bytes < 0 || shared_bytes > 227 << 10) {
    refuse(device, CONVOY_ERROR_MODEL, "a kernel's block or shared memory is too large");
    return;
  }
  struct convoy_emulation emulation = {.device = device,
                                       .layer = layer,
                                       .kernel = kernel,
                                       .grid = grid,
                                       .block = block,
                                       .threads = (int32_t)threads,
                                       .shared_bytes = shared_bytes,
                                       .args = args};
  struct convoy_block unused;
  emulation.worker_size = place_block(&unused, NULL, emulation.threads, shared_bytes);
  size_t size = (size_t)device->team.threads * emulation.worker_size;
  if (size > device->emulator_size) {
    free(device->emulator);
    device->emulator_size = 0;
    device->emulator = aligned_alloc(CONVOY_CACHE_LINE, size);
    if (!device->emulator) {
      refuse(device, CONVOY_ERROR_MEMORY, "no memory to emulate a kernel");
      return;
    }
    device->emulator_size = size;
  }
  void *task[] = {&emulation};
  convoy_rt_parallel_for(device, run_blocks, task, blocks);
}
