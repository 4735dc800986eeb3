//===- CompileOptionsTest.cpp - The options of a compilation --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Compiler/CompileOptions.h"
#include "convoy/Compiler/Cache.h"
#include "llvm/ADT/StringMap.h"

#include "gtest/gtest.h"

using namespace convoy;
using llvm::StringRef;

/// A value of `option` that is not the default.
static StringRef getSample(StringRef option) {
  static const llvm::StringMap<StringRef> samples = {{"--shape", "x=1x3x8x8"},
                                                     {"--bind", "axes=axes.npy"},
                                                     {"--max", "n=100"},
                                                     {"--max-iterations", "50"},
                                                     {"--target", "cuda"},
                                                     {"--gpu-arch", "sm_90a"},
                                                     {"--precision", "tf32"},
                                                     {"--mcpu", "x86-64-v4"},
                                                     {"--mtriple", "aarch64-linux-gnu"},
                                                     {"--conv-algorithm", "direct"},
                                                     {"--weights", "bf16"},
                                                     {"--devices", "2"},
                                                     {"--strategy", "rows"},
                                                     {"--link", "1GB/s,2us"},
                                                     {"--tuning", "times.json"},
                                                     {"--emit", "obj"},
                                                     {"--stop-after", "simplify"},
                                                     {"--elide-weights", ""},
                                                     {"--print-locations", ""},
                                                     {"--dump-ir", "folder"},
                                                     {"--time-passes", ""}};
  auto sample = samples.find(option);
  EXPECT_NE(sample, samples.end()) << "no sample of " << option.str();
  return sample == samples.end() ? "" : sample->second;
}

static std::string getKey(const CompileOptions &options) {
  CacheKey key;
  key.add(options);
  return key.str();
}

/// Sets an option. Returns the message of the error; empty for success.
static std::string set(CompileOptions &options, StringRef name, StringRef word) {
  const CompileOption *option = findCompileOption(name);
  return option ? toString(option->set(options, word)) : "no option " + name.str();
}

TEST(CompileOptions, KeyHoldsWhatChangesCode) {
  for (const CompileOption &option : listCompileOptions()) {
    CompileOptions options;
    EXPECT_FALSE(option.isChanged(options)) << option.name.str();
    EXPECT_EQ(set(options, option.name, getSample(option.name)), "") << option.name.str();
    EXPECT_TRUE(option.isChanged(options)) << option.name.str();
    bool isInKey = option.effect == OptionEffect::ChangesCode ||
                   option.effect == OptionEffect::RefinesAnother;
    EXPECT_EQ(getKey(options) != getKey(CompileOptions()), isInKey) << option.name.str();
    option.reset(options);
    EXPECT_FALSE(option.isChanged(options)) << option.name.str();
  }
}

TEST(CompileOptions, TargetHoldsWhatDescribesIt) {
  mlir::MLIRContext context;
  context.loadDialect<cnn::CnnDialect>();
  CompileOptions base;
  base.platform = Platform::CudaEmulator;
  base.cpu = "x86-64-v3";
  base.triple = "x86_64-linux-gnu";
  llvm::Expected<cnn::TargetAttr> target = resolveTarget(&context, base);
  ASSERT_TRUE(bool(target)) << toString(target.takeError());
  int seen = 0;
  for (const CompileOption &option : listCompileOptions()) {
    if (option.effect != OptionEffect::DescribesTarget)
      continue;
    CompileOptions options = base;
    if (option.name == "--mtriple")
      options.cpu = "generic";
    ASSERT_EQ(set(options, option.name, getSample(option.name)), "");
    llvm::Expected<cnn::TargetAttr> other = resolveTarget(&context, options);
    ASSERT_TRUE(bool(other)) << toString(other.takeError());
    EXPECT_NE(*other, *target) << option.name.str();
    ++seen;
  }
  EXPECT_GE(seen, 5);
}

TEST(CompileOptions, ErrorsListTheWords) {
  CompileOptions options;
  EXPECT_EQ(set(options, "emit", "potato"),
            "'potato' is not lib, obj, exe, asm, llvm-ir or mlir");
  EXPECT_EQ(set(options, "stop-after", "lunch"),
            "'lunch' is not import, simplify, partition, schedule, bufferize, codegen or "
            "target");
  EXPECT_EQ(set(options, "devices", "65"), "'65' is not a whole number from 1 to 64");
  EXPECT_EQ(set(options, "mcpu", ""), "expected CPU, not an empty word");
  EXPECT_EQ(findCompileOption("potato"), nullptr);
}

TEST(CompileOptions, Contradictions) {
  CompileOptions options;
  options.precision = cnn::Precision::f16;
  EXPECT_EQ(toString(checkCompileOptions(options)),
            "--precision=f16 needs --target=cuda or cuda-emulator");
  options.platform = Platform::Cuda;
  EXPECT_EQ(toString(checkCompileOptions(options)), "");
  options.precision = cnn::Precision::bf16;
  EXPECT_EQ(toString(checkCompileOptions(options)),
            "--precision=bf16 needs --target=cpu or cpu-emulator");
  options.platform = Platform::CpuEmulator;
  EXPECT_EQ(toString(checkCompileOptions(options)), "");
  options.gpuArchs.archs = {80};
  EXPECT_EQ(toString(checkCompileOptions(options)),
            "--gpu-arch needs --target=cuda or cuda-emulator");
  options.platform = Platform::Cuda;
  options.precision = cnn::Precision::f16;
  options.weights = WeightType::F16;
  EXPECT_EQ(toString(checkCompileOptions(options)), "--weights is for --target=cpu");
}

TEST(CompileOptions, LastPhase) {
  CompileOptions options;
  EXPECT_EQ(options.getLastPhase(), std::nullopt);
  EXPECT_FALSE(options.isText());
  options.emit = OutputKind::MLIR;
  EXPECT_EQ(options.getLastPhase(), Phase::Codegen);
  options.stopAfter = Phase::Import;
  EXPECT_EQ(options.getLastPhase(), Phase::Import);
  EXPECT_TRUE(options.isText());
}
