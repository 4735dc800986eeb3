//===- CudaRuntime.h - Hand-made models on a GPU that is fake ---*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TEST_UNIT_RUNTIME_CUDARUNTIME_H
#define CONVOY_TEST_UNIT_RUNTIME_CUDARUNTIME_H

#include "../../FakeCuda/FakeDriver.h"
#include "../../FakeCuda/HandMade.h"
#include "convoy-c/Artefact.h"

#include "gtest/gtest.h"

#include <cstdlib>
#include <dlfcn.h>
#include <string>
#include <vector>

/// Sets an environment variable for as long as this object is in scope.
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
    find(outputDims, "convoy_output_dims");
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
  decltype(convoy_output_dims) *outputDims;
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

  /// Makes a context that must fail with `status`, and returns its error.
  std::string getError(int32_t status, int32_t ordinal = 0) {
    convoy_context *context;
    EXPECT_EQ(single.createOn(ordinal, &context), status);
    std::string text = single.contextError(context);
    // Such a context can do nothing else.
    SingleBuffers buffers(1);
    EXPECT_EQ(buffers.run(single, context), context ? status : CONVOY_ERROR_ARGUMENT);
    EXPECT_NE(single.profileEnable(context, 1), CONVOY_OK);
    single.destroy(context);
    // convoy_create returns the status only, and no context.
    if (ordinal == 0) {
      EXPECT_EQ(single.create(1, &context), status);
      EXPECT_EQ(context, nullptr);
    }
    return text;
  }

  Library single{HAND_MADE_SINGLE};
  Library parts{HAND_MADE_PARTS};
};
//===----------------------------------------------------------------------===//
// Several devices
//===----------------------------------------------------------------------===//

inline constexpr int kCount = HAND_MADE_ROWS * HAND_MADE_WIDTH;

/// The outputs of HandMadeParts for the inputs `x`.
inline std::vector<float> getExpected(const std::vector<float> &x) {
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

/// Runs HandMadeParts on the numbers from `first` on, and checks the outputs.
inline int32_t runParts(const Library &parts, convoy_context *context, float first) {
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

#endif // CONVOY_TEST_UNIT_RUNTIME_CUDARUNTIME_H
