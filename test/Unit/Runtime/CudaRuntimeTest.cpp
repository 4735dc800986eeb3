//===- CudaRuntimeTest.cpp - Artefacts on a GPU that a driver fakes -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaRuntime.h"
#include "../../FakeCuda/FakeCalls.h"
#include "convoy/Runtime/Artefact.h"

#include <cstring>
#include <thread>

using namespace convoy;

TEST_F(CudaRuntime, ComputesWhatTheKernelsSay) {
  convoy_context *context;
  ASSERT_EQ(single.createOn(0, &context), CONVOY_OK);
  EXPECT_EQ(single.threadCount(context), 1);
  EXPECT_STREQ(single.contextError(context), "");
  for (float seed : {1.0f, 2.0f, -3.0f}) {
    SingleBuffers buffers(seed);
    ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
    EXPECT_TRUE(buffers.isRight());
    int64_t size = -1;
    EXPECT_EQ(single.outputDims(context, 0, &size), CONVOY_OK);
    EXPECT_EQ(size, HAND_MADE_SIZE);
    EXPECT_EQ(single.outputDims(context, 1, &size), CONVOY_OK);
    EXPECT_EQ(size, std::abs(int64_t(seed)));
  }
  // Weights are uploaded once. Launches are captured once, and each run replays them.
  EXPECT_EQ(fake_cuda_uploaded(), 4 * HAND_MADE_SIZE);
  EXPECT_EQ(fake_cuda_calls("cuStreamBeginCapture"), 1);
  EXPECT_EQ(fake_cuda_calls("cuLaunchKernel"), 5);
  EXPECT_EQ(fake_cuda_calls("cuGraphLaunch"), 3);
  EXPECT_EQ(fake_cuda_calls("cuStreamSynchronize"), 3);
  // Three runs, two inputs, each copied in two parts of at most 1 MiB.
  EXPECT_EQ(fake_cuda_calls("cuMemcpyHtoDAsync"), 3 * 2 * 2);
  single.destroy(context);
}

TEST_F(CudaRuntime, TakesMemoryOfTheGpu) {
  // The test's own context of the GPU, which the runtime must leave as it is.
  CUcontext own, popped;
  ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
  ASSERT_EQ(cuDevicePrimaryCtxRetain(&own, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxPushCurrent_v2(own), CUDA_SUCCESS);
  constexpr size_t size = 4 * HAND_MADE_SIZE;
  CUdeviceptr a, twice;
  void *b, *sum;
  ASSERT_EQ(cuMemAlloc_v2(&a, size), CUDA_SUCCESS);
  ASSERT_EQ(cuMemAlloc_v2(&twice, size), CUDA_SUCCESS);
  ASSERT_EQ(cuMemHostAlloc(&b, size, CU_MEMHOSTALLOC_PORTABLE), CUDA_SUCCESS);
  ASSERT_EQ(cuMemHostAlloc(&sum, size, CU_MEMHOSTALLOC_PORTABLE), CUDA_SUCCESS);

  convoy_context *context;
  ASSERT_EQ(single.createOn(0, &context), CONVOY_OK);
  SingleBuffers buffers(5);
  memcpy(reinterpret_cast<void *>(a), buffers.a.data(), size);
  memcpy(b, buffers.b.data(), size);
  const void *inputs[] = {reinterpret_cast<void *>(a), b};
  void *outputs[] = {sum, reinterpret_cast<void *>(twice)};
  ASSERT_EQ(single.run(context, inputs, outputs), CONVOY_OK);
  memcpy(buffers.sum.data(), sum, size);
  memcpy(buffers.twice.data(), reinterpret_cast<void *>(twice), size);
  EXPECT_TRUE(buffers.isRight());
  // Each tensor was copied once, and as a whole; and the size of an output.
  EXPECT_EQ(fake_cuda_calls("cuMemcpyDtoDAsync"), 2);
  EXPECT_EQ(fake_cuda_calls("cuMemcpyHtoDAsync"), 1);
  EXPECT_EQ(fake_cuda_calls("cuMemcpyDtoHAsync"), 2);
  ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
  EXPECT_TRUE(buffers.isRight());
  single.destroy(context);

  EXPECT_EQ(cuMemFree_v2(a), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFree_v2(twice), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFreeHost(b), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFreeHost(sum), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxPopCurrent_v2(&popped), CUDA_SUCCESS);
  EXPECT_EQ(popped, own);
  cuDevicePrimaryCtxRelease_v2(0);
}

TEST_F(CudaRuntime, Profiles) {
  convoy_context *context;
  ASSERT_EQ(single.createOn(0, &context), CONVOY_OK);
  ASSERT_EQ(single.profileEnable(context, 1), CONVOY_OK);
  SingleBuffers buffers(1);
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
  EXPECT_TRUE(buffers.isRight());
  EXPECT_EQ(fake_cuda_calls("cuGraphLaunch"), 0);
  int64_t nanoseconds[3], runs;
  ASSERT_EQ(single.profileRead(context, nanoseconds, &runs), CONVOY_OK);
  EXPECT_EQ(runs, 10);
  // The fake GPU takes half a millisecond per kernel; the last layer has two kernels.
  EXPECT_EQ(nanoseconds[0], 5000000);
  EXPECT_EQ(nanoseconds[1], 5000000);
  EXPECT_EQ(nanoseconds[2], 10000000);
  // Without a profile the graph is used again.
  ASSERT_EQ(single.profileEnable(context, 0), CONVOY_OK);
  ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
  EXPECT_EQ(fake_cuda_calls("cuGraphLaunch"), 1);
  single.destroy(context);
}

TEST_F(CudaRuntime, ContextsAreIndependent) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller)
    callers.emplace_back([this, caller] {
      convoy_context *context;
      ASSERT_EQ(single.createOn(caller % 2, &context), CONVOY_OK);
      SingleBuffers buffers{float(caller)};
      for (int run = 0; run < 5; ++run) {
        buffers.sum.assign(HAND_MADE_SIZE, 0);
        ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
        ASSERT_TRUE(buffers.isRight());
      }
      single.destroy(context);
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST_F(CudaRuntime, ChoosesTheImage) {
  struct {
    const char *capability;
    std::vector<int32_t> archs, isPtx;
    const char *image;
  } cases[] = {
      {"80", {80, 90, 90}, {0, 0, 1}, "sm_80"}, {"86", {80, 90, 90}, {0, 0, 1}, "sm_80"},
      {"90", {80, 90, 90}, {0, 0, 1}, "sm_90"}, {"120", {80, 90, 90}, {0, 0, 1}, "compute_90"},
      {"89", {80, 86, 80}, {0, 0, 1}, "sm_86"}, {"90", {80, 86, 80}, {0, 0, 1}, "compute_80"},
      {"86", {80, 80}, {0, 1}, "sm_80"},        {"90", {100, 80, 90}, {0, 1, 1}, "compute_90"},
  };
  for (const auto &test : cases) {
    Setting setting("FAKE_CUDA_SM", test.capability);
    single.setImages(int32_t(test.archs.size()), test.archs.data(), test.isPtx.data(),
                     /*is_specific=*/0, /*is_broken=*/0);
    convoy_context *context;
    ASSERT_EQ(single.createOn(0, &context), CONVOY_OK) << single.contextError(context);
    EXPECT_STREQ(fake_cuda_image(), test.image) << test.capability;
    SingleBuffers buffers(1);
    ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
    EXPECT_TRUE(buffers.isRight());
    single.destroy(context);
  }
  int32_t isPtx = -1;
  EXPECT_EQ(single.gpuArch(0, &isPtx), 100);
  EXPECT_EQ(isPtx, 0);
  EXPECT_EQ(single.gpuArch(2, &isPtx), 90);
  EXPECT_EQ(isPtx, 1);
  EXPECT_EQ(single.gpuArch(3, &isPtx), 0);
  EXPECT_EQ(single.gpuArch(-1, nullptr), 0);
}

TEST_F(CudaRuntime, TakesCodeOfOneCapability) {
  int32_t archs[] = {90, 90}, isPtx[] = {0, 1};
  single.setImages(2, archs, isPtx, /*is_specific=*/1, /*is_broken=*/0);
  convoy_context *context;
  ASSERT_EQ(single.createOn(0, &context), CONVOY_OK) << single.contextError(context);
  EXPECT_STREQ(fake_cuda_image(), "sm_90a");
  SingleBuffers buffers(1);
  ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
  EXPECT_TRUE(buffers.isRight());
  single.destroy(context);
  for (const char *other : {"89", "100"}) {
    Setting setting("FAKE_CUDA_SM", other);
    EXPECT_EQ(getError(CONVOY_ERROR_GPU), std::string("GPU 0 Fake GPU is sm_") + other +
                                              ", the model has sm_90a, "
                                              "compute_90a");
  }
}

TEST_F(CudaRuntime, EncodesTensorMaps) {
  convoy_context *context;
  ASSERT_EQ(single.createOn(0, &context), CONVOY_OK) << single.contextError(context);
  // The map is encoded once: the graph keeps it.
  SingleBuffers buffers(1);
  for (int run = 0; run < 3; ++run)
    ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
  EXPECT_TRUE(buffers.isRight());
  EXPECT_EQ(fake_cuda_calls("cuTensorMapEncodeTiled"), 1);
  single.destroy(context);
}

TEST_F(CudaRuntime, LoaderTellsTheWholeError) {
  llvm::Expected<Artefact> artefact = Artefact::load(HAND_MADE_SINGLE);
  ASSERT_TRUE(bool(artefact)) << llvm::toString(artefact.takeError());
  EXPECT_TRUE(artefact->isForGpu());
  llvm::Expected<Context> context = artefact->createGpuContext(7);
  ASSERT_FALSE(bool(context));
  EXPECT_EQ(llvm::toString(context.takeError()),
            std::string(HAND_MADE_SINGLE) +
                ": there is no such GPU; 'nvidia-smi -L' lists those there are (GPU 7 is "
                "asked for, GPUs here: 2)");
  llvm::Expected<Context> made = artefact->createContext(4);
  ASSERT_TRUE(bool(made)) << llvm::toString(made.takeError());
  EXPECT_EQ(made->getThreadCount(), 1);
}
