//===- TargetDescriptionTest.cpp ------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/TargetDescription.h"

#include "llvm/Support/FormatVariadic.h"

#include "gtest/gtest.h"

using namespace convoy;

namespace {

struct TargetDescription : testing::Test {
  TargetDescription() { context.loadDialect<cnn::CnnDialect>(); }

  /// The description, or the error's text.
  std::string describe(llvm::StringRef triple, llvm::StringRef cpu) {
    llvm::Expected<cnn::TargetAttr> target = describeTarget(&context, triple, cpu);
    if (!target)
      return llvm::toString(target.takeError());
    return llvm::formatv("{0} lanes, {1} registers", target->getVectorLanes(),
                         target->getVectorRegisters());
  }

  mlir::MLIRContext context;
};

TEST_F(TargetDescription, VectorsFollowTheCpu) {
  EXPECT_EQ(describe("x86_64-linux-gnu", "x86-64-v3"), "8 lanes, 16 registers");
  EXPECT_EQ(describe("x86_64-linux-gnu", "x86-64-v4"), "16 lanes, 32 registers");
  EXPECT_EQ(describe("x86_64-linux-gnu", "znver3"), "8 lanes, 16 registers");
  EXPECT_EQ(describe("aarch64-linux-gnu", ""), "4 lanes, 32 registers");
}

TEST_F(TargetDescription, UnknownNamesSayWhatToWrite) {
  EXPECT_NE(describe("x86_64-linux-gnu", "pentium9000").find("unknown CPU 'pentium9000'"),
            std::string::npos);
  EXPECT_NE(describe("sparc-linux-gnu", "").find("unsupported target triple"),
            std::string::npos);
  EXPECT_NE(describe("x86_64-linux-gnu", "x86-64-v2").find("needs at least x86-64-v3"),
            std::string::npos);
}

} // namespace
