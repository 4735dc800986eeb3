/*===- CudaDriver.h - The functions of libcuda.so.1 ---------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The part of NVIDIA's driver interface that an artefact uses, declared here *|
|* so that nothing needs CUDA's headers. The driver's library is opened when  *|
|* a context is made. Names are those of the driver's documentation.          *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_ARTEFACT_CUDADRIVER_H
#define CONVOY_RUNTIME_ARTEFACT_CUDADRIVER_H

#include <stddef.h>
#include <stdint.h>

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;

enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_STUB_LIBRARY = 34,
  CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER = 36,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,
  CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED = 704
};

enum {
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76
};
enum {
  CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES = 1,
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8
};
enum { CU_JIT_ERROR_LOG_BUFFER = 5, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6 };
enum { CU_STREAM_NON_BLOCKING = 1 };
enum { CU_EVENT_DEFAULT = 0, CU_EVENT_DISABLE_TIMING = 2 };
enum { CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1 };
enum { CU_MEMHOSTALLOC_PORTABLE = 1 };
enum { CU_MEMORYTYPE_HOST = 1, CU_MEMORYTYPE_DEVICE = 2 };
enum { CU_POINTER_ATTRIBUTE_MEMORY_TYPE = 2 };

/* Only the driver and the hardware look into it. */
typedef struct CUtensorMap {
  uint64_t opaque[16];
} __attribute__((aligned(64))) CUtensorMap;
enum { CU_TENSOR_MAP_DATA_TYPE_FLOAT16 = 6, CU_TENSOR_MAP_DATA_TYPE_TFLOAT32 = 11 };
enum { CU_TENSOR_MAP_INTERLEAVE_NONE = 0 };
enum {
  CU_TENSOR_MAP_SWIZZLE_32B = 1,
  CU_TENSOR_MAP_SWIZZLE_64B = 2,
  CU_TENSOR_MAP_SWIZZLE_128B = 3
};
enum { CU_TENSOR_MAP_L2_PROMOTION_L2_128B = 2 };
enum { CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE = 0 };

typedef struct CUDA_MEMCPY2D {
  size_t srcXInBytes, srcY;
  int srcMemoryType;
  const void *srcHost;
  CUdeviceptr srcDevice;
  void *srcArray;
  size_t srcPitch;
  size_t dstXInBytes, dstY;
  int dstMemoryType;
  void *dstHost;
  CUdeviceptr dstDevice;
  void *dstArray;
  size_t dstPitch;
  size_t WidthInBytes, Height;
} CUDA_MEMCPY2D;

typedef struct CUDA_MEMCPY3D_PEER {
  size_t srcXInBytes, srcY, srcZ, srcLOD;
  int srcMemoryType;
  const void *srcHost;
  CUdeviceptr srcDevice;
  void *srcArray;
  CUcontext srcContext;
  size_t srcPitch, srcHeight;
  size_t dstXInBytes, dstY, dstZ, dstLOD;
  int dstMemoryType;
  void *dstHost;
  CUdeviceptr dstDevice;
  void *dstArray;
  CUcontext dstContext;
  size_t dstPitch, dstHeight;
  size_t WidthInBytes, Height, Depth;
} CUDA_MEMCPY3D_PEER;

/* FUNCTION(NAME, VERSION, PARAMETERS) for each function; the driver exports it as
 * NAME and VERSION. */
#define CONVOY_CUDA_FUNCTIONS(FUNCTION)                                                       \
  FUNCTION(cuInit, "", (unsigned flags))                                                      \
  FUNCTION(cuDriverGetVersion, "", (int *version))                                            \
  FUNCTION(cuGetErrorString, "", (CUresult error, const char **text))                         \
  FUNCTION(cuDeviceGetCount, "", (int *count))                                                \
  FUNCTION(cuDeviceGet, "", (CUdevice * device, int ordinal))                                 \
  FUNCTION(cuDeviceGetName, "", (char *name, int length, CUdevice device))                    \
  FUNCTION(cuDeviceGetAttribute, "", (int *value, int attribute, CUdevice device))            \
  FUNCTION(cuDeviceCanAccessPeer, "", (int *can, CUdevice device, CUdevice peer))             \
  FUNCTION(cuDevicePrimaryCtxRetain, "", (CUcontext * context, CUdevice device))              \
  FUNCTION(cuDevicePrimaryCtxRelease, "_v2", (CUdevice device))                               \
  FUNCTION(cuCtxPushCurrent, "_v2", (CUcontext context))                                      \
  FUNCTION(cuCtxPopCurrent, "_v2", (CUcontext * context))                                     \
  FUNCTION(cuCtxEnablePeerAccess, "", (CUcontext peer, unsigned flags))                       \
  FUNCTION(                                                                                   \
      cuModuleLoadDataEx, "",                                                                 \
      (CUmodule * module, const void *image, unsigned count, int *options, void **values))    \
  FUNCTION(cuModuleUnload, "", (CUmodule module))                                             \
  FUNCTION(cuModuleGetFunction, "",                                                           \
           (CUfunction * function, CUmodule module, const char *name))                        \
  FUNCTION(cuFuncGetAttribute, "", (int *value, int attribute, CUfunction function))          \
  FUNCTION(cuFuncSetAttribute, "", (CUfunction function, int attribute, int value))           \
  FUNCTION(cuMemAlloc, "_v2", (CUdeviceptr * memory, size_t size))                            \
  FUNCTION(cuMemFree, "_v2", (CUdeviceptr memory))                                            \
  FUNCTION(cuMemHostAlloc, "", (void **memory, size_t size, unsigned flags))                  \
  FUNCTION(cuMemFreeHost, "", (void *memory))                                                 \
  FUNCTION(cuPointerGetAttribute, "", (void *value, int attribute, CUdeviceptr pointer))      \
  FUNCTION(cuMemcpyHtoD, "_v2", (CUdeviceptr to, const void *from, size_t size))              \
  FUNCTION(cuMemcpyHtoDAsync, "_v2",                                                          \
           (CUdeviceptr to, const void *from, size_t size, CUstream stream))                  \
  FUNCTION(cuMemcpyDtoHAsync, "_v2",                                                          \
           (void *to, CUdeviceptr from, size_t size, CUstream stream))                        \
  FUNCTION(cuMemcpyDtoDAsync, "_v2",                                                          \
           (CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream))                  \
  FUNCTION(cuMemcpy2DAsync, "_v2", (const CUDA_MEMCPY2D *copy, CUstream stream))              \
  FUNCTION(cuMemcpyPeerAsync, "",                                                             \
           (CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context,   \
            size_t size, CUstream stream))                                                    \
  FUNCTION(cuMemcpy3DPeerAsync, "", (const CUDA_MEMCPY3D_PEER *copy, CUstream stream))        \
  FUNCTION(cuStreamCreate, "", (CUstream * stream, unsigned flags))                           \
  FUNCTION(cuStreamDestroy, "_v2", (CUstream stream))                                         \
  FUNCTION(cuStreamSynchronize, "", (CUstream stream))                                        \
  FUNCTION(cuStreamQuery, "", (CUstream stream))                                              \
  FUNCTION(cuStreamWaitEvent, "", (CUstream stream, CUevent event, unsigned flags))           \
  FUNCTION(cuStreamBeginCapture, "_v2", (CUstream stream, int mode))                          \
  FUNCTION(cuStreamEndCapture, "", (CUstream stream, CUgraph * graph))                        \
  FUNCTION(cuGraphInstantiateWithFlags, "",                                                   \
           (CUgraphExec * executable, CUgraph graph, unsigned long long flags))               \
  FUNCTION(cuGraphDestroy, "", (CUgraph graph))                                               \
  FUNCTION(cuGraphLaunch, "", (CUgraphExec executable, CUstream stream))                      \
  FUNCTION(cuGraphExecDestroy, "", (CUgraphExec executable))                                  \
  FUNCTION(cuEventCreate, "", (CUevent * event, unsigned flags))                              \
  FUNCTION(cuEventRecord, "", (CUevent event, CUstream stream))                               \
  FUNCTION(cuEventElapsedTime, "", (float *milliseconds, CUevent start, CUevent end))         \
  FUNCTION(cuEventDestroy, "_v2", (CUevent event))                                            \
  FUNCTION(cuLaunchKernel, "",                                                                \
           (CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,           \
            unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,      \
            CUstream stream, void **parameters, void **extra))

/* The same for functions that drivers before CUDA 12.0 lack; null there. */
#define CONVOY_CUDA_LATER_FUNCTIONS(FUNCTION)                                                 \
  FUNCTION(cuTensorMapEncodeTiled, "",                                                        \
           (CUtensorMap * map, int type, unsigned rank, void *address, const uint64_t *sizes, \
            const uint64_t *strides, const unsigned *box, const unsigned *steps,              \
            int interleave, int swizzle, int promotion, int fill))

struct convoy_cuda_driver {
  void *library;
#define CONVOY_CUDA_MEMBER(NAME, VERSION, PARAMETERS) CUresult(*NAME) PARAMETERS;
  CONVOY_CUDA_FUNCTIONS(CONVOY_CUDA_MEMBER)
  CONVOY_CUDA_LATER_FUNCTIONS(CONVOY_CUDA_MEMBER)
#undef CONVOY_CUDA_MEMBER
};

#endif /* CONVOY_RUNTIME_ARTEFACT_CUDADRIVER_H */
