/*===- Boxes.c - Barriers in memory, and copies of boxes ----------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A copy arrives only when no thread can go on. So a phase that ends too     *|
|* early, and a thread that does not wait for its phase, are always found.    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Emulator.h"

#include <string.h>

/*===----------------------------------------------------------------------===*\
|* mbarrier
\*===----------------------------------------------------------------------===*/

static int64_t get_offset(const struct convoy_fiber *fiber, const void *address) {
  return (int64_t)((uintptr_t)address - (uintptr_t)fiber->block->shared);
}

static struct convoy_mbarrier *find(struct convoy_block *block, int64_t offset) {
  for (int32_t i = 0; i < block->mbarrier_count; ++i)
    if (block->mbarriers[i].offset == offset)
      return &block->mbarriers[i];
  return NULL;
}

static int32_t get_number(const struct convoy_block *block,
                          const struct convoy_mbarrier *barrier) {
  return (int32_t)(barrier - block->mbarriers);
}

struct convoy_mbarrier *convoy_use_mbarrier(struct convoy_fiber *fiber, const void *address) {
  struct convoy_block *block = fiber->block;
  int64_t offset = get_offset(fiber, address);
  struct convoy_mbarrier *barrier = find(block, offset);
  if (!barrier)
    convoy_fail_block(block,
                      "thread %d uses byte %lld of shared memory as an mbarrier, but no "
                      "thread made one there",
                      (int)fiber->number, (long long)offset);
  if (!convoy_knows(fiber, barrier->thread / CONVOY_WARP, barrier->made))
    convoy_fail_block(block,
                      "race: thread %d uses the mbarrier at byte %lld, which thread %d made "
                      "since the last barrier",
                      (int)fiber->number, (long long)offset, (int)barrier->thread);
  return barrier;
}

void convoy_gpu_mbarrier_init(struct convoy_gpu_thread *thread, void *address, int32_t count) {
  struct convoy_fiber *fiber = (struct convoy_fiber *)thread;
  struct convoy_block *block = fiber->block;
  int64_t offset = get_offset(fiber, address);
  if ((uintptr_t)address % 8 || count < 1 || find(block, offset) ||
      block->mbarrier_count == CONVOY_MAX_MBARRIERS)
    convoy_fail_block(block,
                      "thread %d makes an mbarrier of %d arrivals at byte %lld of shared "
                      "memory, which is no multiple of 8 or has one already, or it is one too "
                      "many",
                      (int)fiber->number, (int)count, (long long)offset);
  convoy_touch_shared(fiber, address, 8, 1);
  (void)convoy_get_piece(block, offset);
  struct convoy_mbarrier *barrier = &block->mbarriers[block->mbarrier_count++];
  memset(barrier, 0, sizeof *barrier);
  barrier->offset = offset;
  barrier->count = barrier->pending = count;
  barrier->thread = fiber->number;
  barrier->made = fiber->warp->clocks[thread->warp];
}

void convoy_gpu_fence_async(struct convoy_gpu_thread *thread) {
  struct convoy_fiber *fiber = (struct convoy_fiber *)thread;
  struct convoy_block *block = fiber->block;
  ++fiber->fences;
  for (int32_t i = 0; i < block->mbarrier_count; ++i)
    if (block->mbarriers[i].thread == fiber->number)
      block->mbarriers[i].is_fenced = 1;
}

/* Ends the phase if all arrivals and bytes have come. */
static void end_phase(struct convoy_block *block, struct convoy_mbarrier *barrier) {
  int32_t number = get_number(block, barrier);
  if (barrier->pending || barrier->bytes)
    return;
  ++barrier->phase;
  barrier->pending = barrier->count;
  barrier->given[CONVOY_MAX_WARPS + number] = barrier->phase;
  memcpy(barrier->ended, barrier->given, sizeof barrier->ended);
  for (int32_t i = 0; i < block->emulation->threads; ++i) {
    struct convoy_fiber *fiber = &block->fibers[i];
    if (fiber->mbarrier == number + 1)
      fiber->warp->ready |= 1u << fiber->thread.lane;
  }
}

void convoy_gpu_mbarrier_arrive(struct convoy_gpu_thread *thread, void *address,
                                int32_t expected_bytes) {
  struct convoy_fiber *fiber = (struct convoy_fiber *)thread;
  struct convoy_block *block = fiber->block;
  struct convoy_mbarrier *barrier = convoy_use_mbarrier(fiber, address);
  if (!barrier->pending)
    convoy_fail_block(block,
                      "thread %d arrives at the mbarrier at byte %lld, whose phase has its %d "
                      "arrivals",
                      (int)fiber->number, (long long)barrier->offset, (int)barrier->count);
  --barrier->pending;
  barrier->bytes += expected_bytes;
  convoy_join_clocks(barrier->given, fiber->warp->clocks);
  ++fiber->warp->clocks[thread->warp];
  end_phase(block, barrier);
}

/*===----------------------------------------------------------------------===*\
|* Copies of boxes
\*===----------------------------------------------------------------------===*/

static int64_t count_rows(const struct convoy_tensor_map *map) {
  int64_t rows = 1;
  for (int32_t i = 1; i < map->rank; ++i)
    rows *= map->box[i];
  return rows;
}

void convoy_gpu_copy_box(struct convoy_gpu_thread *thread, void *to,
                         const struct convoy_tensor_map *map, const int32_t *position,
                         int32_t rank, void *address) {
  struct convoy_fiber *fiber = (struct convoy_fiber *)thread;
  struct convoy_block *block = fiber->block;
  const struct convoy_mbarrier *barrier = convoy_use_mbarrier(fiber, address);
  if (!barrier->is_fenced)
    convoy_fail_block(block,
                      "thread %d copies a box for the mbarrier at byte %lld, which thread %d "
                      "made without a fence",
                      (int)fiber->number, (long long)barrier->offset, (int)barrier->thread);
  if (rank != map->rank || (uintptr_t)map->address % 16 || (uintptr_t)to % 128 ||
      block->box_count == CONVOY_MAX_BOXES)
    convoy_fail_block(block,
                      "thread %d copies a box of %d dimensions from a tensor map of %d, to an "
                      "address that is no multiple of 128, or one too many",
                      (int)fiber->number, (int)rank, (int)map->rank);
  int64_t offset = get_offset(fiber, to), end = offset + count_rows(map) * map->swizzle;
  if (offset < 0 || end > block->emulation->launch->shared_bytes)
    convoy_fail_block(block,
                      "thread %d copies a box to bytes %lld to %lld of shared memory, which "
                      "has %d",
                      (int)fiber->number, (long long)offset, (long long)end,
                      (int)block->emulation->launch->shared_bytes);
  for (int64_t at = offset; at < end; at += 16) {
    struct convoy_piece *piece = convoy_get_piece(block, at);
    convoy_check_copied(fiber, piece, at, "copies a box to");
    convoy_check_read(fiber, piece, at, "copies a box to");
    ++piece->arriving;
  }
  convoy_check_plain(fiber, offset, (int32_t)(end - offset), 1);
  struct convoy_box_copy *copy =
      &block->boxes[(block->first_box + block->box_count++) % CONVOY_MAX_BOXES];
  copy->to = to;
  copy->map = map;
  memcpy(copy->position, position, (size_t)rank * sizeof *position);
  copy->mbarrier = get_number(block, barrier);
}

/* Rounds an f32 to the nearest tf32, as a copy does. */
static void round_to_tf32(uint8_t *element) {
  uint32_t bits;
  memcpy(&bits, element, sizeof bits);
  if ((bits & 0x7f800000) != 0x7f800000)
    bits = (bits + 0x1000) & 0xffffe000;
  memcpy(element, &bits, sizeof bits);
}

/* Reads one row of a box. For each outer dimension `at` is the number of steps from the box's
 * position. Elements outside of the buffer are zeros. */
static void read_row(const struct convoy_box_copy *copy, const int32_t *at, uint8_t *row) {
  const struct convoy_tensor_map *map = copy->map;
  int64_t first = 0, stride = map->sizes[0];
  memset(row, 0, (size_t)map->swizzle);
  for (int32_t i = 1; i < map->rank; ++i) {
    int64_t place = copy->position[i] + (int64_t)at[i] * map->steps[i];
    if (place < 0 || place >= map->sizes[i])
      return;
    first += place * (i + 1 == map->rank ? map->outer_stride : stride);
    stride *= map->sizes[i];
  }
  for (int32_t i = 0; i < map->box[0]; ++i) {
    int64_t place = copy->position[0] + i;
    uint8_t *element = row + i * map->element_bytes;
    if (place < 0 || place >= map->sizes[0])
      continue;
    memcpy(element, (const uint8_t *)map->address + (first + place) * map->element_bytes,
           (size_t)map->element_bytes);
    if (map->element_bytes == 4)
      round_to_tf32(element);
  }
}

int convoy_deliver_box(struct convoy_block *block) {
  if (!block->box_count)
    return 0;
  const struct convoy_box_copy *copy = &block->boxes[block->first_box];
  block->first_box = (block->first_box + 1) % CONVOY_MAX_BOXES;
  --block->box_count;
  const struct convoy_tensor_map *map = copy->map;
  struct convoy_mbarrier *barrier = &block->mbarriers[copy->mbarrier];
  int64_t rows = count_rows(map);
  int32_t at[CONVOY_MAX_MAP_RANK] = {0};
  for (int64_t i = 0; i < rows; ++i) {
    uint8_t row[128], *to = copy->to + i * map->swizzle;
    read_row(copy, at, row);
    for (int32_t part = 0; part < map->swizzle; part += 16) {
      uint8_t *place =
          (uint8_t *)convoy_swizzle((uintptr_t)to + (uintptr_t)part, map->swizzle);
      memcpy(place, row + part, 16);
      struct convoy_piece *piece = convoy_get_piece(block, place - block->shared);
      --piece->arriving;
      piece->mbarrier = (uint32_t)copy->mbarrier + 1;
      piece->phase = barrier->phase + 1;
      memset(piece->reads, 0, sizeof piece->reads);
    }
    for (int32_t k = 1; k < map->rank && ++at[k] == map->box[k]; ++k)
      at[k] = 0;
  }
  barrier->bytes -= rows * map->swizzle;
  end_phase(block, barrier);
  return 1;
}
