//===- convoy-translate.cpp - Other formats to MLIR -----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Locations.h"
#include "convoy/Import/ONNX/Import.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

static llvm::cl::list<std::string>
    shapes("shape", llvm::cl::desc("Shape of an input that the model leaves open"),
           llvm::cl::value_desc("NAME=1x3x224x224"));

static StringRef getKind(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Remark:
    return "remark";
  case DiagnosticSeverity::Note:
    return "note";
  }
}

static OwningOpRef<Operation *> importFile(llvm::SourceMgr &sources, MLIRContext *context) {
  // The importer maps the file itself, and finds external data beside it.
  StringRef path = sources.getMemoryBuffer(sources.getMainFileID())->getBufferIdentifier();
  // Locations name nodes, so there are no lines of text that `sources` could show.
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    llvm::errs() << getKind(diagnostic.getSeverity()) << ": "
                 << convoy::cnn::formatDiagnostic(diagnostic, path) << '\n';
  });
  convoy::ImportOptions options;
  for (const std::string &text : shapes) {
    llvm::Expected<convoy::InputShape> shape = convoy::parseInputShape(text);
    if (!shape) {
      emitError(UnknownLoc::get(context), toString(shape.takeError()));
      return {};
    }
    options.shapes.push_back(std::move(*shape));
  }
  OwningOpRef<ModuleOp> module = convoy::importONNX(*context, path, options);
  if (!module || failed(verify(*module)))
    return {};
  return OwningOpRef<Operation *>(module.release().getOperation());
}

int main(int argc, char **argv) {
  TranslateToMLIRRegistration registration(
      "import-onnx", "ONNX model to cnn operations", importFile,
      [](DialectRegistry &registry) { registry.insert<convoy::cnn::CnnDialect>(); });
  return failed(mlirTranslateMain(argc, argv, "Convoy translation driver\n"));
}
