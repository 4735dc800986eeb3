/*===- convoy-c/Artefact.h - The C ABI of a compiled model --------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Every artefact (`model.so`, `model.o`) exports exactly these functions.    *|
|*                                                                            *|
|*   convoy_context *context;                                                 *|
|*   int status = convoy_create(0, &context);                                 *|
|*   if (status == CONVOY_OK)                                                 *|
|*     status = convoy_run(context, inputs, outputs);                         *|
|*   if (status != CONVOY_OK)                                                 *|
|*     fprintf(stderr, "%s\n", convoy_status_text(status));                   *|
|*   convoy_destroy(context);                                                 *|
|*                                                                            *|
|* An artefact has no mutable global state. Any number of contexts may exist; *|
|* one context must not be used by two threads at a time. No function aborts, *|
|* throws, prints, or changes signal handlers. Strings and structures that    *|
|* are returned live as long as the artefact is loaded, unless said           *|
|* otherwise.                                                                 *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_C_ARTEFACT_H
#define CONVOY_C_ARTEFACT_H

#include <stdint.h>

#if defined(__GNUC__)
#define CONVOY_EXPORT __attribute__((visibility("default")))
#else
#define CONVOY_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Grows with every change that an old caller would notice. */
#define CONVOY_ABI_VERSION 3

/* Element types, numbered as in ONNX's TensorProto.DataType. A bool is one
 * byte, 0 or 1. */
enum convoy_element_type {
  CONVOY_FLOAT32 = 1,
  CONVOY_UINT8 = 2,
  CONVOY_INT8 = 3,
  CONVOY_UINT16 = 4,
  CONVOY_INT16 = 5,
  CONVOY_INT32 = 6,
  CONVOY_INT64 = 7,
  CONVOY_BOOL = 9,
  CONVOY_FLOAT16 = 10,
  CONVOY_FLOAT64 = 11,
  CONVOY_UINT32 = 12,
  CONVOY_UINT64 = 13,
  CONVOY_BFLOAT16 = 16
};

enum convoy_status {
  CONVOY_OK = 0,
  CONVOY_ERROR_ARGUMENT = 1,  /* a null or misaligned pointer, a bad number */
  CONVOY_ERROR_MEMORY = 2,    /* no memory for the context */
  CONVOY_ERROR_THREADS = 3,   /* the system started no more threads */
  CONVOY_ERROR_CPU = 4,       /* the CPU lacks what the model was compiled for */
  CONVOY_ERROR_MODEL = 5,     /* the model's code reported a failure */
  CONVOY_ERROR_TRANSPORT = 6, /* another device could not be reached */
  /* Only of models that run on GPUs. */
  CONVOY_ERROR_NO_DRIVER = 7,   /* there is no NVIDIA driver */
  CONVOY_ERROR_OLD_DRIVER = 8,  /* the driver does not know the model's code */
  CONVOY_ERROR_NO_GPU = 9,      /* there is no GPU of that number */
  CONVOY_ERROR_GPU = 10,        /* the model has no code for this GPU */
  CONVOY_ERROR_GPU_MEMORY = 11, /* the GPU has not enough memory */
  CONVOY_ERROR_CUDA = 12,       /* a call of the driver failed */
  CONVOY_ERROR_NCCL = 13        /* NCCL failed, see convoy_create_on */
};

/* One input or output. Data is dense, row-major (the last dimension moves
 * fastest), in the byte order of the machine. */
typedef struct convoy_tensor_info {
  const char *name;
  int32_t element_type; /* enum convoy_element_type */
  int32_t rank;
  const int64_t *dims; /* `rank` numbers; null for rank 0 */
  int64_t size;        /* bytes */
} convoy_tensor_info;

typedef struct convoy_context convoy_context;

/* CONVOY_ABI_VERSION of the artefact. Callers compare it before anything
 * else. */
CONVOY_EXPORT int32_t convoy_abi_version(void);

/* Inputs and outputs in the model's order; null when `index` is out of
 * range. */
CONVOY_EXPORT int32_t convoy_input_count(void);
CONVOY_EXPORT const convoy_tensor_info *convoy_input(int32_t index);
CONVOY_EXPORT int32_t convoy_output_count(void);
CONVOY_EXPORT const convoy_tensor_info *convoy_output(int32_t index);

/* Layers in the order in which they run. Names need not be unique. */
CONVOY_EXPORT int32_t convoy_layer_count(void);
CONVOY_EXPORT const char *convoy_layer_name(int32_t index);

/* The CPU that the model was compiled for, such as "x86-64-v3". */
CONVOY_EXPORT const char *convoy_required_cpu(void);

/* The GPUs that the model has code for, as compute capabilities, 80 for 8.0, in rising
 * order: machine code, or PTX, which fits all later GPUs too, where `*is_ptx` becomes other
 * than 0; of sm_90a both are for 9.0 alone. 0 when `index` is out of range, as it always is
 * where the CPU runs the model. */
CONVOY_EXPORT int32_t convoy_gpu_arch(int32_t index, int32_t *is_ptx);

/* Devices that share the model; 1 unless it was compiled for several. */
CONVOY_EXPORT int32_t convoy_device_count(void);

/* Bytes of working memory that each context allocates, for all devices. */
CONVOY_EXPORT int64_t convoy_arena_size(void);

/* One line of English on `status`; never null. For CONVOY_ERROR_CPU it names
 * what this machine lacks. */
CONVOY_EXPORT const char *convoy_status_text(int32_t status);

/* What convoy_status_text does not tell of the failure that convoy_create_on or convoy_run
 * returned last, such as the GPU's name, as a line that the next call may change; empty
 * where there is no more to tell. */
CONVOY_EXPORT const char *convoy_context_error(const convoy_context *context);

/* Makes a context of `threads` threads, the caller of convoy_run being one of
 * them; 0 means one for each core that the process may use, and 1 never starts
 * a thread. Each device of a model for several gets its share of the threads, at
 * least one. On failure `*context` is null. Results do not depend on `threads`,
 * not in a single bit. A model for GPUs runs on GPU 0, see convoy_create_on. */
CONVOY_EXPORT int32_t convoy_create(int32_t threads, convoy_context **context);

/* Makes a context on GPU number `ordinal` of a model that was compiled for GPUs. Its
 * weights are copied there now, and one thread of the process's gives the GPU work. The
 * devices of a model for several use the GPUs from `ordinal` on, and begin again with GPU
 * 0 behind the last. Where they are as many GPUs, NCCL adds up what they computed if its
 * library is there, which CONVOY_NCCL=0 in the environment prevents; with CONVOY_NCCL=1 it
 * is a failure if NCCL cannot. On failure `*context` is null, or a context that is only good
 * for convoy_context_error and convoy_destroy. */
CONVOY_EXPORT int32_t convoy_create_on(int32_t ordinal, convoy_context **context);

/* Exchanges between devices that a model starts before it finishes the first of them. */
#define CONVOY_MAX_EXCHANGES 8

/* How the devices of a model reach each other when they run in other processes.
 * All devices start the same exchanges in the same order, and finish them in that
 * order; between the two they compute, so a transport that can should only start what
 * it is asked for. Until an exchange is finished, `from` and `bounds` stay as they
 * are, and `to` is the transport's.
 * Device k holds [bounds[k], bounds[k + 1]) of an axis, as `rows` rows of elements of
 * `bytes` bytes. Each function returns 0, or another number after a failure. */
typedef struct convoy_transport {
  void *user;
  /* `to` gets the whole axis. */
  int32_t (*all_gather)(void *user, const void *from, void *to, int64_t rows, int64_t bytes,
                        const int64_t *bounds);
  /* `to` gets this device's part, with `before` elements of the device in front of
   * it and `after` of the one behind it, where there is one. */
  int32_t (*halo_exchange)(void *user, const void *from, void *to, int64_t rows, int64_t bytes,
                           const int64_t *bounds, int64_t before, int64_t after);
  /* `to` gets the sums of `count` f32 over all devices. */
  int32_t (*all_reduce)(void *user, const float *from, float *to, int64_t count);
  /* Comes back when the oldest exchange that is not finished is. */
  int32_t (*finish)(void *user);
} convoy_transport;

/* Makes a context of device number `device` alone, which reaches the others through
 * `transport`; that must outlive the context. Only device 0 writes outputs. After
 * CONVOY_ERROR_TRANSPORT the context runs no more. For models whose kernels run on the
 * CPU. */
CONVOY_EXPORT int32_t convoy_create_device(int32_t threads, int32_t device,
                                           const convoy_transport *transport,
                                           convoy_context **context);

/* Threads of the context, the caller's included. */
CONVOY_EXPORT int32_t convoy_thread_count(const convoy_context *context);

/* Runs the model once: `inputs` and `outputs` hold one pointer for each input
 * and output, in order, aligned to the element type. Buffers are the caller's,
 * outputs are written in full, inputs are never written. No output may overlap
 * any other buffer. For a model that runs on a GPU, a buffer may also be memory of the
 * GPU, with nothing that still works on it. */
CONVOY_EXPORT int32_t convoy_run(convoy_context *context, const void *const *inputs,
                                 void *const *outputs);

/* Switches per-layer timing on or off, and sets all times to zero. */
CONVOY_EXPORT int32_t convoy_profile_enable(convoy_context *context, int32_t enable);

/* Copies the nanoseconds of each layer, summed over all runs since
 * convoy_profile_enable, to `nanoseconds[0 .. convoy_layer_count())`, and the
 * number of those runs to `*runs` unless it is null. */
CONVOY_EXPORT int32_t convoy_profile_read(const convoy_context *context, int64_t *nanoseconds,
                                          int64_t *runs);

/* Ends the context's threads and frees it; null is ignored. */
CONVOY_EXPORT void convoy_destroy(convoy_context *context);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_C_ARTEFACT_H */
