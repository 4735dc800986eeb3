/*===- FakeDriver.h - What tests ask the fake driver --------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A libcuda.so.1 for machines without a GPU. Device memory is host memory,   *|
|* kernels are C functions that an image names. Streams do nothing before     *|
|* somebody waits for them, and then only what that needs: what is not        *|
|* ordered by events comes out wrong. The environment sets                    *|
|*                                                                            *|
|*   FAKE_CUDA_GPUS    how many there are (2)                                 *|
|*   FAKE_CUDA_SM      their compute capability (90)                          *|
|*   FAKE_CUDA_DRIVER  the driver's version (13000)                           *|
|*   FAKE_CUDA_MEMORY  bytes of each GPU (1 GB)                               *|
|*   FAKE_CUDA_FAIL    NAME=ERROR: calls of the function NAME fail; with      *|
|*                     NAME=ERROR@GPU only those in the context of that GPU,  *|
|*                     with NAME=ERROR@GPU:N from the Nth since a reset on    *|
|*   FAKE_CUDA_BROKEN  a GPU whose kernels end in an illegal access           *|
|*   FAKE_NCCL         the version of NCCL (22809)                            *|
|*                                                                            *|
|* A libnccl.so.2 beside it adds over such GPUs; its calls count and fail     *|
|* like the driver's. A stream that comes to a sum waits until all have come. *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_TEST_FAKECUDA_FAKEDRIVER_H
#define CONVOY_TEST_FAKECUDA_FAKEDRIVER_H

#ifdef __cplusplus
extern "C" {
#endif

/* Calls of the function since the last reset, such as "cuGraphLaunch". */
long fake_cuda_calls(const char *function);
/* Bytes that cuMemcpyHtoD copied since the last reset: the weights. */
long fake_cuda_uploaded(void);
/* The first line of the image that was loaded last. */
const char *fake_cuda_image(void);
/* Objects and memory that are not released: contexts retained, modules, streams, ... */
long fake_cuda_live(void);
/* Forgets the calls. */
void fake_cuda_reset(void);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_TEST_FAKECUDA_FAKEDRIVER_H */
