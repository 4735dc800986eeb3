/*===- Model.h - What the compiler tells the runtime --------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Contract between generated code and the runtime linked into the same       *|
|* artefact. It stands here once: the compiler takes the layout of structures *|
|* and the types of functions from these declarations. Structures have no     *|
|* padding but behind their last field, and one layout on all supported       *|
|* machines.                                                                  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_ABI_MODEL_H
#define CONVOY_RUNTIME_ABI_MODEL_H

#include "convoy-c/Artefact.h"

#include <assert.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CONVOY_HIDDEN __attribute__((visibility("hidden")))

/* Runs the program of one device once. */
typedef void (*convoy_program)(void *rt, uint8_t *arena, const uint8_t *weights,
                               void *const *inputs, void *const *outputs);

/* The program of one device. */
struct convoy_device_description {
  convoy_program invoke;
  const char *const *layers;
  int64_t layer_count;
  int64_t arena_size;
  int64_t scratch_size; /* bytes that each thread needs besides */
  int64_t weights_size;
  /* Read through this pointer and not by name, so that generated code need not
   * be within 2 GiB of the weights. */
  const uint8_t *weights;
};

/* Kernels for GPUs of compute capability `arch` (80 for sm_80): machine code, or PTX
 * that the driver compiles for any later GPU. Where `is_specific`, both are for that
 * capability alone (sm_90a). */
struct convoy_gpu_image {
  int32_t arch;
  int32_t is_specific;
  int32_t is_ptx;
  int32_t reserved; /* 0 */
  const void *data; /* PTX ends with a zero that `size` counts */
  int64_t size;
};

struct convoy_gpu_code {
  int32_t image_count;
  int32_t kernel_count;
  int32_t has_all_reduce;                /* devices call convoy_rt_all_reduce */
  int32_t reserved;                      /* 0 */
  const struct convoy_gpu_image *images; /* by rising arch, machine code first */
  const char *const *kernels;            /* their names in each image */
};

struct convoy_model_description {
  int32_t abi_version; /* CONVOY_ABI_VERSION of the compiler */
  int32_t input_count;
  int32_t output_count;
  int32_t device_count;
  const convoy_tensor_info *inputs;
  const convoy_tensor_info *outputs;
  const char *cpu;       /* such as "x86-64-v3" */
  uint64_t cpu_features; /* bits of CpuFeatures.def that the code uses */
  const struct convoy_device_description *devices;
  const struct convoy_gpu_code *gpu; /* null where the CPU runs the kernels */
  const struct convoy_backend *backend;
};

/* What runs the kernels, see Backend.h. An artefact holds the one that its description
 * names; the optimizer drops the others. */
CONVOY_HIDDEN extern const struct convoy_backend convoy_cpu_backend;
CONVOY_HIDDEN extern const struct convoy_backend convoy_cuda_backend;
CONVOY_HIDDEN extern const struct convoy_backend convoy_emulator_backend;

/* Made by the compiler. */
CONVOY_HIDDEN extern const struct convoy_model_description convoy_model;

/* Called by generated code. */
typedef void (*convoy_task_body)(int64_t begin, int64_t end, void *const *args,
                                 uint8_t *scratch);
CONVOY_HIDDEN void convoy_rt_parallel_for(void *rt, convoy_task_body body, void *const *args,
                                          int64_t tasks);
CONVOY_HIDDEN void convoy_rt_layer_done(void *rt, int32_t layer);

/* One thread of an emulated kernel: what generated code reads of it; see Emulator.h. */
struct convoy_gpu_thread {
  int32_t thread_id[3], block_id[3], block_dim[3], grid_dim[3]; /* x, y, z */
  int32_t lane, warp;
  uint8_t *shared; /* the block's shared memory, aligned as wide as a vector register */
};
typedef void (*convoy_emulated_kernel)(struct convoy_gpu_thread *thread, void *const *args);

/* A buffer as copies of boxes see it, see cnn.tensor_map: innermost dimension first, `rank` of
 * them, contiguous but for the outermost, of which one follows another by `outer_stride`
 * elements; elements of 2 bytes are f16, of 4 bytes f32. */
enum { CONVOY_MAX_MAP_RANK = 5 };
struct convoy_tensor_map {
  void *address;
  int32_t element_bytes, rank, swizzle;
  int32_t sizes[CONVOY_MAX_MAP_RANK], box[CONVOY_MAX_MAP_RANK], steps[CONVOY_MAX_MAP_RANK];
  int32_t outer_stride;
};

/* Runs a GPU kernel on a grid of blocks of threads, in the order of calls: kernel number
 * `kernel` of convoy_gpu_code, or `emulated` on this CPU where that is not null; `kernel`
 * is then the layer. `args` are `arg_count` pointers to buffers, or numbers in their place,
 * of which the last `map_count` are to a convoy_tensor_map each; `shared_bytes` is the
 * kernel's shared memory. A failure is kept in `rt`, and convoy_run returns it. */
CONVOY_HIDDEN void convoy_rt_launch_kernel(void *rt, int32_t kernel,
                                           convoy_emulated_kernel emulated, int32_t grid_x,
                                           int32_t grid_y, int32_t grid_z, int32_t block_x,
                                           int32_t block_y, int32_t block_z,
                                           int32_t shared_bytes, void *const *args,
                                           int32_t arg_count, int32_t map_count);

/* Called by an emulated kernel. `site` numbers the operations of a kernel at which threads
 * meet. A failure ends the launch; the call does not return then. */

/* A thread is about to read or write shared memory. */
CONVOY_HIDDEN void convoy_gpu_access(struct convoy_gpu_thread *thread, const void *address,
                                     int32_t bytes, int32_t is_write);
CONVOY_HIDDEN void convoy_gpu_barrier(struct convoy_gpu_thread *thread, int32_t site);

/* `value` gets that of another lane; 0, and it stays, if there is no such lane. */
enum convoy_shuffle_mode {
  CONVOY_SHUFFLE_XOR = 0,
  CONVOY_SHUFFLE_DOWN = 1,
  CONVOY_SHUFFLE_UP = 2,
  CONVOY_SHUFFLE_IDX = 3
};
CONVOY_HIDDEN int32_t convoy_gpu_shuffle(struct convoy_gpu_thread *thread, int32_t site,
                                         int32_t mode, void *value, int32_t bytes,
                                         int32_t offset, int32_t width);

/* c += a * b of m16n8k`k`, on f16 or tf32, added in f32. Fragments are laid out as PTX's
 * mma.sync says. */
CONVOY_HIDDEN void convoy_gpu_mma(struct convoy_gpu_thread *thread, int32_t site, int32_t k,
                                  int32_t is_f16, const void *a, const void *b, float *c);

/* PTX's ldmatrix of `tiles` 8x8 matrices of 16-bit elements: `row` is the address that this
 * lane gives, `registers` the words that it gets. */
CONVOY_HIDDEN void convoy_gpu_load_matrix(struct convoy_gpu_thread *thread, int32_t site,
                                          const void *row, uint32_t *registers, int32_t tiles,
                                          int32_t is_transposed);

/* PTX's cp.async: `from_bytes` bytes into shared memory, zeros up to `bytes`. They arrive
 * when the thread waits, and not before. */
CONVOY_HIDDEN void convoy_gpu_async_copy(struct convoy_gpu_thread *thread, void *to,
                                         const void *from, int32_t bytes, int32_t from_bytes);
CONVOY_HIDDEN void convoy_gpu_async_group(struct convoy_gpu_thread *thread);
/* Waits until no more than `groups` groups are under way. */
CONVOY_HIDDEN void convoy_gpu_async_wait(struct convoy_gpu_thread *thread, int32_t groups);

/* PTX's mbarrier: `count` arrivals and the bytes that arrivals announce end a phase. A
 * thread waits until the last phase of `parity` has ended. */
CONVOY_HIDDEN void convoy_gpu_mbarrier_init(struct convoy_gpu_thread *thread, void *barrier,
                                            int32_t count);
CONVOY_HIDDEN void convoy_gpu_mbarrier_arrive(struct convoy_gpu_thread *thread, void *barrier,
                                              int32_t expected_bytes);
CONVOY_HIDDEN void convoy_gpu_mbarrier_wait(struct convoy_gpu_thread *thread, void *barrier,
                                            int32_t parity);
/* fence.mbarrier_init and fence.proxy.async: copies and products see what this thread
 * wrote. */
CONVOY_HIDDEN void convoy_gpu_fence_async(struct convoy_gpu_thread *thread);

/* PTX's cp.async.bulk.tensor of a box at `position`, innermost dimension first, which tells
 * `barrier` how many bytes arrived. */
CONVOY_HIDDEN void convoy_gpu_copy_box(struct convoy_gpu_thread *thread, void *to,
                                       const struct convoy_tensor_map *map,
                                       const int32_t *position, int32_t rank, void *barrier);

/* PTX's wgmma of m64n`n`, on tf32 or f16, out of shared memory: `a` and `b` are matrix
 * descriptors. `sums` are this thread's n / 2 registers; until a wait has given them back
 * they hold something that is no sum. */
CONVOY_HIDDEN void convoy_gpu_wgmma_fence(struct convoy_gpu_thread *thread, int32_t site);
CONVOY_HIDDEN void convoy_gpu_wgmma(struct convoy_gpu_thread *thread, int32_t site, int64_t a,
                                    int64_t b, int32_t n, int32_t is_f16, int32_t adds,
                                    float *sums);
CONVOY_HIDDEN void convoy_gpu_wgmma_commit(struct convoy_gpu_thread *thread, int32_t site);
/* Waits until no more than `groups` groups are under way; `sums` may be null. */
CONVOY_HIDDEN void convoy_gpu_wgmma_wait(struct convoy_gpu_thread *thread, int32_t site,
                                         int32_t groups, float *sums);

/* Communication between devices, of which each starts the same exchanges in the same
 * order. Device k holds [bounds[k], bounds[k + 1]) of an axis, as `rows` rows of
 * elements of `bytes` bytes. `bounds` outlive the run. A failure is kept in `rt`, and
 * convoy_run returns it. */
CONVOY_HIDDEN void convoy_rt_all_gather(void *rt, const void *from, void *to, int64_t rows,
                                        int64_t bytes, const int64_t *bounds);
CONVOY_HIDDEN void convoy_rt_halo_exchange(void *rt, const void *from, void *to, int64_t rows,
                                           int64_t bytes, const int64_t *bounds,
                                           int64_t before, int64_t after);
/* Adds `count` f32 in the order of devices; NCCL, on GPUs, in its own. */
CONVOY_HIDDEN void convoy_rt_all_reduce(void *rt, const float *from, float *to, int64_t count);
/* Waits until the oldest exchange that was not awaited has brought everything into `to`. */
CONVOY_HIDDEN void convoy_rt_await(void *rt);
/* Waits until no other device reads the buffers of the oldest exchange that was awaited
 * and not released. At most CONVOY_MAX_EXCHANGES are started and not released. */
CONVOY_HIDDEN void convoy_rt_release(void *rt);

/* A change here is a change of what generated code expects. */
#define CONVOY_CHECK_FIELD(TYPE, FIELD, OFFSET)                                               \
  static_assert(offsetof(TYPE, FIELD) == (OFFSET), #TYPE "." #FIELD " has moved")
#define CONVOY_CHECK_SIZE(TYPE, SIZE)                                                         \
  static_assert(sizeof(TYPE) == (SIZE), #TYPE " has another size")
CONVOY_CHECK_FIELD(convoy_tensor_info, name, 0);
CONVOY_CHECK_FIELD(convoy_tensor_info, element_type, 8);
CONVOY_CHECK_FIELD(convoy_tensor_info, rank, 12);
CONVOY_CHECK_FIELD(convoy_tensor_info, dims, 16);
CONVOY_CHECK_FIELD(convoy_tensor_info, size, 24);
CONVOY_CHECK_SIZE(convoy_tensor_info, 32);
CONVOY_CHECK_FIELD(struct convoy_device_description, invoke, 0);
CONVOY_CHECK_FIELD(struct convoy_device_description, layers, 8);
CONVOY_CHECK_FIELD(struct convoy_device_description, layer_count, 16);
CONVOY_CHECK_FIELD(struct convoy_device_description, arena_size, 24);
CONVOY_CHECK_FIELD(struct convoy_device_description, scratch_size, 32);
CONVOY_CHECK_FIELD(struct convoy_device_description, weights_size, 40);
CONVOY_CHECK_FIELD(struct convoy_device_description, weights, 48);
CONVOY_CHECK_SIZE(struct convoy_device_description, 56);
CONVOY_CHECK_FIELD(struct convoy_gpu_image, arch, 0);
CONVOY_CHECK_FIELD(struct convoy_gpu_image, is_specific, 4);
CONVOY_CHECK_FIELD(struct convoy_gpu_image, is_ptx, 8);
CONVOY_CHECK_FIELD(struct convoy_gpu_image, reserved, 12);
CONVOY_CHECK_FIELD(struct convoy_gpu_image, data, 16);
CONVOY_CHECK_FIELD(struct convoy_gpu_image, size, 24);
CONVOY_CHECK_SIZE(struct convoy_gpu_image, 32);
CONVOY_CHECK_FIELD(struct convoy_gpu_code, image_count, 0);
CONVOY_CHECK_FIELD(struct convoy_gpu_code, kernel_count, 4);
CONVOY_CHECK_FIELD(struct convoy_gpu_code, has_all_reduce, 8);
CONVOY_CHECK_FIELD(struct convoy_gpu_code, reserved, 12);
CONVOY_CHECK_FIELD(struct convoy_gpu_code, images, 16);
CONVOY_CHECK_FIELD(struct convoy_gpu_code, kernels, 24);
CONVOY_CHECK_SIZE(struct convoy_gpu_code, 32);
CONVOY_CHECK_FIELD(struct convoy_model_description, abi_version, 0);
CONVOY_CHECK_FIELD(struct convoy_model_description, input_count, 4);
CONVOY_CHECK_FIELD(struct convoy_model_description, output_count, 8);
CONVOY_CHECK_FIELD(struct convoy_model_description, device_count, 12);
CONVOY_CHECK_FIELD(struct convoy_model_description, inputs, 16);
CONVOY_CHECK_FIELD(struct convoy_model_description, outputs, 24);
CONVOY_CHECK_FIELD(struct convoy_model_description, cpu, 32);
CONVOY_CHECK_FIELD(struct convoy_model_description, cpu_features, 40);
CONVOY_CHECK_FIELD(struct convoy_model_description, devices, 48);
CONVOY_CHECK_FIELD(struct convoy_model_description, gpu, 56);
CONVOY_CHECK_FIELD(struct convoy_model_description, backend, 64);
CONVOY_CHECK_SIZE(struct convoy_model_description, 72);
CONVOY_CHECK_FIELD(struct convoy_gpu_thread, thread_id, 0);
CONVOY_CHECK_FIELD(struct convoy_gpu_thread, block_id, 12);
CONVOY_CHECK_FIELD(struct convoy_gpu_thread, block_dim, 24);
CONVOY_CHECK_FIELD(struct convoy_gpu_thread, grid_dim, 36);
CONVOY_CHECK_FIELD(struct convoy_gpu_thread, lane, 48);
CONVOY_CHECK_FIELD(struct convoy_gpu_thread, warp, 52);
CONVOY_CHECK_FIELD(struct convoy_gpu_thread, shared, 56);
CONVOY_CHECK_SIZE(struct convoy_gpu_thread, 64);
CONVOY_CHECK_FIELD(struct convoy_tensor_map, address, 0);
CONVOY_CHECK_FIELD(struct convoy_tensor_map, element_bytes, 8);
CONVOY_CHECK_FIELD(struct convoy_tensor_map, rank, 12);
CONVOY_CHECK_FIELD(struct convoy_tensor_map, swizzle, 16);
CONVOY_CHECK_FIELD(struct convoy_tensor_map, sizes, 20);
CONVOY_CHECK_FIELD(struct convoy_tensor_map, box, 40);
CONVOY_CHECK_FIELD(struct convoy_tensor_map, steps, 60);
CONVOY_CHECK_FIELD(struct convoy_tensor_map, outer_stride, 80);
CONVOY_CHECK_SIZE(struct convoy_tensor_map, 88);
#undef CONVOY_CHECK_FIELD
#undef CONVOY_CHECK_SIZE

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_RUNTIME_ABI_MODEL_H */
