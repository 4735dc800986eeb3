/*===- CudaBackend.c - Programs whose kernels run on GPUs ---------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Cuda.h"

static const char *get_status_text(int32_t status) {
  switch (status) {
  case CONVOY_ERROR_NO_DRIVER:
    return "the model runs on an NVIDIA GPU, but this machine has no NVIDIA driver; install "
           "one, or compile the model for the CPU";
  case CONVOY_ERROR_OLD_DRIVER:
    return "the NVIDIA driver is too old for the model; install a newer one";
  case CONVOY_ERROR_NO_GPU:
    return "there is no such GPU; 'nvidia-smi -L' lists those there are";
  case CONVOY_ERROR_GPU:
    return "the model has no code for this GPU; compile it again with a --gpu-arch that it "
           "has";
  case CONVOY_ERROR_GPU_MEMORY:
    return "the GPU is out of memory; end other programs on it, or use a smaller batch";
  case CONVOY_ERROR_CUDA:
    return "a call of the NVIDIA driver failed";
  case CONVOY_ERROR_NCCL:
    return "NCCL cannot add up what several GPUs computed; CONVOY_NCCL=0 does without it";
  default:
    return "unknown status";
  }
}

const struct convoy_backend convoy_cuda_backend = {
    .uses_gpus = 1,
    .status_text = get_status_text,
    .open = convoy_cuda_open,
    .close = convoy_cuda_close,
    .begin = convoy_cuda_begin,
    .run_device = convoy_cuda_run_device,
    .end = convoy_cuda_end,
    .prepare_profile = convoy_cuda_prepare_profile,
    .mark = convoy_cuda_mark,
    .launch_kernel = convoy_cuda_launch,
    .record = convoy_cuda_record,
    .wait = convoy_cuda_wait,
    .copy_rows = convoy_cuda_copy_rows,
    .add = convoy_cuda_add,
    .all_reduce = convoy_nccl_all_reduce,
};
