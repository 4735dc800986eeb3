//===- RunOnHost.cpp - Programs in the memory of the compiler -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Target/RunOnHost.h"

#include "ModelDescription.h"
#include "OptimizeModule.h"
#include "TranslateModule.h"
#include "convoy/Runtime/Abi/Model.h"
#include "convoy/Target/WeightsObject.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"

using namespace convoy;
namespace orc = llvm::orc;

/// For the code generator, as in -O1. The code runs once, so LLVM's optimizer, which does not
/// run at all, would take longer than it saves.
static constexpr unsigned kCodegenLevel = 1;
static constexpr llvm::Align kAlignment = llvm::Align::Constant<64>();

//===----------------------------------------------------------------------===//
// The runtime: one thread, without profiles. Its context is the scratch memory.
//===----------------------------------------------------------------------===//

static void parallelFor(void *rt, convoy_task_body body, void *const *args, int64_t tasks) {
  body(0, tasks, args, static_cast<uint8_t *>(rt));
}

static void layerDone(void *, int32_t) {}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

/// The module as an object file in memory.
static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
compileObject(mlir::ModuleOp module, cnn::TargetAttr target, llvm::TargetMachine &machine) {
  llvm::LLVMContext llvmContext;
  std::string message;
  llvmContext.setDiagnosticHandler(std::make_unique<DiagnosticKeeper>(message));
  prepareTranslation(module, machine);
  llvm::Expected<std::unique_ptr<llvm::Module>> llvmModule =
      translateModule(module, target, llvmContext);
  if (!llvmModule)
    return llvmModule.takeError();
  llvm::SmallVector<char, 0> code;
  if (llvm::Error error = generateCode(**llvmModule, machine, /*isAssembly=*/false, code))
    return std::move(error);
  if (!message.empty())
    return llvm::createStringError(message);
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(code), "constants",
                                                         /*RequiresNullTerminator=*/false);
}

/// A session with the object's code in executable memory.
static llvm::Expected<std::unique_ptr<orc::LLJIT>>
loadObject(std::unique_ptr<llvm::MemoryBuffer> object, const llvm::Triple &triple) {
  llvm::Expected<std::unique_ptr<orc::LLJIT>> session =
      orc::LLJITBuilder()
          .setJITTargetMachineBuilder(orc::JITTargetMachineBuilder(triple))
          .setPlatformSetUp(orc::setUpInactivePlatform) // There are no constructors to run.
          .create();
  if (!session)
    return session.takeError();
  orc::ExecutionSession &execution = (*session)->getExecutionSession();
  // The caller gets the error; nothing is printed.
  execution.setErrorReporter([](llvm::Error error) { llvm::consumeError(std::move(error)); });
  auto symbol = [](auto *function) {
    return orc::ExecutorSymbolDef(orc::ExecutorAddr::fromPtr(function),
                                  llvm::JITSymbolFlags::Callable);
  };
  orc::SymbolMap runtime;
  runtime[execution.intern("convoy_rt_parallel_for")] = symbol(&parallelFor);
  runtime[execution.intern("convoy_rt_layer_done")] = symbol(&layerDone);
  orc::JITDylib &library = (*session)->getMainJITDylib();
  if (llvm::Error error = library.define(orc::absoluteSymbols(std::move(runtime))))
    return std::move(error);
  if (llvm::Error error = (*session)->addObjectFile(std::move(object)))
    return std::move(error);
  return session;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

namespace {
/// The memory that a run needs, apart from its inputs and outputs.
struct RunMemory {
  llvm::SmallVector<char, 0> weights;
  size_t weightsBegin = 0;
  std::unique_ptr<llvm::WritableMemoryBuffer> arena, scratch;

  const uint8_t *getWeights() const {
    return reinterpret_cast<const uint8_t *>(weights.data() + weightsBegin);
  }
};
} // namespace

static llvm::Expected<RunMemory> allocateMemory(mlir::ModuleOp module, int64_t limit) {
  constexpr llvm::StringLiteral names[] = {"cnn.arena_size", "cnn.weights_size",
                                           "cnn.scratch_size"};
  int64_t sizes[3], total = 0;
  for (auto [name, size] :
       llvm::zip_equal(llvm::ArrayRef(names), llvm::MutableArrayRef(sizes))) {
    llvm::Expected<int64_t> value = getSizeAttr(module, name);
    if (!value)
      return value.takeError();
    if (*value > limit - total)
      return llvm::createStringError("needs too much memory");
    total += size = *value;
  }
  auto allocate = [](size_t size) {
    return llvm::WritableMemoryBuffer::getNewUninitMemBuffer(size, "", kAlignment);
  };
  RunMemory memory;
  memory.arena = allocate(sizes[0]);
  memory.scratch = allocate(sizes[2]);
  if (!memory.arena || !memory.scratch)
    return llvm::createStringError("out of memory");
  memory.weights.reserve(sizes[1] + kAlignment.value());
  memory.weightsBegin = llvm::offsetToAlignedAddr(memory.weights.data(), kAlignment);
  memory.weights.append(memory.weightsBegin, 0);
  llvm::raw_svector_ostream os(memory.weights);
  if (llvm::Error error =
          writeWeights(os, module->getAttrOfType<mlir::ArrayAttr>("cnn.weights"), sizes[1]))
    return std::move(error);
  return std::move(memory);
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

llvm::Error convoy::runOnHost(mlir::ModuleOp module, llvm::ArrayRef<const void *> inputs,
                              llvm::ArrayRef<void *> outputs, int64_t memoryLimit) {
  cnn::TargetAttr target = cnn::getTarget(module);
  if (!target || !module->hasAttr("cnn.weights"))
    return llvm::createStringError("the module has no 'cnn.target' or no 'cnn.weights'");
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      createMachine(target, kCodegenLevel);
  if (!machine)
    return machine.takeError();
  llvm::Expected<RunMemory> memory = allocateMemory(module, memoryLimit);
  if (!memory)
    return memory.takeError();
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> object =
      compileObject(module, target, **machine);
  if (!object)
    return object.takeError();
  llvm::Expected<std::unique_ptr<orc::LLJIT>> session =
      loadObject(std::move(*object), (*machine)->getTargetTriple());
  if (!session)
    return session.takeError();
  llvm::Expected<orc::ExecutorAddr> invoke = (*session)->lookup("convoy_model_invoke");
  if (!invoke)
    return invoke.takeError();
  // The interface has inputs that are not const, but programs only read them.
  llvm::SmallVector<void *> arguments;
  for (const void *input : inputs)
    arguments.push_back(const_cast<void *>(input));
  invoke->toPtr<convoy_program>()(memory->scratch->getBufferStart(),
                                  reinterpret_cast<uint8_t *>(memory->arena->getBufferStart()),
                                  memory->getWeights(), arguments.data(), outputs.data());
  return llvm::Error::success();
}
