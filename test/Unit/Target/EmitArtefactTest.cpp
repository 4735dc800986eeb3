//===- EmitArtefactTest.cpp - From the LLVM dialect to native artefacts ---===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Target/Target.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Runtime/Artefact.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace convoy;

// output[i] = input[i] + weights[i], one task for each element.
static constexpr char source[] = R"mlir(
  module attributes {
    cnn.inputs = [{name = "x", type = tensor<2x3xf32>}],
    cnn.outputs = [{name = "y", type = tensor<2x3xf32>}],
    cnn.arena_size = 64 : i64, cnn.scratch_size = 0 : i64, cnn.weights_size = 64 : i64,
    cnn.weights = [{offset = 0 : i64,
                    value = dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]> : tensor<6xf32>}],
    cnn.layers = ["add"]} {
    llvm.func @convoy_rt_parallel_for(!llvm.ptr, !llvm.ptr, !llvm.ptr, i64)
    llvm.func @convoy_rt_layer_done(!llvm.ptr, i32)
    llvm.func @kernel(%begin: i64, %end: i64, %args: !llvm.ptr, %scratch: !llvm.ptr) {
      %one = llvm.mlir.constant(1 : i64) : i64
      %x = llvm.load %args : !llvm.ptr -> !llvm.ptr
      %pw = llvm.getelementptr %args[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
      %w = llvm.load %pw : !llvm.ptr -> !llvm.ptr
      %py = llvm.getelementptr %args[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
      %y = llvm.load %py : !llvm.ptr -> !llvm.ptr
      llvm.br ^head(%begin : i64)
    ^head(%i: i64):
      %more = llvm.icmp "slt" %i, %end : i64
      llvm.cond_br %more, ^body, ^done
    ^body:
      %xi = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %wi = llvm.getelementptr %w[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %yi = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %a = llvm.load %xi : !llvm.ptr -> f32
      %b = llvm.load %wi : !llvm.ptr -> f32
      %sum = llvm.fadd %a, %b : f32
      llvm.store %sum, %yi : f32, !llvm.ptr
      %next = llvm.add %i, %one : i64
      llvm.br ^head(%next : i64)
    ^done:
      llvm.return
    }
    llvm.func @convoy_model_invoke(%rt: !llvm.ptr, %arena: !llvm.ptr,
        %weights: !llvm.ptr, %inputs: !llvm.ptr, %outputs: !llvm.ptr) -> i32 {
      %zero = llvm.mlir.constant(0 : i32) : i32
      %three = llvm.mlir.constant(3 : i64) : i64
      %tasks = llvm.mlir.constant(6 : i64) : i64
      %args = llvm.alloca %three x !llvm.ptr : (i64) -> !llvm.ptr
      %x = llvm.load %inputs : !llvm.ptr -> !llvm.ptr
      %y = llvm.load %outputs : !llvm.ptr -> !llvm.ptr
      llvm.store %x, %args : !llvm.ptr, !llvm.ptr
      %pw = llvm.getelementptr %args[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
      llvm.store %weights, %pw : !llvm.ptr, !llvm.ptr
      %py = llvm.getelementptr %args[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
      llvm.store %y, %py : !llvm.ptr, !llvm.ptr
      %kernel = llvm.mlir.addressof @kernel : !llvm.ptr
      llvm.call @convoy_rt_parallel_for(%rt, %kernel, %args, %tasks)
        : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> ()
      llvm.call @convoy_rt_layer_done(%rt, %zero) : (!llvm.ptr, i32) -> ()
      llvm.return %zero : i32
    }
  })mlir";

#if defined(__aarch64__)
static constexpr char hostTriple[] = "aarch64-unknown-linux-gnu";
static constexpr char hostCpu[] = "generic";
#else
static constexpr char hostTriple[] = "x86_64-unknown-linux-gnu";
static constexpr char hostCpu[] = "x86-64";
#endif

namespace {
class EmitArtefact : public testing::Test {
protected:
  void SetUp() override {
    context.loadDialect<cnn::CnnDialect, mlir::LLVM::LLVMDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
    ASSERT_TRUE(bool(module));
    setTarget(hostTriple, hostCpu);
    llvm::SmallString<128> name;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("convoy", name));
    folder = std::string(name);
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  void setTarget(llvm::StringRef triple, llvm::StringRef cpu) {
    (*module)->setAttr(cnn::kTargetAttrName,
                       cnn::TargetAttr::get(&context, triple, cpu, "", 4, 16, 262144));
  }
  std::string getPath(llvm::StringRef name) { return (folder + "/" + name).str(); }
  size_t countFiles() {
    std::error_code error;
    size_t count = 0;
    for (llvm::sys::fs::directory_iterator it(folder, error), end; it != end && !error;
         it.increment(error))
      ++count;
    return count;
  }
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string folder;
};
} // namespace

TEST_F(EmitArtefact, LibraryRuns) {
  std::string path = getPath("model.so");
  llvm::Error error = emitArtefact(*module, EmitKind::Lib, path);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  EXPECT_EQ(countFiles(), 1u);

  llvm::Expected<Artefact> artefact = Artefact::load(path);
  ASSERT_TRUE(bool(artefact)) << llvm::toString(artefact.takeError());
  ASSERT_EQ(artefact->getInputs().size(), 1u);
  EXPECT_EQ(artefact->getInputs()[0].name, "x");
  EXPECT_EQ(artefact->getInputs()[0].getTypeString(), "2x3xf32");
  EXPECT_EQ(artefact->getRequiredCpu(), hostCpu);
  EXPECT_EQ(artefact->getArenaSize(), 64);
  EXPECT_EQ(artefact->getLayers()[0], "add");

  for (int threads : {1, 2, 4, 0}) {
    llvm::Expected<Context> runner = artefact->createContext(threads);
    ASSERT_TRUE(bool(runner)) << llvm::toString(runner.takeError());
    std::vector<Tensor> inputs;
    inputs.emplace_back(artefact->getInputs()[0]);
    llvm::fill(inputs[0].getAs<float>(), 10.0f);
    llvm::Expected<std::vector<Tensor>> outputs = runner->run(inputs);
    ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
    for (int i = 0; i < 6; ++i)
      EXPECT_EQ(outputs->front().getElement(i), 11 + i);

    inputs.clear();
    inputs.emplace_back(ElementType::F32, llvm::ArrayRef<int64_t>{6});
    EXPECT_EQ(llvm::toString(runner->run(inputs).takeError()),
              path + ": input 'x' is 2x3xf32, not 6xf32");
  }
}

/// The same program, which says that only the first row of the output has a meaning.
static std::string getSourceWithSize(llvm::StringRef sizes) {
  std::string text = source;
  auto replace = [&](llvm::StringRef from, llvm::StringRef to) {
    size_t at = text.find(from.str());
    ASSERT_NE(at, std::string::npos);
    text.replace(at, from.size(), to.str());
  };
  replace("{name = \"y\", type = tensor<2x3xf32>}",
          ("{name = \"y\", type = tensor<2x3xf32>, sizes = array<i64: " + sizes +
           ">}, {name = \"\", type = tensor<i64>}")
              .str());
  replace("llvm.call @convoy_rt_layer_done", R"mlir(
      %one = llvm.mlir.constant(1 : i64) : i64
      %psize = llvm.getelementptr %outputs[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
      %size = llvm.load %psize : !llvm.ptr -> !llvm.ptr
      llvm.store %one, %size : i64, !llvm.ptr
      llvm.call @convoy_rt_layer_done)mlir");
  return text;
}

TEST_F(EmitArtefact, SizesAreNoOutputs) {
  module = mlir::parseSourceString<mlir::ModuleOp>(getSourceWithSize("1, -1"), &context);
  ASSERT_TRUE(bool(module));
  setTarget(hostTriple, hostCpu);
  std::string path = getPath("model.so");
  llvm::Error error = emitArtefact(*module, EmitKind::Lib, path);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  llvm::Expected<Artefact> artefact = Artefact::load(path);
  ASSERT_TRUE(bool(artefact)) << llvm::toString(artefact.takeError());
  ASSERT_EQ(artefact->getOutputs().size(), 1u);
  EXPECT_EQ(artefact->getOutputs()[0].getTypeString(), "<=2x3xf32");
  llvm::Expected<Context> runner = artefact->createContext(2);
  ASSERT_TRUE(bool(runner)) << llvm::toString(runner.takeError());
  std::vector<Tensor> inputs;
  inputs.emplace_back(artefact->getInputs()[0]);
  llvm::Expected<std::vector<Tensor>> outputs = runner->run(inputs);
  ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
  EXPECT_EQ(outputs->front().getTypeString(), "1x3xf32");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(outputs->front().getElement(i), 1 + i);
}

TEST_F(EmitArtefact, RefusesSizesThatAreNone) {
  for (auto [sizes, text] :
       {std::pair("2, -1", "result 2 of the module is no size of an output"),
        std::pair("0, -1", "result 0 of the module is no size of an output"),
        std::pair("1", "output 'y' of the module has not as many sizes as dimensions")}) {
    module = mlir::parseSourceString<mlir::ModuleOp>(getSourceWithSize(sizes), &context);
    ASSERT_TRUE(bool(module));
    setTarget(hostTriple, hostCpu);
    std::string path = getPath("model.so");
    EXPECT_EQ(llvm::toString(emitArtefact(*module, EmitKind::Lib, path)),
              "'" + path + "': " + text);
  }
}

TEST_F(EmitArtefact, SameInputSameBytes) {
  std::string path = getPath("model.so"), bytes[2];
  for (std::string &content : bytes) {
    ASSERT_FALSE(bool(emitArtefact(*module, EmitKind::Lib, path)));
    content = (*llvm::MemoryBuffer::getFile(path))->getBuffer().str();
  }
  EXPECT_EQ(bytes[0], bytes[1]);
}

TEST_F(EmitArtefact, TextHasOnlyThePublicFunctions) {
  std::string path = getPath("model.ll");
  ASSERT_FALSE(bool(emitArtefact(*module, EmitKind::LLVMIR, path)));
  auto file = llvm::MemoryBuffer::getFile(path);
  ASSERT_TRUE(bool(file));
  int exported = 0;
  for (llvm::StringRef line : llvm::split((*file)->getBuffer(), '\n')) {
    if (!line.starts_with("define ") || line.starts_with("define internal "))
      continue;
    ++exported;
    EXPECT_TRUE(line.contains(" @convoy_")) << line.str();
    EXPECT_FALSE(line.contains("_rt_") || line.contains("_invoke")) << line.str();
  }
  // As many as convoy-c/Artefact.h declares.
  EXPECT_EQ(exported, 23);
  ASSERT_FALSE(bool(emitArtefact(*module, EmitKind::Asm, getPath("model.s"))));
}

TEST_F(EmitArtefact, ErrorsAreOneLineAndLeaveNothing) {
  auto emitError = [&](EmitKind kind, const std::string &path) {
    return llvm::toString(emitArtefact(*module, kind, path));
  };
  EXPECT_EQ(emitError(EmitKind::Lib, "/nonexistent/model.so"),
            "'/nonexistent/model.so': No such file or directory");
  std::string path = getPath("model.so");
  setTarget("riscv64-linux-gnu", "generic");
  EXPECT_EQ(emitError(EmitKind::Lib, path),
            "'" + path +
                "': cannot compile for 'riscv64-linux-gnu': supported are "
                "x86_64-linux-gnu and aarch64-linux-gnu");
  setTarget(hostTriple, "quantum");
  EXPECT_EQ(emitError(EmitKind::Lib, path),
            "'" + path + "': unknown CPU 'quantum' for " + hostTriple);
  setTarget(hostTriple, hostCpu);
  (*module)->removeAttr("cnn.arena_size");
  EXPECT_EQ(emitError(EmitKind::Lib, path),
            "'" + path + "': the module has no size 'cnn.arena_size'");
  EXPECT_EQ(countFiles(), 0u);
}

TEST_F(EmitArtefact, RefusesACpuThatIsTooOld) {
#if defined(__x86_64__)
  // xop is AMD's and amx-tile is Intel's: no CPU has both.
  setTarget(hostTriple, "x86-64");
  (*module)->setAttr(
      cnn::kTargetAttrName,
      cnn::TargetAttr::get(&context, hostTriple, "x86-64", "+xop,+amx-tile", 4, 16, 262144));
  std::string path = getPath("model.so");
  ASSERT_FALSE(bool(emitArtefact(*module, EmitKind::Lib, path)));
  llvm::Expected<Artefact> artefact = Artefact::load(path);
  ASSERT_TRUE(bool(artefact));
  llvm::Expected<Context> runner = artefact->createContext(1);
  ASSERT_FALSE(bool(runner));
  EXPECT_TRUE(llvm::StringRef(llvm::toString(runner.takeError())).contains("lacks"));
#endif
}
