/*===- FakeDriver.h - What tests ask the fake driver --------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A libcuda.so.1 for machines without a GPU. Device memory is host memory,   *|
|* and kernels are C functions that an image names. A stream runs nothing     *|
|* before somebody waits for it, and then only the operations that this wait  *|
|* needs: results are wrong if a program forgets to order its streams by      *|
|* events. Environment variables set                                          *|
|*                                                                            *|
|*   FAKE_CUDA_GPUS    the number of GPUs (2)                                 *|
|*   FAKE_CUDA_SM      their compute capability (90)                          *|
|*   FAKE_CUDA_DRIVER  the driver's version (13000)                           *|
|*   FAKE_CUDA_MEMORY  bytes of each GPU (1 GB)                               *|
|*   FAKE_CUDA_FAIL    NAME=ERROR: calls of the function NAME fail; with      *|
|*                     NAME=ERROR@GPU only calls in the context of that GPU;  *|
|*                     with NAME=ERROR@GPU:N only from the Nth call on        *|
|*   FAKE_CUDA_BROKEN  a GPU whose kernels end in an illegal access           *|
|*   FAKE_NCCL         the version of NCCL (22809)                            *|
|*                                                                            *|
|* The libnccl.so.2 in the same folder adds numbers of such GPUs; its calls   *|
|* are counted, and fail, like calls of the driver. A stream that reaches a   *|
|* sum waits until the streams of the other GPUs have reached it.             *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_TEST_FAKECUDA_FAKEDRIVER_H
#define CONVOY_TEST_FAKECUDA_FAKEDRIVER_H

#ifdef __cplusplus
extern "C" {
#endif

/* The number of calls of a function, such as "cuGraphLaunch", since the last reset. */
long fake_cuda_calls(const char *function);
/* Bytes that cuMemcpyHtoD copied since the last reset: the weights. */
long fake_cuda_uploaded(void);
/* The first line of the image that was loaded last. */
const char *fake_cuda_image(void);
/* The number of objects that are not released: contexts, modules, streams, memory, ... */
long fake_cuda_live(void);
/* Counts calls and uploaded bytes from 0 again. */
void fake_cuda_reset(void);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_TEST_FAKECUDA_FAKEDRIVER_H */
