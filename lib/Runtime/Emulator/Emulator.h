/*===- Emulator.h - GPU kernels on the CPU ------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Each thread of a block is a fiber, with a stack of its own. One fiber runs *|
|* at a time, until it waits for others: for the block at a barrier, for its  *|
|* warp at a shuffle or mma. So results are reproducible. Races are not found *|
|* by chance: each access to shared memory is compared with the accesses of   *|
|* other threads since the last barrier.                                      *|
|*                                                                            *|
|* Each file only calls files that are before it in this list: Stack.c,       *|
|* Failure.c, SharedMemory.c, AsyncCopies.c, Boxes.c, Schedule.c, Warp.c,     *|
|* WarpGroup.c, Emulator.c.                                                   *|
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
/* Per block: barriers in shared memory, and copies of boxes under way. Per warp: products
 * under way, and sums that they add to. */
#define CONVOY_MAX_MBARRIERS 32
#define CONVOY_MAX_BOXES 64
#define CONVOY_MAX_PRODUCTS 64
#define CONVOY_MAX_SUMS 4
/* The length of a vector clock. It says how far each warp is, and how many phases of each
 * mbarrier have ended, as far as its owner knows. */
#define CONVOY_CLOCKS (CONVOY_MAX_WARPS + CONVOY_MAX_MBARRIERS)

/* The threads that touched a word or byte of shared memory since the last barrier. Threads
 * count from 1; 0 is none. */
struct convoy_touch {
  uint32_t epoch;  /* of the last access: after a later barrier the next three are void */
  uint16_t writer; /* the last one */
  uint16_t reader; /* the first one */
  uint16_t other;  /* the last reader that is not `reader` */
  uint16_t copier; /* has an asynchronous copy to here under way */
  uint16_t split;  /* of a word: its bytes are tracked one by one, since the last barrier */
  uint16_t scribe; /* the last writer in this block, also one before the last barrier */
  uint16_t fence;  /* how many fences the scribe had passed when it wrote */
};

/* Copies of boxes and products that touched 16 bytes of shared memory. Mbarriers order
 * them. */
struct convoy_piece {
  uint32_t block;                   /* its first epoch; in another block the rest is void */
  uint16_t arriving, reading;       /* copies and products under way */
  uint32_t mbarrier;                /* that the last copy completed, from 1; 0 is none */
  uint32_t phase;                   /* when so many of its phases ended, the copy is there */
  uint32_t reads[CONVOY_MAX_WARPS]; /* a warp's clock when its last product had read */
};

struct convoy_mbarrier {
  int64_t offset;         /* in shared memory */
  int32_t count, pending; /* arrivals per phase, and those that are missing in this one */
  int64_t bytes;          /* announced and not arrived */
  uint32_t phase;         /* phases that ended */
  int32_t thread;         /* that made it, */
  uint32_t made;          /* the clock of its warp then, */
  int32_t is_fenced;      /* and whether it passed a fence since, so that copies see it */
  /* The joined clocks of all arrivals, and of those up to the last phase that ended. */
  uint32_t given[CONVOY_CLOCKS], ended[CONVOY_CLOCKS];
};

struct convoy_box_copy {
  uint8_t *to;
  const struct convoy_tensor_map *map;
  int32_t position[CONVOY_MAX_MAP_RANK];
  int32_t mbarrier;
};

/* A warp's part of a warp group's product: 16 of 64 rows. */
struct convoy_product {
  uint64_t a, b;                 /* descriptors */
  int32_t n, is_f16, adds, sums; /* columns; ...; the number of the sums that it adds to */
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
  uint32_t full;    /* a bit per lane: those that the block has */
  uint32_t ready;   /* lanes that can run */
  uint32_t arrived; /* lanes that wait for the others at `site` */
  int32_t site;
  const char *operation;
  void *given[CONVOY_WARP]; /* the operands of each lane that arrived */
  uint32_t clocks[CONVOY_CLOCKS];
  int32_t is_fenced;       /* passed a wgmma.fence since its last sums */
  uint32_t started, group; /* products that started, and groups that were committed */
  uint32_t first_product, product_count;
  struct convoy_product products[CONVOY_MAX_PRODUCTS]; /* a ring */
};

struct convoy_fiber {
  struct convoy_gpu_thread thread; /* generated code gets its address */
  struct convoy_block *block;
  struct convoy_warp *warp;
  void *stack_pointer; /* while another fiber runs */
  int32_t number;
  uint32_t group;   /* of the next asynchronous copy */
  int32_t mbarrier; /* that it waits for, from 1; 0 is none */
  uint16_t fences;  /* how many fence.proxy.async it passed */
  uint32_t first_copy, copy_count;
  struct convoy_async_copy copies[CONVOY_MAX_COPIES]; /* a ring */
};

/* The emulation of a launch. */
struct convoy_emulation {
  struct convoy_device *device;
  const struct convoy_launch *launch;
  int32_t threads;    /* per block */
  size_t worker_size; /* bytes of working memory that each thread of the team has */
  atomic_int failed;
};

/* The block that one thread of the team emulates at the moment. */
struct convoy_block {
  struct convoy_emulation *emulation;
  int32_t number[3];
  uint32_t epoch;  /* counts barriers */
  int32_t waiting; /* threads at the barrier `site` */
  int32_t site;
  int32_t done;        /* threads that have ended */
  void *stack_pointer; /* of the thread of the team */
  uint8_t *shared;
  struct convoy_touch *words, *bytes; /* for each word and each byte of shared memory */
  uint32_t first_epoch;               /* the epoch in which the block began */
  int32_t mbarrier_count;
  int32_t has_pieces, are_pieces_clear; /* this block uses them; their memory was cleared */
  struct convoy_piece *pieces;
  struct convoy_sums *sums; /* CONVOY_MAX_SUMS per warp */
  uint32_t first_box, box_count;
  uint8_t *stacks;
  struct convoy_fiber *fibers;
  struct convoy_warp warps[CONVOY_MAX_WARPS];
  struct convoy_mbarrier mbarriers[CONVOY_MAX_MBARRIERS];
  struct convoy_box_copy boxes[CONVOY_MAX_BOXES]; /* a ring */
};

/* Stack.c */

/* Saves the registers that a call preserves on the stack, and the stack pointer in `*from`;
 * goes on where the stack pointer `to` was saved. */
CONVOY_HIDDEN void convoy_switch_stack(void **from, void *to);
/* Prepares the stack that ends at `top`. Switching to the returned pointer calls
 * `function(argument)`. */
CONVOY_HIDDEN void *convoy_prepare_stack(uint8_t *top, void (*function)(struct convoy_fiber *),
                                         struct convoy_fiber *argument);

/* Failure.c */

/* Stores a failure in the device, unless the launch has failed already. */
CONVOY_HIDDEN void convoy_keep_failure(struct convoy_block *block, const char *format,
                                       va_list arguments)
    __attribute__((format(printf, 2, 0)));
/* The same, and ends the emulation of the block. */
CONVOY_HIDDEN _Noreturn void convoy_fail_block(struct convoy_block *block, const char *format,
                                               ...) __attribute__((format(printf, 2, 3)));

/* SharedMemory.c */

/* Records that a thread reads or writes [address, address + bytes) of shared memory. Fails if
 * that is a race. */
CONVOY_HIDDEN void convoy_touch_shared(struct convoy_fiber *fiber, const void *address,
                                       int32_t bytes, int32_t is_write);
/* Called before a copy or a product reads or writes [offset, offset + bytes). Fails if plain
 * accesses race with it, or a plain write before it lacks a fence. */
CONVOY_HIDDEN void convoy_check_plain(struct convoy_fiber *fiber, int64_t offset,
                                      int32_t bytes, int32_t is_write);
/* Joins two vector clocks: each element of `clocks` becomes the larger one of the two. */
CONVOY_HIDDEN void convoy_join_clocks(uint32_t *clocks, const uint32_t *others);
/* Whether the fiber's warp knows that `warp` has reached `clock`. */
CONVOY_HIDDEN int convoy_knows(const struct convoy_fiber *fiber, int32_t warp, uint32_t clock);
/* The piece that contains byte `offset`; clear if it was not touched yet in this block. */
CONVOY_HIDDEN struct convoy_piece *convoy_get_piece(struct convoy_block *block,
                                                    int64_t offset);
/* Fails unless the fiber's warp knows that the copy that filled a piece has arrived. */
CONVOY_HIDDEN void convoy_check_copied(struct convoy_fiber *fiber,
                                       const struct convoy_piece *piece, int64_t offset,
                                       const char *access);
/* Fails unless the fiber's warp knows that all products that read a piece are done. */
CONVOY_HIDDEN void convoy_check_read(struct convoy_fiber *fiber,
                                     const struct convoy_piece *piece, int64_t offset,
                                     const char *access);

/* AsyncCopies.c */

/* Forgets the asynchronous copies that nobody waited for. */
CONVOY_HIDDEN void convoy_drop_copies(struct convoy_fiber *fiber);

/* Boxes.c */

/* The address that hardware uses instead of `address` if rows of `width` bytes are swizzled:
 * 16-byte pieces are permuted within eight rows. */
static inline uintptr_t convoy_swizzle(uintptr_t address, int32_t width) {
  return address ^ (address >> 3 & (uintptr_t)(width - 16));
}
/* The mbarrier at `address`; fails if there is none that the thread may use. */
CONVOY_HIDDEN struct convoy_mbarrier *convoy_use_mbarrier(struct convoy_fiber *fiber,
                                                          const void *address);
/* Lets the oldest copy of a box arrive. Returns 0 if there is none. */
CONVOY_HIDDEN int convoy_deliver_box(struct convoy_block *block);

/* Schedule.c */

/* Lets other threads run until one of them makes this thread ready. */
CONVOY_HIDDEN void convoy_hand_over(struct convoy_fiber *fiber);
/* Waits for all lanes of the warp, each with its operands in `given`. The last one calls
 * `act` for all lanes, and then all go on. */
CONVOY_HIDDEN void convoy_meet_warp(struct convoy_fiber *fiber, int32_t site,
                                    const char *operation, void *given,
                                    void (*act)(struct convoy_fiber *last));

/* Warp.c */

/* Fails in a warp of less than 32 lanes. */
CONVOY_HIDDEN void convoy_check_full(struct convoy_fiber *fiber, const char *operation);
/* Reads an f16; or a tf32, which is the upper 19 bits of a word. */
CONVOY_HIDDEN float convoy_read_factor(const void *address, int is_f16);

/* WarpGroup.c */

/* Called when a thread ends. Fails if its warp has products under way, or if the warps of a
 * group started different numbers of products. */
CONVOY_HIDDEN void convoy_check_products(struct convoy_fiber *fiber);

#endif /* CONVOY_RUNTIME_EMULATOR_EMULATOR_H */
