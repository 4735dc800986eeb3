//===- CudaNcclTest.cpp - Sums over several GPUs by NCCL ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../FakeCuda/FakeCalls.h"
#include "CudaRuntime.h"

#include <algorithm>

TEST_F(CudaRuntime, NcclAddsWithoutTheHost) {
  Setting gpus("FAKE_CUDA_GPUS", "4");
  Setting nccl("CONVOY_NCCL", "1");
  for (int32_t ordinal = 0; ordinal < 4; ++ordinal) {
    fake_cuda_reset();
    convoy_context *context;
    ASSERT_EQ(parts.createOn(ordinal, &context), CONVOY_OK) << parts.contextError(context);
    for (int run = 0; run < 10; ++run)
      ASSERT_EQ(runParts(parts, context, float(run)), CONVOY_OK)
          << parts.contextError(context);
    EXPECT_EQ(fake_cuda_calls("ncclAllReduce"), 3 * 10);
    // The host only fetches the output of each run, and waits for the end on each GPU.
    EXPECT_EQ(fake_cuda_calls("cuMemcpyDtoHAsync"), 10);
    EXPECT_EQ(fake_cuda_calls("cuStreamSynchronize"), 3 * 10);
    ASSERT_EQ(parts.profileEnable(context, 1), CONVOY_OK);
    ASSERT_EQ(runParts(parts, context, 7), CONVOY_OK);
    parts.destroy(context);
    EXPECT_EQ(fake_cuda_calls("ncclCommInitAll"), 1);
    EXPECT_EQ(fake_cuda_calls("ncclCommDestroy"), 3);
    EXPECT_EQ(fake_cuda_calls("ncclCommAbort"), 0);
    EXPECT_EQ(fake_cuda_live(), 0);
  }
}

TEST_F(CudaRuntime, TheHostAddsWithoutNccl) {
  struct {
    const char *gpus, *name, *value;
    const char *reason; // the error if CONVOY_NCCL=1 insists
  } cases[] = {
      {"3", "CONVOY_NCCL", "0", nullptr},
      {"2", "FAKE_NCCL", "22809", "devices 0 and 2 share GPU 0"},
      {"3", "FAKE_NCCL", "2804", "libnccl.so.2 is version 2.8, not 2.9"},
      {"3", "FAKE_CUDA_FAIL", "ncclGetVersion=2",
       "GPU 0 Fake GPU, ncclGetVersion: unhandled system error, error 2"},
      {"3", "FAKE_CUDA_FAIL", "ncclCommInitAll=2",
       "GPU 0 Fake GPU, ncclCommInitAll: unhandled system error, error 2"},
  };
  for (const auto &test : cases) {
    Setting gpus("FAKE_CUDA_GPUS", test.gpus);
    Setting setting(test.name, test.value);
    fake_cuda_reset();
    convoy_context *context;
    ASSERT_EQ(parts.createOn(0, &context), CONVOY_OK) << parts.contextError(context);
    EXPECT_STREQ(parts.contextError(context), "");
    for (int run = 0; run < 3; ++run)
      ASSERT_EQ(runParts(parts, context, float(run)), CONVOY_OK)
          << parts.contextError(context);
    EXPECT_EQ(fake_cuda_calls("ncclAllReduce"), 0);
    parts.destroy(context);
    if (!test.reason)
      continue;
    Setting insist("CONVOY_NCCL", "1");
    EXPECT_EQ(parts.createOn(0, &context), CONVOY_ERROR_NCCL);
    EXPECT_STREQ(parts.contextError(context), test.reason);
    parts.destroy(context);
    EXPECT_EQ(fake_cuda_live(), 0);
  }
}

TEST_F(CudaRuntime, NcclIsOpenedForSumsAlone) {
  Setting gpus("FAKE_CUDA_GPUS", "3");
  Setting nccl("CONVOY_NCCL", "1");
  parts.setAllReduce(0);
  convoy_context *context;
  ASSERT_EQ(parts.createOn(0, &context), CONVOY_OK);
  EXPECT_EQ(fake_cuda_calls("ncclGetVersion"), 0);
  parts.destroy(context);
  parts.setAllReduce(1);
}

TEST_F(CudaRuntime, NoGpuWaitsForASumThatFails) {
  Setting gpus("FAKE_CUDA_GPUS", "3");
  for (const char *fail : {"ncclAllReduce=2", "ncclAllReduce=2@0", "ncclAllReduce=2@1",
                           "ncclAllReduce=2@2", "cuStreamQuery=700@1"}) {
    convoy_context *context;
    ASSERT_EQ(parts.createOn(0, &context), CONVOY_OK);
    ASSERT_EQ(runParts(parts, context, 1), CONVOY_OK);
    {
      Setting setting("FAKE_CUDA_FAIL", fail);
      bool isNccl = fail[0] == 'n';
      EXPECT_EQ(runParts(parts, context, 2), isNccl ? CONVOY_ERROR_NCCL : CONVOY_ERROR_CUDA);
      std::string error = parts.contextError(context);
      EXPECT_NE(error.find(isNccl ? "ncclAllReduce: unhandled system error, error 2"
                                  : "cuStreamQuery: an illegal memory access was encountered"),
                std::string::npos)
          << error;
    }
    // From now on the host adds.
    fake_cuda_reset();
    for (int run = 0; run < 3; ++run)
      ASSERT_EQ(runParts(parts, context, float(run)), CONVOY_OK)
          << parts.contextError(context);
    EXPECT_EQ(fake_cuda_calls("ncclAllReduce"), 0);
    parts.destroy(context);
    EXPECT_EQ(fake_cuda_calls("ncclCommDestroy"), 0);
    EXPECT_EQ(fake_cuda_live(), 0);
  }
}

TEST_F(CudaRuntime, NoGpuWaitsForOneThatIsLost) {
  Setting gpus("FAKE_CUDA_GPUS", "3");
  for (const char *gpu : {"0", "1", "2"}) {
    convoy_context *context;
    ASSERT_EQ(parts.createOn(0, &context), CONVOY_OK);
    ASSERT_EQ(runParts(parts, context, 1), CONVOY_OK);
    Setting broken("FAKE_CUDA_BROKEN", gpu);
    for (int run = 0; run < 2; ++run) {
      EXPECT_EQ(runParts(parts, context, 1), CONVOY_ERROR_CUDA);
      std::string error = parts.contextError(context);
      EXPECT_EQ(error.find(std::string("GPU ") + gpu), 0u) << error;
    }
    parts.destroy(context);
    EXPECT_EQ(fake_cuda_live(), 0);
  }
}

TEST_F(CudaRuntime, AllGpusSkipASumAlike) {
  Setting gpus("FAKE_CUDA_GPUS", "3");
  convoy_context *context;
  ASSERT_EQ(parts.createOn(0, &context), CONVOY_OK);
  for (const char *fail : {"cuLaunchKernel=700@1", "cuMemcpyHtoDAsync=700@2",
                           "cuCtxPushCurrent=700", "cuEventRecord=700@0"}) {
    Setting setting("FAKE_CUDA_FAIL", fail);
    fake_cuda_reset();
    EXPECT_EQ(runParts(parts, context, 1), CONVOY_ERROR_CUDA) << fail;
    EXPECT_EQ(fake_cuda_calls("ncclAllReduce"), 0) << fail;
  }
  // No GPU was lost: NCCL still adds.
  EXPECT_EQ(runParts(parts, context, 1), CONVOY_OK);
  EXPECT_EQ(fake_cuda_calls("ncclAllReduce"), 3);
  parts.destroy(context);
}

// Each call of a run fails once on each GPU: before the other GPUs start the sum, while they
// do, or after it.
TEST_F(CudaRuntime, NoGpuWaitsWhateverFails) {
  Setting gpus("FAKE_CUDA_GPUS", "3");
  for (const char *function :
       {"cuMemcpyHtoDAsync", "cuLaunchKernel", "cuEventRecord", "cuStreamWaitEvent",
        "cuMemcpy2DAsync", "cuMemcpy3DPeerAsync", "ncclAllReduce", "cuMemcpyDtoHAsync",
        "cuStreamQuery", "cuStreamSynchronize"})
    for (int gpu = 0; gpu < 3; ++gpu) {
      int failures = 0;
      for (int32_t status = -1; status != CONVOY_OK; ++failures) {
        convoy_context *context;
        ASSERT_EQ(parts.createOn(0, &context), CONVOY_OK);
        fake_cuda_reset();
        std::string fail = std::string(function) + "=1@" + std::to_string(gpu) + ":" +
                           std::to_string(failures + 1);
        {
          Setting setting("FAKE_CUDA_FAIL", fail.c_str());
          status = runParts(parts, context, 1);
        }
        // The error names the GPU whose call failed.
        std::string error = parts.contextError(context);
        EXPECT_EQ(error.find("GPU " + std::to_string(gpu)) == 0, status != CONVOY_OK)
            << fail << ": " << error;
        // How often a run queries depends on time, so four failures are enough.
        if (std::string(function) == "cuStreamQuery" && failures == 3)
          status = CONVOY_OK;
        EXPECT_EQ(runParts(parts, context, 2), CONVOY_OK) << parts.contextError(context);
        parts.destroy(context);
        ASSERT_EQ(fake_cuda_live(), 0) << fail;
      }
      // Every GPU calls every function, except that only GPU 0 fetches the outputs.
      EXPECT_EQ(failures > 1, gpu == 0 || std::string(function) != "cuMemcpyDtoHAsync")
          << function;
    }
}

// The fake NCCL refuses wrong calls; the tests of the runtime rely on it.
TEST_F(CudaRuntime, FakeNcclIsStrict) {
  ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
  const int same[] = {0, 0}, ordinals[] = {0, 1};
  ncclComm_t communicators[2];
  EXPECT_EQ(ncclCommInitAll(communicators, 2, same), ncclInvalidUsage);
  ASSERT_EQ(ncclCommInitAll(communicators, 2, ordinals), ncclSuccess);
  CUcontext contexts[2], popped;
  CUstream streams[2];
  CUdeviceptr memories[2];
  float *numbers[2];
  auto add = [&](int rank, int gpu, size_t count) {
    EXPECT_EQ(cuCtxPushCurrent_v2(contexts[gpu]), CUDA_SUCCESS);
    ncclResult_t result = ncclAllReduce(numbers[gpu], numbers[gpu], count, ncclFloat32,
                                        ncclSum, communicators[rank], streams[gpu]);
    EXPECT_EQ(cuCtxPopCurrent_v2(&popped), CUDA_SUCCESS);
    return result;
  };
  auto query = [&](int gpu) {
    EXPECT_EQ(cuCtxPushCurrent_v2(contexts[gpu]), CUDA_SUCCESS);
    CUresult result = cuStreamQuery(streams[gpu]);
    EXPECT_EQ(cuCtxPopCurrent_v2(&popped), CUDA_SUCCESS);
    return result;
  };
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(cuDevicePrimaryCtxRetain(&contexts[i], i), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxPushCurrent_v2(contexts[i]), CUDA_SUCCESS);
    ASSERT_EQ(cuStreamCreate(&streams[i], CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
    ASSERT_EQ(cuMemAlloc_v2(&memories[i], 4 * sizeof(float)), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxPopCurrent_v2(&popped), CUDA_SUCCESS);
    numbers[i] = reinterpret_cast<float *>(memories[i]);
    std::fill_n(numbers[i], 4, float(i + 1));
  }

  EXPECT_EQ(add(0, 1, 4), ncclInvalidArgument); // another GPU
  EXPECT_EQ(add(0, 0, 5), ncclInvalidArgument); // no memory of that size
  EXPECT_EQ(add(0, 0, 4), ncclSuccess);
  EXPECT_EQ(query(0), CUDA_ERROR_NOT_READY);
  EXPECT_EQ(add(1, 1, 3), ncclInvalidArgument); // another count
  EXPECT_EQ(add(1, 1, 4), ncclSuccess);
  EXPECT_EQ(numbers[0][3], 1.0f);
  EXPECT_EQ(query(1), CUDA_SUCCESS);
  for (float *sums : numbers)
    EXPECT_EQ(sums[3], 3.0f);

  // A sum that only one GPU starts does not end before its communicator is aborted.
  EXPECT_EQ(add(0, 0, 4), ncclSuccess);
  EXPECT_EQ(query(0), CUDA_ERROR_NOT_READY);
  EXPECT_EQ(ncclCommDestroy(communicators[1]), ncclSuccess);
  EXPECT_EQ(query(0), CUDA_ERROR_NOT_READY);
  EXPECT_EQ(ncclCommAbort(communicators[0]), ncclSuccess);
  EXPECT_EQ(query(0), CUDA_SUCCESS);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(cuStreamDestroy_v2(streams[i]), CUDA_SUCCESS);
    EXPECT_EQ(cuMemFree_v2(memories[i]), CUDA_SUCCESS);
    cuDevicePrimaryCtxRelease_v2(i);
  }
}
