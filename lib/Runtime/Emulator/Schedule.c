/*===- Schedule.c - Threads that wait for others ------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A fiber that waits hands over to the next one that can run, without a      *|
|* scheduler in between.                                                      *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Emulator.h"

/* Fails because no thread can go on, and says which threads wait for what. */
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

void convoy_hand_over(struct convoy_fiber *fiber) {
  struct convoy_fiber *next;
  /* Copies arrive as late as they can. */
  while (!(next = find_ready(fiber)))
    if (!convoy_deliver_box(fiber->block))
      fail_deadlock(fiber->block);
  if (next != fiber)
    convoy_switch_stack(&fiber->stack_pointer, next->stack_pointer);
}

/*===----------------------------------------------------------------------===*\
|* Blocks, warps and mbarriers
\*===----------------------------------------------------------------------===*/

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
    convoy_hand_over(fiber);
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
    convoy_hand_over(fiber);
    return;
  }
  act(fiber);
  warp->arrived = 0;
  warp->ready = warp->full;
}

void convoy_gpu_mbarrier_wait(struct convoy_gpu_thread *thread, void *address,
                              int32_t parity) {
  struct convoy_fiber *fiber = (struct convoy_fiber *)thread;
  const struct convoy_mbarrier *barrier = convoy_use_mbarrier(fiber, address);
  while ((barrier->phase & 1) == ((uint32_t)parity & 1)) {
    fiber->mbarrier = (int32_t)(barrier - fiber->block->mbarriers) + 1;
    fiber->warp->ready &= ~(1u << thread->lane);
    convoy_hand_over(fiber);
  }
  fiber->mbarrier = 0;
  convoy_join_clocks(fiber->warp->clocks, barrier->ended);
}
