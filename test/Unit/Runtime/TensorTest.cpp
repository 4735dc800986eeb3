//===- TensorTest.cpp - Tensors in host memory ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Runtime/Tensor.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

#include <limits>
#include <vector>

using namespace convoy;

TEST(Tensor, KnowsItsSize) {
  Tensor tensor(ElementType::F64, {2, 3});
  EXPECT_EQ(tensor.getNumElements(), 6);
  EXPECT_EQ(tensor.getSizeInBytes(), 48);
  EXPECT_EQ(tensor.getTypeString(), "2x3xf64");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.getData()) % 64, 0u);
  EXPECT_EQ(Tensor(ElementType::Bool, {}).getSizeInBytes(), 1);
  EXPECT_EQ(Tensor(ElementType::F32, {4, 0}).getSizeInBytes(), 0);
}

TEST(Tensor, ShrinksToAPart) {
  for (const llvm::SmallVector<int64_t, 4> &shape :
       {llvm::SmallVector<int64_t, 4>{3, 4, 5}, {1, 2, 3}, {3, 4, 2}, {3, 1, 5}, {2, 0, 5}}) {
    Tensor tensor(ElementType::I32, {3, 4, 5});
    for (int i = 0; i < 60; ++i)
      tensor.getAs<int32_t>()[i] = i;
    tensor.shrinkTo(shape);
    EXPECT_EQ(tensor.getShape(), llvm::ArrayRef<int64_t>(shape));
    std::vector<int32_t> expected;
    for (int i = 0; i < shape[0]; ++i)
      for (int j = 0; j < shape[1]; ++j)
        for (int k = 0; k < shape[2]; ++k)
          expected.push_back(20 * i + 5 * j + k);
    EXPECT_EQ(tensor.getAs<int32_t>(), llvm::ArrayRef<int32_t>(expected));
  }
}

TEST(Tensor, InfoAllowsSmallerSizesWhereItHasBounds) {
  TensorInfo info = {"y", ElementType::I64, {2, 100}, {false, true}};
  EXPECT_EQ(info.getTypeString(), "2x<=100xi64");
  for (int64_t size : {0, 7, 100})
    EXPECT_TRUE(info.allows({2, size}));
  EXPECT_FALSE(info.allows({2, 101}));
  EXPECT_FALSE(info.allows({1, 100}));
  EXPECT_FALSE(info.allows({2}));
  info.isBounded.clear();
  EXPECT_TRUE(info.allows({2, 100}));
  EXPECT_FALSE(info.allows({2, 7}));
}

TEST(Tensor, RefusesImpossibleShapes) {
  int64_t huge = std::numeric_limits<int64_t>::max() / 2;
  EXPECT_FALSE(Tensor::create(ElementType::F32, {huge, 3}));
  EXPECT_FALSE(Tensor::create(ElementType::F32, {-1}));
}

TEST(Tensor, RandomNumbersNeverChange) {
  Tensor first(ElementType::F32, {10000}), second(ElementType::F32, {10000});
  fillRandom(first, 1, 0);
  fillRandom(second, 1, 1);
  EXPECT_NE(first.getElement(0), second.getElement(0));
  fillRandom(second, 1, 0);
  EXPECT_EQ(first.getAs<float>(), second.getAs<float>());

  double sum = 0, squares = 0;
  for (float value : first.getAs<float>()) {
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 10000, 0, 0.05);
  EXPECT_NEAR(squares / 10000, 1, 0.05);
}

TEST(Tensor, RandomHalvesAreRoundedFloats) {
  for (auto [type, semantics] : {std::pair(ElementType::F16, &llvm::APFloat::IEEEhalf()),
                                 std::pair(ElementType::BF16, &llvm::APFloat::BFloat())}) {
    Tensor exact(ElementType::F32, {100000}), rounded(type, {100000});
    fillRandom(exact, 3, 0);
    fillRandom(rounded, 3, 0);
    for (int64_t i = 0; i < 100000; ++i) {
      llvm::APFloat value(exact.getAs<float>()[i]);
      bool losesInfo;
      value.convert(*semantics, llvm::APFloat::rmNearestTiesToEven, &losesInfo);
      ASSERT_EQ(rounded.getElement(i), value.convertToDouble()) << i;
    }
  }
}

static Tensor makeTensor(llvm::ArrayRef<float> values) {
  Tensor tensor(ElementType::F32, {int64_t(values.size())});
  llvm::copy(values, tensor.getAs<float>().begin());
  return tensor;
}

TEST(Tensor, ComparesLikeNumPy) {
  float inf = std::numeric_limits<float>::infinity();
  float nan = std::numeric_limits<float>::quiet_NaN();
  Tensor expected = makeTensor({100, nan, inf, -2});
  llvm::Expected<Comparison> same =
      compareTensors(makeTensor({100.5, nan, inf, -2}), expected, 0.01, 0);
  ASSERT_TRUE(bool(same));
  EXPECT_TRUE(same->isClose());
  EXPECT_EQ(same->maxAbsDifference, 0.5);
  EXPECT_EQ(same->maxAbsValue, 100);

  llvm::Expected<Comparison> other =
      compareTensors(makeTensor({100, 1, -inf, -2}), expected, 0.01, 0);
  ASSERT_TRUE(bool(other));
  EXPECT_EQ(other->numMismatches, 2);
  EXPECT_EQ(other->firstMismatch, 1);

  EXPECT_EQ(llvm::toString(
                compareTensors(Tensor(ElementType::F32, {4, 1}), expected, 0, 0).takeError()),
            "the tensor is 4x1xf32 where 4xf32 is expected");
}
