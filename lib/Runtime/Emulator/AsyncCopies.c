/*===- AsyncCopies.c - Copies that one thread waits for -----------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Emulator.h"

#include <string.h>

/* Marks the words that a copy writes with its thread, counted from 1; with 0 if the copy is
 * done. */
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
                      "thread %d copies %d of %d bytes asynchronously; only 4, 8 or 16 can be",
                      (int)fiber->number, (int)from_bytes, (int)bytes);
  if ((uintptr_t)to % (uintptr_t)bytes || (from_bytes && (uintptr_t)from % (uintptr_t)bytes))
    convoy_fail_block(fiber->block,
                      "thread %d copies %d bytes asynchronously at an address that is not a "
                      "multiple of that",
                      (int)fiber->number, (int)bytes);
  if (fiber->copy_count == CONVOY_MAX_COPIES)
    convoy_fail_block(fiber->block, "thread %d has %d asynchronous copies under way",
                      (int)fiber->number, CONVOY_MAX_COPIES);
  /* The copy may write from now on, and not only when its thread waits for it. */
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
