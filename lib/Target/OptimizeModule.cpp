//===- OptimizeModule.cpp - LLVM's optimizations and code generation ------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OptimizeModule.h"

#include "convoy/Runtime/ArtefactBitcode.h"
#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/IPO/GlobalOpt.h"
#include "llvm/Transforms/IPO/Inliner.h"
#include "llvm/Transforms/IPO/Internalize.h"
#include "llvm/Transforms/IPO/SCCP.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"

using namespace convoy;

static llvm::Error linkBitcode(llvm::Linker &linker, llvm::StringRef bitcode,
                               const llvm::TargetMachine &machine,
                               llvm::LLVMContext &context) {
  if (bitcode.empty())
    return llvm::createStringError("this build of Convoy has no runtime for " +
                                   machine.getTargetTriple().getArchName() +
                                   "; it was built without that architecture's C headers");
  llvm::Expected<std::unique_ptr<llvm::Module>> runtime =
      llvm::parseBitcodeFile({bitcode, "runtime"}, context);
  if (!runtime)
    return runtime.takeError();
  // The bitcode's triple is spelt differently, but means the same machine.
  (*runtime)->setTargetTriple(machine.getTargetTriple());
  (*runtime)->setDataLayout(machine.createDataLayout());
  if (linker.linkInModule(std::move(*runtime)))
    return llvm::createStringError("cannot link the runtime");
  return llvm::Error::success();
}

void convoy::internalizeModel(llvm::Module &module) {
  llvm::internalizeModule(module, [](const llvm::GlobalValue &value) {
    return value.getName() == "convoy_model";
  });
}

llvm::Error convoy::linkRuntime(llvm::Module &module, const llvm::TargetMachine &machine,
                                bool isExecutable) {
  llvm::StringRef arch = machine.getTargetTriple().getArchName();
  llvm::Linker linker(module);
  if (llvm::Error error =
          linkBitcode(linker, artefactRuntimeBitcode(arch), machine, module.getContext()))
    return error;
  if (isExecutable)
    if (llvm::Error error =
            linkBitcode(linker, executableMainBitcode(arch), machine, module.getContext()))
      return error;
  llvm::internalizeModule(module, [&](const llvm::GlobalValue &value) {
    return isExecutable ? value.getName() == "main" : value.hasDefaultVisibility();
  });
  return llvm::Error::success();
}

/// Sets what LLVM has options for on its command line alone.
static void setHiddenOptions() {
  [[maybe_unused]] static bool isDone = [] {
    auto set = [](llvm::StringRef name, llvm::StringRef value) {
      if (llvm::cl::Option *option = llvm::cl::getRegisteredOptions().lookup(name))
        option->addOccurrence(0, option->ArgStr, value);
    };
    // GVN looks for equal loads in at most 200 blocks. In convolutions with padding this takes
    // up to two thirds of the whole time and finds nothing; where it finds one, it is near.
    set("memdep-block-number-limit", "20");
    // The machine combiner adds up integers in another order, to shorten the chain of one sum.
    // Kernels have as many sums as they need, and then too few registers.
    set("x86-machine-combiner", "false");
    return true;
  }();
}

/// Runs the passes that `fill` adds.
static void
runPasses(llvm::Module &module, llvm::TargetMachine &machine, unsigned optLevel,
          llvm::function_ref<void(llvm::PassBuilder &, llvm::ModulePassManager &)> fill) {
  setHiddenOptions();
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = optLevel >= 2;
  tuning.SLPVectorization = optLevel >= 2;
  llvm::LoopAnalysisManager loopAnalyses;
  llvm::FunctionAnalysisManager functionAnalyses;
  llvm::CGSCCAnalysisManager callGraphAnalyses;
  llvm::ModuleAnalysisManager moduleAnalyses;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(moduleAnalyses);
  builder.registerCGSCCAnalyses(callGraphAnalyses);
  builder.registerFunctionAnalyses(functionAnalyses);
  builder.registerLoopAnalyses(loopAnalyses);
  builder.crossRegisterProxies(loopAnalyses, functionAnalyses, callGraphAnalyses,
                               moduleAnalyses);
  llvm::ModulePassManager passes;
  fill(builder, passes);
  passes.run(module, moduleAnalyses);
}

void convoy::optimizeModule(llvm::Module &module, llvm::TargetMachine &machine,
                            unsigned optLevel) {
  runPasses(module, machine, optLevel,
            [&](llvm::PassBuilder &builder, llvm::ModulePassManager &passes) {
              const llvm::OptimizationLevel levels[] = {
                  llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
                  llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
              llvm::OptimizationLevel level = levels[std::min(optLevel, 3u)];
              passes = optLevel == 0 ? builder.buildO0DefaultPipeline(level)
                                     : builder.buildPerModuleDefaultPipeline(level);
            });
}

void convoy::optimizeLinked(llvm::Module &module, llvm::TargetMachine &machine,
                            unsigned optLevel) {
  runPasses(
      module, machine, optLevel, [&](llvm::PassBuilder &, llvm::ModulePassManager &passes) {
        passes.addPass(llvm::GlobalDCEPass());
        if (optLevel == 0)
          return;
        passes.addPass(llvm::IPSCCPPass());
        passes.addPass(llvm::GlobalOptPass());
        passes.addPass(llvm::ModuleInlinerWrapperPass());
        llvm::FunctionPassManager functionPasses;
        functionPasses.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
        functionPasses.addPass(llvm::InstCombinePass());
        functionPasses.addPass(llvm::SimplifyCFGPass());
        passes.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(functionPasses)));
        passes.addPass(llvm::GlobalDCEPass());
      });
}

/// Makes scalar stores of masked stores whose mask is one lane, if elements have less than 32
/// bits. With AVX-512, LLVM 22 truncates such a vector while it stores it, and forgets to
/// truncate where it makes a scalar store of it: it would write into the next element, too.
static void storeSingleLanes(llvm::Module &module) {
  llvm::SmallVector<std::pair<llvm::IntrinsicInst *, unsigned>> stores;
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function)) {
      auto *store = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
      if (!store || store->getIntrinsicID() != llvm::Intrinsic::masked_store)
        continue;
      auto *type = llvm::dyn_cast<llvm::FixedVectorType>(store->getArgOperand(0)->getType());
      auto *mask = llvm::dyn_cast<llvm::Constant>(store->getArgOperand(store->arg_size() - 1));
      if (!type || !mask || type->getScalarSizeInBits() >= 32)
        continue;
      llvm::SmallVector<unsigned> lanes;
      for (unsigned lane = 0; lane < type->getNumElements(); ++lane)
        if (llvm::Constant *bit = mask->getAggregateElement(lane); !bit || !bit->isNullValue())
          lanes.push_back(lane);
      if (lanes.size() == 1)
        stores.push_back({store, lanes.front()});
    }
  for (auto [store, lane] : stores) {
    llvm::IRBuilder<> builder(store);
    llvm::Value *element = builder.CreateExtractElement(store->getArgOperand(0), lane);
    llvm::Value *place =
        builder.CreateConstGEP1_64(element->getType(), store->getArgOperand(1), lane);
    builder.CreateAlignedStore(element, place, llvm::Align(1));
    store->eraseFromParent();
  }
}

llvm::Error convoy::generateCode(llvm::Module &module, llvm::TargetMachine &machine,
                                 bool isAssembly, llvm::SmallVectorImpl<char> &code) {
  storeSingleLanes(module);
  llvm::raw_svector_ostream os(code);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr,
                                  isAssembly ? llvm::CodeGenFileType::AssemblyFile
                                             : llvm::CodeGenFileType::ObjectFile,
                                  /*DisableVerify=*/true))
    return llvm::createStringError("the code generator cannot write this file");
  passes.run(module);
  return llvm::Error::success();
}
