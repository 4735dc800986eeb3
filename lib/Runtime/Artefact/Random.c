/*===- Random.c - Reproducible random tensors ---------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Only integer arithmetic, additions and multiplications by powers of two:   *|
|* the same bits on every machine, and no libm.                               *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Npy.h"

#include "convoy-c/Artefact.h"

#include <string.h>

/* SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014. */
static uint64_t next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* The sum of twelve uniform numbers, minus its mean of 6, has variance 1. It is a multiple of
 * 2^-16 between -6 and 6, so it is exact in f32. */
static float normal(uint64_t *state) {
  int32_t sum = 0;
  for (int draw = 0; draw < 3; ++draw)
    for (uint64_t bits = next(state), part = 0; part < 4; ++part, bits >>= 16)
      sum += (int32_t)(bits & 0xffff);
  return (float)(sum - 6 * 65536) * (1.0f / 65536);
}

static uint16_t to_bfloat16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* `value` is a multiple of 2^-16 between -6 and 6, and so never NaN, infinite or out of
 * range: only rounding to nearest even is left to do, by an integer addition. */
static uint16_t to_float16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits < 0x38800000) { /* below 2^-14: subnormal, a multiple of 2^-24 */
    float magnitude;
    memcpy(&magnitude, &bits, sizeof magnitude);
    return (uint16_t)(sign | (uint16_t)(magnitude * 16777216.0f));
  }
  bits += 0xfff + (bits >> 13 & 1);
  return (uint16_t)(sign | ((bits >> 13) - (112 << 10)));
}

void convoy_fill_random(void *data, int32_t element_type, int64_t count, uint64_t seed,
                        uint64_t stream) {
  uint64_t state = seed;
  state = next(&state) ^ (stream + 1) * 0xd1342543de82ef95u;
  int32_t size = convoy_element_size(element_type);
  char *to = data;
  for (int64_t i = 0; i < count; ++i, to += size) {
    union {
      float f32;
      double f64;
      uint16_t u16;
      uint64_t u64;
      uint8_t u8;
    } element;
    memset(&element, 0, sizeof element);
    switch (element_type) {
    case CONVOY_FLOAT32:
      element.f32 = normal(&state);
      break;
    case CONVOY_FLOAT64:
      element.f64 = (double)normal(&state);
      break;
    case CONVOY_FLOAT16:
      element.u16 = to_float16(normal(&state));
      break;
    case CONVOY_BFLOAT16:
      element.u16 = to_bfloat16(normal(&state));
      break;
    case CONVOY_BOOL:
      element.u8 = (uint8_t)(next(&state) >> 63);
      break;
    case CONVOY_INT8:
    case CONVOY_UINT8:
      element.u8 = (uint8_t)(next(&state) >> 56);
      break;
    case CONVOY_FLOAT8E4M3FN: /* Small odd codes of both signs, none of which is a NaN. */
    case CONVOY_FLOAT8E4M3FNUZ:
    case CONVOY_FLOAT8E5M2:
    case CONVOY_FLOAT8E5M2FNUZ:
    case CONVOY_FLOAT8E8M0:
      element.u8 = (uint8_t)((next(&state) >> 56 & 0xbf) | 1);
      break;
    case CONVOY_FLOAT6E2M3:
    case CONVOY_FLOAT6E3M2:
      element.u8 = (uint8_t)(next(&state) >> 58);
      break;
    case CONVOY_FLOAT4E2M1:
    case CONVOY_INT4:
    case CONVOY_UINT4:
      element.u8 = (uint8_t)(next(&state) >> 60);
      break;
    case CONVOY_INT2:
    case CONVOY_UINT2:
      element.u8 = (uint8_t)(next(&state) >> 62);
      break;
    default: /* Little-endian integers: the low bytes come first. */
      element.u64 = (next(&state) >> 32) % 10;
      break;
    }
    memcpy(to, &element, (size_t)size);
  }
}
