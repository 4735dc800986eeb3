//===- ArtefactRuntimeTest.cpp - Threads and contexts of artefacts --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Runtime/Abi/Model.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <thread>
#include <vector>

// A model written by hand; its backend is the emulator, which EmulatorTest.cpp needs. The
// input says how many tasks to launch, and each task counts its runs in the output. The counts
// are not atomic, so that the thread sanitizer sees a missing barrier. The size of the output
// is the number of tasks.

static constexpr int64_t kMaxTasks = 1000;
static const int64_t countDims[] = {kMaxTasks};
static const convoy_tensor_info inputs[] = {{"tasks", CONVOY_INT64, 0, nullptr, 8}};
static const convoy_tensor_info outputs[] = {
    {"counts", CONVOY_INT64, 1, countDims, 8 * kMaxTasks}, {"", CONVOY_INT64, 0, nullptr, 8}};
static const int32_t countSizes[] = {0};
static const int32_t *const outputSizes[] = {countSizes};
static const char *const layers[] = {"clear", "count"};
static const uint8_t weights[64] = {1};

static void clear(int64_t begin, int64_t end, void *const *args, uint8_t *) {
  for (int64_t i = begin; i < end; ++i)
    static_cast<int64_t *>(args[0])[i] = 0;
}

static void count(int64_t begin, int64_t end, void *const *args, uint8_t *) {
  for (int64_t i = begin; i < end; ++i)
    // Another thread may have cleared this element.
    static_cast<int64_t *>(args[0])[i] += 1 + *static_cast<int64_t *>(args[1]);
}

/// If set, each run tries to run this context, too.
static convoy_context *inner = nullptr;
static int32_t innerStatus;

static void invoke(void *rt, uint8_t *arena, const uint8_t *weights, void *const *inputs,
                   void *const *outputs) {
  int64_t tasks = *static_cast<const int64_t *>(inputs[0]);
  if (tasks > kMaxTasks || weights[0] != 1) {
    // A kernel without code.
    convoy_rt_launch_kernel(rt, 1, nullptr, 1, 1, 1, 1, 1, 1, 0, nullptr, 0, 0);
    return;
  }
  if (inner)
    innerStatus = convoy_run(inner, inputs, outputs);
  // A compiled model never writes a size below 0.
  *static_cast<int64_t *>(outputs[1]) = tasks;
  tasks = std::max<int64_t>(tasks, 0);
  auto *zero = reinterpret_cast<int64_t *>(arena);
  *zero = 0;
  void *args[] = {outputs[0], zero};
  convoy_rt_parallel_for(rt, clear, args, kMaxTasks);
  convoy_rt_layer_done(rt, 0);
  convoy_rt_parallel_for(rt, count, args, tasks);
  convoy_rt_layer_done(rt, 1);
}

static const convoy_device_description devices[] = {
    {invoke, layers, 2, 1 << 20, 0, 64, weights}};
const convoy_model_description convoy_model = {
    CONVOY_ABI_VERSION,       1,           1, 1, inputs, outputs, "any", 0, devices, nullptr,
    &convoy_emulator_backend, outputSizes, 1, 0};

static int runOnce(convoy_context *context, int64_t tasks, std::vector<int64_t> &counts) {
  const void *input = &tasks;
  void *output = counts.data();
  return convoy_run(context, &input, &output);
}

TEST(ArtefactRuntime, RunsEachTaskOnce) {
  for (int threads : {1, 2, 3, 8}) {
    convoy_context *context;
    ASSERT_EQ(convoy_create(threads, &context), CONVOY_OK);
    EXPECT_EQ(convoy_thread_count(context), threads);
    std::vector<int64_t> counts(kMaxTasks, -1);
    for (int64_t tasks : {0, 1, 2, 3, 7, 8, 9, 999, 1000}) {
      ASSERT_EQ(runOnce(context, tasks, counts), CONVOY_OK);
      for (int64_t i = 0; i < kMaxTasks; ++i)
        ASSERT_EQ(counts[i], i < tasks) << threads << " " << tasks << " " << i;
    }
    convoy_destroy(context);
  }
}

TEST(ArtefactRuntime, KnowsTheSizesOfTheLastRun) {
  EXPECT_EQ(convoy_output_count(), 1);
  EXPECT_EQ(convoy_output(1), nullptr);
  EXPECT_EQ(convoy_output_is_bounded(0, 0), 1);
  for (int dim : {-1, 1})
    EXPECT_EQ(convoy_output_is_bounded(0, dim), 0);
  for (int output : {-1, 1})
    EXPECT_EQ(convoy_output_is_bounded(output, 0), 0);

  convoy_context *context;
  ASSERT_EQ(convoy_create(2, &context), CONVOY_OK);
  std::vector<int64_t> counts(kMaxTasks);
  int64_t size = -1;
  EXPECT_EQ(convoy_output_dims(context, 0, &size), CONVOY_ERROR_NO_RUN);
  EXPECT_STREQ(convoy_status_text(CONVOY_ERROR_NO_RUN),
               "the context has no outputs: its last run failed, or there was none");
  for (int64_t tasks : {0, 7, 1000, 3}) {
    ASSERT_EQ(runOnce(context, tasks, counts), CONVOY_OK);
    EXPECT_EQ(convoy_output_dims(context, 0, &size), CONVOY_OK);
    EXPECT_EQ(size, tasks);
  }
  EXPECT_EQ(convoy_output_dims(nullptr, 0, &size), CONVOY_ERROR_ARGUMENT);
  EXPECT_EQ(convoy_output_dims(context, 0, nullptr), CONVOY_ERROR_ARGUMENT);
  EXPECT_EQ(convoy_output_dims(context, 1, &size), CONVOY_ERROR_ARGUMENT);
  EXPECT_EQ(runOnce(context, kMaxTasks + 1, counts), CONVOY_ERROR_MODEL);
  EXPECT_EQ(convoy_output_dims(context, 0, &size), CONVOY_ERROR_NO_RUN);
  ASSERT_EQ(runOnce(context, -1, counts), CONVOY_OK);
  EXPECT_EQ(convoy_output_dims(context, 0, &size), CONVOY_ERROR_MODEL);
  convoy_destroy(context);
}

TEST(ArtefactRuntime, SurvivesManyLaunchesAndPauses) {
  convoy_context *context;
  ASSERT_EQ(convoy_create(4, &context), CONVOY_OK);
  std::vector<int64_t> counts(kMaxTasks);
  for (int run = 0; run < 2000; ++run) {
    // Sometimes the workers fall asleep in between.
    if (run % 100 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_EQ(runOnce(context, run % 9, counts), CONVOY_OK);
    ASSERT_EQ(counts[0], run % 9 != 0);
  }
  convoy_destroy(context);
}

TEST(ArtefactRuntime, ContextsAreIndependent) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller)
    callers.emplace_back([caller] {
      convoy_context *context;
      ASSERT_EQ(convoy_create(caller + 1, &context), CONVOY_OK);
      std::vector<int64_t> counts(kMaxTasks);
      for (int run = 0; run < 200; ++run) {
        ASSERT_EQ(runOnce(context, 100 + caller, counts), CONVOY_OK);
        ASSERT_EQ(counts[99 + caller], 1);
        ASSERT_EQ(counts[100 + caller], 0);
      }
      convoy_destroy(context);
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST(ArtefactRuntime, RefusesARunDuringARun) {
  convoy_context *context;
  ASSERT_EQ(convoy_create(1, &context), CONVOY_OK);
  std::vector<int64_t> counts(kMaxTasks);
  inner = context;
  EXPECT_EQ(runOnce(context, 7, counts), CONVOY_OK);
  EXPECT_EQ(innerStatus, CONVOY_ERROR_BUSY);
  inner = nullptr;
  EXPECT_EQ(runOnce(context, 8, counts), CONVOY_OK);
  EXPECT_EQ(counts[7], 1);
  convoy_destroy(context);
}

TEST(ArtefactRuntime, ThreadsOfOneContextGetRightResultsOrAnError) {
  convoy_context *context;
  ASSERT_EQ(convoy_create(1, &context), CONVOY_OK);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([=] {
      std::vector<int64_t> counts(kMaxTasks);
      for (int run = 0; run < 200; ++run) {
        int32_t status = runOnce(context, 100 + caller, counts);
        if (status == CONVOY_ERROR_BUSY)
          continue;
        ASSERT_EQ(status, CONVOY_OK);
        ASSERT_EQ(counts[99 + caller], 1);
        ASSERT_EQ(counts[100 + caller], 0);
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  convoy_destroy(context);
}

TEST(ArtefactRuntime, Profiles) {
  convoy_context *context;
  ASSERT_EQ(convoy_create(1, &context), CONVOY_OK);
  std::vector<int64_t> counts(kMaxTasks);
  int64_t nanoseconds[2], runs;
  ASSERT_EQ(runOnce(context, 1000, counts), CONVOY_OK);
  ASSERT_EQ(convoy_profile_read(context, nanoseconds, &runs), CONVOY_OK);
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(nanoseconds[0] + nanoseconds[1], 0);

  ASSERT_EQ(convoy_profile_enable(context, 1), CONVOY_OK);
  for (int run = 0; run < 10; ++run)
    ASSERT_EQ(runOnce(context, 1000, counts), CONVOY_OK);
  ASSERT_EQ(convoy_profile_read(context, nanoseconds, &runs), CONVOY_OK);
  EXPECT_EQ(runs, 10);
  EXPECT_GT(nanoseconds[0], 0);
  EXPECT_GT(nanoseconds[1], 0);
  convoy_destroy(context);
}

TEST(ArtefactRuntime, RefusesBadArguments) {
  EXPECT_EQ(convoy_create(1, nullptr), CONVOY_ERROR_ARGUMENT);
  convoy_context *context;
  EXPECT_EQ(convoy_create(-1, &context), CONVOY_ERROR_ARGUMENT);
  EXPECT_EQ(context, nullptr);
  EXPECT_EQ(convoy_run(nullptr, nullptr, nullptr), CONVOY_ERROR_ARGUMENT);
  EXPECT_EQ(convoy_thread_count(nullptr), 0);
  EXPECT_EQ(convoy_input(1), nullptr);
  EXPECT_EQ(convoy_output(-1), nullptr);
  EXPECT_EQ(convoy_layer_name(2), nullptr);
  convoy_destroy(nullptr);

  ASSERT_EQ(convoy_create(1, &context), CONVOY_OK);
  EXPECT_EQ(convoy_run(context, nullptr, nullptr), CONVOY_ERROR_ARGUMENT);
  std::vector<int64_t> counts(kMaxTasks + 1);
  const void *input = &counts[0];
  void *output = reinterpret_cast<char *>(counts.data()) + 4;
  EXPECT_EQ(convoy_run(context, &input, &output), CONVOY_ERROR_ARGUMENT);
  EXPECT_EQ(runOnce(context, kMaxTasks + 1, counts), CONVOY_ERROR_MODEL);
  EXPECT_STREQ(convoy_context_error(context),
               "a kernel has no code that the emulator can run");
  EXPECT_STREQ(convoy_status_text(CONVOY_ERROR_MODEL), "the model failed to run");
  EXPECT_NE(convoy_status_text(-7), nullptr);
  convoy_destroy(context);
}
