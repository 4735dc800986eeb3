/*===- FakeCalls.h - Functions of the fake libraries --------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The functions of the driver and of NCCL that tests call themselves.        *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_TEST_FAKECUDA_FAKECALLS_H
#define CONVOY_TEST_FAKECUDA_FAKECALLS_H

#ifdef __cplusplus
extern "C" {
#endif

#include "../../lib/Runtime/Artefact/Nccl.h"

CUresult cuInit(unsigned flags);
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device);
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device);
CUresult cuCtxPushCurrent_v2(CUcontext context);
CUresult cuCtxPopCurrent_v2(CUcontext *context);
CUresult cuMemAlloc_v2(CUdeviceptr *memory, size_t size);
CUresult cuMemFree_v2(CUdeviceptr memory);
CUresult cuMemHostAlloc(void **memory, size_t size, unsigned flags);
CUresult cuMemFreeHost(void *memory);
CUresult cuStreamCreate(CUstream *stream, unsigned flags);
CUresult cuStreamDestroy_v2(CUstream stream);
CUresult cuStreamQuery(CUstream stream);
ncclResult_t ncclCommInitAll(ncclComm_t *communicators, int count, const int *ordinals);
ncclResult_t ncclCommDestroy(ncclComm_t communicator);
ncclResult_t ncclCommAbort(ncclComm_t communicator);
ncclResult_t ncclAllReduce(const void *from, void *to, size_t count, int type, int operation,
                           ncclComm_t communicator, CUstream stream);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_TEST_FAKECUDA_FAKECALLS_H */
