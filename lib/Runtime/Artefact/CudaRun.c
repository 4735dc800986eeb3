/*===- CudaRun.c - Runs on a GPU ----------------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A run copies the inputs to the GPU, launches the captured program, copies  *|
|* the outputs back and waits. Profiles, and models of several devices, issue *|
|* the program's launches one by one instead. After a failure a program runs  *|
|* to its end without launching anything, so that devices that exchange data  *|
|* with this one do not wait for ever.                                        *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Cuda.h"

#include <stdlib.h>
#include <string.h>

/* Inputs go through the staging memory in parts of so many bytes, so that one part is on its
 * way to the GPU while the next is copied. */
static const int64_t staging_part = (int64_t)1 << 20;

/* Parameters of a kernel take 4 KiB at most. */
enum { MAX_ARGS = 512, MAX_MAPS = 4 };

static CUdeviceptr to_device(const void *address) { return (CUdeviceptr)(uintptr_t)address; }

/* Buffers follow each other in the staging memory as they do on the GPU. */
static int64_t get_staging_offset(const struct convoy_cuda *cuda, int32_t buffer) {
  return (uint8_t *)cuda->buffers[buffer] - (uint8_t *)cuda->buffers[0];
}

/*===----------------------------------------------------------------------===*\
|* Inputs and outputs
\*===----------------------------------------------------------------------===*/

/* CU_MEMORYTYPE_DEVICE for memory of a GPU, CU_MEMORYTYPE_HOST for pinned memory, which
 * the GPU reaches by itself, 0 for other memory. */
static int get_memory_type(const struct convoy_cuda *cuda, const void *buffer) {
  unsigned type = 0;
  return cuda->driver.cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
                                            to_device(buffer)) == CUDA_SUCCESS
             ? (int)type
             : 0;
}

static void stage_input(struct convoy_device *device, uint8_t *staged, const uint8_t *input,
                        CUdeviceptr to, int64_t size) {
  for (int64_t begin = 0; begin < size && !device->status; begin += staging_part) {
    int64_t part = size - begin < staging_part ? size - begin : staging_part;
    /* All devices send the copy that the first one made. */
    if (device->number == 0)
      memcpy(staged + begin, input + begin, (size_t)part);
    (void)CONVOY_CUDA_CALL(device, cuMemcpyHtoDAsync, to + (CUdeviceptr)begin, staged + begin,
                           (size_t)part, device->cuda->stream);
  }
}

static void send_inputs(struct convoy_device *device, uint8_t *staging,
                        const void *const *inputs) {
  struct convoy_cuda *cuda = device->cuda;
  for (int32_t i = 0; i < convoy_model.input_count && !device->status; ++i) {
    CUdeviceptr to = to_device(cuda->buffers[i]);
    size_t size = (size_t)convoy_model.inputs[i].size;
    switch (size ? get_memory_type(cuda, inputs[i]) : 0) {
    case CU_MEMORYTYPE_DEVICE:
      (void)CONVOY_CUDA_CALL(device, cuMemcpyDtoDAsync, to, to_device(inputs[i]), size,
                             cuda->stream);
      break;
    case CU_MEMORYTYPE_HOST:
      (void)CONVOY_CUDA_CALL(device, cuMemcpyHtoDAsync, to, inputs[i], size, cuda->stream);
      break;
    default:
      stage_input(device, staging + get_staging_offset(cuda, i), inputs[i], to,
                  convoy_model.inputs[i].size);
    }
  }
}

void convoy_cuda_begin(struct convoy_context *context) {
  convoy_nccl_begin(context);
  for (int32_t i = 0; i < context->device_count; ++i) {
    struct convoy_device *device = &context->devices[i];
    device->status = CONVOY_OK;
    device->error_text[0] = 0;
    if (!convoy_cuda_enter(device))
      continue;
    send_inputs(device, context->devices[0].cuda->staging, context->inputs);
    convoy_cuda_leave(device);
  }
}

static void fetch_outputs(struct convoy_device *device) {
  struct convoy_cuda *cuda = device->cuda;
  for (int32_t i = 0; i < convoy_result_count() && !device->status; ++i) {
    int32_t buffer = convoy_model.input_count + i;
    CUdeviceptr from = to_device(cuda->buffers[buffer]);
    size_t size = (size_t)convoy_model.outputs[i].size;
    void *to = device->context->outputs[i];
    int type = size ? get_memory_type(cuda, to) : CU_MEMORYTYPE_HOST;
    cuda->is_staged[i] = type == 0;
    if (type == 0)
      to = cuda->staging + get_staging_offset(cuda, buffer);
    if (type == CU_MEMORYTYPE_DEVICE)
      (void)CONVOY_CUDA_CALL(device, cuMemcpyDtoDAsync, to_device(to), from, size,
                             cuda->stream);
    else if (size)
      (void)CONVOY_CUDA_CALL(device, cuMemcpyDtoHAsync, to, from, size, cuda->stream);
  }
}

void convoy_cuda_end(struct convoy_context *context) {
  const struct convoy_cuda *cuda = context->devices[0].cuda;
  for (int32_t i = 0; i < convoy_result_count(); ++i)
    if (cuda->is_staged[i])
      memcpy(context->outputs[i],
             cuda->staging + get_staging_offset(cuda, convoy_model.input_count + i),
             (size_t)convoy_model.outputs[i].size);
}

/*===----------------------------------------------------------------------===*\
|* Profile
\*===----------------------------------------------------------------------===*/

int32_t convoy_cuda_prepare_profile(struct convoy_context *context) {
  for (int32_t i = 0; i < context->device_count; ++i) {
    struct convoy_device *device = &context->devices[i];
    struct convoy_cuda *cuda = device->cuda;
    if (cuda->marks)
      continue;
    size_t count = (size_t)device->description->layer_count + 1;
    device->status = CONVOY_OK;
    cuda->marks = calloc(count, sizeof *cuda->marks);
    cuda->mark_layers = calloc(count, sizeof *cuda->mark_layers);
    if (!cuda->marks || !cuda->mark_layers)
      convoy_fail(device, CONVOY_ERROR_MEMORY, "%s", "profile");
    if (!device->status && convoy_cuda_enter(device)) {
      for (size_t k = 0; k < count && !device->status; ++k)
        (void)CONVOY_CUDA_CALL(device, cuEventCreate, &cuda->marks[k], CU_EVENT_DEFAULT);
      convoy_cuda_leave(device);
    }
    if (device->status)
      return device->status;
  }
  return CONVOY_OK;
}

void convoy_cuda_mark(struct convoy_device *device, int32_t layer) {
  struct convoy_cuda *cuda = device->cuda;
  if (!device->context->profiling || device->status ||
      cuda->mark_count > device->description->layer_count)
    return;
  if (CONVOY_CUDA_CALL(device, cuEventRecord, cuda->marks[cuda->mark_count], cuda->stream))
    cuda->mark_layers[cuda->mark_count++] = layer;
}

static void read_marks(struct convoy_device *device) {
  struct convoy_cuda *cuda = device->cuda;
  for (int32_t i = 1; i < cuda->mark_count; ++i) {
    float milliseconds;
    int32_t layer = cuda->mark_layers[i];
    if (!CONVOY_CUDA_CALL(device, cuEventElapsedTime, &milliseconds, cuda->marks[i - 1],
                          cuda->marks[i]))
      return;
    if (layer >= 0 && layer < device->description->layer_count)
      device->layer_nanoseconds[layer] += (int64_t)((double)milliseconds * 1e6);
  }
}

/*===----------------------------------------------------------------------===*\
|* The program
\*===----------------------------------------------------------------------===*/

static void run_program(struct convoy_device *device) {
  struct convoy_cuda *cuda = device->cuda;
  if (cuda->graph && !device->context->profiling) {
    if (!device->status)
      (void)CONVOY_CUDA_CALL(device, cuGraphLaunch, cuda->graph, cuda->stream);
    return;
  }
  cuda->mark_count = 0;
  convoy_cuda_mark(device, -1);
  /* Also after a failure, because others may wait to exchange data with this device. */
  device->description->invoke(device, cuda->arena, (const uint8_t *)(uintptr_t)cuda->weights,
                              cuda->buffers, cuda->buffers + convoy_model.input_count);
}

void convoy_cuda_run_device(struct convoy_device *device) {
  struct convoy_cuda *cuda = device->cuda;
  int entered = convoy_cuda_enter(device);
  run_program(device);
  if (!entered)
    return;
  if (device->number == 0 && !device->status)
    fetch_outputs(device);
  /* Wait also after a failure, so that nothing uses the staging memory afterwards. */
  convoy_nccl_wait(device);
  (void)CONVOY_CUDA_CALL(device, cuStreamSynchronize, cuda->stream);
  if (device->context->profiling && !device->status)
    read_marks(device);
  convoy_cuda_leave(device);
}

/* Translates a tensor map to the driver's format, which a launch copies into the kernel's
 * parameters. */
static int encode_map(struct convoy_device *device, const struct convoy_tensor_map *map,
                      CUtensorMap *encoded) {
  if (!device->cuda->driver.cuTensorMapEncodeTiled) {
    convoy_fail(device, CONVOY_ERROR_OLD_DRIVER, "it has no cuTensorMapEncodeTiled");
    return 0;
  }
  uint64_t sizes[CONVOY_MAX_MAP_RANK], strides[CONVOY_MAX_MAP_RANK];
  unsigned box[CONVOY_MAX_MAP_RANK], steps[CONVOY_MAX_MAP_RANK];
  uint64_t stride = (uint64_t)map->element_bytes;
  for (int32_t i = 0; i < map->rank; ++i) {
    sizes[i] = (uint64_t)map->sizes[i];
    /* strides[i] is of dimension i + 1, because the driver wants none for the innermost. */
    strides[i] = stride *= sizes[i];
    if (i + 2 == map->rank)
      strides[i] = (uint64_t)map->outer_stride * (uint64_t)map->element_bytes;
    /* The number of elements that a box spans, including those that its steps skip. */
    box[i] = (unsigned)(map->box[i] * map->steps[i]);
    steps[i] = (unsigned)map->steps[i];
  }
  return CONVOY_CUDA_CALL(device, cuTensorMapEncodeTiled, encoded,
                          map->element_bytes == 2 ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16
                                                  : CU_TENSOR_MAP_DATA_TYPE_TFLOAT32,
                          (unsigned)map->rank, map->address, sizes, strides, box, steps,
                          CU_TENSOR_MAP_INTERLEAVE_NONE,
                          map->swizzle == 32   ? CU_TENSOR_MAP_SWIZZLE_32B
                          : map->swizzle == 64 ? CU_TENSOR_MAP_SWIZZLE_64B
                                               : CU_TENSOR_MAP_SWIZZLE_128B,
                          CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
                          CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
}

void convoy_cuda_launch(struct convoy_device *device, const struct convoy_launch *launch) {
  struct convoy_cuda *cuda = device->cuda;
  if (device->status)
    return;
  void *parameters[MAX_ARGS];
  CUtensorMap maps[MAX_MAPS];
  if (launch->arg_count > MAX_ARGS || launch->map_count > MAX_MAPS) {
    convoy_fail(device, CONVOY_ERROR_MODEL, "kernel %s has too many arguments",
                convoy_model.gpu->kernels[launch->kernel]);
    return;
  }
  for (int32_t i = 0; i < launch->arg_count; ++i)
    parameters[i] = (void *)&launch->args[i];
  for (int32_t i = 0; i < launch->map_count; ++i) {
    int32_t arg = launch->arg_count - launch->map_count + i;
    if (!encode_map(device, launch->args[arg], &maps[i]))
      return;
    parameters[arg] = &maps[i];
  }

  /* The kernel's image reserves `static_bytes`, so the launch asks only for the rest. */
  struct convoy_cuda_kernel *kernel = &cuda->kernels[launch->kernel];
  int32_t dynamic = launch->shared_bytes > kernel->static_bytes
                        ? launch->shared_bytes - kernel->static_bytes
                        : 0;
  if (dynamic > kernel->dynamic_bytes) {
    if (!CONVOY_CUDA_CALL(device, cuFuncSetAttribute, kernel->function,
                          CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, dynamic))
      return;
    kernel->dynamic_bytes = dynamic;
  }
  CUresult result = cuda->driver.cuLaunchKernel(
      kernel->function, (unsigned)launch->grid[0], (unsigned)launch->grid[1],
      (unsigned)launch->grid[2], (unsigned)launch->block[0], (unsigned)launch->block[1],
      (unsigned)launch->block[2], (unsigned)dynamic, cuda->stream, parameters, NULL);
  if (result != CUDA_SUCCESS)
    (void)convoy_cuda_check(device, result, convoy_model.gpu->kernels[launch->kernel]);
}

/*===----------------------------------------------------------------------===*\
|* Communication
\*===----------------------------------------------------------------------===*/

void convoy_cuda_record(struct convoy_device *device, enum convoy_event event,
                        unsigned number) {
  if (!device->status)
    (void)CONVOY_CUDA_CALL(device, cuEventRecord,
                           device->cuda->events[event][number % CONVOY_MAX_EXCHANGES],
                           device->cuda->stream);
}

void convoy_cuda_wait(struct convoy_device *device, const struct convoy_device *peer,
                      enum convoy_event event, unsigned number) {
  if (!device->status)
    (void)CONVOY_CUDA_CALL(device, cuStreamWaitEvent, device->cuda->stream,
                           peer->cuda->events[event][number % CONVOY_MAX_EXCHANGES], 0);
}

static void copy_within_gpu(struct convoy_device *device, void *to, int64_t to_stride,
                            const void *from, int64_t from_stride, int64_t rows,
                            int64_t bytes) {
  struct convoy_cuda *cuda = device->cuda;
  if (rows == 1) {
    (void)CONVOY_CUDA_CALL(device, cuMemcpyDtoDAsync, to_device(to), to_device(from),
                           (size_t)bytes, cuda->stream);
    return;
  }
  CUDA_MEMCPY2D copy;
  memset(&copy, 0, sizeof copy);
  copy.srcMemoryType = copy.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  copy.srcDevice = to_device(from);
  copy.srcPitch = (size_t)from_stride;
  copy.dstDevice = to_device(to);
  copy.dstPitch = (size_t)to_stride;
  copy.WidthInBytes = (size_t)bytes;
  copy.Height = (size_t)rows;
  (void)CONVOY_CUDA_CALL(device, cuMemcpy2DAsync, &copy, cuda->stream);
}

static void copy_between_gpus(struct convoy_device *device, struct convoy_device *peer,
                              void *to, int64_t to_stride, const void *from,
                              int64_t from_stride, int64_t rows, int64_t bytes) {
  struct convoy_cuda *cuda = device->cuda;
  if (rows == 1) {
    (void)CONVOY_CUDA_CALL(device, cuMemcpyPeerAsync, to_device(to), cuda->context,
                           to_device(from), peer->cuda->context, (size_t)bytes, cuda->stream);
    return;
  }
  CUDA_MEMCPY3D_PEER copy;
  memset(&copy, 0, sizeof copy);
  copy.srcMemoryType = copy.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  copy.srcDevice = to_device(from);
  copy.srcContext = peer->cuda->context;
  copy.srcPitch = (size_t)from_stride;
  copy.srcHeight = (size_t)rows;
  copy.dstDevice = to_device(to);
  copy.dstContext = cuda->context;
  copy.dstPitch = (size_t)to_stride;
  copy.dstHeight = (size_t)rows;
  copy.WidthInBytes = (size_t)bytes;
  copy.Height = (size_t)rows;
  copy.Depth = 1;
  (void)CONVOY_CUDA_CALL(device, cuMemcpy3DPeerAsync, &copy, cuda->stream);
}

void convoy_cuda_copy_rows(struct convoy_device *device, struct convoy_device *peer, void *to,
                           int64_t to_stride, const void *from, int64_t from_stride,
                           int64_t rows, int64_t bytes) {
  if (device->status || rows == 0 || bytes == 0)
    return;
  if (peer->cuda->gpu == device->cuda->gpu)
    copy_within_gpu(device, to, to_stride, from, from_stride, rows, bytes);
  else
    copy_between_gpus(device, peer, to, to_stride, from, from_stride, rows, bytes);
}

static int make_sums(struct convoy_device *device, int64_t count) {
  struct convoy_cuda *cuda = device->cuda;
  if (count <= cuda->sum_count)
    return 1;
  free(cuda->sums);
  free(cuda->terms);
  cuda->sum_count = 0;
  cuda->sums = malloc((size_t)count * sizeof(float));
  cuda->terms = malloc((size_t)count * sizeof(float));
  if (!cuda->sums || !cuda->terms) {
    convoy_fail(device, CONVOY_ERROR_MEMORY, "%s", "sums");
    return 0;
  }
  cuda->sum_count = count;
  return 1;
}

void convoy_cuda_add(struct convoy_device *device, struct convoy_device *peer, float *to,
                     const float *from, int64_t count) {
  struct convoy_cuda *cuda = device->cuda;
  int64_t bytes = count * (int64_t)sizeof(float);
  if (device->status || count == 0 || !make_sums(device, count))
    return;
  float *terms = peer->number == 0 ? cuda->sums : cuda->terms;
  /* `to` gets the sums only at the end, so the peer's terms can pass through it. */
  convoy_cuda_copy_rows(device, peer, to, bytes, from, bytes, 1, bytes);
  if (device->status ||
      !CONVOY_CUDA_CALL(device, cuMemcpyDtoHAsync, terms, to_device(to), (size_t)bytes,
                        cuda->stream) ||
      !CONVOY_CUDA_CALL(device, cuStreamSynchronize, cuda->stream))
    return;
  for (int64_t i = 0; peer->number > 0 && i < count; ++i)
    cuda->sums[i] += terms[i];
  if (peer->number == convoy_model.device_count - 1 &&
      CONVOY_CUDA_CALL(device, cuMemcpyHtoDAsync, to_device(to), cuda->sums, (size_t)bytes,
                       cuda->stream))
    (void)CONVOY_CUDA_CALL(device, cuStreamSynchronize, cuda->stream);
}
