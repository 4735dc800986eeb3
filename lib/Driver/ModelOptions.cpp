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
using namespace convoy::driver;
using llvm::StringRef;

void ModelOptions::read(Arguments &arguments) {
  arguments.values(OPT_shape, [this](StringRef text) -> llvm::Error {
    llvm::Expected<InputShape> shape = parseInputShape(text);
    if (!shape)
      return shape.takeError();
    compile.shapes.push_back(std::move(*shape));
    return llvm::Error::success();
  });
  arguments.flag(OPT_v, isVerbose);
}

void ModelOptions::readCodeOptions(Arguments &arguments) {
  arguments.text(OPT_mcpu, compile.cpu);
  arguments.value(OPT_conv_algorithm, [this](StringRef word) -> llvm::Error {
    if (!cnn::symbolizeConvAlgorithm(word))
      return llvm::createStringError("'" + word +
                                     "' is not direct, winograd_2x2 or winograd_4x4");
    compile.schedule.convAlgorithm = word.str();
    return llvm::Error::success();
  });
  arguments.value(OPT_weights, [this](StringRef word) -> llvm::Error {
    if (!llvm::is_contained({"f32", "f16", "bf16"}, word))
      return llvm::createStringError("'" + word + "' is not f32, f16 or bf16");
    compile.schedule.weights = word.str();
    return llvm::Error::success();
  });
}

std::string ModelOptions::describeTarget(mlir::MLIRContext &context,
                                         const Arguments &arguments) const {
  std::string text;
  llvm::Expected<cnn::TargetAttr> target =
      convoy::describeTarget(&context, compile.triple, compile.cpu);
  if (target)
    llvm::raw_string_ostream(text) << *target;
  else
    arguments.usageError(llvm::toString(target.takeError()));
  return text;
}

bool convoy::driver::isModelPath(StringRef path) {
  return path.ends_with_insensitive(".onnx");
}
