//===- CudaRuntimeTest.cpp - Artefacts on a GPU that a driver fakes -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../FakeCuda/FakeDriver.h"
#include "../../FakeCuda/HandMade.h"
#include "convoy-c/Artefact.h"
#include "convoy/Runtime/Artefact.h"

#include "gtest/gtest.h"

extern "C" {
#include "../../../lib/Runtime/Artefact/Nccl.h"
// Of the fake driver.
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
}

#include <dlfcn.h>
#include <thread>

using namespace convoy;

namespace {
/// A variable of the environment, for as long as it is in scope.
class Setting {
public:
  Setting(const char *name, const char *value) : name(name) { setenv(name, value, 1); }
  ~Setting() { unsetenv(name); }
  const char *name;
};

/// The C interface of a hand-made model.
struct Library {
  explicit Library(const char *path) : handle(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (!handle)
      throw_(dlerror());
    find(create, "convoy_create");
    find(createOn, "convoy_create_on");
    find(createDevice, "convoy_create_device");
    find(destroy, "convoy_destroy");
    find(run, "convoy_run");
    find(profileEnable, "convoy_profile_enable");
    find(profileRead, "convoy_profile_read");
    find(statusText, "convoy_status_text");
    find(contextError, "convoy_context_error");
    find(threadCount, "convoy_thread_count");
    find(gpuArch, "convoy_gpu_arch");
    find(setImages, "hand_made_set_images");
    find(setAllReduce, "hand_made_set_all_reduce");
  }
  ~Library() { dlclose(handle); }

  template <typename T> void find(T *&function, const char *name) {
    function = reinterpret_cast<T *>(dlsym(handle, name));
    if (!function)
      throw_(name);
  }
  static void throw_(const char *text) {
    fprintf(stderr, "hand-made model: %s\n", text);
    abort();
  }

  void *handle;
  decltype(convoy_create) *create;
  decltype(convoy_create_on) *createOn;
  decltype(convoy_create_device) *createDevice;
  decltype(convoy_destroy) *destroy;
  decltype(convoy_run) *run;
  decltype(convoy_profile_enable) *profileEnable;
  decltype(convoy_profile_read) *profileRead;
  decltype(convoy_status_text) *statusText;
  decltype(convoy_context_error) *contextError;
  decltype(convoy_thread_count) *threadCount;
  decltype(convoy_gpu_arch) *gpuArch;
  decltype(hand_made_set_images) *setImages;
  decltype(hand_made_set_all_reduce) *setAllReduce;
};

/// Inputs and outputs of HandMadeSingle.
struct SingleBuffers {
  explicit SingleBuffers(float seed)
      : a(HAND_MADE_SIZE), b(HAND_MADE_SIZE), sum(HAND_MADE_SIZE), twice(HAND_MADE_SIZE) {
    for (int i = 0; i < HAND_MADE_SIZE; ++i) {
      a[i] = seed + float(i % 97);
      b[i] = seed - float(i % 89);
    }
  }

  int32_t run(const Library &library, convoy_context *context) {
    const void *inputs[] = {a.data(), b.data()};
    void *outputs[] = {sum.data(), twice.data()};
    return library.run(context, inputs, outputs);
  }
  bool isRight() const {
    for (int i = 0; i < HAND_MADE_SIZE; ++i)
      if (sum[i] != 2 * a[i] + b[i] + float(i) || twice[i] != 2 * b[i])
        return false;
    return true;
  }

  std::vector<float> a, b, sum, twice;
};

class CudaRuntime : public testing::Test {
protected:
  CudaRuntime() { fake_cuda_reset(); }
  ~CudaRuntime() override { EXPECT_EQ(fake_cuda_live(), 0); }

  /// Makes a context that must fail with `status`, and returns its line.
  std::string getError(int32_t status, int32_t ordinal = 0) {
    convoy_context *context;
    EXPECT_EQ(single.createOn(ordinal, &context), status);
    std::string text = single.contextError(context);
    // It is good for nothing else.
    SingleBuffers buffers(1);
    EXPECT_EQ(buffers.run(single, context), context ? status : CONVOY_ERROR_ARGUMENT);
    EXPECT_NE(single.profileEnable(context, 1), CONVOY_OK);
    single.destroy(context);
    // The other way is silent.
    if (ordinal == 0) {
      EXPECT_EQ(single.create(1, &context), status);
      EXPECT_EQ(context, nullptr);
    }
    return text;
  }

  Library single{HAND_MADE_SINGLE};
  Library parts{HAND_MADE_PARTS};
};
} // namespace

TEST_F(CudaRuntime, ComputesWhatTheKernelsSay) {
  convoy_context *context;
  ASSERT_EQ(single.createOn(0, &context), CONVOY_OK);
  EXPECT_EQ(single.threadCount(context), 1);
  EXPECT_STREQ(single.contextError(context), "");
  for (float seed : {1.0f, 2.0f, -3.0f}) {
    SingleBuffers buffers(seed);
    ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
    EXPECT_TRUE(buffers.isRight());
  }
  // Weights are uploaded and launches captured once, and runs replay them.
  EXPECT_EQ(fake_cuda_uploaded(), 4 * HAND_MADE_SIZE);
  EXPECT_EQ(fake_cuda_calls("cuStreamBeginCapture"), 1);
  EXPECT_EQ(fake_cuda_calls("cuLaunchKernel"), 4);
  EXPECT_EQ(fake_cuda_calls("cuGraphLaunch"), 3);
  EXPECT_EQ(fake_cuda_calls("cuStreamSynchronize"), 3);
  // Inputs go in parts of at most 1 MiB.
  EXPECT_EQ(fake_cuda_calls("cuMemcpyHtoDAsync"), 3 * 2 * 2);
  single.destroy(context);
}

TEST_F(CudaRuntime, TakesMemoryOfTheGpu) {
  // This program's own use of the GPU, which stays as it is.
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
  // Each was copied once, and as a whole.
  EXPECT_EQ(fake_cuda_calls("cuMemcpyDtoDAsync"), 2);
  EXPECT_EQ(fake_cuda_calls("cuMemcpyHtoDAsync"), 1);
  EXPECT_EQ(fake_cuda_calls("cuMemcpyDtoHAsync"), 1);
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
  // The fake GPU takes half a millisecond a kernel; the last layer has two.
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
  // Once: the graph keeps it.
  SingleBuffers buffers(1);
  for (int run = 0; run < 3; ++run)
    ASSERT_EQ(buffers.run(single, context), CONVOY_OK);
  EXPECT_TRUE(buffers.isRight());
  EXPECT_EQ(fake_cuda_calls("cuTensorMapEncodeTiled"), 1);
  single.destroy(context);
}

TEST_F(CudaRuntime, SaysThatTheDriverIsTooOld) {
  Setting setting("FAKE_CUDA_DRIVER", "11040");
  EXPECT_EQ(getError(CONVOY_ERROR_OLD_DRIVER),
            "it is one of CUDA 11.4; compute_90: the provided PTX was compiled with an "
            "unsupported toolchain.");
  // Machine code that the driver refuses leaves PTX, where there is some.
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
  // Weights, then arena, scratch and four buffers of the same size.
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
  // While it is made, whatever fails leaves nothing behind.
  for (const char *function :
       {"cuDeviceGet", "cuDevicePrimaryCtxRetain", "cuCtxPushCurrent", "cuModuleGetFunction",
        "cuFuncGetAttribute", "cuMemcpyHtoD", "cuMemHostAlloc", "cuStreamCreate",
        "cuStreamBeginCapture", "cuLaunchKernel", "cuFuncSetAttribute", "cuStreamEndCapture",
        "cuGraphInstantiateWithFlags"}) {
    Setting setting("FAKE_CUDA_FAIL", (std::string(function) + "=201").c_str());
    std::string error = getError(CONVOY_ERROR_CUDA);
    EXPECT_NE(error.find("invalid device context, error 201"), std::string::npos) << error;
    // A launch is known by its kernel.
    if (std::string(function) != "cuLaunchKernel")
      EXPECT_NE(error.find(function), std::string::npos) << error;
    else
      EXPECT_NE(error.find("GPU 0 Fake GPU, scale: "), std::string::npos) << error;
    EXPECT_EQ(fake_cuda_live(), 0) << function;
  }
  for (int32_t status = CONVOY_OK; status <= CONVOY_ERROR_NCCL; ++status)
    EXPECT_STRNE(single.statusText(status), "unknown status") << status;
  EXPECT_STREQ(single.statusText(CONVOY_ERROR_NCCL + 1), "unknown status");
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

//===----------------------------------------------------------------------===//
// Several devices
//===----------------------------------------------------------------------===//

static constexpr int kCount = HAND_MADE_ROWS * HAND_MADE_WIDTH;

static std::vector<float> getExpected(const std::vector<float> &x) {
  std::vector<float> y(kCount);
  for (int r = 0; r < HAND_MADE_ROWS; ++r) {
    auto z = [&](int i) {
      return i >= 0 && i < HAND_MADE_WIDTH
                 ? x[r * HAND_MADE_WIDTH + (i + 35) % HAND_MADE_WIDTH] + 5
                 : 0;
    };
    for (int i = 0; i < HAND_MADE_WIDTH; ++i)
      y[r * HAND_MADE_WIDTH + i] =
          z(i) + 10 * (z(i - 1) + z(i) + z(i + 2)) + 100 * x[r * HAND_MADE_WIDTH + i];
  }
  return y;
}

/// Runs it on numbers that begin with `first`.
static int32_t runParts(const Library &parts, convoy_context *context, float first) {
  std::vector<float> x(kCount), y(kCount, -1);
  for (int i = 0; i < kCount; ++i)
    x[i] = first + float(i);
  const void *inputs[] = {x.data()};
  void *outputs[] = {y.data()};
  int32_t status = parts.run(context, inputs, outputs);
  if (status == CONVOY_OK)
    EXPECT_EQ(y, getExpected(x));
  return status;
}

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
  // Transports reach no GPU.
  convoy_transport transport = {};
  EXPECT_EQ(parts.createDevice(1, 0, &transport, &context), CONVOY_ERROR_ARGUMENT);
}

//===----------------------------------------------------------------------===//
// NCCL
//===----------------------------------------------------------------------===//

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
    // What is left is a run's output, and its end.
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
    const char *reason; // where somebody insists
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
  // Nobody was lost.
  EXPECT_EQ(runParts(parts, context, 1), CONVOY_OK);
  EXPECT_EQ(fake_cuda_calls("ncclAllReduce"), 3);
  parts.destroy(context);
}

// Whichever call of a run is the first that fails on a GPU, before the others come to the
// sum, while they do or behind it.
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
        // The GPU that failed is the only one to say so.
        std::string error = parts.contextError(context);
        EXPECT_EQ(error.find("GPU " + std::to_string(gpu)) == 0, status != CONVOY_OK)
            << fail << ": " << error;
        // Polls go on until all is done.
        if (std::string(function) == "cuStreamQuery" && failures == 3)
          status = CONVOY_OK;
        EXPECT_EQ(runParts(parts, context, 2), CONVOY_OK) << parts.contextError(context);
        parts.destroy(context);
        ASSERT_EQ(fake_cuda_live(), 0) << fail;
      }
      // It was called at all, but that only one GPU fetches the outputs.
      EXPECT_EQ(failures > 1, gpu == 0 || std::string(function) != "cuMemcpyDtoHAsync")
          << function;
    }
}

// What the fake one refuses, as tests of the runtime rely upon it.
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

  // Who comes alone waits until he leaves.
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

//===----------------------------------------------------------------------===//
// The loader
//===----------------------------------------------------------------------===//

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
