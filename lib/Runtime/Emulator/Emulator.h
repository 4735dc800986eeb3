/*===- Emulator.h - GPU kernels on the CPU ------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Each thread of a block is a fiber, with a stack of its own. One of them    *|
|* runs at a time, until it waits for others: for the block at a barrier, for *|
|* its warp at a shuffle or mma. So results do not depend on luck, and what   *|
|* depends on the order of threads is found by looking at who touched what    *|
|* since the last barrier, not by chance.                                     *|
|*                                                                            *|
|* Each file calls those alone that are listed before it: Stack.c, Failure.c, *|
|* SharedMemory.c, AsyncCopies.c, Boxes.c, Schedule.c, Warp.c, WarpGroup.c,   *|
|* Emulator.c.                                                                *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_EMULATOR_EMULATOR_H
#define CONVOY_RUNTIME_EMULATOR_EMULATOR_H

#include "../Artefact/Backend.h"

#include <stdarg.h>

#define CONVOY_WARP 32
#define CONVOY_MAX_BLOCK 1024
/* Copies that one thread may have under way. */
#define CONVOY_MAX_COPIES 128
#define CONVOY_MAX_WARPS (CONVOY_MAX_BLOCK / CONVOY_WARP)
/* Barriers in shared memory and copies of boxes under way, of a block; products under way
 * and sums that they add to, of a warp. */
#define CONVOY_MAX_MBARRIERS 32
#define CONVOY_MAX_BOXES 64
#define CONVOY_MAX_PRODUCTS 64
#define CONVOY_MAX_SUMS 4
/* What a warp knows: of each warp how far it is, of each mbarrier how many phases ended. */
#define CONVOY_CLOCKS (CONVOY_MAX_WARPS + CONVOY_MAX_MBARRIERS)

/* Who touched a piece of shared memory since the last barrier. Threads count from 1; 0 is
 * none. */
struct convoy_touch {
  uint32_t epoch;  /* the rest but `copier` is void unless this is the block's */
  uint16_t writer; /* the last one */
  uint16_t reader; /* the first one */
  uint16_t other;  /* the last one that is not `reader` */
  uint16_t copier; /* has an asynchronous copy to here under way */
  uint16_t split;  /* of a word: its bytes are kept one by one */
  uint16_t scribe; /* the last writer, also one before the last barrier */
  uint16_t fence;  /* how many fences it had passed when it wrote */
};

/* The same of 16 bytes for copies of boxes and products, which mbarriers order. */
struct convoy_piece {
  uint32_t block;                   /* the rest is void unless this is its first epoch */
  uint16_t arriving, reading;       /* copies and products under way */
  uint32_t mbarrier;                /* that the last copy told of itself, from 1; 0 is none */
  uint32_t phase;                   /* that ended with it, or later */
  uint32_t reads[CONVOY_MAX_WARPS]; /* how far each warp was when its product had read */
};

struct convoy_mbarrier {
  int64_t offset;
  int32_t count, pending; /* arrivals of a phase, and those that it waits for */
  int64_t bytes;          /* announced and not arrived */
  uint32_t phase;
  int32_t thread;                                      /* made it, */
  uint32_t made;                                       /* when its warp was so far */
  int32_t is_fenced;                                   /* and told copies of it */
  uint32_t given[CONVOY_CLOCKS], ended[CONVOY_CLOCKS]; /* by arrivals; up to the last phase */
};

struct convoy_box_copy {
  uint8_t *to;
  const struct convoy_tensor_map *map;
  int32_t position[CONVOY_MAX_MAP_RANK];
  int32_t mbarrier;
};

/* A warp's 16 rows of a warp group's product. */
struct convoy_product {
  uint64_t a, b;
  int32_t n, is_f16, adds, sums;
  uint32_t group;
};

struct convoy_sums {
  int32_t is_used, n;
  float values[16][256];
};

struct convoy_async_copy {
  uint8_t *to;
  const uint8_t *from;
  int32_t bytes, from_bytes;
  uint32_t group;
};

struct convoy_warp {
  uint32_t full;    /* a bit a lane: all that there are */
  uint32_t ready;   /* can run */
  uint32_t arrived; /* wait for the others at `site` */
  int32_t site;
  const char *operation;
  void *given[CONVOY_WARP]; /* by each lane that arrived */
  uint32_t clocks[CONVOY_CLOCKS];
  int32_t is_fenced;       /* for products */
  uint32_t started, group; /* products so far, and groups of them */
  uint32_t first_product, product_count;
  struct convoy_product products[CONVOY_MAX_PRODUCTS]; /* a ring */
};

struct convoy_fiber {
  struct convoy_gpu_thread thread; /* generated code knows this address */
  struct convoy_block *block;
  struct convoy_warp *warp;
  void *stack_pointer; /* while another one runs */
  int32_t number;
  uint32_t group;   /* of the next asynchronous copy */
  int32_t mbarrier; /* that it waits for, from 1; 0 is none */
  uint16_t fences;  /* of what it wrote, for copies and products */
  uint32_t first_copy, copy_count;
  struct convoy_async_copy copies[CONVOY_MAX_COPIES]; /* a ring */
};

/* All blocks of a launch. */
struct convoy_emulation {
  struct convoy_device *device;
  const struct convoy_launch *launch;
  int32_t threads;    /* of a block */
  size_t worker_size; /* bytes of working memory that each thread of the team has */
  atomic_int failed;
};

/* What one thread of the team emulates now. */
struct convoy_block {
  struct convoy_emulation *emulation;
  int32_t number[3];
  uint32_t epoch;  /* counts barriers */
  int32_t waiting; /* threads at the barrier `site` */
  int32_t site;
  int32_t done;        /* threads that have ended */
  void *stack_pointer; /* of the thread of the team */
  uint8_t *shared;
  struct convoy_touch *words, *bytes; /* of shared memory */
  uint32_t first_epoch;
  int32_t mbarrier_count;
  int32_t has_pieces, are_pieces_clear; /* anything touched them; ever */
  struct convoy_piece *pieces;
  struct convoy_sums *sums; /* CONVOY_MAX_SUMS a warp */
  uint32_t first_box, box_count;
  uint8_t *stacks;
  struct convoy_fiber *fibers;
  struct convoy_warp warps[CONVOY_MAX_WARPS];
  struct convoy_mbarrier mbarriers[CONVOY_MAX_MBARRIERS];
  struct convoy_box_copy boxes[CONVOY_MAX_BOXES]; /* a ring */
};

/* Stack.c */

/* Keeps the registers that a call preserves on the stack, and that stack's pointer in
 * `*from`; goes on where `to` was kept. */
CONVOY_HIDDEN void convoy_switch_stack(void **from, void *to);
/* A stack that will call `function(argument)`. */
CONVOY_HIDDEN void *convoy_prepare_stack(uint8_t *top, void (*function)(struct convoy_fiber *),
                                         struct convoy_fiber *argument);

/* Failure.c */

/* Keeps the launch's first failure. */
CONVOY_HIDDEN void convoy_keep_failure(struct convoy_block *block, const char *format,
                                       va_list arguments)
    __attribute__((format(printf, 2, 0)));
/* Keeps the launch's first failure, and leaves the block for good. */
CONVOY_HIDDEN _Noreturn void convoy_fail_block(struct convoy_block *block, const char *format,
                                               ...) __attribute__((format(printf, 2, 3)));

/* SharedMemory.c */

/* A thread touches [address, address + bytes) of shared memory. */
CONVOY_HIDDEN void convoy_touch_shared(struct convoy_fiber *fiber, const void *address,
                                       int32_t bytes, int32_t is_write);
/* Fails unless copies and products may read or write [offset, offset + bytes) in spite of
 * the plain accesses to it. */
CONVOY_HIDDEN void convoy_check_plain(struct convoy_fiber *fiber, int64_t offset,
                                      int32_t bytes, int32_t is_write);
/* Adds what others know to what a warp knows. */
CONVOY_HIDDEN void convoy_join_clocks(uint32_t *clocks, const uint32_t *others);
/* Whether the fiber's warp knows that `warp` has been as far as `clock`. */
CONVOY_HIDDEN int convoy_knows(const struct convoy_fiber *fiber, int32_t warp, uint32_t clock);
/* The 16 bytes at a multiple of 16; clear where nothing happened in this block. */
CONVOY_HIDDEN struct convoy_piece *convoy_get_piece(struct convoy_block *block,
                                                    int64_t offset);
/* Fails unless the copy that filled a piece is known to have arrived. */
CONVOY_HIDDEN void convoy_check_copied(struct convoy_fiber *fiber,
                                       const struct convoy_piece *piece, int64_t offset,
                                       const char *access);
/* Fails unless all products that read a piece are known to be done. */
CONVOY_HIDDEN void convoy_check_read(struct convoy_fiber *fiber,
                                     const struct convoy_piece *piece, int64_t offset,
                                     const char *access);

/* AsyncCopies.c */

/* Forgets the asynchronous copies that nobody waited for. */
CONVOY_HIDDEN void convoy_drop_copies(struct convoy_fiber *fiber);

/* Boxes.c */

/* The address that hardware uses for `address` in rows of `width` bytes: 16-byte pieces are
 * permuted within eight rows. */
static inline uintptr_t convoy_swizzle(uintptr_t address, int32_t width) {
  return address ^ (address >> 3 & (uintptr_t)(width - 16));
}
/* The mbarrier at `address`; fails if there is none that the thread may use. */
CONVOY_HIDDEN struct convoy_mbarrier *convoy_use_mbarrier(struct convoy_fiber *fiber,
                                                          const void *address);
/* Has the oldest copy of a box arrive; 0 if there is none. */
CONVOY_HIDDEN int convoy_deliver_box(struct convoy_block *block);

/* Schedule.c */

/* Lets others run until another one makes this thread ready. */
CONVOY_HIDDEN void convoy_hand_over(struct convoy_fiber *fiber);
/* Waits for all lanes of the warp, each of which gives something; the last one calls
 * `act` for all, and then all go on. */
CONVOY_HIDDEN void convoy_meet_warp(struct convoy_fiber *fiber, int32_t site,
                                    const char *operation, void *given,
                                    void (*act)(struct convoy_fiber *last));

/* Warp.c */

/* Fails in a warp of less than 32 lanes. */
CONVOY_HIDDEN void convoy_check_full(struct convoy_fiber *fiber, const char *operation);
/* An f16 or, of its upper 19 bits, a tf32. */
CONVOY_HIDDEN float convoy_read_factor(const void *address, int is_f16);

/* WarpGroup.c */

/* Fails if a warp ends in the midst of products. */
CONVOY_HIDDEN void convoy_check_products(struct convoy_fiber *fiber);

#endif /* CONVOY_RUNTIME_EMULATOR_EMULATOR_H */
