//===- TranslateModule.cpp - From the LLVM dialect to LLVM IR -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TranslateModule.h"

#include "convoy/Target/Target.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

#include <mutex>

using namespace convoy;

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

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
convoy::createMachine(cnn::TargetAttr target, unsigned optLevel) {
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
      llvm::CodeModel::Small, getCodeGenLevel(optLevel)));
  if (!machine)
    return llvm::createStringError("no code generator for " + triple.str());
  return std::move(machine);
}

//===----------------------------------------------------------------------===//
// LLVM IR
//===----------------------------------------------------------------------===//

bool DiagnosticKeeper::handleDiagnostics(const llvm::DiagnosticInfo &info) {
  if (info.getSeverity() == llvm::DS_Error && message.empty()) {
    llvm::raw_string_ostream os(message);
    llvm::DiagnosticPrinterRawOStream printer(os);
    info.print(printer);
  }
  return true;
}

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

void convoy::prepareTranslation(mlir::ModuleOp module, const llvm::TargetMachine &machine) {
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
}

llvm::Expected<std::unique_ptr<llvm::Module>>
convoy::translateModule(mlir::ModuleOp module, cnn::TargetAttr target,
                        llvm::LLVMContext &llvmContext) {
  std::unique_ptr<llvm::Module> llvmModule =
      mlir::translateModuleToLLVMIR(module, llvmContext, "model");
  if (!llvmModule)
    return llvm::createStringError("the module is not valid LLVM dialect");
  llvmModule->setPICLevel(llvm::PICLevel::BigPIC);
  setFunctionAttributes(*llvmModule, target);
  return std::move(llvmModule);
}
