//===- Check.cpp - convoy check -------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"
#include "Inputs.h"
#include "ModelOptions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace convoy;
using namespace convoy::driver;
using llvm::StringRef;

namespace {
struct Request {
  std::string model;
  ModelOptions modelOptions;
  InputOptions inputOptions;
  std::vector<std::string> expected;
  std::optional<double> rtol, atol;
  int64_t threads = 0;
};
} // namespace

/// The largest absolute value of the finite elements.
static double getLargestValue(const Tensor &tensor) {
  double largest = 0;
  for (int64_t i = 0, e = tensor.getNumElements(); i < e; ++i)
    if (double value = std::fabs(tensor.getElement(i)); std::isfinite(value))
      largest = std::max(largest, value);
  return largest;
}

/// "[0, 2, 1]" of a row-major index.
static std::string formatIndex(int64_t index, llvm::ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t dim : llvm::reverse(shape)) {
    text = std::to_string(index % dim) + (text.empty() ? "" : ", ") + text;
    index /= dim;
  }
  return "[" + text + "]";
}

/// The relative tolerance if none is given: two units in the last place of 16-bit floats.
static double getDefaultTolerance(ElementType type) {
  switch (type) {
  case ElementType::F16:
    return 2e-3;
  case ElementType::BF16:
    return 1.6e-2;
  default:
    return 1e-4;
  }
}

/// Compares one output and prints a line about it. Returns a message if it differs, else "".
static llvm::Expected<std::string> compare(const TensorInfo &info, const Tensor &actual,
                                           const std::string &file, const Request &request) {
  llvm::Expected<Tensor> expected = readTensor(file, info, "output");
  if (!expected)
    return expected.takeError();
  if (actual.getShape() != expected->getShape()) {
    llvm::outs() << info.name << "  " << actual.getTypeString() << "  DIFFERS\n";
    return "output '" + info.name + "' is " + actual.getTypeString() + ", but " + file +
           " holds " + expected->getTypeString();
  }
  double largest = std::max(1.0, getLargestValue(*expected));
  llvm::Expected<Comparison> result = compareTensors(
      actual, *expected, request.rtol.value_or(getDefaultTolerance(info.elementType)),
      request.atol.value_or(1e-5 * largest));
  if (!result)
    return result.takeError();
  double scale = result->maxAbsValue;
  llvm::outs() << info.name << "  " << actual.getTypeString()
               << llvm::format(
                      "  max |difference| %.3g  max |difference| / max |value| %.3g  ",
                      result->maxAbsDifference,
                      scale > 0 ? result->maxAbsDifference / scale : result->maxAbsDifference)
               << (result->isClose() ? "ok\n" : "DIFFERS\n");
  if (result->isClose())
    return "";
  std::string text;
  llvm::raw_string_ostream os(text);
  int64_t first = result->firstMismatch;
  os << "output '" << info.name << "' differs from " << file << " in " << result->numMismatches
     << " of " << actual.getNumElements() << " elements, first at "
     << formatIndex(first, actual.getShape())
     << llvm::format(": %.9g instead of %.9g", actual.getElement(first),
                     expected->getElement(first));
  return text;
}

static llvm::Error check(const Artefact &artefact, const Request &request) {
  llvm::Expected<Files> files =
      bindFiles("--expect", request.expected, artefact.getOutputs(), "output");
  if (!files)
    return files.takeError();
  Ranks alone;
  llvm::Expected<Execution> execution = runOnce(
      artefact, request.inputOptions, request.threads, alone, request.modelOptions.gpu);
  if (!execution)
    return execution.takeError();
  llvm::Expected<std::vector<Tensor>> outputs = execution->takeOutputs();
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

static void readArguments(Arguments &arguments, Request &request) {
  arguments.positional(request.model);
  request.inputOptions.read(arguments);
  arguments.list(OPT_expect, request.expected);
  arguments.number(OPT_rtol, request.rtol);
  double atol = -1;
  arguments.number(OPT_atol, atol);
  if (atol >= 0)
    request.atol = atol;
  arguments.count(OPT_threads, request.threads, 1, kMaxThreads);
  request.modelOptions.readDevice(arguments);
  request.modelOptions.read(arguments);
}

int convoy::driver::checkCommand(Arguments &arguments) {
  Request request;
  readArguments(arguments, request);
  if (std::optional<int> code = arguments.finish())
    return *code;
  if (request.expected.empty())
    return arguments.usageError("no --expect FILE given");
  int code = kDone;
  std::optional<Artefact> artefact =
      loadOrCompile(request.model, request.modelOptions, arguments, code);
  if (!artefact)
    return code;
  if (llvm::Error error = check(*artefact, request))
    return fail(std::move(error));
  return kDone;
}
