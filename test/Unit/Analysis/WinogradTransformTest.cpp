//===- WinogradTransformTest.cpp ------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/WinogradTransform.h"

#include "gtest/gtest.h"

using namespace convoy;

namespace {

double value(int64_t index) { return double(index * index * 7 % 23) - 11.0; }

// A^T ((G g G^T) * (B^T d B)) A is compared with the definition of a correlation.
TEST(WinogradTransform, ComputesACorrelation) {
  for (auto [outputs, taps] :
       {std::pair<int64_t, int64_t>{2, 3}, {4, 3}, {2, 5}, {1, 4}, {3, 4}}) {
    WinogradTransform transform = getWinogradTransform(outputs, taps);
    ASSERT_EQ(transform.extent, outputs + taps - 1);
    int64_t extent = transform.extent;
    Matrix data, filter;
    for (int64_t i = 0; i < extent; ++i) {
      data.emplace_back();
      for (int64_t j = 0; j < extent; ++j)
        data.back().push_back(value(i * extent + j));
    }
    for (int64_t i = 0; i < taps; ++i) {
      filter.emplace_back();
      for (int64_t j = 0; j < taps; ++j)
        filter.back().push_back(value(100 + i * taps + j));
    }
    Matrix products = transformBoth(transform.filter, filter);
    Matrix transformed = transformBoth(transform.input, data);
    for (int64_t i = 0; i < extent; ++i)
      for (int64_t j = 0; j < extent; ++j)
        products[i][j] *= transformed[i][j];
    Matrix result = transformBoth(transform.output, products);
    for (int64_t y = 0; y < outputs; ++y)
      for (int64_t x = 0; x < outputs; ++x) {
        double sum = 0.0;
        for (int64_t i = 0; i < taps; ++i)
          for (int64_t j = 0; j < taps; ++j)
            sum += data[y + i][x + j] * filter[i][j];
        EXPECT_NEAR(result[y][x], sum, 1e-9) << outputs << " " << taps << " " << y << " " << x;
      }
  }
}

// All matrices have integers alone, and those of data and results only 0, 1 and -1.
TEST(WinogradTransform, HasIntegersForF23) {
  WinogradTransform transform = getIntegerWinogradTransform();
  EXPECT_EQ(transform.input, getWinogradTransform(2, 3).input);
  EXPECT_EQ(transform.output, getWinogradTransform(2, 3).output);
  EXPECT_EQ(transform.filter, (Matrix{{-2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}}));
}

// The matrices of Lavin and Gray for F(2, 3), but for signs that cancel out.
TEST(WinogradTransform, HasTheKnownMatricesOfF23) {
  WinogradTransform transform = getWinogradTransform(2, 3);
  EXPECT_EQ(transform.input,
            (Matrix{{-1, 0, 1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}}));
  EXPECT_EQ(transform.filter, (Matrix{{-1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}}));
  EXPECT_EQ(transform.output, (Matrix{{1, 1, 1, 0}, {0, 1, -1, 1}}));
}

// Constants of the input and output transforms of F(4, 3) are exact in f32.
TEST(WinogradTransform, HasExactConstants) {
  WinogradTransform transform = getWinogradTransform(4, 3);
  for (const Matrix &matrix : {transform.input, transform.output})
    for (const auto &row : matrix)
      for (double constant : row)
        EXPECT_EQ(double(float(constant)), constant);
}

} // namespace
