//===- EmitArtefact.cpp - From the LLVM dialect to native artefacts -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Machine/TargetDescription.h"
#include "convoy/Target/Target.h"
#include "convoy/Target/WeightsObject.h"

#include "EmulateCpu.h"
#include "GpuCode.h"
#include "Linker.h"
#include "ModelDescription.h"
#include "OptimizeModule.h"
#include "TranslateModule.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace convoy;
namespace fs = llvm::sys::fs;

//===----------------------------------------------------------------------===//
// LLVM IR
//===----------------------------------------------------------------------===//

/// The host's code, with the code for GPUs and the description of the model as constants.
/// `isEmulated` says that kernels may use instructions that the target lacks.
static llvm::Expected<std::unique_ptr<llvm::Module>>
translateArtefact(mlir::ModuleOp module, cnn::TargetAttr target, bool isEmulated,
                  llvm::TargetMachine &machine, unsigned optLevel,
                  llvm::LLVMContext &llvmContext) {
  prepareTranslation(module, machine);
  llvm::Expected<GpuCode> gpu = emitGpuCode(module, target, optLevel);
  if (!gpu)
    return gpu.takeError();
  // Without the kernels, only the host's code is left.
  for (auto kernels : llvm::make_early_inc_range(module.getOps<mlir::gpu::GPUModuleOp>()))
    kernels.erase();
  llvm::Expected<std::unique_ptr<llvm::Module>> llvmModule =
      translateModule(module, target, llvmContext);
  if (!llvmModule)
    return llvmModule.takeError();
  if (isEmulated)
    expandInstructions(**llvmModule);
  if (llvm::Error error = emitModelDescription(module, machine, *gpu, **llvmModule))
    return std::move(error);
  return llvmModule;
}

//===----------------------------------------------------------------------===//
// Artefacts
//===----------------------------------------------------------------------===//

/// Writes a temporary object file beside `path`, which the caller must discard.
static llvm::Expected<fs::TempFile>
writeTemporaryObject(llvm::StringRef path,
                     llvm::function_ref<llvm::Error(llvm::raw_fd_ostream &)> write) {
  llvm::Expected<fs::TempFile> file = fs::TempFile::create(path + ".%%%%%%.o.tmp");
  if (!file)
    return llvm::createFileError(path, file.takeError());
  llvm::raw_fd_ostream os(file->FD, /*shouldClose=*/false);
  llvm::Error error = write(os);
  os.flush();
  // The stream's destructor would end the program on an unseen error.
  std::error_code code = os.error();
  os.clear_error();
  if (!error && code)
    error = llvm::createFileError(path, code);
  if (error)
    return llvm::joinErrors(std::move(error), file->discard());
  return std::move(*file);
}

static llvm::Error linkArtefact(mlir::ModuleOp module, EmitKind kind,
                                const llvm::Triple &triple, llvm::StringRef code,
                                bool releaseWeights, llvm::StringRef path) {
  llvm::Expected<int64_t> weightsSize = getSizeAttr(module, "cnn.weights_size");
  if (!weightsSize)
    return weightsSize.takeError();
  auto weights = module->getAttrOfType<mlir::ArrayAttr>("cnn.weights");
  if (!weights)
    weights = mlir::ArrayAttr::get(module.getContext(), {});

  llvm::Expected<fs::TempFile> codeFile =
      writeTemporaryObject(path, [&](llvm::raw_fd_ostream &os) {
        os << code;
        return llvm::Error::success();
      });
  if (!codeFile)
    return codeFile.takeError();
  auto discardCode = llvm::scope_exit([&] { llvm::consumeError(codeFile->discard()); });

  llvm::Expected<fs::TempFile> weightsFile =
      writeTemporaryObject(path, [&](llvm::raw_fd_ostream &os) {
        return writeWeightsObject(os, triple, weights, *weightsSize);
      });
  if (!weightsFile)
    return weightsFile.takeError();
  auto discardWeights = llvm::scope_exit([&] { llvm::consumeError(weightsFile->discard()); });
  // The linker maps the weights twice, as input and as output. Free the copy in the module.
  if (releaseWeights) {
    module->removeAttr("cnn.weights");
    cnn::releaseUnusedBlobs(module);
  }

  llvm::Expected<fs::TempFile> output = fs::TempFile::create(path + ".%%%%%%.tmp");
  if (!output)
    return llvm::createFileError(path, output.takeError());
  if (llvm::Error error = linkObjects(kind, triple, {codeFile->TmpName, weightsFile->TmpName},
                                      output->TmpName, path))
    return llvm::joinErrors(std::move(error), output->discard());
  if (llvm::Error error = output->keep(path))
    return llvm::createFileError(path, std::move(error));
  return llvm::Error::success();
}

/// Errors that name no file get the output's name.
static llvm::Error addFileName(llvm::StringRef path, llvm::Error error) {
  return llvm::handleErrors(
      std::move(error),
      [&](std::unique_ptr<llvm::FileError> info) -> llvm::Error {
        return llvm::Error(std::move(info));
      },
      [&](std::unique_ptr<llvm::ErrorInfoBase> info) -> llvm::Error {
        return llvm::createFileError(path, llvm::Error(std::move(info)));
      });
}

static llvm::Error emit(mlir::ModuleOp module, EmitKind kind, llvm::StringRef path,
                        const EmitOptions &options) {
  bool isText = kind == EmitKind::Asm || kind == EmitKind::LLVMIR;
  fs::file_status status;
  if (!isText && (path == "-" || (!fs::status(path, status) && !fs::is_regular_file(status))))
    return llvm::createStringError("not a regular file");
  if (llvm::Error error = checkWritable(path))
    return error;

  auto target = module->getAttrOfType<cnn::TargetAttr>(cnn::kTargetAttrName);
  if (!target)
    return llvm::createStringError("the module has no 'cnn.target'");
  bool isEmulated = target.getEmulated();
  if (isEmulated) {
    llvm::Expected<cnn::TargetAttr> host = describeTarget(module.getContext(), "", "native");
    if (!host)
      return host.takeError();
    target = *host;
  }
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      createMachine(target, options.optLevel);
  if (!machine)
    return machine.takeError();
  const llvm::Triple &triple = (*machine)->getTargetTriple();
  if (kind == EmitKind::Exe)
    if (llvm::Error error = checkCanLinkExecutable(triple))
      return error;

  llvm::LLVMContext llvmContext;
  std::string message;
  llvmContext.setDiagnosticHandler(std::make_unique<DiagnosticKeeper>(message));
  auto withMessage = [&](llvm::Error error) {
    if (message.empty())
      return error;
    llvm::consumeError(std::move(error));
    return llvm::createStringError(message);
  };

  llvm::Expected<std::unique_ptr<llvm::Module>> llvmModule =
      translateArtefact(module, target, isEmulated, **machine, options.optLevel, llvmContext);
  if (!llvmModule)
    return withMessage(llvmModule.takeError());
  // The runtime is optimised already. To do it again would take longer than all else.
  internalizeModel(**llvmModule);
  optimizeModule(**llvmModule, **machine, options.optLevel);
  if (llvm::Error error = linkRuntime(**llvmModule, **machine, kind == EmitKind::Exe))
    return withMessage(std::move(error));
  optimizeLinked(**llvmModule, **machine, options.optLevel);

  if (kind == EmitKind::LLVMIR)
    return writeOutputFile(path, [&](llvm::raw_fd_ostream &os) {
      (*llvmModule)->print(os, nullptr);
      return llvm::Error::success();
    });
  llvm::SmallVector<char, 0> code;
  if (llvm::Error error = generateCode(**llvmModule, **machine, kind == EmitKind::Asm, code))
    return withMessage(std::move(error));
  if (!message.empty())
    return llvm::createStringError(message);
  // Free the IR: the linker needs memory.
  llvmModule->reset();
  llvm::StringRef codeRef(code.data(), code.size());
  if (kind == EmitKind::Asm)
    return writeOutputFile(path, [&](llvm::raw_fd_ostream &os) {
      os << codeRef;
      return llvm::Error::success();
    });
  return linkArtefact(module, kind, triple, codeRef, options.releaseWeights, path);
}

llvm::Error convoy::emitArtefact(mlir::ModuleOp module, EmitKind kind,
                                 llvm::StringRef outputPath, const EmitOptions &options) {
  return addFileName(outputPath, emit(module, kind, outputPath, options));
}
