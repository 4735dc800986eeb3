/*===- EmulatedMemory.c - Races in shared memory, and async copies -*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Two threads race when both touch a byte between two barriers and one of    *|
|* them writes. Words of four bytes are looked at whole, as long as accesses  *|
|* cover them whole.                                                          *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Emulator.h"

#include <string.h>

/* Adds an access by thread `id` and returns another thread that it races with, or 0. */
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

/* Forgets what was before the last barrier. */
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
  if (offset < 0 || bytes < 0 || offset > fiber->block->emulation->shared_bytes - bytes)
    convoy_fail_block(fiber->block,
                      "thread %d %s %d bytes at byte %lld of shared memory, which has %d",
                      (int)fiber->number, is_write ? "writes" : "reads", (int)bytes,
                      (long long)offset, (int)fiber->block->emulation->shared_bytes);
  return offset;
}

/* The bytes [begin, end) of a word that was not always touched whole. */
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

/* Kernels would grow by many copies of this. */
__attribute__((noinline)) void convoy_touch_shared(struct convoy_fiber *fiber,
                                                   const void *address, int32_t bytes,
                                                   int32_t is_write) {
  struct convoy_block *block = fiber->block;
  int64_t begin = get_offset(fiber, address, bytes, is_write), end = begin + bytes;
  if (block->has_pieces)
    convoy_check_pieces(fiber, begin, bytes, is_write);
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

/*===----------------------------------------------------------------------===*\
|* Asynchronous copies
\*===----------------------------------------------------------------------===*/

/* Says who copies to a place, or that nobody does. */
static void set_copier(struct convoy_fiber *fiber, const struct convoy_async_copy *copy,
                       uint16_t copier) {
  int64_t offset = copy->to - fiber->block->shared;
  for (int32_t i = 0; i < copy->bytes; i += 4)
    fiber->block->words[(offset + i) / 4].copier = copier;
}

void convoy_gpu_async_copy(struct convoy_gpu_thread *thread, void *to, const void *from,
                           int32_t bytes, int32_t from_bytes) {
  struct convoy_fiber *fiber = (struct convoy_fiber *)thread;
  if ((bytes != 4 && bytes != 8 && bytes != 16) || from_bytes < 0 || from_bytes > bytes)
    convoy_fail_block(fiber->block,
                      "thread %d copies %d of %d bytes asynchronously; 4, 8 and 16 can be",
                      (int)fiber->number, (int)from_bytes, (int)bytes);
  if ((uintptr_t)to % (uintptr_t)bytes || (from_bytes && (uintptr_t)from % (uintptr_t)bytes))
    convoy_fail_block(fiber->block,
                      "thread %d copies %d bytes asynchronously at an address that is not a "
                      "multiple of that",
                      (int)fiber->number, (int)bytes);
  if (fiber->copy_count == CONVOY_MAX_COPIES)
    convoy_fail_block(fiber->block, "thread %d has %d asynchronous copies under way",
                      (int)fiber->number, CONVOY_MAX_COPIES);
  /* It may write from now on, even where only later threads would wait for it. */
  convoy_touch_shared(fiber, to, bytes, 1);
  struct convoy_async_copy *copy =
      &fiber->copies[(fiber->first_copy + fiber->copy_count++) % CONVOY_MAX_COPIES];
  copy->to = to;
  copy->from = from;
  copy->bytes = bytes;
  copy->from_bytes = from_bytes;
  copy->group = fiber->group;
  set_copier(fiber, copy, (uint16_t)(fiber->number + 1));
}

void convoy_gpu_async_group(struct convoy_gpu_thread *thread) {
  ++((struct convoy_fiber *)thread)->group;
}

/* Removes the oldest copy. */
static struct convoy_async_copy *pop(struct convoy_fiber *fiber) {
  struct convoy_async_copy *copy = &fiber->copies[fiber->first_copy];
  fiber->first_copy = (fiber->first_copy + 1) % CONVOY_MAX_COPIES;
  --fiber->copy_count;
  set_copier(fiber, copy, 0);
  return copy;
}

void convoy_gpu_async_wait(struct convoy_gpu_thread *thread, int32_t groups) {
  struct convoy_fiber *fiber = (struct convoy_fiber *)thread;
  while (fiber->copy_count &&
         (int64_t)fiber->copies[fiber->first_copy].group < (int64_t)fiber->group - groups) {
    struct convoy_async_copy *copy = pop(fiber);
    convoy_touch_shared(fiber, copy->to, copy->bytes, 1);
    if (copy->from_bytes)
      memcpy(copy->to, copy->from, (size_t)copy->from_bytes);
    memset(copy->to + copy->from_bytes, 0, (size_t)(copy->bytes - copy->from_bytes));
  }
}

void convoy_drop_copies(struct convoy_fiber *fiber) {
  while (fiber->copy_count)
    pop(fiber);
}
