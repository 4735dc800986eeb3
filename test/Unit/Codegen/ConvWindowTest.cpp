//===- ConvWindowTest.cpp -------------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/PixelTile.h"

#include "gtest/gtest.h"

#include <numeric>

using namespace convoy;
using namespace convoy::cpu;

TEST(ConvWindow, RowsAreCutEvenly) {
  for (int64_t limit : {1, 4, 6, 14, 28})
    for (int64_t width = 1; width < 300; ++width) {
      llvm::SmallVector<int64_t> sizes = cutRow(width, limit);
      EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), int64_t(0)), width);
      // As few tiles as the limit allows; those between the first and the last are equal.
      EXPECT_EQ(int64_t(sizes.size()), (width + limit - 1) / limit);
      for (size_t i = 0; i < sizes.size(); ++i) {
        EXPECT_GE(sizes[i], 1) << width << " by " << limit;
        EXPECT_LE(sizes[i], limit) << width << " by " << limit;
        if (i > 0 && i + 1 < sizes.size()) {
          EXPECT_EQ(sizes[i], sizes[1]);
        }
      }
    }
}
