/*===- FakeDriver.c - A CUDA driver on the CPU, for tests ---------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include "FakeDriver.h"

#include "FakeState.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC visibility push(default)

enum { MAX_NAMES = 80 };

struct CUmod_st {
  char names[1024];
  struct CUfunc_st functions[sizeof fake_kernels / sizeof fake_kernels[0]];
};

struct memory {
  struct memory *next;
  char *begin;
  size_t size;
  int gpu; /* -1 for pinned memory */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t call_ended = PTHREAD_COND_INITIALIZER;
static struct CUctx_st contexts[FAKE_MAX_GPUS];
static struct memory *memories;
static struct count {
  char name[40];
  long calls;
  long gpu_calls[FAKE_MAX_GPUS]; /* calls in the context of each GPU */
} counts[MAX_NAMES];
static int is_initialised;
struct fake_state fake_state;
static char image_line[64];
static _Thread_local CUcontext stack[16];
static _Thread_local int depth;

long fake_get_setting(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text ? atol(text) : otherwise;
}

static struct count *find_count(const char *name) {
  for (int i = 0; i < MAX_NAMES; ++i)
    if (!counts[i].name[0] || strcmp(counts[i].name, name) == 0) {
      snprintf(counts[i].name, sizeof counts[i].name, "%s", name);
      return &counts[i];
    }
  abort();
}

CUcontext fake_current(void) { return stack[depth - 1]; }

CUresult fake_begin(const char *name) {
  pthread_mutex_lock(&lock);
  struct count *count = find_count(name);
  ++count->calls;
  int gpu = depth ? fake_current()->gpu : -1;
  long calls = gpu >= 0 ? ++count->gpu_calls[gpu] : 0;
  const char *fail = getenv("FAKE_CUDA_FAIL");
  size_t length = strlen(name);
  if (fail && strncmp(fail, name, length) == 0 && fail[length] == '=') {
    int error = 0, at = gpu;
    long first = 0;
    sscanf(fail + length + 1, "%d@%d:%ld", &error, &at, &first);
    if (at == gpu && calls >= first)
      return error;
  }
  return is_initialised || strcmp(name, "cuInit") == 0 ? CUDA_SUCCESS : 3;
}

CUresult fake_end(CUresult result) {
  pthread_cond_broadcast(&call_ended);
  pthread_mutex_unlock(&lock);
  return result;
}

void fake_wait(void) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  ++end.tv_sec;
  (void)pthread_cond_timedwait(&call_ended, &lock, &end);
}

void fake_check_wait(time_t since) {
  if (time(NULL) - since <= 60)
    return;
  fprintf(stderr, "fake driver: a stream waits for ever\n");
  abort();
}

CUresult fake_begin_in_context(const char *name) {
  CUresult result = fake_begin(name);
  if (result == CUDA_SUCCESS && (depth == 0 || !fake_current()->retained))
    return CUDA_ERROR_INVALID_CONTEXT;
  return result == CUDA_SUCCESS ? fake_current()->error : result;
}

CUresult fake_begin_alone(const char *name) {
  CUresult result = fake_begin_in_context(name);
  return result == CUDA_SUCCESS && fake_captures ? FAKE_CAPTURING : result;
}

/*===----------------------------------------------------------------------===*\
|* Functions for tests
\*===----------------------------------------------------------------------===*/

long fake_cuda_calls(const char *function) {
  pthread_mutex_lock(&lock);
  long calls = find_count(function)->calls;
  pthread_mutex_unlock(&lock);
  return calls;
}

long fake_cuda_uploaded(void) { return fake_state.uploaded; }

const char *fake_cuda_image(void) { return image_line; }

long fake_cuda_live(void) { return fake_state.live; }

void fake_cuda_reset(void) {
  memset(counts, 0, sizeof counts);
  fake_state.uploaded = 0;
}

/*===----------------------------------------------------------------------===*\
|* Memory
\*===----------------------------------------------------------------------===*/

static void *allocate(size_t size, int gpu) {
  struct memory *memory = malloc(sizeof *memory);
  memory->begin = aligned_alloc(256, (size + 255) / 256 * 256);
  memory->size = size;
  memory->gpu = gpu;
  memory->next = memories;
  memories = memory;
  /* Numbers that are read before they are written are NaN. */
  memset(memory->begin, 0xff, size);
  ++fake_state.live;
  return memory->begin;
}

int fake_get_owner(const void *address, size_t size) {
  const char *begin = address;
  for (const struct memory *memory = memories; memory; memory = memory->next)
    if (begin >= memory->begin && begin + size <= memory->begin + memory->size)
      return memory->gpu;
  return -2;
}

static CUresult release(void *address) {
  for (struct memory **link = &memories; *link; link = &(*link)->next)
    if ((*link)->begin == address) {
      struct memory *memory = *link;
      *link = memory->next;
      if (memory->gpu >= 0)
        contexts[memory->gpu].used -= memory->size;
      free(memory->begin);
      free(memory);
      --fake_state.live;
      return CUDA_SUCCESS;
    }
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t size) {
  CUresult result = fake_begin_alone("cuMemAlloc");
  if (result || !size)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  CUcontext context = fake_current();
  if (context->used + size > (size_t)fake_get_setting("FAKE_CUDA_MEMORY", 1000000000))
    return fake_end(CUDA_ERROR_OUT_OF_MEMORY);
  context->used += size;
  *address = (uintptr_t)allocate(size, context->gpu);
  return fake_end(CUDA_SUCCESS);
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  fake_begin("cuMemFree");
  return fake_end(release(fake_to_host(address)));
}

CUresult cuMemHostAlloc(void **address, size_t size, unsigned flags) {
  CUresult result = fake_begin_in_context("cuMemHostAlloc");
  if (result || !size || flags != CU_MEMHOSTALLOC_PORTABLE)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  *address = allocate(size, -1);
  return fake_end(CUDA_SUCCESS);
}

CUresult cuMemFreeHost(void *address) {
  fake_begin("cuMemFreeHost");
  return fake_end(release(address));
}

CUresult cuPointerGetAttribute(void *value, int attribute, CUdeviceptr pointer) {
  CUresult result = fake_begin_in_context("cuPointerGetAttribute");
  int owner = fake_get_owner(fake_to_host(pointer), 1);
  if (result || attribute != CU_POINTER_ATTRIBUTE_MEMORY_TYPE || owner == -2)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  *(unsigned *)value = owner == -1 ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
  return fake_end(CUDA_SUCCESS);
}

/*===----------------------------------------------------------------------===*\
|* GPUs and contexts
\*===----------------------------------------------------------------------===*/

CUresult cuInit(unsigned flags) {
  CUresult result = fake_begin("cuInit");
  if (result || flags)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  if (fake_get_setting("FAKE_CUDA_GPUS", 2) == 0)
    return fake_end(CUDA_ERROR_NO_DEVICE);
  is_initialised = 1;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuDriverGetVersion(int *version) {
  CUresult result = fake_begin("cuDriverGetVersion");
  *version = (int)fake_get_setting("FAKE_CUDA_DRIVER", 13000);
  return fake_end(result);
}

CUresult cuGetErrorString(CUresult error, const char **text) {
  *text = error == CUDA_ERROR_OUT_OF_MEMORY     ? "out of memory"
          : error == CUDA_ERROR_NO_DEVICE       ? "no CUDA-capable device is detected"
          : error == CUDA_ERROR_STUB_LIBRARY    ? "CUDA driver is a stub library"
          : error == CUDA_ERROR_INVALID_CONTEXT ? "invalid device context"
          : error == FAKE_ILLEGAL_ADDRESS       ? "an illegal memory access was encountered"
          : error == CUDA_ERROR_NOT_FOUND       ? "named symbol not found"
          : error == CUDA_ERROR_INVALID_PTX     ? "a PTX JIT compilation failed"
          : error == CUDA_ERROR_UNSUPPORTED_PTX_VERSION
              ? "the provided PTX was compiled with an unsupported toolchain."
              : NULL;
  return *text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDeviceGetCount(int *count) {
  CUresult result = fake_begin("cuDeviceGetCount");
  *count = (int)fake_get_setting("FAKE_CUDA_GPUS", 2);
  return fake_end(result);
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  CUresult result = fake_begin("cuDeviceGet");
  if (result || ordinal < 0 || ordinal >= fake_get_setting("FAKE_CUDA_GPUS", 2))
    return fake_end(result ? result : CUDA_ERROR_INVALID_DEVICE);
  *device = ordinal;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  CUresult result = fake_begin("cuDeviceGetName");
  (void)device;
  snprintf(name, (size_t)length, "Fake GPU");
  return fake_end(result);
}

CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  CUresult result = fake_begin("cuDeviceGetAttribute");
  int sm = (int)fake_get_setting("FAKE_CUDA_SM", 90);
  (void)device;
  *value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? sm / 10 : sm % 10;
  return fake_end(result);
}

CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer) {
  CUresult result = fake_begin("cuDeviceCanAccessPeer");
  *can = device != peer;
  return fake_end(result);
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  CUresult result = fake_begin("cuDevicePrimaryCtxRetain");
  if (result)
    return fake_end(result);
  *context = &contexts[device];
  (*context)->gpu = device;
  if (++(*context)->retained == 1)
    (*context)->error = CUDA_SUCCESS;
  ++fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  fake_begin("cuDevicePrimaryCtxRelease");
  --contexts[device].retained;
  --fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuCtxPushCurrent_v2(CUcontext context) {
  CUresult result = fake_begin("cuCtxPushCurrent");
  if (!result)
    stack[depth++] = context;
  return fake_end(result);
}

CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  CUresult result = fake_begin("cuCtxPopCurrent");
  if (!depth)
    return fake_end(CUDA_ERROR_INVALID_CONTEXT);
  *context = stack[--depth];
  return fake_end(result);
}

CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags) {
  CUresult result = fake_begin_in_context("cuCtxEnablePeerAccess");
  (void)flags;
  return fake_end(result ? result : peer == fake_current() ? CUDA_ERROR_INVALID_CONTEXT : 0);
}

/*===----------------------------------------------------------------------===*\
|* Code. An image is "fake sm_NN VERSION\nNAME NAME ...\n", or fake compute_NN for PTX.
|* VERSION is the version of the driver that it needs, or 0 if the image is broken. Code for
|* sm_NNa runs on that compute capability only.
\*===----------------------------------------------------------------------===*/

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, int *options,
                            void **values) {
  CUresult result = fake_begin_alone("cuModuleLoadDataEx");
  if (result)
    return fake_end(result);
  char kind[16], names[1024];
  int arch, version, sm = (int)fake_get_setting("FAKE_CUDA_SM", 90);
  int is_specific =
      sscanf(image, "fake %15[a-z]_%da %d\n%1023[^\n]", kind, &arch, &version, names) == 4;
  if (!is_specific &&
      sscanf(image, "fake %15[a-z]_%d %d\n%1023[^\n]", kind, &arch, &version, names) != 4)
    return fake_end(CUDA_ERROR_INVALID_IMAGE);
  int is_ptx = strcmp(kind, "compute") == 0;
  if (!version && is_ptx && count == 2 && options[0] == CU_JIT_ERROR_LOG_BUFFER &&
      options[1] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
    snprintf(values[0], (uintptr_t)values[1], "line 1; error: it is nonsense\nand more");
  if (!version)
    return fake_end(is_ptx ? CUDA_ERROR_INVALID_PTX : CUDA_ERROR_INVALID_IMAGE);
  if (version > fake_get_setting("FAKE_CUDA_DRIVER", 13000))
    return fake_end(is_ptx ? CUDA_ERROR_UNSUPPORTED_PTX_VERSION : CUDA_ERROR_INVALID_IMAGE);
  if (arch > sm || (!is_ptx && arch / 10 != sm / 10) || (is_specific && arch != sm))
    return fake_end(CUDA_ERROR_NO_BINARY_FOR_GPU);
  snprintf(image_line, sizeof image_line, "%s_%d%s", kind, arch, is_specific ? "a" : "");
  *module = calloc(1, sizeof **module);
  snprintf((*module)->names, sizeof(*module)->names, " %s ", names);
  ++fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuModuleUnload(CUmodule module) {
  fake_begin("cuModuleUnload");
  free(module);
  --fake_state.live;
  return fake_end(CUDA_SUCCESS);
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  CUresult result = fake_begin_in_context("cuModuleGetFunction");
  char word[64];
  snprintf(word, sizeof word, " %s ", name);
  if (result || !strstr(module->names, word))
    return fake_end(result ? result : CUDA_ERROR_NOT_FOUND);
  for (size_t i = 0; i < sizeof fake_kernels / sizeof fake_kernels[0]; ++i)
    if (strcmp(fake_kernels[i].name, name) == 0) {
      *function = &module->functions[i];
      (*function)->kernel = &fake_kernels[i];
      return fake_end(CUDA_SUCCESS);
    }
  return fake_end(CUDA_ERROR_NOT_FOUND);
}

/* Each kernel of an image reserves 1000 bytes of shared memory. */
CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction function) {
  CUresult result = fake_begin_in_context("cuFuncGetAttribute");
  (void)function;
  *value = attribute == CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES ? 1000 : -1;
  return fake_end(result);
}

CUresult cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  CUresult result = fake_begin_in_context("cuFuncSetAttribute");
  if (result || attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  function->shared_bytes = (unsigned)value;
  return fake_end(CUDA_SUCCESS);
}

#ifndef FAKE_CUDA_OLD
/* Checks its arguments as a driver does, but keeps only the address: the fake kernels read
 * nothing else of a map. */
CUresult cuTensorMapEncodeTiled(CUtensorMap *map, int type, unsigned rank, void *address,
                                const uint64_t *sizes, const uint64_t *strides,
                                const unsigned *box, const unsigned *steps, int interleave,
                                int swizzle, int promotion, int fill) {
  CUresult result = fake_begin_in_context("cuTensorMapEncodeTiled");
  unsigned bytes = type == CU_TENSOR_MAP_DATA_TYPE_FLOAT16 ? 2 : 4;
  int is_good = !result && (uintptr_t)map % 64 == 0 && (uintptr_t)address % 16 == 0 &&
                rank >= 1 && rank <= 5 && interleave == CU_TENSOR_MAP_INTERLEAVE_NONE &&
                promotion == CU_TENSOR_MAP_L2_PROMOTION_L2_128B &&
                fill == CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE && box[0] * bytes == 16u << swizzle;
  uint64_t size = bytes;
  for (unsigned i = 0; is_good && i < rank; ++i) {
    is_good = sizes[i] && box[i] >= 1 && box[i] <= 256 && steps[i] >= 1 && steps[i] <= 8 &&
              box[i] % steps[i] == 0;
    size *= sizes[i];
    if (i + 1 < rank)
      is_good &= strides[i] == size && size % 16 == 0;
  }
  if (!is_good || fake_get_owner(address, size) != fake_current()->gpu)
    return fake_end(result ? result : CUDA_ERROR_INVALID_VALUE);
  map->opaque[0] = (uint64_t)(uintptr_t)address;
  return fake_end(CUDA_SUCCESS);
}
#endif
