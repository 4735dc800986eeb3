//===- ModelOptions.cpp - How a model is to be compiled -------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelOptions.h"

#include "convoy/Compiler/Cache.h"
#include "convoy/Import/ONNX/ExternalFiles.h"
#include "llvm/ADT/STLExtras.h"

using namespace convoy;
using namespace convoy::driver;
using llvm::StringRef;

/// The options of listCompileOptions(), in its order.
static constexpr OptionID kCompileOptionIDs[] = {
#define OPTION_WITH_MARSHALLING(PREFIXES, NAME, ID, ...) OPT_##ID,
#include "convoy/Driver/Options.inc"
#undef OPTION_WITH_MARSHALLING
};

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

void ModelOptions::read(Arguments &arguments) {
  for (auto [id, option] : llvm::zip_equal(kCompileOptionIDs, listCompileOptions())) {
    auto set = [this, &option = option](StringRef word) { return option.set(compile, word); };
    bool isGiven = false;
    if (option.isSwitch) {
      arguments.flag(id, isGiven);
      if (isGiven)
        llvm::cantFail(set(""));
    } else if (option.isList) {
      arguments.values(id, set);
    } else {
      arguments.value(id, set);
    }
  }
  arguments.flag(OPT_v, isVerbose);
}

void ModelOptions::readDevice(Arguments &arguments) {
  arguments.value(OPT_device, [this](StringRef word) -> llvm::Error {
    int64_t number;
    StringRef digits = word == "cuda" ? "cuda:0" : word;
    if (!digits.consume_front("cuda:") || digits.getAsInteger(10, number) || number < 0 ||
        number > INT32_MAX)
      return llvm::createStringError("'" + word + "' is not cuda:0, cuda:1, ...");
    gpu = number;
    return llvm::Error::success();
  });
}

std::optional<int> ModelOptions::check(const Arguments &arguments) {
  if (gpu && compile.platform.value_or(Platform::Cuda) != Platform::Cuda)
    return arguments.usageError("--device runs code for --target=cuda, not for --target=" +
                                stringifyPlatform(*compile.platform));
  if (gpu)
    compile.platform = Platform::Cuda;
  if (llvm::Error error = checkCompileOptions(compile))
    return arguments.usageError(toString(std::move(error)));
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Compiling and loading
//===----------------------------------------------------------------------===//

bool convoy::driver::isModelPath(StringRef path) {
  return path.ends_with_insensitive(".onnx");
}

std::vector<std::string> convoy::driver::listInputFiles(StringRef path,
                                                        const ModelOptions &options) {
  std::vector<std::string> files;
  if (isModelPath(path))
    files = listExternalFiles(path);
  files.push_back(path.str());
  for (const InputBinding &binding : options.compile.bindings)
    files.push_back(binding.file);
  return files;
}

std::unique_ptr<Compilation> convoy::driver::makeCompilation(StringRef model,
                                                             const ModelOptions &options,
                                                             const Arguments &arguments,
                                                             Progress *progress, int &code) {
  nameFileInFatalErrors(model);
  llvm::Expected<std::unique_ptr<Compilation>> compilation =
      Compilation::create(model, options.compile, makeHandlers(options.isVerbose, progress));
  if (compilation)
    return std::move(*compilation);
  code = arguments.usageError(toString(compilation.takeError()));
  return nullptr;
}

/// "--shape, --target and --devices": the options of the command that only apply to a
/// MODEL.onnx.
static std::string listModelOptions(const Arguments &arguments) {
  std::vector<StringRef> names;
  for (auto [id, option] : llvm::zip_equal(kCompileOptionIDs, listCompileOptions()))
    if (option.needsModel() && arguments.hasOption(id))
      names.push_back(option.name);
  std::string text;
  for (auto [index, name] : llvm::enumerate(names)) {
    StringRef separator = index == 0 ? "" : index + 1 == names.size() ? " and " : ", ";
    text += (separator + name).str();
  }
  return text;
}

/// Loads a compiled model. Options of the compilation come too late: they are wrong usage.
static std::optional<Artefact> load(StringRef path, const CompileOptions &options,
                                    const Arguments &arguments, int &code) {
  llvm::Expected<Artefact> artefact = Artefact::load(path);
  if (!artefact) {
    code = fail(artefact.takeError());
    return std::nullopt;
  }
  if (llvm::any_of(listCompileOptions(), [&](const CompileOption &option) {
        return option.needsModel() && option.isChanged(options);
      })) {
    code = arguments.usageError(listModelOptions(arguments) + " need a MODEL.onnx: " + path +
                                " is compiled already");
    return std::nullopt;
  }
  return std::move(*artefact);
}

std::optional<Artefact> convoy::driver::loadOrCompile(StringRef path, ModelOptions &options,
                                                      const Arguments &arguments, int &code) {
  if (!isModelPath(path))
    return load(path, options.compile, arguments, code);
  if (std::optional<int> usage = options.check(arguments)) {
    code = *usage;
    return std::nullopt;
  }
  Progress progress(options.isVerbose);
  std::unique_ptr<Compilation> compilation =
      makeCompilation(path, options, arguments, &progress, code);
  if (!compilation)
    return std::nullopt;
  mlir::FailureOr<Artefact> artefact = compileIntoCache(*compilation);
  if (succeeded(artefact))
    return std::move(*artefact);
  code = kInputError;
  return std::nullopt;
}
