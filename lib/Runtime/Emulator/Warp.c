/*===- Warp.c - Operations of a whole warp ------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Fragments are laid out as PTX's description of mma and ldmatrix says. With *|
|* `group` = lane / 4 and `member` = lane % 4, and 32-bit registers:          *|
|*                                                                            *|
|*   A, register r: row group + 8 (r % 2), column member + 4 (r / 2)          *|
|*   B, register r: row member + 4 r, column group                            *|
|*   C, register r: row group + 8 (r / 2), column 2 member + r % 2            *|
|*                                                                            *|
|* where a column of A and a row of B are one tf32, or two f16 side by side.  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Emulator.h"

#include <string.h>

void convoy_check_full(struct convoy_fiber *fiber, const char *operation) {
  if (fiber->warp->full != UINT32_MAX)
    convoy_fail_block(fiber->block, "%s in warp %d, which has less than %d lanes", operation,
                      (int)fiber->thread.warp, CONVOY_WARP);
}

/*===----------------------------------------------------------------------===*\
|* Shuffle
\*===----------------------------------------------------------------------===*/

struct shuffle {
  const void *value;
  int32_t bytes, mode, offset, width;
  int32_t valid;
  uint8_t result[16];
};

static void shuffle_lanes(struct convoy_fiber *last) {
  struct convoy_warp *warp = last->warp;
  for (int32_t lane = 0; lane < CONVOY_WARP; ++lane) {
    if (!(warp->full >> lane & 1))
      continue;
    struct shuffle *given = warp->given[lane];
    if (given->width != ((struct shuffle *)warp->given[0])->width || given->width < 1 ||
        given->width > CONVOY_WARP)
      convoy_fail_block(last->block, "lane %d of warp %d shuffles with a width of %d",
                        (int)lane, (int)last->thread.warp, (int)given->width);
    int64_t source = given->offset;
    if (given->mode == CONVOY_SHUFFLE_XOR)
      source ^= lane;
    else if (given->mode == CONVOY_SHUFFLE_DOWN)
      source = lane + source;
    else if (given->mode == CONVOY_SHUFFLE_UP)
      source = lane - source;
    given->valid =
        source >= 0 && source < given->width && (warp->full >> (uint32_t)source & 1);
    const struct shuffle *from = given->valid ? warp->given[source] : given;
    memcpy(given->result, from->value, (size_t)given->bytes);
  }
}

int32_t convoy_gpu_shuffle(struct convoy_gpu_thread *thread, int32_t site, int32_t mode,
                           void *value, int32_t bytes, int32_t offset, int32_t width) {
  struct shuffle given = {
      .value = value, .bytes = bytes, .mode = mode, .offset = offset, .width = width};
  convoy_meet_warp((struct convoy_fiber *)thread, site, "a shuffle", &given, shuffle_lanes);
  memcpy(value, given.result, (size_t)bytes);
  return given.valid;
}

/*===----------------------------------------------------------------------===*\
|* Matrix products
\*===----------------------------------------------------------------------===*/

struct product {
  const void *a, *b;
  float *c;
  int32_t k, is_f16;
};

static float get_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Not the compiler's own conversion, which may be a call of its library. */
static float widen_f16(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = (uint32_t)(half & 0x7fff) << 13;
  if (rest >= 0x0f800000) /* infinite or not a number */
    return get_float(sign | rest | 0x7f800000);
  /* The biases of the exponents differ by 112. Subnormal numbers come out right, too. */
  float size = get_float(rest) * 0x1p112f;
  return sign ? -size : size;
}

float convoy_read_factor(const void *address, int is_f16) {
  if (is_f16) {
    uint16_t half;
    memcpy(&half, address, sizeof half);
    return widen_f16(half);
  }
  uint32_t bits;
  memcpy(&bits, address, sizeof bits);
  return get_float(bits & 0xffffe000);
}

/* Element `part` of register `number`. */
static float get_element(const void *registers, int number, int part, int is_f16) {
  return convoy_read_factor((const char *)registers + number * 4 + part * 2, is_f16);
}

static void multiply(struct convoy_fiber *last) {
  convoy_check_full(last, "mma");
  struct convoy_warp *warp = last->warp;
  const struct product *first = warp->given[0];
  int k = first->k, is_f16 = first->is_f16, parts = is_f16 ? 2 : 1;
  int b_registers = k / parts / 4;
  float a[16][16], b[16][8], c[16][8];
  for (int lane = 0; lane < CONVOY_WARP; ++lane) {
    const struct product *given = warp->given[lane];
    int group = lane / 4, member = lane % 4;
    for (int r = 0; r < b_registers; ++r)
      for (int part = 0; part < parts; ++part) {
        int depth = (member + 4 * r) * parts + part;
        a[group][depth] = get_element(given->a, 2 * r, part, is_f16);
        a[group + 8][depth] = get_element(given->a, 2 * r + 1, part, is_f16);
        b[depth][group] = get_element(given->b, r, part, is_f16);
      }
    for (int r = 0; r < 4; ++r)
      c[group + 8 * (r / 2)][2 * member + r % 2] = given->c[r];
  }
  for (int row = 0; row < 16; ++row)
    for (int depth = 0; depth < k; ++depth)
      for (int column = 0; column < 8; ++column)
        c[row][column] += a[row][depth] * b[depth][column];
  for (int lane = 0; lane < CONVOY_WARP; ++lane) {
    const struct product *given = warp->given[lane];
    for (int r = 0; r < 4; ++r)
      given->c[r] = c[lane / 4 + 8 * (r / 2)][2 * (lane % 4) + r % 2];
  }
}

void convoy_gpu_mma(struct convoy_gpu_thread *thread, int32_t site, int32_t k, int32_t is_f16,
                    const void *a, const void *b, float *c) {
  struct product given = {.a = a, .b = b, .c = c, .k = k, .is_f16 = is_f16};
  convoy_meet_warp((struct convoy_fiber *)thread, site, "mma", &given, multiply);
}

/*===----------------------------------------------------------------------===*\
|* Matrices from shared memory
\*===----------------------------------------------------------------------===*/

struct matrices {
  const uint8_t *row;
  uint32_t *registers;
  int32_t tiles, is_transposed;
};

static void load_matrices(struct convoy_fiber *last) {
  convoy_check_full(last, "ldmatrix");
  struct convoy_warp *warp = last->warp;
  const struct matrices *first = warp->given[0];
  struct convoy_fiber *lanes = last - last->thread.lane;
  for (int tile = 0; tile < first->tiles; ++tile) {
    const uint8_t *rows[8];
    for (int i = 0; i < 8; ++i) {
      rows[i] = ((struct matrices *)warp->given[8 * tile + i])->row;
      if ((uintptr_t)rows[i] % 16)
        convoy_fail_block(last->block,
                          "thread %d gives ldmatrix an address that is no multiple of 16",
                          (int)lanes[8 * tile + i].number);
    }
    for (int lane = 0; lane < CONVOY_WARP; ++lane) {
      int group = lane / 4, member = lane % 4;
      uint32_t word;
      if (first->is_transposed) {
        /* Column `group` of two rows; the words that contain its elements count as read. */
        for (int i = 0; i < 2; ++i) {
          const uint8_t *row = rows[2 * member + i];
          convoy_touch_shared(&lanes[lane], row + group / 2 * 4, 4, 0);
          memcpy((char *)&word + 2 * i, row + 2 * group, 2);
        }
      } else {
        convoy_touch_shared(&lanes[lane], rows[group] + 4 * member, 4, 0);
        memcpy(&word, rows[group] + 4 * member, 4);
      }
      ((struct matrices *)warp->given[lane])->registers[tile] = word;
    }
  }
}

void convoy_gpu_load_matrix(struct convoy_gpu_thread *thread, int32_t site, const void *row,
                            uint32_t *registers, int32_t tiles, int32_t is_transposed) {
  struct matrices given = {
      .row = row, .registers = registers, .tiles = tiles, .is_transposed = is_transposed};
  convoy_meet_warp((struct convoy_fiber *)thread, site, "ldmatrix", &given, load_matrices);
}
