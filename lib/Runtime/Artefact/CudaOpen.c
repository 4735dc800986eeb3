/*===- CudaOpen.c - A model's code and memory on a GPU ------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "Cuda.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*===----------------------------------------------------------------------===*\
|* The driver and the GPU
\*===----------------------------------------------------------------------===*/

static int open_driver(struct convoy_device *device) {
  struct convoy_cuda_driver *driver = &device->cuda->driver;
  /* The driver has threads of its own, so it stays loaded after the last context. */
  driver->library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!driver->library) {
    const char *reason = dlerror();
    convoy_fail(device, CONVOY_ERROR_NO_DRIVER, "%s", reason ? reason : "libcuda.so.1");
    return 0;
  }
  /* Through an integer: ISO C converts no object's address to a function's. */
#define FIND_LATER(NAME, VERSION, PARAMETERS)                                                 \
  driver->NAME = (CUresult(*) PARAMETERS)(uintptr_t)dlsym(driver->library, #NAME VERSION);
#define FIND(NAME, VERSION, PARAMETERS)                                                       \
  FIND_LATER(NAME, VERSION, PARAMETERS)                                                       \
  if (!driver->NAME) {                                                                        \
    convoy_fail(device, CONVOY_ERROR_OLD_DRIVER, "it has no %s", #NAME);                      \
    return 0;                                                                                 \
  }
  CONVOY_CUDA_FUNCTIONS(FIND)
  CONVOY_CUDA_LATER_FUNCTIONS(FIND_LATER)
#undef FIND
#undef FIND_LATER
  CUresult result = driver->cuInit(0);
  switch (result) {
  case CUDA_ERROR_STUB_LIBRARY:
    convoy_fail(device, CONVOY_ERROR_NO_DRIVER, "%s", convoy_cuda_describe(device, result));
    return 0;
  case CUDA_ERROR_NO_DEVICE:
    convoy_fail(device, CONVOY_ERROR_NO_GPU, "%s", convoy_cuda_describe(device, result));
    return 0;
  default:
    return convoy_cuda_check(device, result, "cuInit");
  }
}

static int open_gpu(struct convoy_device *device, int32_t ordinal) {
  struct convoy_cuda *cuda = device->cuda;
  cuda->ordinal = ordinal;
  int major, minor;
  if (!CONVOY_CUDA_CALL(device, cuDeviceGet, &cuda->gpu, ordinal) ||
      !CONVOY_CUDA_CALL(device, cuDeviceGetAttribute, &major,
                        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, cuda->gpu) ||
      !CONVOY_CUDA_CALL(device, cuDeviceGetAttribute, &minor,
                        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, cuda->gpu))
    return 0;
  cuda->capability = major * 10 + minor;
  if (cuda->driver.cuDeviceGetName(cuda->name, (int)sizeof cuda->name - 1, cuda->gpu) !=
      CUDA_SUCCESS)
    cuda->name[0] = 0;
  CUcontext context;
  if (!CONVOY_CUDA_CALL(device, cuDevicePrimaryCtxRetain, &context, cuda->gpu))
    return 0;
  cuda->context = context;
  return 1;
}

/*===----------------------------------------------------------------------===*\
|* Code
\*===----------------------------------------------------------------------===*/

/* The best image for a GPU of compute capability `capability`, or null. Machine code runs on
 * GPUs of the same generation and at least its capability, PTX on all GPUs of at least its
 * capability. An image that is specific to a capability runs on that one alone. */
static const struct convoy_gpu_image *find_image(int32_t capability, int is_ptx) {
  const struct convoy_gpu_image *best = NULL;
  for (int32_t i = 0; i < convoy_model.gpu->image_count; ++i) {
    const struct convoy_gpu_image *image = &convoy_model.gpu->images[i];
    if (!image->is_ptx == !is_ptx && image->arch <= capability &&
        (is_ptx || image->arch / 10 == capability / 10) &&
        (!image->is_specific || image->arch == capability) &&
        (!best || image->arch > best->arch))
      best = image;
  }
  return best;
}

static void fail_for_gpu(struct convoy_device *device) {
  const struct convoy_cuda *cuda = device->cuda;
  char archs[128] = "";
  size_t length = 0;
  for (int32_t i = 0; i < convoy_model.gpu->image_count && length < sizeof archs; ++i) {
    const struct convoy_gpu_image *image = &convoy_model.gpu->images[i];
    length += (size_t)snprintf(archs + length, sizeof archs - length, "%s%s_%d%s",
                               i ? ", " : "", image->is_ptx ? "compute" : "sm",
                               (int)image->arch, image->is_specific ? "a" : "");
  }
  convoy_fail(device, CONVOY_ERROR_GPU, "GPU %d %s is sm_%d, the model has %s",
              (int)cuda->ordinal, cuda->name, (int)cuda->capability, archs);
}

/* Returns 1 if the image was loaded. If not, it is a failure unless another image can be
 * tried. */
static int load_image(struct convoy_device *device, const struct convoy_gpu_image *image,
                      int is_last) {
  struct convoy_cuda *cuda = device->cuda;
  char log[128] = "";
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, (void *)(uintptr_t)(sizeof log - 1)};
  CUresult result = cuda->driver.cuModuleLoadDataEx(&cuda->module, image->data,
                                                    image->is_ptx ? 2 : 0, options, values);
  if (result == CUDA_SUCCESS)
    return 1;
  cuda->module = NULL;
  if (!is_last && result != CUDA_ERROR_OUT_OF_MEMORY)
    return 0;
  const char *kind = image->is_ptx ? "compute" : "sm";
  const char *specific = image->is_specific ? "a" : "";
  switch (result) {
  case CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER:
  case CUDA_ERROR_INVALID_IMAGE:
  case CUDA_ERROR_NO_BINARY_FOR_GPU:
  case CUDA_ERROR_UNSUPPORTED_PTX_VERSION: {
    /* The GPU can run the code, so it must be the driver that does not know it. */
    int version = 0;
    (void)cuda->driver.cuDriverGetVersion(&version);
    convoy_fail(device, CONVOY_ERROR_OLD_DRIVER, "it is one of CUDA %d.%d; %s_%d%s: %s",
                version / 1000, version % 1000 / 10, kind, (int)image->arch, specific,
                convoy_cuda_describe(device, result));
    break;
  }
  case CUDA_ERROR_INVALID_PTX:
    log[strcspn(log, "\n")] = 0;
    convoy_fail(device, CONVOY_ERROR_CUDA, "%s_%d%s: %s: %s", kind, (int)image->arch, specific,
                convoy_cuda_describe(device, result), log);
    break;
  default:
    convoy_cuda_check(device, result, "cuModuleLoadDataEx");
  }
  return 0;
}

static int load_kernels(struct convoy_device *device) {
  struct convoy_cuda *cuda = device->cuda;
  const struct convoy_gpu_image *code = find_image(cuda->capability, 0);
  const struct convoy_gpu_image *ptx = find_image(cuda->capability, 1);
  if (!code && !ptx) {
    fail_for_gpu(device);
    return 0;
  }
  if (!(code && load_image(device, code, !ptx)) &&
      (device->status || !ptx || !load_image(device, ptx, 1)))
    return 0;

  int32_t count = convoy_model.gpu->kernel_count;
  cuda->kernels = calloc((size_t)count + 1, sizeof *cuda->kernels);
  if (!cuda->kernels) {
    convoy_fail(device, CONVOY_ERROR_MEMORY, "%s", "kernels");
    return 0;
  }
  for (int32_t i = 0; i < count; ++i) {
    struct convoy_cuda_kernel *kernel = &cuda->kernels[i];
    int bytes;
    /* Asking for an attribute also loads kernels that the driver loads lazily. */
    if (!CONVOY_CUDA_CALL(device, cuModuleGetFunction, &kernel->function, cuda->module,
                          convoy_model.gpu->kernels[i]) ||
        !CONVOY_CUDA_CALL(device, cuFuncGetAttribute, &bytes,
                          CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, kernel->function))
      return 0;
    kernel->static_bytes = bytes;
  }
  return 1;
}

/*===----------------------------------------------------------------------===*\
|* Memory
\*===----------------------------------------------------------------------===*/

/* Returns the offset of the next buffer, and moves `*end` past it. Offsets are multiples of
 * 256, to which the driver aligns memory, too. */
static int64_t place(int64_t *end, int64_t size) {
  int64_t begin = *end;
  *end += (size + 255) / 256 * 256;
  return begin;
}

static uint8_t *get_address(CUdeviceptr base, int64_t offset) {
  return (uint8_t *)(uintptr_t)(base + (CUdeviceptr)offset);
}

static int allocate(struct convoy_device *device, CUdeviceptr *memory, int64_t size) {
  struct convoy_cuda *cuda = device->cuda;
  CUresult result = cuda->driver.cuMemAlloc(memory, size ? (size_t)size : 1);
  if (result == CUDA_ERROR_OUT_OF_MEMORY)
    convoy_fail(device, CONVOY_ERROR_GPU_MEMORY, "GPU %d %s has no %.1f MB left",
                (int)cuda->ordinal, cuda->name, (double)size / 1e6);
  return convoy_cuda_check(device, result, "cuMemAlloc");
}

static int make_memory(struct convoy_device *device) {
  struct convoy_cuda *cuda = device->cuda;
  const struct convoy_device_description *description = device->description;
  if (!allocate(device, &cuda->weights, description->weights_size))
    return 0;
  if (description->weights_size &&
      !CONVOY_CUDA_CALL(device, cuMemcpyHtoD, cuda->weights, description->weights,
                        (size_t)description->weights_size))
    return 0;

  int32_t inputs = convoy_model.input_count, count = inputs + convoy_result_count();
  cuda->buffers = calloc((size_t)count + 1, sizeof *cuda->buffers);
  if (!cuda->buffers) {
    convoy_fail(device, CONVOY_ERROR_MEMORY, "%s", "buffers");
    return 0;
  }
  int64_t end = 0;
  int64_t arena = place(&end, description->arena_size);
  int64_t buffers = end;
  for (int32_t i = 0; i < count; ++i)
    (void)place(&end, i < inputs ? convoy_model.inputs[i].size
                                 : convoy_model.outputs[i - inputs].size);
  if (!allocate(device, &cuda->memory, end))
    return 0;
  cuda->arena = get_address(cuda->memory, arena);
  for (int32_t i = 0; i < count; ++i)
    cuda->buffers[i] = get_address(
        cuda->memory, place(&buffers, i < inputs ? convoy_model.inputs[i].size
                                                 : convoy_model.outputs[i - inputs].size));
  return 1;
}

/* Allocates pinned memory, which the GPU reads and writes by itself. */
static int make_staging(struct convoy_device *device) {
  int64_t size = 0;
  for (int32_t i = 0; i < convoy_model.input_count; ++i)
    (void)place(&size, convoy_model.inputs[i].size);
  for (int32_t i = 0; i < convoy_result_count(); ++i)
    (void)place(&size, convoy_model.outputs[i].size);
  void *staging;
  if (!CONVOY_CUDA_CALL(device, cuMemHostAlloc, &staging, size ? (size_t)size : 1,
                        CU_MEMHOSTALLOC_PORTABLE))
    return 0;
  device->cuda->staging = staging;
  device->cuda->is_staged = calloc((size_t)convoy_result_count() + 1, 1);
  if (!device->cuda->is_staged)
    convoy_fail(device, CONVOY_ERROR_MEMORY, "%s", "outputs");
  return !device->status;
}

/*===----------------------------------------------------------------------===*\
|* The program
\*===----------------------------------------------------------------------===*/

static int make_stream(struct convoy_device *device) {
  struct convoy_cuda *cuda = device->cuda;
  if (!CONVOY_CUDA_CALL(device, cuStreamCreate, &cuda->stream, CU_STREAM_NON_BLOCKING))
    return 0;
  if (device->context->device_count == 1)
    return 1;
  for (int kind = 0; kind < CONVOY_EVENT_KINDS; ++kind)
    for (int i = 0; i < CONVOY_MAX_EXCHANGES; ++i)
      if (!CONVOY_CUDA_CALL(device, cuEventCreate, &cuda->events[kind][i],
                            CU_EVENT_DISABLE_TIMING))
        return 0;
  return 1;
}

/* Records the program's launches as a graph, which one call runs. */
static void capture(struct convoy_device *device) {
  struct convoy_cuda *cuda = device->cuda;
  if (!CONVOY_CUDA_CALL(device, cuStreamBeginCapture, cuda->stream,
                        CU_STREAM_CAPTURE_MODE_THREAD_LOCAL))
    return;
  device->description->invoke(device, cuda->arena, get_address(cuda->weights, 0),
                              cuda->buffers, cuda->buffers + convoy_model.input_count);
  CUgraph graph = NULL;
  /* The capture must be ended, whatever happened. */
  if (CONVOY_CUDA_CALL(device, cuStreamEndCapture, cuda->stream, &graph) && !device->status)
    (void)CONVOY_CUDA_CALL(device, cuGraphInstantiateWithFlags, &cuda->graph, graph, 0);
  if (graph)
    (void)cuda->driver.cuGraphDestroy(graph);
}

/* Enables direct copies between the device's GPU and the others, if the GPUs can do that. */
static void open_peers(struct convoy_context *context, struct convoy_device *device) {
  const struct convoy_cuda *cuda = device->cuda;
  for (int32_t i = 0; i < context->device_count; ++i) {
    const struct convoy_cuda *peer = context->devices[i].cuda;
    int can = 0;
    if (peer->gpu == cuda->gpu ||
        !CONVOY_CUDA_CALL(device, cuDeviceCanAccessPeer, &can, cuda->gpu, peer->gpu) || !can)
      continue;
    CUresult result = cuda->driver.cuCtxEnablePeerAccess(peer->context, 0);
    if (result != CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED)
      (void)convoy_cuda_check(device, result, "cuCtxEnablePeerAccess");
  }
}

static void open_device(struct convoy_device *device, int32_t ordinal) {
  if (!open_gpu(device, ordinal) || !convoy_cuda_enter(device))
    return;
  if (load_kernels(device) && make_memory(device) && make_stream(device) &&
      (device->number != 0 || make_staging(device)) && device->context->device_count == 1)
    capture(device);
  convoy_cuda_leave(device);
}

int32_t convoy_cuda_open(struct convoy_context *context, int32_t ordinal) {
  struct convoy_device *first = &context->devices[0];
  for (int32_t i = 0; i < context->device_count; ++i)
    if (!(context->devices[i].cuda = calloc(1, sizeof(struct convoy_cuda))))
      return CONVOY_ERROR_MEMORY;
  int count;
  if (!open_driver(first) || !CONVOY_CUDA_CALL(first, cuDeviceGetCount, &count))
    return first->status;
  if (ordinal >= count) {
    convoy_fail(first, CONVOY_ERROR_NO_GPU, "GPU %d is asked for, GPUs here: %d", (int)ordinal,
                count);
    return first->status;
  }
  for (int32_t i = 0; i < context->device_count; ++i) {
    struct convoy_device *device = &context->devices[i];
    if (i > 0) {
      device->cuda->driver = first->cuda->driver;
      device->cuda->driver.library = NULL;
    }
    open_device(device, (int32_t)(((int64_t)ordinal + i) % count));
    if (device->status)
      return device->status;
  }
  for (int32_t i = 0; i < context->device_count; ++i) {
    struct convoy_device *device = &context->devices[i];
    if (convoy_cuda_enter(device)) {
      open_peers(context, device);
      convoy_cuda_leave(device);
    }
    if (device->status)
      return device->status;
  }
  convoy_nccl_open(context);
  return first->status;
}

/*===----------------------------------------------------------------------===*\
|* Closing
\*===----------------------------------------------------------------------===*/

static void release(struct convoy_device *device) {
  struct convoy_cuda *cuda = device->cuda;
  const struct convoy_cuda_driver *driver = &cuda->driver;
  if (cuda->graph)
    (void)driver->cuGraphExecDestroy(cuda->graph);
  for (int64_t i = 0; cuda->marks && i <= device->description->layer_count; ++i)
    if (cuda->marks[i])
      (void)driver->cuEventDestroy(cuda->marks[i]);
  for (int kind = 0; kind < CONVOY_EVENT_KINDS; ++kind)
    for (int i = 0; i < CONVOY_MAX_EXCHANGES; ++i)
      if (cuda->events[kind][i])
        (void)driver->cuEventDestroy(cuda->events[kind][i]);
  if (cuda->stream)
    (void)driver->cuStreamDestroy(cuda->stream);
  if (cuda->module)
    (void)driver->cuModuleUnload(cuda->module);
  if (cuda->weights)
    (void)driver->cuMemFree(cuda->weights);
  if (cuda->memory)
    (void)driver->cuMemFree(cuda->memory);
  if (cuda->staging)
    (void)driver->cuMemFreeHost(cuda->staging);
}

void convoy_cuda_close(struct convoy_context *context) {
  /* Communicators use the streams and the memory of all GPUs, so they are closed first. */
  convoy_nccl_close(context);
  /* The first device, which has the driver's library, is closed last. */
  for (int32_t i = context->device_count; i-- > 0;) {
    struct convoy_device *device = &context->devices[i];
    struct convoy_cuda *cuda = device->cuda;
    if (!cuda)
      continue;
    if (cuda->context && convoy_cuda_enter(device)) {
      release(device);
      convoy_cuda_leave(device);
    }
    if (cuda->context)
      (void)cuda->driver.cuDevicePrimaryCtxRelease(cuda->gpu);
    if (cuda->driver.library)
      (void)dlclose(cuda->driver.library);
    free(cuda->kernels);
    free(cuda->buffers);
    free(cuda->is_staged);
    free(cuda->marks);
    free(cuda->mark_layers);
    free(cuda->sums);
    free(cuda->terms);
    free(cuda);
    device->cuda = NULL;
  }
}
