/*===- SharedMemory.c - Races in shared memory --------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Two threads race when both touch a byte between two barriers and one of    *|
|* them writes. A word of four bytes is tracked as a whole, until an access   *|
|* touches only a part of it.                                                 *|
|*                                                                            *|
|* Accesses that mbarriers order are tracked with vector clocks: a warp that  *|
|* arrives joins its clock to that of the phase, and a warp that has waited   *|
|* for the phase joins the clock of the phase to its own. All lanes of a warp *|
|* share a clock.                                                             *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Emulator.h"

#include <string.h>

/*===----------------------------------------------------------------------===*\
|* Order by mbarriers
\*===----------------------------------------------------------------------===*/

void convoy_join_clocks(uint32_t *clocks, const uint32_t *others) {
  for (int i = 0; i < CONVOY_CLOCKS; ++i)
    if (others[i] > clocks[i])
      clocks[i] = others[i];
}

int convoy_knows(const struct convoy_fiber *fiber, int32_t warp, uint32_t clock) {
  return fiber->thread.warp == warp || fiber->warp->clocks[warp] >= clock;
}

static int knows_phase(const struct convoy_fiber *fiber, int32_t mbarrier, uint32_t phase) {
  return fiber->warp->clocks[CONVOY_MAX_WARPS + mbarrier] >= phase;
}

struct convoy_piece *convoy_get_piece(struct convoy_block *block, int64_t offset) {
  if (!block->are_pieces_clear) {
    int64_t count = (block->emulation->launch->shared_bytes + 15) / 16;
    memset(block->pieces, 0, (size_t)count * sizeof *block->pieces);
    block->are_pieces_clear = 1;
  }
  block->has_pieces = 1;
  struct convoy_piece *piece = &block->pieces[offset / 16];
  if (piece->block != block->first_epoch) {
    memset(piece, 0, sizeof *piece);
    piece->block = block->first_epoch;
  }
  return piece;
}

void convoy_check_copied(struct convoy_fiber *fiber, const struct convoy_piece *piece,
                         int64_t offset, const char *access) {
  struct convoy_block *block = fiber->block;
  if (piece->arriving)
    convoy_fail_block(block,
                      "thread %d %s byte %lld of shared memory, where a copy of a box is "
                      "under way",
                      (int)fiber->number, access, (long long)offset);
  if (piece->mbarrier && !knows_phase(fiber, (int32_t)piece->mbarrier - 1, piece->phase))
    convoy_fail_block(block,
                      "race: thread %d %s byte %lld of shared memory, and did not wait for "
                      "the mbarrier at byte %lld, which a copy to there completed",
                      (int)fiber->number, access, (long long)offset,
                      (long long)block->mbarriers[piece->mbarrier - 1].offset);
}

void convoy_check_read(struct convoy_fiber *fiber, const struct convoy_piece *piece,
                       int64_t offset, const char *access) {
  for (int32_t warp = 0; warp < CONVOY_MAX_WARPS; ++warp)
    if (piece->reads[warp] && !convoy_knows(fiber, warp, piece->reads[warp]))
      convoy_fail_block(fiber->block,
                        "race: thread %d %s byte %lld of shared memory, which a product of "
                        "warp %d read, and is not ordered after that product",
                        (int)fiber->number, access, (long long)offset, (int)warp);
  if (piece->reading)
    convoy_fail_block(fiber->block,
                      "thread %d %s byte %lld of shared memory, which a product under way "
                      "reads",
                      (int)fiber->number, access, (long long)offset);
}

/* Fails if a plain access conflicts with an mbarrier, a copy of a box or a product. */
static void check_pieces(struct convoy_fiber *fiber, int64_t offset, int32_t bytes,
                         int32_t is_write) {
  struct convoy_block *block = fiber->block;
  const char *access = is_write ? "writes" : "reads";
  for (int32_t i = 0; i < block->mbarrier_count; ++i) {
    int64_t begin = block->mbarriers[i].offset;
    if (offset < begin + 8 && begin < offset + bytes)
      convoy_fail_block(block, "thread %d %s byte %lld of shared memory, which is an mbarrier",
                        (int)fiber->number, access, (long long)offset);
  }
  for (int64_t at = offset / 16 * 16; at < offset + bytes; at += 16) {
    const struct convoy_piece *piece = convoy_get_piece(block, at);
    convoy_check_copied(fiber, piece, at, access);
    if (is_write)
      convoy_check_read(fiber, piece, at, access);
  }
}

/*===----------------------------------------------------------------------===*\
|* Plain accesses
\*===----------------------------------------------------------------------===*/

/* Records an access by thread `id`. Returns another thread that it races with, or 0. */
static uint16_t touch(struct convoy_touch *touched, uint16_t id, int is_write) {
  uint16_t writer = touched->writer, reader = touched->reader, other = touched->other;
  if (writer && writer != id)
    return writer;
  if (is_write) {
    touched->writer = id;
    if (reader && reader != id)
      return reader;
    return other != id ? other : 0;
  }
  if (!reader)
    touched->reader = id;
  else if (reader != id)
    touched->other = id;
  return 0;
}

static _Noreturn void fail_race(struct convoy_fiber *fiber, int64_t offset, int is_write,
                                uint16_t other, int is_copy) {
  const char *access = is_write ? "writes" : "reads";
  if (is_copy)
    convoy_fail_block(fiber->block,
                      "thread %d %s byte %lld of shared memory, where an asynchronous copy "
                      "of thread %d is under way",
                      (int)fiber->number, access, (long long)offset, other - 1);
  convoy_fail_block(fiber->block,
                    "race: thread %d %s byte %lld of shared memory, which thread %d used "
                    "since the last barrier",
                    (int)fiber->number, access, (long long)offset, other - 1);
}

/* Forgets accesses before the last barrier. */
static void renew(struct convoy_touch *touched, const struct convoy_block *block) {
  if (touched->epoch == block->epoch)
    return;
  if (touched->epoch < block->first_epoch)
    touched->scribe = 0;
  touched->epoch = block->epoch;
  touched->writer = touched->reader = touched->other = touched->split = 0;
}

static int64_t get_offset(struct convoy_fiber *fiber, const void *address, int32_t bytes,
                          int is_write) {
  int64_t offset = (int64_t)((uintptr_t)address - (uintptr_t)fiber->block->shared);
  if (offset < 0 || bytes < 0 ||
      offset > fiber->block->emulation->launch->shared_bytes - bytes)
    convoy_fail_block(fiber->block,
                      "thread %d %s %d bytes at byte %lld of shared memory, which has %d",
                      (int)fiber->number, is_write ? "writes" : "reads", (int)bytes,
                      (long long)offset, (int)fiber->block->emulation->launch->shared_bytes);
  return offset;
}

/* Records an access to bytes [begin, end) of a word whose bytes are tracked one by one. */
static void touch_bytes(struct convoy_fiber *fiber, int64_t word, int64_t begin, int64_t end,
                        int is_write) {
  struct convoy_block *block = fiber->block;
  struct convoy_touch *whole = &block->words[word], *bytes = &block->bytes[word * 4];
  if (!whole->split) {
    for (int i = 0; i < 4; ++i)
      bytes[i] = *whole;
    whole->split = 1;
  }
  for (int64_t i = begin; i < end; ++i) {
    uint16_t other = touch(&bytes[i], (uint16_t)(fiber->number + 1), is_write);
    if (other)
      fail_race(fiber, word * 4 + i, is_write, other, 0);
  }
}

/* Not inlined, because kernels would contain many copies of it. */
__attribute__((noinline)) void convoy_touch_shared(struct convoy_fiber *fiber,
                                                   const void *address, int32_t bytes,
                                                   int32_t is_write) {
  struct convoy_block *block = fiber->block;
  int64_t begin = get_offset(fiber, address, bytes, is_write), end = begin + bytes;
  if (block->has_pieces)
    check_pieces(fiber, begin, bytes, is_write);
  for (int64_t word = begin / 4; word * 4 < end; ++word) {
    struct convoy_touch *touched = &block->words[word];
    if (touched->copier)
      fail_race(fiber, word * 4, is_write, touched->copier, 1);
    renew(touched, block);
    if (is_write) {
      touched->scribe = (uint16_t)(fiber->number + 1);
      touched->fence = fiber->fences;
    }
    int64_t first = word * 4 < begin ? begin - word * 4 : 0;
    int64_t last = word * 4 + 4 > end ? end - word * 4 : 4;
    if (touched->split || last - first < 4) {
      touch_bytes(fiber, word, first, last, is_write);
      continue;
    }
    uint16_t other = touch(touched, (uint16_t)(fiber->number + 1), is_write);
    if (other)
      fail_race(fiber, word * 4, is_write, other, 0);
  }
}

void convoy_check_plain(struct convoy_fiber *fiber, int64_t offset, int32_t bytes,
                        int32_t is_write) {
  struct convoy_block *block = fiber->block;
  uint16_t id = (uint16_t)(fiber->number + 1);
  for (int64_t word = offset / 4; word * 4 < offset + bytes; ++word) {
    struct convoy_touch copy = block->words[word];
    if (copy.copier)
      fail_race(fiber, word * 4, is_write, copy.copier, 1);
    if (copy.epoch == block->epoch) {
      for (int i = 0; copy.split && i < 4; ++i) {
        struct convoy_touch byte = block->bytes[word * 4 + i];
        uint16_t other = touch(&byte, id, is_write);
        if (other)
          fail_race(fiber, word * 4 + i, is_write, other, 0);
      }
      uint16_t other = copy.split ? 0 : touch(&copy, id, is_write);
      if (other)
        fail_race(fiber, word * 4, is_write, other, 0);
    }
    if (copy.epoch >= block->first_epoch && copy.scribe &&
        block->fibers[copy.scribe - 1].fences == copy.fence)
      convoy_fail_block(block,
                        "thread %d wrote byte %lld of shared memory without a fence.proxy."
                        "async before a copy or product uses it",
                        copy.scribe - 1, (long long)word * 4);
  }
}

void convoy_gpu_access(struct convoy_gpu_thread *thread, const void *address, int32_t bytes,
                       int32_t is_write) {
  convoy_touch_shared((struct convoy_fiber *)thread, address, bytes, is_write);
}
