//===- CudaErrorsTest.cpp - What artefacts say of GPUs that fail ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaRuntime.h"

TEST_F(CudaRuntime, SaysWhichGpuIsMissing) {
  EXPECT_EQ(getError(CONVOY_ERROR_NO_GPU, 2), "GPU 2 is asked for, GPUs here: 2");
  convoy_context *context;
  EXPECT_EQ(single.createOn(-1, &context), CONVOY_ERROR_ARGUMENT);
  EXPECT_EQ(context, nullptr);
  EXPECT_EQ(single.createOn(0, nullptr), CONVOY_ERROR_ARGUMENT);
  Setting setting("FAKE_CUDA_GPUS", "0");
  EXPECT_EQ(getError(CONVOY_ERROR_NO_GPU), "no CUDA-capable device is detected");
}

TEST_F(CudaRuntime, SaysThatTheGpuIsTooOld) {
  Setting setting("FAKE_CUDA_SM", "75");
  EXPECT_EQ(getError(CONVOY_ERROR_GPU),
            "GPU 0 Fake GPU is sm_75, the model has sm_80, sm_90, compute_90");
}

TEST_F(CudaRuntime, SaysThatTheDriverIsTooOld) {
  Setting setting("FAKE_CUDA_DRIVER", "11040");
  EXPECT_EQ(getError(CONVOY_ERROR_OLD_DRIVER),
            "it is one of CUDA 11.4; compute_90: the provided PTX was compiled with an "
            "unsupported toolchain.");
  // If the driver refuses machine code, the runtime tries PTX, but here there is none.
  int32_t archs[] = {90}, isPtx[] = {0};
  single.setImages(1, archs, isPtx, 0, 0);
  EXPECT_EQ(getError(CONVOY_ERROR_OLD_DRIVER), "it is one of CUDA 11.4; sm_90: unknown error");
}

TEST_F(CudaRuntime, SaysWhatIsWrongWithThePtx) {
  int32_t archs[] = {80, 80}, isPtx[] = {0, 1};
  single.setImages(2, archs, isPtx, 0, 1);
  EXPECT_EQ(getError(CONVOY_ERROR_CUDA),
            "compute_80: a PTX JIT compilation failed: line 1; error: it is nonsense");
}

TEST_F(CudaRuntime, SaysThatMemoryIsOut) {
  // First the weights, 1.2 MB; then arena, scratch and four buffers of the same size at once.
  Setting setting("FAKE_CUDA_MEMORY", "8000000");
  EXPECT_EQ(getError(CONVOY_ERROR_GPU_MEMORY), "GPU 0 Fake GPU has no 7.2 MB left");
  {
    Setting smaller("FAKE_CUDA_MEMORY", "1000000");
    EXPECT_EQ(getError(CONVOY_ERROR_GPU_MEMORY), "GPU 0 Fake GPU has no 1.2 MB left");
  }
}

TEST_F(CudaRuntime, SaysWhichCallFails) {
  {
    Setting setting("FAKE_CUDA_FAIL", "cuInit=34");
    EXPECT_EQ(getError(CONVOY_ERROR_NO_DRIVER), "CUDA driver is a stub library");
  }
  {
    Setting setting("FAKE_CUDA_FAIL", "cuInit=804");
    EXPECT_EQ(getError(CONVOY_ERROR_CUDA), "GPU 0, cuInit: unknown error, error 804");
  }
  // If a call fails while a context is made, everything that was allocated is freed.
  for (const char *function :
       {"cuDeviceGet", "cuDevicePrimaryCtxRetain", "cuCtxPushCurrent", "cuModuleGetFunction",
        "cuFuncGetAttribute", "cuMemcpyHtoD", "cuMemHostAlloc", "cuStreamCreate",
        "cuStreamBeginCapture", "cuLaunchKernel", "cuFuncSetAttribute", "cuStreamEndCapture",
        "cuGraphInstantiateWithFlags"}) {
    Setting setting("FAKE_CUDA_FAIL", (std::string(function) + "=201").c_str());
    std::string error = getError(CONVOY_ERROR_CUDA);
    EXPECT_NE(error.find("invalid device context, error 201"), std::string::npos) << error;
    // The error of a launch names the kernel instead of the function.
    if (std::string(function) != "cuLaunchKernel")
      EXPECT_NE(error.find(function), std::string::npos) << error;
    else
      EXPECT_NE(error.find("GPU 0 Fake GPU, scale: "), std::string::npos) << error;
    EXPECT_EQ(fake_cuda_live(), 0) << function;
  }
  for (int32_t status = CONVOY_OK; status <= CONVOY_ERROR_RANGE; ++status)
    EXPECT_STRNE(single.statusText(status), "unknown status") << status;
  EXPECT_STREQ(single.statusText(CONVOY_ERROR_RANGE + 1), "unknown status");
}

TEST_F(CudaRuntime, SurvivesAFailedRun) {
  convoy_context *context;
  ASSERT_EQ(single.createOn(0, &context), CONVOY_OK);
  SingleBuffers buffers(1);
  for (const char *function :
       {"cuMemcpyHtoDAsync", "cuGraphLaunch", "cuMemcpyDtoHAsync", "cuStreamSynchronize"}) {
    Setting setting("FAKE_CUDA_FAIL", (std::string(function) + "=700").c_str());
    EXPECT_EQ(buffers.run(single, context), CONVOY_ERROR_CUDA);
    EXPECT_EQ(std::string("GPU 0 Fake GPU, ") + function +
                  ": an illegal memory access was encountered, error 700",
              single.contextError(context));
  }
  ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
  EXPECT_STREQ(single.contextError(context), "");
  EXPECT_TRUE(buffers.isRight());
  ASSERT_EQ(single.profileEnable(context, 1), CONVOY_OK);
  {
    Setting setting("FAKE_CUDA_FAIL", "cuEventRecord=700");
    EXPECT_EQ(buffers.run(single, context), CONVOY_ERROR_CUDA);
  }
  ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
  single.destroy(context);
}
