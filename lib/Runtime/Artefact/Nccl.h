/*===- Nccl.h - The functions of libnccl.so.2 ---------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The part of NCCL that an artefact uses, declared here as the driver's is   *|
|* in CudaDriver.h. Names are those of NCCL's documentation.                  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_ARTEFACT_NCCL_H
#define CONVOY_RUNTIME_ARTEFACT_NCCL_H

#include "CudaDriver.h"

typedef int ncclResult_t;
typedef struct ncclComm *ncclComm_t;

enum {
  ncclSuccess = 0,
  ncclUnhandledCudaError = 1,
  ncclSystemError = 2,
  ncclInvalidArgument = 4,
  ncclInvalidUsage = 5
};
enum { ncclFloat32 = 7 };
enum { ncclSum = 0 };

/* FUNCTION(NAME, RESULT, PARAMETERS) for each function. */
#define CONVOY_NCCL_FUNCTIONS(FUNCTION)                                                       \
  FUNCTION(ncclGetVersion, ncclResult_t, (int *version))                                      \
  FUNCTION(ncclGetErrorString, const char *, (ncclResult_t result))                           \
  FUNCTION(ncclCommInitAll, ncclResult_t,                                                     \
           (ncclComm_t * communicators, int count, const int *ordinals))                      \
  FUNCTION(ncclCommDestroy, ncclResult_t, (ncclComm_t communicator))                          \
  FUNCTION(ncclCommAbort, ncclResult_t, (ncclComm_t communicator))                            \
  FUNCTION(ncclAllReduce, ncclResult_t,                                                       \
           (const void *from, void *to, size_t count, int type, int operation,                \
            ncclComm_t communicator, CUstream stream))

struct convoy_nccl {
  void *library;
#define CONVOY_NCCL_MEMBER(NAME, RESULT, PARAMETERS) RESULT(*NAME) PARAMETERS;
  CONVOY_NCCL_FUNCTIONS(CONVOY_NCCL_MEMBER)
#undef CONVOY_NCCL_MEMBER
};

#endif /* CONVOY_RUNTIME_ARTEFACT_NCCL_H */
