/*===- Cpu.c - Can this CPU run the model? ------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* This file is compiled for the architecture's baseline, and does without    *|
|* __cpu_model, which would need libgcc.                                      *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include "Context.h"

#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EAX, EBX, ECX, EDX };

#if defined(__x86_64__)
#include <cpuid.h>

/* ARCH_REQ_XCOMP_PERM and XFEATURE_XTILEDATA, and the bits of XCR0 for tiles. */
enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18, TILE_STATE = 0x60000 };

static int has_feature(uint64_t leaf, int reg, int position, uint64_t state) {
  unsigned words[4];
  /* Fails if the CPU has no such leaf. */
  if (!__get_cpuid_count((unsigned)leaf, (unsigned)(leaf >> 32), &words[EAX], &words[EBX],
                         &words[ECX], &words[EDX]))
    return 0;
  if (!(words[reg] >> position & 1))
    return 0;
  if (!state)
    return 1;
  /* The system must save the registers, too. */
  if (!__get_cpuid(1, &words[EAX], &words[EBX], &words[ECX], &words[EDX]) ||
      !(words[ECX] >> 27 & 1))
    return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  uint64_t enabled = (uint64_t)high << 32 | low;
  if ((enabled & state) != state)
    return 0;
  /* A process must ask Linux for the registers of tiles. */
  return !(state & TILE_STATE) || !syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA);
}
#define IS_x86_64 1
#define IS_aarch64 0

#elif defined(__aarch64__)

static int has_feature(uint64_t entry, int reg, int position, uint64_t state) {
  (void)reg;
  (void)state;
  return getauxval((unsigned long)entry) >> position & 1;
}
#define IS_x86_64 0
#define IS_aarch64 1

#else
#error "unsupported architecture"
#endif

const char *convoy_missing_cpu_feature(uint64_t features) {
#define CONVOY_CPU_FEATURE(ARCH, BIT, NAME, LEAF, REGISTER, POSITION, STATE)                  \
  if (IS_##ARCH && (features >> BIT & 1) && !has_feature(LEAF, REGISTER, POSITION, STATE))    \
    return "this CPU or system lacks " NAME ", which the model was compiled for";
#include "convoy/Runtime/Abi/CpuFeatures.def"
  return 0;
}
