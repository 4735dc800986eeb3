//===- EmitArtefact.cpp - From the LLVM dialect to native artefacts -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Target/Target.h"
#include "convoy/Target/WeightsObject.h"

#include "GpuCode.h"
#include "Linker.h"
#include "ModelDescription.h"
#include "OptimizeModule.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"

#include <mutex>

using namespace convoy;
namespace fs = llvm::sys::fs;

void convoy::registerTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
#define INITIALIZE(TARGET)                                                                    \
  LLVMInitialize##TARGET##TargetInfo();                                                       \
  LLVMInitialize##TARGET##Target();                                                           \
  LLVMInitialize##TARGET##TargetMC();                                                         \
  LLVMInitialize##TARGET##AsmPrinter();                                                       \
  LLVMInitialize##TARGET##AsmParser();
    INITIALIZE(X86)
    INITIALIZE(AArch64)
#undef INITIALIZE
  });
}

void convoy::registerTargetTranslations(mlir::DialectRegistry &registry) {
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerGPUDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerNVVMDialectTranslation(registry);
}

//===----------------------------------------------------------------------===//
// Target machine
//===----------------------------------------------------------------------===//

static llvm::CodeGenOptLevel getCodeGenLevel(unsigned optLevel) {
  return llvm::CodeGenOpt::getLevel(std::min(optLevel, 3u))
      .value_or(llvm::CodeGenOptLevel::Default);
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createMachine(cnn::TargetAttr target, const EmitOptions &options) {
  llvm::Triple triple(llvm::Triple::normalize(target.getTriple()));
  bool isKnownArch =
      triple.getArch() == llvm::Triple::x86_64 || triple.getArch() == llvm::Triple::aarch64;
  if (!isKnownArch || !triple.isOSLinux() || !triple.isArch64Bit())
    return llvm::createStringError("cannot compile for '" + target.getTriple() +
                                   "': supported are x86_64-linux-gnu and aarch64-linux-gnu");
  registerTargets();
  std::string message;
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!backend)
    return llvm::createStringError(message);

  // If it does not know the CPU, LLVM itself only warns, and goes on with the baseline.
  std::unique_ptr<llvm::MCSubtargetInfo> baseline(
      backend->createMCSubtargetInfo(triple, "", ""));
  if (!baseline || !baseline->isCPUStringValid(target.getCpu()))
    return llvm::createStringError("unknown CPU '" + target.getCpu() + "' for " +
                                   triple.str());

  llvm::TargetOptions targetOptions;
  // Multiply and add fuse where the IR says so, and only there.
  targetOptions.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  targetOptions.FunctionSections = true;
  targetOptions.DataSections = true;
  std::unique_ptr<llvm::TargetMachine> machine(backend->createTargetMachine(
      triple, target.getCpu(), target.getFeatures(), targetOptions, llvm::Reloc::PIC_,
      llvm::CodeModel::Small, getCodeGenLevel(options.optLevel)));
  if (!machine)
    return llvm::createStringError("no code generator for " + triple.str());
  return std::move(machine);
}

//===----------------------------------------------------------------------===//
// LLVM IR
//===----------------------------------------------------------------------===//

namespace {
/// Keeps the first error that LLVM reports, instead of printing it and ending
/// the program, and drops warnings.
struct DiagnosticKeeper : llvm::DiagnosticHandler {
  explicit DiagnosticKeeper(std::string &message) : message(message) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() == llvm::DS_Error && message.empty()) {
      llvm::raw_string_ostream os(message);
      llvm::DiagnosticPrinterRawOStream printer(os);
      info.print(printer);
    }
    return true;
  }
  std::string &message;
};
} // namespace

/// Marks all functions that the compiler made as for this CPU, and as hidden.
static void setFunctionAttributes(llvm::Module &llvmModule, cnn::TargetAttr target) {
  for (llvm::Function &function : llvmModule) {
    if (function.isIntrinsic())
      continue;
    function.setDoesNotThrow();
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.getCpu());
    if (!target.getFeatures().empty())
      function.addFnAttr("target-features", target.getFeatures());
    // The vectorizer must use the same width as the rest of the compiler.
    if (target.getVectorLanes() > 0)
      function.addFnAttr("prefer-vector-width", llvm::utostr(target.getVectorLanes() * 32));
    if (!function.hasLocalLinkage()) {
      function.setVisibility(llvm::GlobalValue::HiddenVisibility);
      function.setDSOLocal(true);
    }
  }
}

static llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVMIR(mlir::ModuleOp module, cnn::TargetAttr target, llvm::TargetMachine &machine,
                  unsigned optLevel, llvm::LLVMContext &llvmContext) {
  // The translation takes default alignments from the data layout.
  llvm::DataLayout layout = machine.createDataLayout();
  module->setAttr(
      mlir::LLVM::LLVMDialect::getDataLayoutAttrName(),
      mlir::StringAttr::get(module.getContext(), layout.getStringRepresentation()));
  module->setAttr(mlir::LLVM::LLVMDialect::getTargetTripleAttrName(),
                  mlir::StringAttr::get(module.getContext(), machine.getTargetTriple().str()));
  mlir::DialectRegistry registry;
  registerTargetTranslations(registry);
  module.getContext()->appendDialectRegistry(registry);

  llvm::Expected<GpuCode> gpu = emitGpuCode(module, target, optLevel);
  if (!gpu)
    return gpu.takeError();
  // Without the kernels, only the host's code is left.
  for (auto kernels : llvm::make_early_inc_range(module.getOps<mlir::gpu::GPUModuleOp>()))
    kernels.erase();
  std::unique_ptr<llvm::Module> llvmModule =
      mlir::translateModuleToLLVMIR(module, llvmContext, "model");
  if (!llvmModule)
    return llvm::createStringError("the module is not valid LLVM dialect");
  llvmModule->setPICLevel(llvm::PICLevel::BigPIC);
  setFunctionAttributes(*llvmModule, target);
  if (llvm::Error error = emitModelDescription(module, machine, *gpu, *llvmModule))
    return std::move(error);
  return std::move(llvmModule);
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
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      createMachine(target, options);
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
      translateToLLVMIR(module, target, **machine, options.optLevel, llvmContext);
  if (!llvmModule)
    return withMessage(llvmModule.takeError());
  if (llvm::Error error = linkRuntime(**llvmModule, **machine, kind == EmitKind::Exe))
    return withMessage(std::move(error));
  optimizeModule(**llvmModule, **machine, options.optLevel);

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
