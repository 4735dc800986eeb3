/*===- WarpGroup.c - Products of warp groups ----------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Each warp of a group computes 16 of the 64 rows, when it waits for them    *|
|* and not before. Until then its registers contain a tag: a NaN that says    *|
|* which sums they stand for. Registers are laid out as PTX's description of  *|
|* wgmma says: register i of a lane is in row lane / 4 + 8 (i / 2 % 2) of the *|
|* warp's 16, column 8 (i / 4) + 2 (lane % 4) + i % 2.                        *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Emulator.h"

#include <string.h>

enum { GROUP_WARPS = 4, ROW_BYTES = 32 };

struct operands {
  int64_t a, b;
  int32_t n, is_f16, adds, groups;
  float *sums;
};

/* A signaling NaN, which is never the result of arithmetic. */
static const uint32_t pending_tag = 0x7fa5c000;

static float make_tag(int32_t sums) {
  uint32_t bits = pending_tag | (uint32_t)sums;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* The number of the sums that a register stands for; -1 if it contains no tag. */
static int32_t read_tag(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits >> 8 == pending_tag >> 8 ? (int32_t)(bits & 0xff) : -1;
}

static struct convoy_sums *get_sums(struct convoy_fiber *fiber, int32_t number) {
  struct convoy_sums *sums = &fiber->block->sums[fiber->thread.warp * CONVOY_MAX_SUMS];
  if (number < 0 || number >= CONVOY_MAX_SUMS || !sums[number].is_used)
    convoy_fail_block(fiber->block,
                      "warp %d uses sums of products that it has waited for, or lets them "
                      "change while a product is under way",
                      (int)fiber->thread.warp);
  return &sums[number];
}

static float *locate(struct convoy_sums *sums, int lane, int i) {
  return &sums->values[lane / 4 + 8 * (i / 2 % 2)][8 * (i / 4) + 2 * (lane % 4) + i % 2];
}

/*===----------------------------------------------------------------------===*\
|* Operands in shared memory
\*===----------------------------------------------------------------------===*/

static int32_t get_width(struct convoy_fiber *fiber, uint64_t descriptor) {
  static const int32_t widths[] = {0, 128, 64, 32};
  int32_t width = widths[descriptor >> 62];
  /* The base offset and the reserved bits must be zero, and the address must be in the first
   * row of a swizzle pattern. */
  if (!width || descriptor >> 46 & 0xffff ||
      ((descriptor & 0x3fff) << 4) % (8 * (uint64_t)width) >= (uint64_t)width)
    convoy_fail_block(fiber->block,
                      "warp %d gives wgmma the descriptor 0x%016llx, which is not one of "
                      "swizzled rows",
                      (int)fiber->thread.warp, (unsigned long long)descriptor);
  return width;
}

/* The offset in shared memory of 16 bytes of an operand: piece `part` of row `row`. */
static int64_t get_place(struct convoy_fiber *fiber, uint64_t descriptor, int row, int part) {
  const struct convoy_block *block = fiber->block;
  const uint64_t mask = 0x3ffff; /* the bits of an address that a descriptor has room for */
  int32_t width = get_width(fiber, descriptor);
  uint64_t stride = (descriptor >> 32 & 0x3fff) << 4;
  uint64_t address = ((descriptor & 0x3fff) << 4) + (uint64_t)(row / 8) * stride +
                     (uint64_t)(row % 8 * width + part * 16);
  int64_t offset =
      (int64_t)((convoy_swizzle(address, width) - (uintptr_t)block->shared) & mask);
  if (offset + 16 > block->emulation->launch->shared_bytes)
    convoy_fail_block(fiber->block,
                      "a product of warp %d reads byte %lld of shared memory, which has %d",
                      (int)fiber->thread.warp, (long long)offset,
                      (int)block->emulation->launch->shared_bytes);
  return offset;
}

/* Calls `act` for each 16 bytes that a product of the fiber's warp reads. */
static void for_each_piece(struct convoy_fiber *fiber, const struct convoy_product *product,
                           void (*act)(struct convoy_fiber *fiber, int64_t offset)) {
  int first = fiber->thread.warp % GROUP_WARPS * 16;
  for (int part = 0; part < ROW_BYTES / 16; ++part) {
    for (int row = 0; row < 16; ++row)
      act(fiber, get_place(fiber, product->a, first + row, part));
    for (int row = 0; row < product->n; ++row)
      act(fiber, get_place(fiber, product->b, row, part));
  }
}

static void begin_reading(struct convoy_fiber *fiber, int64_t offset) {
  struct convoy_piece *piece = convoy_get_piece(fiber->block, offset);
  convoy_check_copied(fiber, piece, offset, "multiplies");
  convoy_check_plain(fiber, offset, 16, 0);
  ++piece->reading;
}

static void end_reading(struct convoy_fiber *fiber, int64_t offset) {
  struct convoy_piece *piece = convoy_get_piece(fiber->block, offset);
  --piece->reading;
  piece->reads[fiber->thread.warp] = fiber->warp->clocks[fiber->thread.warp];
}

static void multiply(struct convoy_fiber *fiber, const struct convoy_product *product) {
  const uint8_t *shared = fiber->block->shared;
  struct convoy_sums *sums = get_sums(fiber, product->sums);
  int first = fiber->thread.warp % GROUP_WARPS * 16, bytes = product->is_f16 ? 2 : 4;
  int depth = ROW_BYTES / bytes, in_piece = 16 / bytes;
  if (!product->adds)
    memset(sums->values, 0, sizeof sums->values);
  for (int k = 0; k < depth; ++k) {
    int part = k / in_piece, within = k % in_piece * bytes;
    float b[256];
    for (int row = 0; row < product->n; ++row)
      b[row] = convoy_read_factor(shared + get_place(fiber, product->b, row, part) + within,
                                  product->is_f16);
    for (int row = 0; row < 16; ++row) {
      float *c = sums->values[row];
      float a = convoy_read_factor(
          shared + get_place(fiber, product->a, first + row, part) + within, product->is_f16);
      for (int column = 0; column < product->n; ++column)
        c[column] += a * b[column];
    }
  }
}

/*===----------------------------------------------------------------------===*\
|* Starting and waiting
\*===----------------------------------------------------------------------===*/

static void fence(struct convoy_fiber *last) { last->warp->is_fenced = 1; }

void convoy_gpu_wgmma_fence(struct convoy_gpu_thread *thread, int32_t site) {
  convoy_meet_warp((struct convoy_fiber *)thread, site, "wgmma.fence", NULL, fence);
}

/* The number of the sums that a warp's registers stand for, or of new ones. */
static int32_t take_sums(struct convoy_fiber *last) {
  struct convoy_warp *warp = last->warp;
  const struct operands *first = warp->given[0];
  int32_t number = first->adds ? read_tag(first->sums[0]) : -1;
  if (number >= 0) {
    if (get_sums(last, number)->n != first->n)
      convoy_fail_block(last->block, "warp %d adds products of several widths",
                        (int)last->thread.warp);
    for (int lane = 0; lane < CONVOY_WARP; ++lane)
      for (int i = 0; i < first->n / 2; ++i)
        if (read_tag(((struct operands *)warp->given[lane])->sums[i]) != number)
          (void)get_sums(last, -1);
    return number;
  }
  struct convoy_sums *sums = &last->block->sums[last->thread.warp * CONVOY_MAX_SUMS];
  for (number = 0; sums[number].is_used; ++number)
    if (number + 1 == CONVOY_MAX_SUMS)
      convoy_fail_block(last->block, "warp %d has more than %d sums under way",
                        (int)last->thread.warp, CONVOY_MAX_SUMS);
  sums[number].is_used = 1;
  sums[number].n = first->n;
  for (int lane = 0; first->adds && lane < CONVOY_WARP; ++lane)
    for (int i = 0; i < first->n / 2; ++i)
      *locate(&sums[number], lane, i) = ((struct operands *)warp->given[lane])->sums[i];
  return number;
}

static void start(struct convoy_fiber *last) {
  convoy_check_full(last, "wgmma");
  struct convoy_block *block = last->block;
  struct convoy_warp *warp = last->warp;
  const struct operands *first = warp->given[0];
  if (!warp->is_fenced || warp->product_count == CONVOY_MAX_PRODUCTS)
    convoy_fail_block(block,
                      "warp %d starts a product without a wgmma.fence since its last "
                      "sums, or one too many",
                      (int)last->thread.warp);
  for (int lane = 1; lane < CONVOY_WARP; ++lane) {
    const struct operands *given = warp->given[lane];
    if (given->a != first->a || given->b != first->b)
      convoy_fail_block(block, "lanes 0 and %d of warp %d give wgmma different descriptors",
                        lane, (int)last->thread.warp);
  }
  struct convoy_product *product =
      &warp->products[(warp->first_product + warp->product_count++) % CONVOY_MAX_PRODUCTS];
  *product = (struct convoy_product){.a = (uint64_t)first->a,
                                     .b = (uint64_t)first->b,
                                     .n = first->n,
                                     .is_f16 = first->is_f16,
                                     .adds = first->adds,
                                     .sums = take_sums(last),
                                     .group = warp->group};
  ++warp->started;
  for_each_piece(last, product, begin_reading);
  for (int lane = 0; lane < CONVOY_WARP; ++lane)
    for (int i = 0; i < first->n / 2; ++i)
      ((struct operands *)warp->given[lane])->sums[i] = make_tag(product->sums);
}

void convoy_gpu_wgmma(struct convoy_gpu_thread *thread, int32_t site, int64_t a, int64_t b,
                      int32_t n, int32_t is_f16, int32_t adds, float *sums) {
  struct operands given = {
      .a = a, .b = b, .n = n, .is_f16 = is_f16, .adds = adds, .sums = sums};
  convoy_meet_warp((struct convoy_fiber *)thread, site, "wgmma", &given, start);
}

static void commit(struct convoy_fiber *last) { ++last->warp->group; }

void convoy_gpu_wgmma_commit(struct convoy_gpu_thread *thread, int32_t site) {
  convoy_meet_warp((struct convoy_fiber *)thread, site, "wgmma.commit_group", NULL, commit);
}

/* Whether products that add to `sums` are under way. */
static int is_pending(const struct convoy_warp *warp, int32_t sums) {
  for (uint32_t i = 0; i < warp->product_count; ++i)
    if (warp->products[(warp->first_product + i) % CONVOY_MAX_PRODUCTS].sums == sums)
      return 1;
  return 0;
}

static void finish(struct convoy_fiber *last) {
  struct convoy_warp *warp = last->warp;
  const struct operands *first = warp->given[0];
  while (warp->product_count && (int64_t)warp->products[warp->first_product].group <
                                    (int64_t)warp->group - first->groups) {
    const struct convoy_product *product = &warp->products[warp->first_product];
    multiply(last, product);
    for_each_piece(last, product, end_reading);
    warp->first_product = (warp->first_product + 1) % CONVOY_MAX_PRODUCTS;
    --warp->product_count;
  }
  int32_t number = first->sums ? read_tag(first->sums[0]) : -1;
  if (number < 0 || is_pending(warp, number))
    return;
  struct convoy_sums *sums = get_sums(last, number);
  for (int lane = 0; lane < CONVOY_WARP; ++lane)
    for (int i = 0; i < sums->n / 2; ++i)
      ((struct operands *)warp->given[lane])->sums[i] = *locate(sums, lane, i);
  sums->is_used = warp->is_fenced = 0;
}

void convoy_gpu_wgmma_wait(struct convoy_gpu_thread *thread, int32_t site, int32_t groups,
                           float *sums) {
  struct operands given = {.groups = groups, .sums = sums};
  convoy_meet_warp((struct convoy_fiber *)thread, site, "wgmma.wait_group", &given, finish);
}

void convoy_check_products(struct convoy_fiber *fiber) {
  struct convoy_block *block = fiber->block;
  const struct convoy_warp *warp = fiber->warp;
  if (warp->product_count)
    convoy_fail_block(block, "warp %d ends while %u products are under way",
                      (int)fiber->thread.warp, (unsigned)warp->product_count);
  if (block->done + 1 < block->emulation->threads)
    return;
  for (int32_t i = 0; i * CONVOY_WARP < block->emulation->threads; ++i) {
    int32_t first = i / GROUP_WARPS * GROUP_WARPS;
    if (block->warps[i].started != block->warps[first].started)
      convoy_fail_block(block, "warps %d and %d of a group take part in %u and %u products",
                        (int)first, (int)i, (unsigned)block->warps[first].started,
                        (unsigned)block->warps[i].started);
  }
}
