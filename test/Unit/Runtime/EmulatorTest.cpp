//===- EmulatorTest.cpp - Races and waiting in emulated GPU kernels -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Runtime/Abi/Model.h"

extern "C" {
const char *emulate(convoy_context *context, convoy_emulated_kernel kernel,
                    const int32_t grid[3], const int32_t block[3], int32_t shared_bytes,
                    void *const *args);
}

#include "gtest/gtest.h"

#include <string>
#include <vector>

using Thread = convoy_gpu_thread;

namespace {
class Emulator : public testing::TestWithParam<int> {
protected:
  void SetUp() override { ASSERT_EQ(convoy_create(GetParam(), &context), CONVOY_OK); }
  void TearDown() override { convoy_destroy(context); }

  std::string run(convoy_emulated_kernel kernel, int32_t blocks, int32_t threads,
                  int32_t sharedBytes, void *data = nullptr) {
    int32_t grid[] = {blocks, 1, 1}, block[] = {threads, 1, 1};
    void *args[] = {data};
    return emulate(context, kernel, grid, block, sharedBytes, args);
  }
  convoy_context *context;
};
} // namespace

INSTANTIATE_TEST_SUITE_P(Threads, Emulator, testing::Values(1, 3));

static int32_t *getWord(Thread *thread, int32_t index) {
  return reinterpret_cast<int32_t *>(thread->shared) + index;
}
static void write(Thread *thread, int32_t index, int32_t value) {
  convoy_gpu_access(thread, getWord(thread, index), 4, 1);
  *getWord(thread, index) = value;
}
static int32_t read(Thread *thread, int32_t index) {
  convoy_gpu_access(thread, getWord(thread, index), 4, 0);
  return *getWord(thread, index);
}
static int32_t getX(Thread *thread) { return thread->thread_id[0]; }

TEST_P(Emulator, IdsAreThoseOfGridAndBlock) {
  auto kernel = [](Thread *thread, void *const *args) {
    const int32_t *t = thread->thread_id, *b = thread->block_id;
    int32_t number = t[0] + 5 * (t[1] + 4 * t[2]);
    int32_t block = b[0] + 2 * (b[1] + 3 * b[2]);
    bool isRight = thread->block_dim[0] == 5 && thread->block_dim[1] == 4 &&
                   thread->block_dim[2] == 3 && thread->grid_dim[0] == 2 &&
                   thread->grid_dim[1] == 3 && thread->grid_dim[2] == 7 &&
                   thread->warp == number / 32 && thread->lane == number % 32;
    static_cast<int32_t *>(args[0])[block * 60 + number] += isRight;
  };
  std::vector<int32_t> counts(42 * 60 + 1);
  int32_t grid[] = {2, 3, 7}, block[] = {5, 4, 3};
  void *args[] = {counts.data()};
  ASSERT_STREQ(emulate(context, kernel, grid, block, 0, args), "");
  for (int i = 0; i < 42 * 60; ++i)
    ASSERT_EQ(counts[i], 1) << i;
  EXPECT_EQ(counts.back(), 0);
}

TEST_P(Emulator, BarriersMakeNeighboursVisible) {
  // In each round, every thread gets the value of the next thread.
  auto kernel = [](Thread *thread, void *const *args) {
    int32_t x = getX(thread), threads = thread->block_dim[0];
    int32_t value = x + 1000 * thread->block_id[0];
    for (int round = 0; round < 100; ++round) {
      write(thread, x, value);
      convoy_gpu_barrier(thread, 0);
      value = read(thread, (x + 1) % threads);
      convoy_gpu_barrier(thread, 1);
    }
    static_cast<int32_t *>(args[0])[thread->block_id[0] * threads + x] = value;
  };
  for (int32_t threads : {1, 31, 32, 33, 256, 1000, 1024}) {
    std::vector<int32_t> values(7 * threads);
    ASSERT_EQ(run(kernel, 7, threads, 4 * threads, values.data()), "");
    for (int i = 0; i < 7 * threads; ++i)
      ASSERT_EQ(values[i], (i % threads + 100) % threads + i / threads * 1000);
  }
}

TEST_P(Emulator, SharedMemoryStartsAsNaN) {
  auto kernel = [](Thread *thread, void *const *args) {
    float value = reinterpret_cast<float *>(thread->shared)[getX(thread)];
    static_cast<int32_t *>(args[0])[thread->block_id[0] * 32 + getX(thread)] = value != value;
    write(thread, getX(thread), 0);
  };
  std::vector<int32_t> isNaN(6 * 32);
  ASSERT_EQ(run(kernel, 6, 32, 128, isNaN.data()), "");
  for (int32_t value : isNaN)
    EXPECT_EQ(value, 1);
}

TEST_P(Emulator, ReportsRaces) {
  auto readsTooEarly = [](Thread *thread, void *const *) {
    write(thread, getX(thread), 1);
    if (getX(thread) == 40)
      read(thread, 3);
    convoy_gpu_barrier(thread, 0);
  };
  EXPECT_EQ(
      run(readsTooEarly, 1, 64, 256),
      "kernel 1 (count), block (0, 0, 0): race: thread 40 reads byte 12 of shared memory, "
      "which thread 3 used since the last barrier");
  auto writesTooEarly = [](Thread *thread, void *const *) {
    if (getX(thread) < 2)
      read(thread, 9);
    if (getX(thread) == 1)
      write(thread, 9, 1);
  };
  EXPECT_EQ(
      run(writesTooEarly, 1, 64, 256),
      "kernel 1 (count), block (0, 0, 0): race: thread 1 writes byte 36 of shared memory, "
      "which thread 0 used since the last barrier");
  auto bothWrite = [](Thread *thread, void *const *) {
    convoy_gpu_barrier(thread, 0);
    write(thread, getX(thread) / 2, 1);
  };
  EXPECT_NE(run(bothWrite, 1, 64, 256).find("race: thread 33 writes byte 64 of"),
            std::string::npos);
  // A wide access, and a narrow one inside it.
  auto vectors = [](Thread *thread, void *const *) {
    if (getX(thread) == 0)
      convoy_gpu_access(thread, thread->shared, 32, 0);
    if (getX(thread) == 5)
      convoy_gpu_access(thread, thread->shared + 18, 2, 1);
  };
  EXPECT_NE(run(vectors, 1, 64, 256).find("thread 5 writes byte 18 of"), std::string::npos);
  // The next launch runs as usual.
  auto alone = [](Thread *thread, void *const *) { write(thread, getX(thread), 1); };
  EXPECT_EQ(run(alone, 5, 64, 256), "");
}

TEST_P(Emulator, BytesOfAWordMayBelongToSeveralThreads) {
  auto kernel = [](Thread *thread, void *const *args) {
    uint8_t *byte = thread->shared + getX(thread) * 2;
    convoy_gpu_access(thread, byte, 2, 1);
    byte[0] = byte[1] = uint8_t(getX(thread));
    convoy_gpu_barrier(thread, 0);
    // Then several threads read whole words.
    static_cast<int32_t *>(args[0])[getX(thread)] = read(thread, getX(thread) / 2 % 16);
    convoy_gpu_barrier(thread, 1);
    if (getX(thread) < 16)
      write(thread, getX(thread), 0);
  };
  std::vector<int32_t> words(64);
  ASSERT_EQ(run(kernel, 1, 64, 128, words.data()), "");
  EXPECT_EQ(words[6], 0x07070606);
}

TEST_P(Emulator, ReportsAccessesOutside) {
  auto behind = [](Thread *thread, void *const *) {
    if (getX(thread) == 8)
      convoy_gpu_access(thread, thread->shared + 120, 16, 1);
  };
  EXPECT_EQ(run(behind, 1, 64, 128), "kernel 1 (count), block (0, 0, 0): thread 8 writes 16 "
                                     "bytes at byte 120 of shared memory, which has 128");
  auto before = [](Thread *thread, void *const *) { read(thread, -1); };
  EXPECT_NE(run(before, 1, 64, 128).find("reads 4 bytes at byte -4"), std::string::npos);
}

TEST_P(Emulator, ReportsDivergence) {
  auto endsEarly = [](Thread *thread, void *const *) {
    if (getX(thread) != 70)
      convoy_gpu_barrier(thread, 4);
  };
  EXPECT_EQ(run(endsEarly, 1, 96, 0),
            "kernel 1 (count), block (0, 0, 0): 95 of 96 threads wait at a barrier (meeting "
            "point 4), the rest have ended");
  auto anotherBarrier = [](Thread *thread, void *const *) {
    convoy_gpu_barrier(thread, getX(thread) < 32 ? 0 : 1);
  };
  EXPECT_EQ(run(anotherBarrier, 1, 64, 0),
            "kernel 1 (count), block (0, 0, 0): thread 32 is at one barrier (meeting point 1) "
            "while 32 others wait at another (meeting point 0)");
  auto shufflesAlone = [](Thread *thread, void *const *) {
    int32_t value = 0;
    if (thread->lane != 9)
      convoy_gpu_shuffle(thread, 2, CONVOY_SHUFFLE_XOR, &value, 4, 1, 32);
    convoy_gpu_barrier(thread, 3);
  };
  EXPECT_EQ(run(shufflesAlone, 1, 64, 0),
            "kernel 1 (count), block (0, 0, 0): lane 0 of warp 0 waits at a shuffle (meeting "
            "point 2), which lane 9 does not reach");
  auto anotherOperation = [](Thread *thread, void *const *) {
    float fragment[4] = {};
    if (thread->lane == 31)
      convoy_gpu_mma(thread, 6, 8, 0, fragment, fragment, fragment);
    else
      convoy_gpu_shuffle(thread, 5, CONVOY_SHUFFLE_XOR, fragment, 4, 1, 32);
  };
  EXPECT_NE(run(anotherOperation, 1, 32, 0)
                .find("lane 31 of warp 0 is at mma (meeting point 6) while lane 0 waits at a "
                      "shuffle (meeting point 5)"),
            std::string::npos);
  auto halfAWarp = [](Thread *thread, void *const *) {
    float fragment[4] = {};
    convoy_gpu_mma(thread, 0, 8, 0, fragment, fragment, fragment);
  };
  EXPECT_NE(run(halfAWarp, 1, 48, 0).find("mma in warp 1, which has less than 32 lanes"),
            std::string::npos);
}

TEST_P(Emulator, AsynchronousCopiesArriveWhenWaitedFor) {
  // Thread x copies word x of three rows; each row is one group.
  auto kernel = [](Thread *thread, void *const *args) {
    auto *data = static_cast<int32_t *>(args[0]);
    int32_t x = getX(thread), *results = data + 96;
    for (int32_t row = 0; row < 3; ++row) {
      convoy_gpu_async_copy(thread, getWord(thread, row * 32 + x), data + row * 32 + x, 4,
                            row == 1 ? 0 : 4);
      convoy_gpu_async_group(thread);
    }
    convoy_gpu_async_wait(thread, 2);
    results[x] = read(thread, x);
    // Row 1 has not arrived. This read does not ask the emulator, which would report it.
    results[32 + x] = *getWord(thread, 32 + x);
    convoy_gpu_async_wait(thread, 0);
    convoy_gpu_barrier(thread, 0);
    results[64 + x] = read(thread, 32 + x) * 1000 + read(thread, 64 + (x + 1) % 32);
  };
  std::vector<int32_t> data(192);
  for (int i = 0; i < 96; ++i)
    data[i] = i;
  ASSERT_EQ(run(kernel, 1, 32, 384, data.data()), "");
  for (int x = 0; x < 32; ++x) {
    EXPECT_EQ(data[96 + x], x);
    EXPECT_EQ(data[128 + x], -1);
    EXPECT_EQ(data[160 + x], 64 + (x + 1) % 32);
  }
}

TEST_P(Emulator, ReportsAsynchronousCopiesUnderWay) {
  auto readsUnwaited = [](Thread *thread, void *const *args) {
    convoy_gpu_async_copy(thread, getWord(thread, getX(thread) * 4), args[0], 16, 16);
    convoy_gpu_async_group(thread);
    convoy_gpu_barrier(thread, 0);
    read(thread, 7);
  };
  alignas(16) int32_t data[4] = {};
  EXPECT_EQ(
      run(readsUnwaited, 1, 32, 512, data),
      "kernel 1 (count), block (0, 0, 0): thread 31 reads byte 28 of shared memory, where "
      "an asynchronous copy of thread 1 is under way");
  // The next copy overwrites data that other threads may still read.
  auto copiesTooEarly = [](Thread *thread, void *const *args) {
    read(thread, (getX(thread) + 1) % 32);
    convoy_gpu_async_copy(thread, getWord(thread, getX(thread)), args[0], 4, 4);
  };
  EXPECT_NE(run(copiesTooEarly, 1, 32, 128, data).find("race: thread 1 writes byte 4 of"),
            std::string::npos);
  // A thread's wait does not make its copy visible to another thread.
  auto noBarrier = [](Thread *thread, void *const *args) {
    convoy_gpu_async_copy(thread, getWord(thread, getX(thread)), args[0], 4, 4);
    convoy_gpu_async_group(thread);
    convoy_gpu_async_wait(thread, 0);
    if (getX(thread) == 1)
      read(thread, 0);
  };
  EXPECT_NE(run(noBarrier, 1, 32, 128, data).find("race: thread 1 reads byte 0"),
            std::string::npos);
  auto misaligned = [](Thread *thread, void *const *args) {
    convoy_gpu_async_copy(thread, getWord(thread, 1), args[0], 16, 16);
  };
  EXPECT_NE(run(misaligned, 1, 32, 128, data).find("not a multiple"), std::string::npos);
}

TEST_P(Emulator, RefusesLaunchesThatNoGpuHas) {
  auto nothing = [](Thread *, void *const *) {};
  EXPECT_EQ(run(nothing, 1, 1025, 0), "a kernel's grid or block is empty or too large");
  EXPECT_EQ(run(nothing, 0, 32, 0), "a kernel's grid or block is empty or too large");
  EXPECT_EQ(run(nothing, 1, 32, 1 << 20), "a kernel's block or shared memory is too large");
  EXPECT_EQ(run(nullptr, 1, 32, 0), "a kernel has no code that the emulator can run");
}

TEST_P(Emulator, ReportsFullStacks) {
  // Below the only stack is the emulator's table of the bytes of shared memory.
  auto kernel = [](Thread *, void *const *) {
    volatile char large[70 << 10];
    for (volatile char &byte : large)
      byte = 1;
  };
  EXPECT_EQ(run(kernel, 1, 1, 4096),
            "kernel 1 (count), block (0, 0, 0): a thread needs more than 64 KiB of stack");
}
