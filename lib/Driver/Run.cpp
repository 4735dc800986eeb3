//===- Run.cpp - convoy run -----------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"
#include "Inputs.h"
#include "ModelOptions.h"

#include "convoy/Runtime/Npy.h"
#include "convoy/Runtime/OutputFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <numeric>

using namespace convoy;
using namespace convoy::driver;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Summary of an output
//===----------------------------------------------------------------------===//

/// Prints the largest elements of [begin, begin + count), as "INDEX (VALUE)".
static void printTop(const Tensor &tensor, int64_t begin, int64_t count) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  int64_t shown = std::min<int64_t>(count, 5);
  auto value = [&](int64_t index) { return tensor.getElement(begin + index); };
  std::partial_sort(order.begin(), order.begin() + shown, order.end(),
                    [&](int64_t a, int64_t b) {
                      // NaN is not ordered, so it goes last.
                      double x = value(a), y = value(b);
                      if (std::isnan(x) || std::isnan(y))
                        return !std::isnan(x) && std::isnan(y);
                      return x > y || (x == y && a < b);
                    });
  llvm::interleaveComma(
      llvm::ArrayRef<int64_t>(order).take_front(shown), llvm::outs(),
      [&](int64_t index) { llvm::outs() << index << llvm::format(" (%.6g)", value(index)); });
  llvm::outs() << '\n';
}

/// The number of classes, if the tensor is `N x C` or `N x C x 1 x ...`; otherwise 0.
static int64_t getClassCount(const Tensor &tensor) {
  llvm::ArrayRef<int64_t> shape = tensor.getShape();
  bool isFloat = llvm::is_contained(
      {ElementType::F32, ElementType::F64, ElementType::F16, ElementType::BF16},
      tensor.getElementType());
  if (!isFloat || shape.size() < 2 || shape[1] < 2 ||
      llvm::any_of(shape.drop_front(2), [](int64_t dim) { return dim != 1; }))
    return 0;
  return shape[1];
}

static void printSummary(const TensorInfo &info, const Tensor &tensor) {
  constexpr int64_t maxRows = 4;
  double least = INFINITY, most = -INFINITY, sum = 0;
  int64_t count = tensor.getNumElements(), nans = 0;
  for (int64_t i = 0; i < count; ++i) {
    double value = tensor.getElement(i);
    if (std::isnan(value)) {
      ++nans;
      continue;
    }
    least = std::min(least, value);
    most = std::max(most, value);
    sum += value;
  }
  llvm::raw_ostream &os = llvm::outs();
  os << info.name << "  " << tensor.getTypeString();
  if (count > nans)
    os << llvm::format("  min %.6g  max %.6g  mean %.6g", least, most,
                       sum / double(count - nans));
  if (nans)
    os << "  NaN " << nans << " times";
  os << '\n';
  int64_t classes = getClassCount(tensor);
  int64_t rows = classes ? tensor.getShape()[0] : 0;
  for (int64_t row = 0; row < std::min(rows, maxRows); ++row) {
    os << "  largest";
    if (rows > 1)
      os << " of " << row;
    os << ": ";
    printTop(tensor, row * classes, classes);
  }
  if (rows > maxRows)
    os << "  ... and " << rows - maxRows << " more\n";
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

static llvm::Error runModel(const Artefact &artefact, const InputOptions &inputOptions,
                            llvm::ArrayRef<std::string> outputArguments,
                            std::vector<std::string> inputFiles, int64_t threads,
                            std::optional<int64_t> gpu, Ranks &ranks) {
  Files files;
  auto checkFiles = [&]() -> llvm::Error {
    llvm::Expected<Files> read =
        bindFiles("--input", inputOptions.words, artefact.getInputs(), "input");
    if (!read)
      return read.takeError();
    llvm::append_range(inputFiles, *read);
    llvm::Expected<Files> bound =
        bindFiles("--output", outputArguments, artefact.getOutputs(), "output");
    if (!bound)
      return bound.takeError();
    files = std::move(*bound);
    llvm::StringSet<> written;
    for (const std::string &file : files) {
      if (file.empty())
        continue;
      if (llvm::Error error = checkWritable(file, inputFiles))
        return error;
      bool isOrdinary = llvm::sys::fs::is_regular_file(file) || !llvm::sys::fs::exists(file);
      if (!written.insert(file).second && isOrdinary)
        return llvm::createStringError("--output: " + file + " is given for two outputs");
    }
    return llvm::Error::success();
  };
  if (llvm::Error error = ranks.agree(ranks.isFirst() ? checkFiles() : llvm::Error::success()))
    return error;
  llvm::Expected<Execution> execution = runOnce(artefact, inputOptions, threads, ranks, gpu);
  if (!execution)
    return execution.takeError();
  if (!ranks.isFirst())
    return llvm::Error::success();
  llvm::Expected<std::vector<Tensor>> outputs = execution->takeOutputs();
  if (!outputs)
    return outputs.takeError();
  for (auto [info, file, tensor] : llvm::zip(artefact.getOutputs(), files, *outputs)) {
    if (outputArguments.empty())
      printSummary(info, tensor);
    else if (!file.empty())
      if (llvm::Error error = writeNpy(file, tensor))
        return error;
  }
  return llvm::Error::success();
}

int convoy::driver::runCommand(Arguments &arguments) {
  std::string model;
  ModelOptions modelOptions;
  InputOptions inputOptions;
  std::vector<std::string> outputArguments;
  int64_t threads = 0;
  arguments.positional(model);
  inputOptions.read(arguments);
  arguments.list(OPT_output, outputArguments);
  arguments.count(OPT_threads, threads, 1, kMaxThreads);
  Ranks ranks;
  ranks.read(arguments);
  modelOptions.readDevice(arguments);
  modelOptions.read(arguments);
  if (std::optional<int> code = arguments.finish())
    return *code;

  if (llvm::Error error = ranks.open())
    return fail(std::move(error));
  int code = kDone;
  std::optional<Artefact> artefact = loadOrCompile(model, modelOptions, arguments, code);
  if (!artefact)
    return code;
  if (llvm::Error error =
          runModel(*artefact, inputOptions, outputArguments,
                   listInputFiles(model, modelOptions), threads, modelOptions.gpu, ranks))
    return fail(std::move(error));
  return kDone;
}
