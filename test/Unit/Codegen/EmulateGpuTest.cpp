//===- EmulateGpuTest.cpp - Numbers of emulated GPU kernels ---------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatedKernel.h"

#include "gtest/gtest.h"

/// Small integers, so that products and sums are exact in every format.
static std::vector<float> makeIntegers(size_t count) {
  std::vector<float> values(count);
  unsigned state = 1;
  for (float &value : values) {
    state = state * 1664525 + 1013904223;
    value = float(int(state >> 24) % 9 - 4);
  }
  return values;
}

/// The product of a matrix of `rows` x `depth` and a matrix of `depth` x `columns`. `x` has
/// both, one after the other.
static std::vector<float> multiply(const std::vector<float> &x, int rows, int columns,
                                   int depth) {
  std::vector<float> y(rows * columns);
  const float *right = x.data() + rows * depth;
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j)
      for (int k = 0; k < depth; ++k)
        y[i * columns + j] += x[i * depth + k] * right[k * columns + j];
  return y;
}

/// A 32x32 matrix product in tiles of 16x16 in shared memory. `barrier` is the second barrier
/// of each step, or nothing.
static EmulatedKernel makeTiled(const std::string &barrier) {
  return {R"mlir() workgroup(%a: memref<16x16xf32, #shared>, %b: memref<16x16xf32, #shared>)
      kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %c32 = arith.constant 32 : index
    %zero = arith.constant 0.0 : f32
    %A = memref.reinterpret_cast %x to offset: [0], sizes: [32, 32], strides: [32, 1]
      : memref<2048xf32> to memref<32x32xf32>
    %B = memref.reinterpret_cast %x to offset: [1024], sizes: [32, 32], strides: [32, 1]
      : memref<2048xf32> to memref<32x32xf32, strided<[32, 1], offset: 1024>>
    %Y = memref.reinterpret_cast %y to offset: [0], sizes: [32, 32], strides: [32, 1]
      : memref<1024xf32> to memref<32x32xf32>
    %tx = gpu.thread_id x
    %ty = gpu.thread_id y
    %bx = gpu.block_id x
    %by = gpu.block_id y
    %dim = gpu.block_dim x
    %x0 = arith.muli %bx, %dim : index
    %y0 = arith.muli %by, %dim : index
    %column = arith.addi %x0, %tx : index
    %row = arith.addi %y0, %ty : index
    %sum = scf.for %k0 = %c0 to %c32 step %c16 iter_args(%s0 = %zero) -> f32 {
      %ka = arith.addi %k0, %tx : index
      %kb = arith.addi %k0, %ty : index
      %va = memref.load %A[%row, %ka] : memref<32x32xf32>
      %vb = memref.load %B[%kb, %column] : memref<32x32xf32, strided<[32, 1], offset: 1024>>
      memref.store %va, %a[%ty, %tx] : memref<16x16xf32, #shared>
      memref.store %vb, %b[%ty, %tx] : memref<16x16xf32, #shared>
      gpu.barrier
      %s = scf.for %k = %c0 to %c16 step %c1 iter_args(%s1 = %s0) -> f32 {
        %l = memref.load %a[%ty, %k] : memref<16x16xf32, #shared>
        %r = memref.load %b[%k, %tx] : memref<16x16xf32, #shared>
        %s2 = math.fma %l, %r, %s1 : f32
        scf.yield %s2 : f32
      }
      )mlir" + barrier +
              R"mlir(
      scf.yield %s : f32
    }
    memref.store %sum, %Y[%row, %column] : memref<32x32xf32>
    gpu.return
  })mlir",
          {2, 2, 1},
          {16, 16, 1}};
}

TEST(EmulateGpu, TiledProduct) {
  std::vector<float> x = makeIntegers(2048);
  std::vector<float> y = multiply(x, 32, 32, 32);
  EXPECT_EQ(runEmulated(makeTiled("gpu.barrier"), x, 1024), y);
  EXPECT_EQ(runEmulated(makeTiled("gpu.barrier"), x, 1024, /*threads=*/3), y);
  // Without the second barrier, a tile is overwritten while other threads still read it.
  EXPECT_TRUE(runEmulated(makeTiled(""), x, 1024).empty());
}

TEST(EmulateGpu, Shuffles) {
  // Each thread writes four numbers: the sum over its warp; the values of the lanes 3 above
  // and 3 below, or -1 if the warp has no such lane; and the second number of lane 4's pair.
  EmulatedKernel kernel = {R"mlir() kernel {
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c3 = arith.constant 3 : i32
    %c4 = arith.constant 4 : i32
    %c8 = arith.constant 8 : i32
    %c16 = arith.constant 16 : i32
    %c32 = arith.constant 32 : i32
    %i64 = arith.constant 64 : index
    %i128 = arith.constant 128 : index
    %i192 = arith.constant 192 : index
    %none = arith.constant -1.0 : f32
    %t = gpu.thread_id x
    %v = memref.load %x[%t] : memref<64xf32>
    %v1, %p1 = gpu.shuffle xor %v, %c1, %c32 : f32
    %s1 = arith.addf %v, %v1 : f32
    %v2, %p2 = gpu.shuffle xor %s1, %c2, %c32 : f32
    %s2 = arith.addf %s1, %v2 : f32
    %v4, %p4 = gpu.shuffle xor %s2, %c4, %c32 : f32
    %s4 = arith.addf %s2, %v4 : f32
    %v8, %p8 = gpu.shuffle xor %s4, %c8, %c32 : f32
    %s8 = arith.addf %s4, %v8 : f32
    %v16, %p16 = gpu.shuffle xor %s8, %c16, %c32 : f32
    %s16 = arith.addf %s8, %v16 : f32
    memref.store %s16, %y[%t] : memref<256xf32>
    %d, %dp = gpu.shuffle down %v, %c3, %c32 : f32
    %dv = arith.select %dp, %d, %none : f32
    %td = arith.addi %t, %i64 : index
    memref.store %dv, %y[%td] : memref<256xf32>
    %u, %up = gpu.shuffle up %v, %c3, %c32 : f32
    %uv = arith.select %up, %u, %none : f32
    %tu = arith.addi %t, %i128 : index
    memref.store %uv, %y[%tu] : memref<256xf32>
    %pair = vector.from_elements %v, %s1 : vector<2xf32>
    %w, %wp = gpu.shuffle idx %pair, %c4, %c32 : vector<2xf32>
    %wv = vector.extract %w[1] : f32 from vector<2xf32>
    %tw = arith.addi %t, %i192 : index
    memref.store %wv, %y[%tw] : memref<256xf32>
    gpu.return
  })mlir",
                           {1, 1, 1},
                           {64, 1, 1}};
  std::vector<float> x(64);
  for (int i = 0; i < 64; ++i)
    x[i] = i;
  std::vector<float> y = runEmulated(kernel, x, 256);
  ASSERT_EQ(y.size(), 256u);
  for (int i = 0; i < 64; ++i) {
    int lane = i % 32, warp = i / 32 * 32;
    EXPECT_EQ(y[i], 496 + 32 * warp);
    EXPECT_EQ(y[64 + i], lane + 3 < 32 ? i + 3 : -1);
    EXPECT_EQ(y[128 + i], lane >= 3 ? i - 3 : -1);
    EXPECT_EQ(y[192 + i], 2 * warp + 9);
  }
}

/// Adds up 8 rows of 128 numbers; the last row has only 62. Asynchronous copies of 16 bytes
/// fill three stages in turn, and the copies of a row are one group. `groups` is the number
/// of groups that a wait leaves under way.
static EmulatedKernel makePipeline(const std::string &groups) {
  return {R"mlir() workgroup(%tile: memref<3x128xf32, #shared>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %c128 = arith.constant 128 : index
    %size = arith.constant 958 : index
    %zero = arith.constant dense<0.0> : vector<4xf32>
    %t = gpu.thread_id x
    %column = arith.muli %t, %c4 : index
    // Another thread's data: only a barrier after the wait makes it visible.
    %other = arith.subi %c128, %column : index
    %read = arith.subi %other, %c4 : index
    scf.for %stage = %c0 to %c2 step %c1 {
      %row = arith.muli %stage, %c128 : index
      %at = arith.addi %row, %column : index
      %copy = nvgpu.device_async_copy %x[%at], %tile[%stage, %column], 4 {bypassL1}
        : memref<958xf32> to memref<3x128xf32, #shared>
      %group = nvgpu.device_async_create_group %copy
    }
    %first = nvgpu.device_async_create_group {}
    %sum, %last = scf.for %i = %c0 to %c8 step %c1 iter_args(%s = %zero, %token = %first)
        -> (vector<4xf32>, !nvgpu.device.async.token) {
      nvgpu.device_async_wait %token {numGroups = )mlir" +
          groups + R"mlir( : i32}
      gpu.barrier
      %stage = arith.remui %i, %c3 : index
      %next = arith.addi %i, %c2 : index
      %nextStage = arith.remui %next, %c3 : index
      %row = arith.muli %next, %c128 : index
      %at = arith.addi %row, %column : index
      %left = arith.subi %size, %at : index
      %some = arith.minsi %left, %c4 : index
      %count = arith.maxsi %some, %c0 : index
      %copy = nvgpu.device_async_copy %x[%at], %tile[%nextStage, %column], 4, %count {bypassL1}
        : memref<958xf32> to memref<3x128xf32, #shared>
      %group = nvgpu.device_async_create_group %copy
      %v = vector.load %tile[%stage, %read] : memref<3x128xf32, #shared>, vector<4xf32>
      %added = arith.addf %s, %v : vector<4xf32>
      scf.yield %added, %group : vector<4xf32>, !nvgpu.device.async.token
    }
    vector.store %sum, %y[%read] : memref<128xf32>, vector<4xf32>
    gpu.return
  })mlir"};
}

TEST(EmulateGpu, AsynchronousPipeline) {
  std::vector<float> x = makeIntegers(958), y(128);
  for (size_t i = 0; i < x.size(); ++i)
    y[i % 128] += x[i];
  // When round i waits, i + 3 groups have been made, and row i is in one of the first i + 2.
  // So the wait may leave one group under way, but not three.
  EXPECT_EQ(runEmulated(makePipeline("1"), x, 128), y);
  EXPECT_TRUE(runEmulated(makePipeline("3"), x, 128).empty());
}

TEST(EmulateGpu, BlocksOfAGridAndArena) {
  // The first kernel writes numbers to the arena, and the second kernel reads them there.
  EmulatedKernel first = {R"mlir(, %s: memref<64xi8>) kernel {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %words = memref.view %s[%c0][] : memref<64xi8> to memref<16xf32>
    %b = gpu.block_id x
    %t = gpu.thread_id x
    %b2 = arith.muli %b, %c2 : index
    %i = arith.addi %b2, %t : index
    %v = memref.load %x[%i] : memref<16xf32>
    memref.store %v, %words[%i] : memref<16xf32>
    gpu.return
  })mlir",
                          {8, 1, 1},
                          {2, 1, 1}};
  EmulatedKernel second = {R"mlir(, %s: memref<64xi8>) kernel {
    %c0 = arith.constant 0 : index
    %c15 = arith.constant 15 : index
    %words = memref.view %s[%c0][] : memref<64xi8> to memref<16xf32>
    %z = gpu.block_id z
    %d = gpu.grid_dim y
    %y0 = gpu.block_id y
    %zd = arith.muli %z, %d : index
    %i = arith.addi %zd, %y0 : index
    %j = arith.subi %c15, %i : index
    %v = memref.load %words[%j] : memref<16xf32>
    memref.store %v, %y[%i] : memref<16xf32>
    gpu.return
  })mlir",
                           {1, 8, 2},
                           {1, 1, 1}};
  std::vector<float> x = makeIntegers(16), y(x.rbegin(), x.rend());
  EXPECT_EQ(runEmulated({first, second}, x, 16), y);
  EXPECT_EQ(runEmulated({first, second}, x, 16, /*threads=*/4), y);
}

TEST(EmulateGpu, ViewsOfSharedMemory) {
  // Threads write f16 numbers, read them through a view with an offset, and write them as
  // vectors with masks: the last vector would exceed the buffer, which has 30 numbers.
  EmulatedKernel kernel = {R"mlir() workgroup(%h: memref<2x32xf16, #shared>,
      %f: memref<30xf32, #shared>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %c30 = arith.constant 30 : index
    %zero = arith.constant dense<0.0> : vector<4xf32>
    %t = gpu.thread_id x
    %v = memref.load %x[%t] : memref<32xf32>
    %n = arith.truncf %v : f32 to f16
    memref.store %n, %h[%c1, %t] : memref<2x32xf16, #shared>
    gpu.barrier
    %row = memref.subview %h[%c1, 0] [1, 32] [1, 1]
      : memref<2x32xf16, #shared> to memref<32xf16, strided<[1], offset: ?>, #shared>
    %isFew = arith.cmpi ult, %t, %c8 : index
    scf.if %isFew {
      %at = arith.muli %t, %c4 : index
      %vh = vector.load %row[%at] : memref<32xf16, strided<[1], offset: ?>, #shared>,
        vector<4xf16>
      %vf = arith.extf %vh : vector<4xf16> to vector<4xf32>
      %left = arith.subi %c30, %at : index
      %mask = vector.create_mask %left : vector<4xi1>
      vector.maskedstore %f[%at], %mask, %vf
        : memref<30xf32, #shared>, vector<4xi1>, vector<4xf32>
      %back = vector.maskedload %f[%at], %mask, %zero
        : memref<30xf32, #shared>, vector<4xi1>, vector<4xf32> into vector<4xf32>
      vector.store %back, %y[%at] : memref<32xf32>, vector<4xf32>
    }
    gpu.return
  })mlir"};
  std::vector<float> x = makeIntegers(32), y = x;
  y[30] = y[31] = 0;
  EXPECT_EQ(runEmulated(kernel, x, 32), y);
}

TEST(EmulateGpu, FailuresAreReported) {
  auto fails = [](const std::string &shared, const std::string &body) {
    EmulatedKernel kernel = {") workgroup(%tile: memref<" + shared +
                             R"mlir(, #shared>) kernel {
      %c16 = arith.constant 16 : index
      %t = gpu.thread_id x
      %v = memref.load %x[%t] : memref<32xf32>
      %isLow = arith.cmpi ult, %t, %c16 : index
      %c1 = arith.constant 1 : i32
      %c32 = arith.constant 32 : i32
      )mlir" + body + "\n gpu.return }"};
    return runEmulated(kernel, makeIntegers(32), 32).empty();
  };
  EXPECT_FALSE(fails("32xf32", "memref.store %v, %tile[%t] : memref<32xf32, #shared>"));
  // A buffer that is too small, threads that write the same element, and barriers and shuffles
  // that only some threads reach.
  EXPECT_TRUE(fails("28xf32", "memref.store %v, %tile[%t] : memref<28xf32, #shared>"));
  EXPECT_TRUE(fails("32xf32", "memref.store %v, %tile[%c16] : memref<32xf32, #shared>"));
  EXPECT_TRUE(fails("32xf32", "scf.if %isLow { gpu.barrier }"));
  EXPECT_TRUE(fails("32xf32", "scf.if %isLow { gpu.barrier } else { gpu.barrier }"));
  EXPECT_TRUE(fails("32xf32", R"mlir(
    %r = scf.if %isLow -> f32 {
      %s, %p = gpu.shuffle xor %v, %c1, %c32 : f32
      scf.yield %s : f32
    } else {
      scf.yield %v : f32
    }
    memref.store %r, %y[%t] : memref<32xf32>)mlir"));
}
