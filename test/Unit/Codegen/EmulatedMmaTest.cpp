//===- EmulatedMmaTest.cpp - Tensor cores of the emulated GPU -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One warp multiplies a 16xK matrix A by a Kx8 matrix B and adds a 16x8 matrix C; x has A, B
// and C, one after the other. The elements of each lane have the names of PTX's documentation:
// a_i, b_i, c_i with groupID = lane / 4, threadID_in_group = lane % 4.
//
//===----------------------------------------------------------------------===//

#include "EmulatedKernel.h"

#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

#include <cmath>

namespace {
struct Shape {
  int k;
  bool isF16;
};
class EmulatedMma : public testing::TestWithParam<Shape> {};
} // namespace

INSTANTIATE_TEST_SUITE_P(Shapes, EmulatedMma,
                         testing::Values(Shape{4, false}, Shape{8, false}, Shape{8, true},
                                         Shape{16, true}));

/// Loads element (group + 8 `down`, member * `step` + `right`) of a matrix of f32 as %`name`;
/// with `swap`, element (member * `step` + `right`, group). The matrix begins at `offset` in x
/// and has rows of `width` numbers.
static std::string loadElement(const std::string &name, int offset, int width, int down,
                               int step, int right, bool isF16, bool swap = false) {
  const char *rowBase = swap ? "%member" : "%group", *columnBase = swap ? "%group" : "%member";
  int rowStep = swap ? step : 1, columnStep = swap ? 1 : step;
  int rowAdd = swap ? right : 8 * down, columnAdd = swap ? 0 : right;
  return llvm::formatv(R"mlir(
    %{0}_rs = arith.constant {1} : index
    %{0}_ra = arith.constant {2} : index
    %{0}_cs = arith.constant {3} : index
    %{0}_ca = arith.constant {4} : index
    %{0}_w = arith.constant {5} : index
    %{0}_o = arith.constant {6} : index
    %{0}_r0 = arith.muli {7}, %{0}_rs : index
    %{0}_r = arith.addi %{0}_r0, %{0}_ra : index
    %{0}_c0 = arith.muli {8}, %{0}_cs : index
    %{0}_c = arith.addi %{0}_c0, %{0}_ca : index
    %{0}_l0 = arith.muli %{0}_r, %{0}_w : index
    %{0}_l1 = arith.addi %{0}_l0, %{0}_c : index
    %{0}_at = arith.addi %{0}_l1, %{0}_o : index
    %{0}{9} = memref.load %x[%{0}_at] : memref<SIZExf32>
    {10})mlir",
                       name, rowStep, rowAdd, columnStep, columnAdd, width, offset, rowBase,
                       columnBase, isF16 ? "_f" : "",
                       isF16 ? "%" + name + " = arith.truncf %" + name + "_f : f32 to f16"
                             : "");
}

static EmulatedKernel makeProduct(Shape shape, int size) {
  int parts = shape.isF16 ? 2 : 1, aCount = shape.k * 16 / 32, bCount = shape.k * 8 / 32;
  int half = shape.isF16 ? 8 : 4;
  std::string text = R"mlir() kernel {
    %c4 = arith.constant 4 : index
    %lane = gpu.lane_id
    %group = arith.divui %lane, %c4 : index
    %member = arith.remui %lane, %c4 : index
  )mlir";
  std::string a, b, c;
  for (int i = 0; i < aCount; ++i) {
    // f16: a2, a3, a6 and a7 are 8 rows further down, and a4 to a7 are 8 columns further
    // right. tf32: a1 and a3 are 8 rows further down, and a2 and a3 are 4 columns further
    // right.
    int down = i / parts % 2, right = i / (2 * parts) * half + i % parts;
    std::string name = "a" + std::to_string(i);
    text += loadElement(name, 0, shape.k, down, parts, right, shape.isF16);
    a += (i ? ", %" : "%") + name;
  }
  for (int i = 0; i < bCount; ++i) {
    std::string name = "b" + std::to_string(i);
    text += loadElement(name, 16 * shape.k, 8, 0, parts, i / parts * half + i % parts,
                        shape.isF16, /*swap=*/true);
    b += (i ? ", %" : "%") + name;
  }
  for (int i = 0; i < 4; ++i) {
    std::string name = "c" + std::to_string(i);
    text += loadElement(name, 24 * shape.k, 8, i / 2, 2, i % 2, false);
    c += (i ? ", %" : "%") + name;
  }
  const char *type = shape.isF16 ? "f16" : "f32";
  text += llvm::formatv(R"mlir(
    %a = vector.from_elements {0} : vector<{3}x{5}x{6}>
    %b = vector.from_elements {1} : vector<{4}x{5}x{6}>
    %c = vector.from_elements {2} : vector<2x2xf32>
    %d = nvgpu.mma.sync (%a, %b, %c) {{mmaShape = [16, 8, {7}]{8}}
      : (vector<{3}x{5}x{6}>, vector<{4}x{5}x{6}>, vector<2x2xf32>) -> vector<2x2xf32>)mlir",
                        a, b, c, aCount / parts, bCount / parts, parts, type, shape.k,
                        shape.isF16 ? "" : ", tf32Enabled");
  for (int i = 0; i < 4; ++i)
    text += llvm::formatv(R"mlir(
    %d{0} = vector.extract %d[{1}, {2}] : f32 from vector<2x2xf32>
    %y{0} = arith.subi %c{0}_at, %c0_o : index
    memref.store %d{0}, %y[%y{0}] : memref<128xf32>)mlir",
                          i, i / 2, i % 2);
  text += "\n gpu.return }";
  for (size_t at; (at = text.find("SIZE")) != std::string::npos;)
    text.replace(at, 4, std::to_string(size));
  return {text};
}

TEST_P(EmulatedMma, SmallIntegersAreExact) {
  int k = GetParam().k;
  std::vector<float> x(24 * k + 128), y(128);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(int(i * i * 7 + i * 3) % 31 - 15);
  for (int i = 0; i < 128; ++i)
    y[i] = x[24 * k + i] *= 1000;
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column)
      for (int depth = 0; depth < k; ++depth)
        y[row * 8 + column] += x[row * k + depth] * x[16 * k + depth * 8 + column];
  EXPECT_EQ(runEmulated(makeProduct(GetParam(), x.size()), x, 128), y);
}

TEST_P(EmulatedMma, OperandsHaveTenBitsOfMantissa) {
  int k = GetParam().k;
  std::vector<float> x(24 * k + 128);
  // This number needs 11 bits. tf32 drops the last one; for f16 the kernel has rounded the
  // number. The sum is f32 and keeps all bits.
  x[0] = 1 + 0x1.8p-10f;
  x[16 * k] = 1;
  x[24 * k] = 0x1p-22f;
  std::vector<float> y = runEmulated(makeProduct(GetParam(), x.size()), x, 128);
  ASSERT_EQ(y.size(), 128u);
  EXPECT_EQ(y[0], (GetParam().isF16 ? 1 + 0x1p-9f : 1 + 0x1p-10f) + 0x1p-22f);
  // A subnormal f16, and infinity.
  x[0] = 0x1p-24f;
  x[16 * k] = -0x1p10f;
  x[16 * k + 1] = INFINITY;
  y = runEmulated(makeProduct(GetParam(), x.size()), x, 128);
  ASSERT_EQ(y.size(), 128u);
  EXPECT_EQ(y[0], -0x1p-14f + 0x1p-22f);
  EXPECT_EQ(y[1], INFINITY);
}

/// Loads `tiles` tiles of 8x8 f16 with ldmatrix: lane l passes the address of row l of 32 rows
/// of 8. y[l][tile][part] is the result in lane l.
static EmulatedKernel makeLoadMatrix(int tiles, bool transpose) {
  return {llvm::formatv(R"mlir() workgroup(%s: memref<32x8xf16, #shared>) kernel {{
    %c0 = arith.constant 0 : index
    %c8 = arith.constant 8 : index
    %lane = gpu.lane_id
    %at = arith.muli %lane, %c8 : index
    %v = vector.load %x[%at] : memref<256xf32>, vector<8xf32>
    %h = arith.truncf %v : vector<8xf32> to vector<8xf16>
    vector.store %h, %s[%lane, %c0] : memref<32x8xf16, #shared>, vector<8xf16>
    gpu.barrier
    %m = nvgpu.ldmatrix %s[%lane, %c0] {{numTiles = {0} : i32, transpose = {1}}
      : memref<32x8xf16, #shared> -> vector<{0}x2xf16>
    %f = arith.extf %m : vector<{0}x2xf16> to vector<{0}x2xf32>
    %flat = vector.shape_cast %f : vector<{0}x2xf32> to vector<{2}xf32>
    vector.store %flat, %y[%at] : memref<256xf32>, vector<{2}xf32>
    gpu.return
  })mlir",
                        tiles, transpose ? "true" : "false", tiles * 2)};
}

TEST(EmulateGpu, LoadsMatrices) {
  std::vector<float> x(256);
  for (int i = 0; i < 256; ++i)
    x[i] = i;
  for (int tiles : {1, 2, 4})
    for (bool transpose : {false, true}) {
      std::vector<float> y = runEmulated(makeLoadMatrix(tiles, transpose), x, 256);
      ASSERT_EQ(y.size(), 256u);
      for (int lane = 0; lane < 32; ++lane)
        for (int tile = 0; tile < tiles; ++tile)
          for (int part = 0; part < 2; ++part) {
            int row = lane / 4, column = lane % 4 * 2 + part;
            if (transpose)
              std::swap(row, column);
            ASSERT_EQ(y[lane * 8 + tile * 2 + part], (tile * 8 + row) * 8 + column);
          }
    }
}
