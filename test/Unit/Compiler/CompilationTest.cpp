//===- CompilationTest.cpp - Errors and the handlers that get them --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Compiler/Compilation.h"
#include "convoy/Compiler/Layers.h"

#include "gtest/gtest.h"

using namespace convoy;
using llvm::StringRef;

namespace {

/// What the handlers of a compilation were told.
struct Told {
  std::vector<std::string> errors, others;
  std::vector<Phase> phases;

  CompileHandlers getHandlers() {
    CompileHandlers handlers;
    handlers.onDiagnostic = [this](mlir::DiagnosticSeverity severity, StringRef text) {
      (severity == mlir::DiagnosticSeverity::Error ? errors : others).push_back(text.str());
    };
    handlers.onPhase = [this](Phase phase) { phases.push_back(phase); };
    return handlers;
  }
};

} // namespace

TEST(Compilation, MissingModelIsOneError) {
  Told told;
  auto compilation = Compilation::create("/absent/model.onnx", {}, told.getHandlers());
  ASSERT_TRUE(bool(compilation)) << toString(compilation.takeError());
  EXPECT_TRUE(failed(listLayers(**compilation)));
  EXPECT_EQ(told.errors,
            std::vector<std::string>{"/absent/model.onnx: No such file or directory"});
  EXPECT_TRUE(told.others.empty());
  EXPECT_EQ(told.phases, std::vector<Phase>{Phase::Import});
  // Later errors follow from the first one and are not reported.
  EXPECT_TRUE(failed((*compilation)->report(llvm::createStringError("again"))));
  EXPECT_TRUE(failed((*compilation)->conclude(mlir::success())));
  EXPECT_EQ(told.errors.size(), 1u);
}

TEST(Compilation, FailureWithoutAnErrorIsTold) {
  Told told;
  auto compilation = Compilation::create("model.onnx", {}, told.getHandlers());
  ASSERT_TRUE(bool(compilation)) << toString(compilation.takeError());
  EXPECT_TRUE(succeeded((*compilation)->conclude(mlir::success())));
  EXPECT_TRUE(failed((*compilation)->conclude(mlir::failure())));
  EXPECT_EQ(told.errors,
            std::vector<std::string>{"model.onnx: compilation failed inside of the compiler, "
                                     "please report it"});
}

TEST(Compilation, OptionsAreCheckedFirst) {
  CompileOptions options;
  options.cpu = "potato";
  auto compilation = Compilation::create("model.onnx", options);
  ASSERT_FALSE(bool(compilation));
  EXPECT_NE(toString(compilation.takeError()).find("unknown CPU 'potato'"), std::string::npos);
}
