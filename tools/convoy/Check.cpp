//===- Check.cpp - convoy check -------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cache.h"
#include "Commands.h"
#include "Diagnostics.h"
#include "Inputs.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy;
using namespace convoy::tool;
using llvm::StringRef;

namespace {
struct Request {
  std::string model;
  ModelOptions modelOptions;
  InputOptions inputOptions;
  std::vector<std::string> expected;
  double rtol = 1e-4, atol = 1e-5;
  int64_t threads = 0;
};
} // namespace

/// "[0, 2, 1]" of a row-major index.
static std::string formatIndex(int64_t index, llvm::ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t dim : llvm::reverse(shape)) {
    text = std::to_string(index % dim) + (text.empty() ? "" : ", ") + text;
    index /= dim;
  }
  return "[" + text + "]";
}

/// Compares one output and prints a line on it. Returns what is wrong, or "".
static llvm::Expected<std::string> compare(const TensorInfo &info, const Tensor &actual,
                                           const std::string &file, const Request &request) {
  llvm::Expected<Tensor> expected = readTensor(file, info, "output");
  if (!expected)
    return expected.takeError();
  llvm::Expected<Comparison> result =
      compareTensors(actual, *expected, request.rtol, request.atol);
  if (!result)
    return result.takeError();
  double scale = result->maxAbsValue;
  llvm::outs() << info.name << "  " << info.getTypeString()
               << llvm::format("  max |difference| %.3g  max |difference| / max |value| %.3g  ",
                               result->maxAbsDifference,
                               scale > 0 ? result->maxAbsDifference / scale
                                         : result->maxAbsDifference)
               << (result->isClose() ? "ok\n" : "DIFFERS\n");
  if (result->isClose())
    return "";
  std::string text;
  llvm::raw_string_ostream os(text);
  int64_t first = result->firstMismatch;
  os << "output '" << info.name << "' differs from " << file << " in " << result->numMismatches
     << " of " << actual.getNumElements() << " elements, first at "
     << formatIndex(first, info.shape)
     << llvm::format(": %.9g instead of %.9g", actual.getElement(first),
                     expected->getElement(first));
  return text;
}

static llvm::Error check(const Artefact &artefact, const Request &request) {
  llvm::Expected<Files> files = bindFiles("--expect", request.expected, artefact.getOutputs(), "output");
  if (!files)
    return files.takeError();
  llvm::Expected<std::vector<Tensor>> inputs = request.inputOptions.read(artefact);
  if (!inputs)
    return inputs.takeError();
  llvm::Expected<Context> context = artefact.createContext(int(request.threads));
  if (!context)
    return context.takeError();
  llvm::Expected<std::vector<Tensor>> outputs = context->run(*inputs);
  if (!outputs)
    return outputs.takeError();
  std::string firstDifference;
  for (auto [info, file, tensor] : llvm::zip(artefact.getOutputs(), *files, *outputs)) {
    if (file.empty())
      continue;
    llvm::Expected<std::string> difference = compare(info, tensor, file, request);
    if (!difference)
      return difference.takeError();
    if (firstDifference.empty())
      firstDifference = std::move(*difference);
  }
  if (firstDifference.empty())
    return llvm::Error::success();
  return llvm::createStringError(request.model + ": " + firstDifference);
}

static void declare(Options &options, Request &request) {
  options.positional("MODEL.onnx or ARTEFACT", request.model);
  request.inputOptions.declare(options);
  options.list("expect", "[NAME=]FILE", "the right values of an output, .npy or .pb",
               request.expected);
  options.number("rtol", "R", "an element may be off by A + R * |right value|\n(default: 1e-4)",
                 request.rtol);
  options.number("atol", "A", "default: 1e-5", request.atol);
  options.count("threads", "N", "default: one for each core", request.threads, 1, kMaxThreads);
  request.modelOptions.declareCpu(options);
  request.modelOptions.declare(options);
  options.example("convoy check resnet50.onnx --input input_0.pb --expect output_0.pb");
}

int convoy::tool::checkCommand(llvm::ArrayRef<StringRef> words) {
  Request request;
  Options options("check", "MODEL.onnx --input FILE.. --expect FILE.. [options]",
                  "Compiles a model, runs it and compares its outputs with expected ones. The "
                  "exit code is 1 if\nthey differ.");
  declare(options, request);
  if (std::optional<int> code = options.parse(words))
    return *code;
  if (request.expected.empty())
    return options.usageError("no --expect FILE given");
  int code = kDone;
  std::optional<Artefact> artefact =
      loadOrCompile(request.model, request.modelOptions, options, code);
  if (!artefact)
    return code;
  if (llvm::Error error = check(*artefact, request))
    return fail(std::move(error));
  return kDone;
}
