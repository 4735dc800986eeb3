//===- ConstantProgramsTest.cpp - Evaluating what depends on constants ----===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Pipelines/ConstantPrograms.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Pipelines/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <thread>

using namespace mlir;
using namespace convoy;

namespace {

/// The operations in `body`, which has `%c`, the numbers 1 and 3, and `%x`, an argument. The
/// last operation of a body is not evaluated.
struct Program {
  explicit Program(StringRef body) : context(makeContext()) {
    std::string text = (R"(func.func @main(%x: tensor<1x2xf32>) {
      %c = arith.constant dense<[[1.0, 3.0]]> : tensor<1x2xf32>)" +
                        body + "return }")
                           .str();
    module = parseSourceString<ModuleOp>(text, context.get());
    if (module)
      block = &(*module->getOps<func::FuncOp>().begin()).front();
  }
  /// The value of operation number `index` of the body; nothing if it is not evaluated.
  std::optional<SmallVector<double>> evaluate(int64_t index) {
    Value value = std::next(block->begin(), index + 1)->getResult(0);
    std::optional<cnn::ConstantData> data =
        cnn::ConstantData::get(evaluateOnHost(value).front());
    if (!data)
      return std::nullopt;
    SmallVector<double> numbers;
    for (int64_t i = 0; i < data->getNumElements(); ++i)
      numbers.push_back(data->getDouble(i));
    return numbers;
  }

  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  Block *block = nullptr;
};

constexpr llvm::StringLiteral kSums = R"(
  %y = cnn.dense %c, %c : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
  %z = cnn.dense %x, %c : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
  %w = cnn.dense %y, %y : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
)";

} // namespace

TEST(ConstantPrograms, ComputesFromConstantsOnly) {
  Program program(kSums);
  ASSERT_TRUE(program.block);
  EXPECT_EQ(program.evaluate(0), (SmallVector<double>{10.0}));
  EXPECT_EQ(program.evaluate(1), std::nullopt);
  // The filter of the second layer is computed first.
  EXPECT_EQ(program.evaluate(2), (SmallVector<double>{100.0}));
}

TEST(ConstantPrograms, ConstantsAndArgumentsAreNotEvaluated) {
  Program program(kSums);
  ASSERT_TRUE(program.block);
  SmallVector<ElementsAttr> values =
      evaluateOnHost({program.block->getArgument(0), program.block->front().getResult(0)});
  EXPECT_EQ(values, (SmallVector<ElementsAttr>{{}, {}}));
  EXPECT_TRUE(evaluateOnHost({}).empty());
}

TEST(ConstantPrograms, ErrorsAreSilent) {
  // No phase lets a batch norm in training mode pass.
  Program program(R"(
    %s = arith.constant dense<1.0> : tensor<2xf32>
    %y = cnn.batch_norm %c, %s, %s, %s, %s {epsilon = 1.0e-05 : f32, mode = #cnn.batch_norm_mode<training>}
        : (tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  )");
  ASSERT_TRUE(program.block);
  int told = 0;
  ScopedDiagnosticHandler handler(program.context.get(), [&](Diagnostic &) { ++told; });
  EXPECT_EQ(program.evaluate(1), std::nullopt);
  EXPECT_EQ(told, 0);
}

TEST(ConstantPrograms, SeveralThreads) {
  std::optional<SmallVector<double>> results[4];
  std::vector<std::thread> threads;
  for (auto &result : results)
    threads.emplace_back([&result] { result = Program(kSums).evaluate(2); });
  for (std::thread &thread : threads)
    thread.join();
  for (const auto &result : results)
    EXPECT_EQ(result, (SmallVector<double>{100.0}));
}
