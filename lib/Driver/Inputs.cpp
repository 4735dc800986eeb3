//===- Inputs.cpp - Tensor files on the command line ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "convoy/Import/ONNX/Import.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace convoy;
using namespace convoy::driver;
using llvm::StringRef;

/// "'x' (1x3x6x6xf32), 'y' (...)".
static std::string listTensors(llvm::ArrayRef<TensorInfo> tensors) {
  return llvm::join(llvm::map_range(tensors,
                                    [](const TensorInfo &info) {
                                      return "'" + info.name + "' (" + info.getTypeString() +
                                             ")";
                                    }),
                    ", ");
}

llvm::Expected<Files> convoy::driver::bindFiles(StringRef option,
                                                llvm::ArrayRef<std::string> arguments,
                                                llvm::ArrayRef<TensorInfo> tensors,
                                                StringRef role) {
  Files files(tensors.size());
  for (StringRef argument : arguments) {
    // Names may contain '=' themselves: take the longest name that fits.
    size_t index = tensors.size(), length = 0;
    for (auto [i, info] : llvm::enumerate(tensors))
      if (argument.starts_with(info.name + "=") && info.name.size() >= length) {
        index = i;
        length = info.name.size();
      }
    StringRef file = argument;
    if (index < tensors.size()) {
      file = argument.drop_front(length + 1);
    } else if (tensors.size() == 1 &&
               (argument.find('/') < argument.find('=') || !argument.contains('=') ||
                llvm::sys::fs::exists(argument))) {
      index = 0;
    } else {
      return llvm::createStringError(option + " " + argument + ": the model has no such " +
                                     role + "; " + role + "s are: " + listTensors(tensors));
    }
    if (file.empty())
      return llvm::createStringError(option + " " + argument + ": no file given");
    if (!files[index].empty())
      return llvm::createStringError(option + ": '" + tensors[index].name +
                                     "' is given twice, as " + files[index] + " and " + file);
    files[index] = file.str();
  }
  return files;
}

llvm::Expected<Tensor> convoy::driver::readTensor(StringRef file, const TensorInfo &info,
                                                  StringRef role) {
  llvm::Expected<Tensor> tensor = readTensorFile(file);
  if (!tensor)
    return llvm::createStringError(llvm::toString(tensor.takeError()) + " (" + role + " '" +
                                   info.name + "')");
  // NumPy's format stores the types of ml_dtypes as bytes without a type.
  if (areSameInNpy(tensor->getElementType(), info.elementType))
    tensor->reinterpretAs(info.elementType);
  if (tensor->getElementType() != info.elementType || !info.allows(tensor->getShape()))
    return llvm::createStringError(file + " holds " + tensor->getTypeString() + ", but " +
                                   role + " '" + info.name + "' is " + info.getTypeString());
  return tensor;
}

void InputOptions::read(Arguments &arguments) {
  arguments.list(OPT_input, words);
  arguments.value(OPT_random_inputs, [this](StringRef word) -> llvm::Error {
    uint64_t number;
    if (word.getAsInteger(10, number))
      return llvm::createStringError("'" + word + "' is not a whole number");
    seed = number;
    return llvm::Error::success();
  });
}

llvm::Expected<std::vector<Tensor>> InputOptions::makeInputs(const Artefact &artefact) const {
  llvm::ArrayRef<TensorInfo> infos = artefact.getInputs();
  llvm::Expected<Files> files = bindFiles("--input", words, infos, "input");
  if (!files)
    return files.takeError();
  std::vector<Tensor> tensors;
  for (auto [index, info] : llvm::enumerate(infos)) {
    if (!(*files)[index].empty()) {
      llvm::Expected<Tensor> tensor = readTensor((*files)[index], info, "input");
      if (!tensor)
        return tensor.takeError();
      tensors.push_back(std::move(*tensor));
      continue;
    }
    if (!seed)
      return llvm::createStringError("no file for input '" + info.name + "' (" +
                                     info.getTypeString() + "): give --input " + info.name +
                                     "=FILE.npy or --random-inputs SEED");
    llvm::Expected<Tensor> tensor = makeInput(info);
    if (!tensor)
      return tensor.takeError();
    fillRandom(*tensor, *seed, index);
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

/// Makes the inputs on the first rank and sends them to all ranks.
static llvm::Expected<std::vector<Tensor>>
shareInputs(const Artefact &artefact, const InputOptions &options, Ranks &ranks) {
  std::vector<Tensor> inputs;
  auto make = [&]() -> llvm::Error {
    if (ranks.isFirst()) {
      llvm::Expected<std::vector<Tensor>> made = options.makeInputs(artefact);
      if (!made)
        return made.takeError();
      inputs = std::move(*made);
      return llvm::Error::success();
    }
    for (const TensorInfo &info : artefact.getInputs()) {
      llvm::Expected<Tensor> tensor = makeInput(info);
      if (!tensor)
        return tensor.takeError();
      inputs.push_back(std::move(*tensor));
    }
    return llvm::Error::success();
  };
  if (llvm::Error error = ranks.agree(make()))
    return std::move(error);
  for (Tensor &tensor : inputs)
    if (llvm::Error error = ranks.broadcast(tensor.getData(), tensor.getSizeInBytes()))
      return std::move(error);
  return std::move(inputs);
}

llvm::Expected<Execution> convoy::driver::runOnce(const Artefact &artefact,
                                                  const InputOptions &inputOptions,
                                                  int64_t threads, Ranks &ranks,
                                                  std::optional<int64_t> gpu) {
  llvm::Expected<Context> context = ranks.createContext(artefact, threads, gpu);
  if (llvm::Error error = ranks.agree(context ? llvm::Error::success() : context.takeError()))
    return std::move(error);
  llvm::Expected<std::vector<Tensor>> inputs = shareInputs(artefact, inputOptions, ranks);
  if (!inputs)
    return inputs.takeError();
  llvm::Expected<Execution> execution =
      Execution::create(std::move(*context), std::move(*inputs));
  if (!execution)
    return ranks.abortUnlessAlone(execution.takeError());
  return execution;
}
