/*===- Model.h - What the compiler tells the runtime --------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The contract between generated code and the runtime, which is linked into  *|
|* the same artefact. It is declared only here: the compiler derives the      *|
|* layout of structures and the types of functions from these declarations.   *|
|* Structures have no padding except after their last field, and have the     *|
|* same layout on all supported machines.                                     *|
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

/* A function that runs the program of one device once. `rt` is passed on to the functions
 * below that generated code calls. */
typedef void (*convoy_program)(void *rt, uint8_t *arena, const uint8_t *weights,
                               void *const *inputs, void *const *outputs);

/* The program of one device. */
struct convoy_device_description {
  convoy_program invoke;
  const char *const *layers; /* their names */
  int64_t layer_count;
  int64_t arena_size;   /* bytes */
  int64_t scratch_size; /* bytes of scratch memory for each thread */
  int64_t weights_size; /* bytes */
  /* Weights are read through this pointer and not by their symbol, so that generated code
   * need not be within 2 GiB of them. */
  const uint8_t *weights;
};

/* Kernels for GPUs of compute capability `arch` (80 for sm_80): machine code, or PTX that
 * the driver can compile for any later GPU. If `is_specific`, the code is for this compute
 * capability alone (sm_90a). */
struct convoy_gpu_image {
  int32_t arch;
  int32_t is_specific;
  int32_t is_ptx;
  int32_t reserved; /* 0 */
  const void *data; /* PTX ends with a zero byte, which `size` includes */
  int64_t size;
};

struct convoy_gpu_code {
  int32_t image_count;
  int32_t kernel_count;
  int32_t has_all_reduce;                /* if devices call convoy_rt_all_reduce */
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
  const convoy_tensor_info *outputs; /* followed by `size_count` sizes, see below */
  const char *cpu;                   /* such as "x86-64-v3" */
  uint64_t cpu_features;             /* bits of CpuFeatures.def that the code uses */
  const struct convoy_device_description *devices;
  const struct convoy_gpu_code *gpu; /* null if the CPU runs the kernels */
  const struct convoy_backend *backend;
  /* Programs write more results behind the outputs: numbers of type i64, which are the sizes
   * of dimensions of outputs. For each output a list of its dimensions, with the number of the
   * size or -1 if the output's description has it. Null for outputs that have no such
   * dimension; null altogether if there are no sizes. */
  const int32_t *const *output_sizes;
  int32_t size_count;
  int32_t reserved; /* 0 */
};

/* The tables of functions that run kernels, see Backend.h. The description of a model names
 * one of them; the optimizer drops the others from the artefact. */
CONVOY_HIDDEN extern const struct convoy_backend convoy_cpu_backend;
CONVOY_HIDDEN extern const struct convoy_backend convoy_cuda_backend;
CONVOY_HIDDEN extern const struct convoy_backend convoy_emulator_backend;

/* Made by the compiler. */
CONVOY_HIDDEN extern const struct convoy_model_description convoy_model;

/* The functions from here on are called by generated code. */

/* Runs tasks of a kernel: `body` is called for ranges of [0, tasks), by several threads, each
 * with its own scratch memory. Returns when all tasks are done. */
typedef void (*convoy_task_body)(int64_t begin, int64_t end, void *const *args,
                                 uint8_t *scratch);
CONVOY_HIDDEN void convoy_rt_parallel_for(void *rt, convoy_task_body body, void *const *args,
                                          int64_t tasks);
/* Says that layer number `layer` is done, for profiles. */
CONVOY_HIDDEN void convoy_rt_layer_done(void *rt, int32_t layer);
/* At the end of an iteration: `iteration` is the number of the next one. If there is one
 * (`goes_on`, a truth value of one byte) though `limit` iterations are done, ends the loop and
 * makes the run fail. `node` is the name of the model's node, for convoy_context_error. */
CONVOY_HIDDEN void convoy_rt_limit_loop(void *rt, const char *node, uint8_t *goes_on,
                                        int64_t iteration, int64_t limit);
/* Copies `count` signed integers of `bytes` bytes, 4 or 8, and moves those outside of the
 * range into it. If there are any, the run fails; `node` is the name of the node, or of the
 * model's input. */
CONVOY_HIDDEN void convoy_rt_check_range(void *rt, const char *node, const void *input,
                                         void *output, int64_t count, int64_t bytes,
                                         int64_t minimum, int64_t maximum);

/* One thread of an emulated kernel, as far as generated code reads it; see Emulator.h. */
struct convoy_gpu_thread {
  int32_t thread_id[3], block_id[3], block_dim[3], grid_dim[3]; /* x, y, z */
  int32_t lane, warp;
  uint8_t *shared; /* the block's shared memory, aligned to the size of a vector register */
};
typedef void (*convoy_emulated_kernel)(struct convoy_gpu_thread *thread, void *const *args);

/* A tensor map, see cnn.tensor_map. It has `rank` dimensions; lists begin with the innermost
 * one. The buffer is contiguous, except that the outermost dimension has the stride
 * `outer_stride`, in elements. Elements of 2 bytes are f16, elements of 4 bytes are f32. */
enum { CONVOY_MAX_MAP_RANK = 5 };
struct convoy_tensor_map {
  void *address;
  int32_t element_bytes, rank, swizzle;
  int32_t sizes[CONVOY_MAX_MAP_RANK], box[CONVOY_MAX_MAP_RANK], steps[CONVOY_MAX_MAP_RANK];
  int32_t outer_stride;
};

/* Runs a GPU kernel on a grid of blocks of threads. Kernels run in the order of the calls. If
 * `emulated` is null, the kernel is number `kernel` of convoy_gpu_code. Otherwise it is
 * `emulated`, which runs on this CPU, and `kernel` is the number of the layer. `args` are
 * `arg_count` arguments: pointers to buffers, or numbers in their place; the last `map_count`
 * of them are pointers to a convoy_tensor_map. `shared_bytes` is the size of the kernel's
 * shared memory. A failure is kept in `rt`, and convoy_run returns it. */
CONVOY_HIDDEN void convoy_rt_launch_kernel(void *rt, int32_t kernel,
                                           convoy_emulated_kernel emulated, int32_t grid_x,
                                           int32_t grid_y, int32_t grid_z, int32_t block_x,
                                           int32_t block_y, int32_t block_z,
                                           int32_t shared_bytes, void *const *args,
                                           int32_t arg_count, int32_t map_count);

/* The following functions are called by emulated kernels. `site` numbers the operations of a
 * kernel at which threads meet. A failure ends the launch: the call does not return. */

/* Called before a thread reads or writes shared memory. */
CONVOY_HIDDEN void convoy_gpu_access(struct convoy_gpu_thread *thread, const void *address,
                                     int32_t bytes, int32_t is_write);
/* Waits for all threads of the block. */
CONVOY_HIDDEN void convoy_gpu_barrier(struct convoy_gpu_thread *thread, int32_t site);

/* PTX's shfl.sync: gives `value` the value of another lane of the warp and returns 1. If there
 * is no such lane, `value` stays and the result is 0. */
enum convoy_shuffle_mode {
  CONVOY_SHUFFLE_XOR = 0,
  CONVOY_SHUFFLE_DOWN = 1,
  CONVOY_SHUFFLE_UP = 2,
  CONVOY_SHUFFLE_IDX = 3
};
CONVOY_HIDDEN int32_t convoy_gpu_shuffle(struct convoy_gpu_thread *thread, int32_t site,
                                         int32_t mode, void *value, int32_t bytes,
                                         int32_t offset, int32_t width);

/* PTX's mma.sync of shape m16n8k`k`: c += a * b, on f16 or tf32, added in f32. Fragments are
 * laid out as in PTX. */
CONVOY_HIDDEN void convoy_gpu_mma(struct convoy_gpu_thread *thread, int32_t site, int32_t k,
                                  int32_t is_f16, const void *a, const void *b, float *c);

/* PTX's ldmatrix of `tiles` 8x8 matrices of 16-bit elements. `row` is the address of the row
 * that this lane names; `registers` are the words that it gets. */
CONVOY_HIDDEN void convoy_gpu_load_matrix(struct convoy_gpu_thread *thread, int32_t site,
                                          const void *row, uint32_t *registers, int32_t tiles,
                                          int32_t is_transposed);

/* PTX's cp.async: copies `from_bytes` bytes into shared memory, and fills up to `bytes` with
 * zeros. The bytes arrive when the thread waits for them, and not before. */
CONVOY_HIDDEN void convoy_gpu_async_copy(struct convoy_gpu_thread *thread, void *to,
                                         const void *from, int32_t bytes, int32_t from_bytes);
/* Makes a group of the thread's copies that are in no group yet. */
CONVOY_HIDDEN void convoy_gpu_async_group(struct convoy_gpu_thread *thread);
/* Waits until at most `groups` groups of copies are under way. */
CONVOY_HIDDEN void convoy_gpu_async_wait(struct convoy_gpu_thread *thread, int32_t groups);

/* PTX's mbarrier: a phase ends after `count` arrivals, when all bytes that the arrivals
 * announced have come. A thread waits until the last phase of this `parity` has ended. */
CONVOY_HIDDEN void convoy_gpu_mbarrier_init(struct convoy_gpu_thread *thread, void *barrier,
                                            int32_t count);
CONVOY_HIDDEN void convoy_gpu_mbarrier_arrive(struct convoy_gpu_thread *thread, void *barrier,
                                              int32_t expected_bytes);
CONVOY_HIDDEN void convoy_gpu_mbarrier_wait(struct convoy_gpu_thread *thread, void *barrier,
                                            int32_t parity);
/* PTX's fence.mbarrier_init and fence.proxy.async: makes this thread's writes visible to
 * copies of boxes and to products. */
CONVOY_HIDDEN void convoy_gpu_fence_async(struct convoy_gpu_thread *thread);

/* PTX's cp.async.bulk.tensor: copies the box at `position` (innermost dimension first), and
 * tells `barrier` how many bytes have arrived. */
CONVOY_HIDDEN void convoy_gpu_copy_box(struct convoy_gpu_thread *thread, void *to,
                                       const struct convoy_tensor_map *map,
                                       const int32_t *position, int32_t rank, void *barrier);

/* PTX's wgmma of shape m64n`n`, on tf32 or f16, out of shared memory. `a` and `b` are matrix
 * descriptors. `sums` are this thread's n / 2 registers; until a wait has given them back,
 * they contain no sums. If `adds` is 0, the product replaces the sums. */
CONVOY_HIDDEN void convoy_gpu_wgmma_fence(struct convoy_gpu_thread *thread, int32_t site);
CONVOY_HIDDEN void convoy_gpu_wgmma(struct convoy_gpu_thread *thread, int32_t site, int64_t a,
                                    int64_t b, int32_t n, int32_t is_f16, int32_t adds,
                                    float *sums);
CONVOY_HIDDEN void convoy_gpu_wgmma_commit(struct convoy_gpu_thread *thread, int32_t site);
/* Waits until at most `groups` groups of products are under way, and gives back `sums`, which
 * may be null. */
CONVOY_HIDDEN void convoy_gpu_wgmma_wait(struct convoy_gpu_thread *thread, int32_t site,
                                         int32_t groups, float *sums);

/* Start an exchange between devices. All devices start the same exchanges in the same order.
 * The arguments are as in convoy_transport (convoy-c/Artefact.h); `bounds` outlive the run. A
 * failure is kept in `rt`, and convoy_run returns it. */
CONVOY_HIDDEN void convoy_rt_all_gather(void *rt, const void *from, void *to, int64_t rows,
                                        int64_t bytes, const int64_t *bounds);
CONVOY_HIDDEN void convoy_rt_halo_exchange(void *rt, const void *from, void *to, int64_t rows,
                                           int64_t bytes, const int64_t *bounds,
                                           int64_t before, int64_t after);
/* Adds `count` f32 of each device, in the order of the devices. If NCCL adds on GPUs, the
 * order is its own. */
CONVOY_HIDDEN void convoy_rt_all_reduce(void *rt, const float *from, float *to, int64_t count);
/* Waits until the oldest exchange that was not awaited yet has written all of `to`. */
CONVOY_HIDDEN void convoy_rt_await(void *rt);
/* Waits until no other device reads the buffers of the oldest exchange that was awaited and
 * not released yet. At most CONVOY_MAX_EXCHANGES exchanges may be started and not released. */
CONVOY_HIDDEN void convoy_rt_release(void *rt);

/* The layout on which generated code relies. */
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
CONVOY_CHECK_FIELD(struct convoy_model_description, output_sizes, 72);
CONVOY_CHECK_FIELD(struct convoy_model_description, size_count, 80);
CONVOY_CHECK_FIELD(struct convoy_model_description, reserved, 84);
CONVOY_CHECK_SIZE(struct convoy_model_description, 88);
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
