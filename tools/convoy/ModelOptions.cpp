//===- ModelOptions.cpp - How a model is to be compiled -------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelOptions.h"

#include "convoy/Analysis/TargetDescription.h"
#include "convoy/Import/ONNX/Import.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy;
using namespace convoy::tool;
using llvm::StringRef;

void ModelOptions::declare(Options &options) {
  options.value("shape", "[NAME=]1x3x224x224",
                "shape of an input whose dimensions the model leaves\nopen; once for each input",
                [this](StringRef text) -> llvm::Error {
                  llvm::Expected<InputShape> shape = parseInputShape(text);
                  if (!shape)
                    return shape.takeError();
                  compile.shapes.push_back(std::move(*shape));
                  return llvm::Error::success();
                },
                /*isRepeatable=*/true);
  options.flag("v", "print phases and remarks, such as what could not be\nfolded, on stderr",
               isVerbose);
}

void ModelOptions::declareCpu(Options &options) {
  options.text("mcpu", "CPU",
               "processor to compile for: native (the default),\n"
               "x86-64-v3 (AVX2), x86-64-v4 (AVX-512), ...",
               compile.cpu);
}

std::string ModelOptions::describeTarget(mlir::MLIRContext &context,
                                         const Options &options) const {
  std::string text;
  llvm::Expected<cnn::TargetAttr> target =
      convoy::describeTarget(&context, compile.triple, compile.cpu);
  if (target)
    llvm::raw_string_ostream(text) << *target;
  else
    options.usageError(llvm::toString(target.takeError()));
  return text;
}

bool convoy::tool::isModelPath(StringRef path) { return path.ends_with_insensitive(".onnx"); }
