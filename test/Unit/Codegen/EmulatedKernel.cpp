//===- EmulatedKernel.cpp - Runs hand-written GPU kernels -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatedKernel.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Machine/TargetDescription.h"
#include "convoy/Pipelines/Pipelines.h"
#include "convoy/Runtime/Artefact.h"
#include "convoy/Target/Target.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

using namespace convoy;

/// {0} is the size of x, {1} the size of y, {2} the launches and {3} the kernels.
static constexpr char moduleText[] = R"mlir(
  #shared = #gpu.address_space<workgroup>
  module attributes {{gpu.container_module, cnn.layers = [],
      cnn.inputs = [{{name = "x", type = tensor<{0}xf32>}],
      cnn.outputs = [{{name = "y", type = tensor<{1}xf32>}],
      cnn.arena_size = 64 : i64, cnn.scratch_size = 4096 : i64, cnn.weights_size = 64 : i64,
      cnn.weights = []} {{
    func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>, %x: memref<{0}xf32>,
                    %y: memref<{1}xf32>) {{
      %none = ub.poison : memref<64xi8>
      {2}
      return
    }
    gpu.module @kernels {{
      {3}
    }
  })mlir";

static std::string makeModule(const std::vector<EmulatedKernel> &kernels, size_t in,
                              size_t out) {
  std::string launches, functions;
  for (auto [i, kernel] : llvm::enumerate(kernels)) {
    for (auto [name, sizes] : {std::pair("g", kernel.grid), std::pair("b", kernel.block)})
      for (int axis = 0; axis < 3; ++axis)
        launches += llvm::formatv("%{0}{1}_{2} = arith.constant {3} : index\n", name, axis, i,
                                  sizes[axis]);
    if (!kernel.map.empty())
      launches += llvm::formatv("%map{0} = cnn.tensor_map %x {1} : memref<{2}xf32> -> "
                                "!llvm.ptr\n",
                                i, kernel.map, in);
    launches += llvm::formatv(
        "gpu.launch_func @kernels::@k{0} blocks in (%g0_{0}, %g1_{0}, %g2_{0}) threads in "
        "(%b0_{0}, %b1_{0}, %b2_{0}) args(%x : memref<{1}xf32>, %y : memref<{2}xf32>{3}{4})\n",
        i, in, out,
        kernel.text.find("%s: memref<64xi8>") == std::string::npos
            ? ""
            : ", %arena : memref<64xi8>",
        kernel.map.empty() ? "" : ", %map" + std::to_string(i) + " : !llvm.ptr");
    functions += llvm::formatv("gpu.func @k{0}(%x: memref<{1}xf32>, %y: memref<{2}xf32>{3}\n",
                               i, in, out, kernel.text);
  }
  return llvm::formatv(moduleText, in, out, launches, functions);
}

std::vector<float> runEmulated(const std::vector<EmulatedKernel> &kernels,
                               const std::vector<float> &x, size_t count, int threads,
                               std::string *error) {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(makeModule(kernels, x.size(), count),
                                                        context.get());
  if (!module) {
    ADD_FAILURE() << "the kernels are not valid IR";
    return {};
  }
  return runEmulated(*module, x, threads, error);
}

std::vector<float> runEmulated(mlir::ModuleOp module, const std::vector<float> &x, int threads,
                               std::string *error) {
  GpuOptions gpu;
  gpu.platform = cnn::GpuPlatform::emulator;
  llvm::Expected<cnn::TargetAttr> target = describeTarget(module.getContext(), "", "", gpu);
  if (!target) {
    ADD_FAILURE() << llvm::toString(target.takeError());
    return {};
  }
  module->setAttr(cnn::kTargetAttrName, *target);
  mlir::PassManager manager(module.getContext(), mlir::ModuleOp::getOperationName());
  buildTargetPipeline(manager);
  llvm::SmallString<128> path;
  if (failed(manager.run(module)) ||
      llvm::sys::fs::createTemporaryFile("emulated", "so", path)) {
    ADD_FAILURE() << "the kernels cannot be emulated";
    return {};
  }
  llvm::Error failure = emitArtefact(module, EmitKind::Lib, path);
  llvm::Expected<Artefact> artefact = failure ? std::move(failure) : Artefact::load(path);
  llvm::sys::fs::remove(path);
  if (!artefact) {
    ADD_FAILURE() << llvm::toString(artefact.takeError());
    return {};
  }
  llvm::Expected<Context> runner = artefact->createContext(threads);
  if (!runner) {
    ADD_FAILURE() << llvm::toString(runner.takeError());
    return {};
  }
  std::vector<Tensor> inputs;
  inputs.emplace_back(artefact->getInputs()[0]);
  llvm::copy(x, inputs[0].getAs<float>().begin());
  llvm::Expected<std::vector<Tensor>> outputs = runner->run(inputs);
  if (!outputs) {
    std::string text = llvm::toString(outputs.takeError());
    if (error)
      *error = text;
    return {};
  }
  llvm::MutableArrayRef<float> y = outputs->front().getAs<float>();
  return std::vector<float>(y.begin(), y.end());
}
