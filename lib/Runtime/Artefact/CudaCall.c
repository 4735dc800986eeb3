/*===- CudaCall.c - Calls of the driver, and their failures -------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Cuda.h"

void convoy_cuda_fail_call(struct convoy_device *device, int32_t status, const char *function,
                           const char *reason, int error) {
  const struct convoy_cuda *cuda = device->cuda;
  convoy_fail(device, status, "GPU %d%s%s, %s: %s, error %d", (int)cuda->ordinal,
              *cuda->name ? " " : "", cuda->name, function, reason, error);
}

const char *convoy_cuda_describe(const struct convoy_device *device, CUresult result) {
  const char *text = NULL;
  if (device->cuda->driver.cuGetErrorString(result, &text) != CUDA_SUCCESS || !text)
    return "unknown error";
  return text;
}

int convoy_cuda_check(struct convoy_device *device, CUresult result, const char *function) {
  if (result == CUDA_SUCCESS)
    return 1;
  convoy_cuda_fail_call(
      device, result == CUDA_ERROR_OUT_OF_MEMORY ? CONVOY_ERROR_GPU_MEMORY : CONVOY_ERROR_CUDA,
      function, convoy_cuda_describe(device, result), (int)result);
  return 0;
}

int convoy_cuda_enter(struct convoy_device *device) {
  return CONVOY_CUDA_CALL(device, cuCtxPushCurrent, device->cuda->context);
}

void convoy_cuda_leave(struct convoy_device *device) {
  CUcontext popped;
  (void)device->cuda->driver.cuCtxPopCurrent(&popped);
}
