//===- CudaDevicesTest.cpp - Artefacts for several GPUs -------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaRuntime.h"

TEST_F(CudaRuntime, DevicesShareOneGpuOrSeveral) {
  for (const char *gpus : {"1", "2", "3"}) {
    Setting setting("FAKE_CUDA_GPUS", gpus);
    fake_cuda_reset();
    for (int32_t ordinal = 0; ordinal < atoi(gpus); ++ordinal) {
      convoy_context *context;
      ASSERT_EQ(parts.createOn(ordinal, &context), CONVOY_OK) << parts.contextError(context);
      EXPECT_EQ(parts.threadCount(context), 3);
      for (int run = 0; run < 20; ++run)
        ASSERT_EQ(runParts(parts, context, float(run)), CONVOY_OK)
            << parts.contextError(context);
      ASSERT_EQ(parts.profileEnable(context, 1), CONVOY_OK);
      ASSERT_EQ(runParts(parts, context, 7), CONVOY_OK);
      int64_t nanoseconds[3], runs;
      ASSERT_EQ(parts.profileRead(context, nanoseconds, &runs), CONVOY_OK);
      EXPECT_GE(nanoseconds[0], 5 * 500000);
      parts.destroy(context);
    }
    EXPECT_EQ(fake_cuda_calls("cuMemcpy3DPeerAsync") > 0, atoi(gpus) > 1);
    EXPECT_EQ(fake_cuda_calls("cuMemcpy2DAsync") > 0, true);
    EXPECT_EQ(fake_cuda_calls("cuCtxEnablePeerAccess") > 0, atoi(gpus) > 1);
  }
}

TEST_F(CudaRuntime, NoDeviceWaitsForOneThatFailed) {
  convoy_context *context;
  ASSERT_EQ(parts.createOn(0, &context), CONVOY_OK);
  for (const char *function :
       {"cuLaunchKernel", "cuMemcpy2DAsync", "cuMemcpy3DPeerAsync", "cuStreamWaitEvent",
        "cuEventRecord", "cuStreamSynchronize", "cuMemcpyHtoDAsync", "cuCtxPushCurrent"}) {
    Setting setting("FAKE_CUDA_FAIL", (std::string(function) + "=700").c_str());
    EXPECT_EQ(runParts(parts, context, 1), CONVOY_ERROR_CUDA) << function;
    EXPECT_STRNE(parts.contextError(context), "");
  }
  EXPECT_EQ(runParts(parts, context, 1), CONVOY_OK) << parts.contextError(context);
  parts.destroy(context);
  // A transport cannot connect GPUs.
  convoy_transport transport = {};
  EXPECT_EQ(parts.createDevice(1, 0, &transport, &context), CONVOY_ERROR_ARGUMENT);
}
