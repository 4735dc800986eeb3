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
|* An artefact has no mutable global state. Any number of contexts may exist, *|
|* but two threads must not use one context at the same time. If they run it, *|
|* the second one gets CONVOY_ERROR_BUSY. No function aborts, throws, prints, *|
|* or changes signal handlers. Strings and structures that are returned live  *|
|* as long as the artefact is loaded, unless said otherwise.                  *|
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
#define CONVOY_ABI_VERSION 4

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
  CONVOY_BFLOAT16 = 16,
  /* An element of the following types takes a byte, the upper bits of which
   * are 0 if the type has fewer. */
  CONVOY_FLOAT8E4M3FN = 17,
  CONVOY_FLOAT8E4M3FNUZ = 18,
  CONVOY_FLOAT8E5M2 = 19,
  CONVOY_FLOAT8E5M2FNUZ = 20,
  CONVOY_UINT4 = 21,
  CONVOY_INT4 = 22,
  CONVOY_FLOAT4E2M1 = 23,
  CONVOY_FLOAT8E8M0 = 24,
  CONVOY_UINT2 = 25,
  CONVOY_INT2 = 26,
  CONVOY_FLOAT6E2M3 = 27,
  CONVOY_FLOAT6E3M2 = 28
};

enum convoy_status {
  CONVOY_OK = 0,
  CONVOY_ERROR_ARGUMENT = 1,  /* a null or misaligned pointer, a bad number */
  CONVOY_ERROR_MEMORY = 2,    /* no memory for the context */
  CONVOY_ERROR_THREADS = 3,   /* the system could not start the threads */
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
  CONVOY_ERROR_NCCL = 13,       /* NCCL failed, see convoy_create_on */
  /* Of all models. */
  CONVOY_ERROR_BUSY = 14,   /* another thread runs the context */
  CONVOY_ERROR_NO_RUN = 15, /* the context's last run failed, or there was none */
  CONVOY_ERROR_LOOP = 16,   /* a loop did not end, see --max-iterations of convoy compile */
  CONVOY_ERROR_RANGE = 17 /* a length of a sequence, or an input with --max, is out of range */
};

/* One input or output. Data is dense, row-major (the last dimension moves
 * fastest), in the byte order of the machine. If the size of an output's
 * dimension depends on data, `dims` has its upper bound; see
 * convoy_output_dims. */
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

/* Inputs and outputs in the order of the model; null if `index` is out of
 * range. */
CONVOY_EXPORT int32_t convoy_input_count(void);
CONVOY_EXPORT const convoy_tensor_info *convoy_input(int32_t index);
CONVOY_EXPORT int32_t convoy_output_count(void);
CONVOY_EXPORT const convoy_tensor_info *convoy_output(int32_t index);

/* 1 if `dims[dim]` of output `index` is an upper bound: the size of this
 * dimension depends on the data of a run. Otherwise 0, also if there is no such
 * dimension. */
CONVOY_EXPORT int32_t convoy_output_is_bounded(int32_t index, int32_t dim);

/* Layers in the order in which they run. Names need not be unique. */
CONVOY_EXPORT int32_t convoy_layer_count(void);
CONVOY_EXPORT const char *convoy_layer_name(int32_t index);

/* The CPU that the model was compiled for, such as "x86-64-v3". */
CONVOY_EXPORT const char *convoy_required_cpu(void);

/* The compute capabilities that the model has code for, such as 80 for 8.0, in rising order.
 * `*is_ptx` becomes 0 if the code is machine code. It becomes another number if the code is
 * PTX, which also runs on all later GPUs. (Code for sm_90a, machine code or PTX, runs on 9.0
 * alone.) Returns 0 if `index` is out of range; it always is if the CPU runs the model. */
CONVOY_EXPORT int32_t convoy_gpu_arch(int32_t index, int32_t *is_ptx);

/* Devices that share the model; 1 unless it was compiled for several. */
CONVOY_EXPORT int32_t convoy_device_count(void);

/* Bytes of working memory that each context allocates, for all devices. */
CONVOY_EXPORT int64_t convoy_arena_size(void);

/* One line of English on `status`; never null. For CONVOY_ERROR_CPU it names
 * what this machine lacks. */
CONVOY_EXPORT const char *convoy_status_text(int32_t status);

/* More about the last failure of convoy_create_on or convoy_run than convoy_status_text says,
 * such as the name of the GPU, in one line; empty if there is no more to say. The next call
 * may change the text. */
CONVOY_EXPORT const char *convoy_context_error(const convoy_context *context);

/* Makes a context with `threads` threads, including the thread that calls
 * convoy_run. 0 means one for each core that the process may use; with 1, no
 * thread is started. If the model is for several devices, each gets its share of
 * the threads, at least one. On failure `*context` is null. Results do not depend
 * on `threads`, not in a single bit. A model for GPUs runs on GPU 0, see
 * convoy_create_on. */
CONVOY_EXPORT int32_t convoy_create(int32_t threads, convoy_context **context);

/* Makes a context on GPU number `ordinal`, of a model that was compiled for GPUs. This call
 * copies the weights to the GPU. In a run, one thread of the process gives the GPU its work.
 * If the model is for several devices, they use the GPUs `ordinal`, `ordinal` + 1, ..., with
 * GPU 0 again after the last one, and have one thread each. If each device has a GPU of its
 * own and the NCCL library is installed, NCCL adds up the results of the devices.
 * CONVOY_NCCL=0 in the environment prevents that; with CONVOY_NCCL=1 it is a failure if NCCL
 * cannot do it. On failure `*context` is null, or a context that may only be given to
 * convoy_context_error and convoy_destroy. */
CONVOY_EXPORT int32_t convoy_create_on(int32_t ordinal, convoy_context **context);

/* The most exchanges between devices that are started and not finished at the same time. */
#define CONVOY_MAX_EXCHANGES 8

/* How the devices of a model exchange data if they run in different processes. All
 * devices start the same exchanges in the same order, and finish them in that order. They
 * compute between start and finish; so the functions that start an exchange should return
 * before it is done, if the transport can do that. Until an exchange is finished, the data
 * at `from` and `bounds` do not change, and only the transport uses the memory at `to`.
 * A tensor that is cut along an axis is `rows` rows; in each row, an index of the axis is
 * an element of `bytes` bytes. Device k has the elements [bounds[k], bounds[k + 1]) of each
 * row. Each function returns 0, or another number after a failure. */
typedef struct convoy_transport {
  void *user;
  /* Starts an exchange. `to` gets the elements of all devices. */
  int32_t (*all_gather)(void *user, const void *from, void *to, int64_t rows, int64_t bytes,
                        const int64_t *bounds);
  /* Starts an exchange. `to` gets this device's elements, after the last `before` elements of
   * the device before it, and before the first `after` elements of the device after it. The
   * first device has none before it, and the last device none after it. */
  int32_t (*halo_exchange)(void *user, const void *from, void *to, int64_t rows, int64_t bytes,
                           const int64_t *bounds, int64_t before, int64_t after);
  /* Starts an exchange. `to` gets the sums of `count` f32 over all devices. */
  int32_t (*all_reduce)(void *user, const float *from, float *to, int64_t count);
  /* Waits until the oldest exchange that is not finished yet is finished. */
  int32_t (*finish)(void *user);
} convoy_transport;

/* Makes a context for device number `device` alone, which reaches the other devices through
 * `transport`. The transport must outlive the context. Only device 0 writes outputs. After
 * CONVOY_ERROR_TRANSPORT the context cannot run any more. Only for models whose kernels run on
 * the CPU. */
CONVOY_EXPORT int32_t convoy_create_device(int32_t threads, int32_t device,
                                           const convoy_transport *transport,
                                           convoy_context **context);

/* Threads of the context, the caller's included. */
CONVOY_EXPORT int32_t convoy_thread_count(const convoy_context *context);

/* Runs the model once. `inputs` and `outputs` have one pointer for each input and
 * output, in order, aligned to the element type. The buffers belong to the caller.
 * Outputs are written in full, inputs are never written; convoy_output_dims says how
 * much of an output with upper bounds has a meaning. No output may overlap any other
 * buffer. For a model that runs on a GPU, a buffer may also be memory of the GPU;
 * then nothing may be working on it any more. */
CONVOY_EXPORT int32_t convoy_run(convoy_context *context, const void *const *inputs,
                                 void *const *outputs);

/* Copies the sizes of output `index` after the last run to `dims[0 .. rank)`. They are at most
 * those of convoy_output(index), and differ only in dimensions that convoy_output_is_bounded
 * names. The buffer has the layout of convoy_output(index) in any case: its strides are those
 * of the largest sizes, and elements with an index beyond a dimension's size are unspecified.
 * For example, element [i][j] of an output of at most 8x100 is at 100 * i + j, also if it is
 * 8x5 now. Returns CONVOY_ERROR_NO_RUN if the last run failed or there was none. */
CONVOY_EXPORT int32_t convoy_output_dims(const convoy_context *context, int32_t index,
                                         int64_t *dims);

/* Switches per-layer timing on or off, and sets all times to zero. */
CONVOY_EXPORT int32_t convoy_profile_enable(convoy_context *context, int32_t enable);

/* Copies the nanoseconds of each layer, summed over all runs since
 * convoy_profile_enable, to `nanoseconds[0 .. convoy_layer_count())`, and the
 * number of those runs to `*runs` unless it is null. */
CONVOY_EXPORT int32_t convoy_profile_read(const convoy_context *context, int64_t *nanoseconds,
                                          int64_t *runs);

/* Ends the threads of the context and frees it; null is ignored. */
CONVOY_EXPORT void convoy_destroy(convoy_context *context);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_C_ARTEFACT_H */
