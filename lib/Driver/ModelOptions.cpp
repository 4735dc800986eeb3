//===- ModelOptions.cpp - How a model is to be compiled -------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelOptions.h"

#include "convoy/Analysis/LayerSchedule.h"
#include "convoy/Analysis/Partition.h"
#include "convoy/Import/ONNX/Import.h"
#include "convoy/Machine/TargetDescription.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy;
using namespace convoy::driver;
using llvm::ArrayRef;
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
  arguments.value(OPT_weights, [this](StringRef word) -> llvm::Error {
    if (!llvm::is_contained({"f32", "f16", "bf16"}, word))
      return llvm::createStringError("'" + word + "' is not f32, f16 or bf16");
    compile.schedule.weights = word.str();
    return llvm::Error::success();
  });
  readTargetOptions(arguments);
  readPartitionOptions(arguments);
}

void ModelOptions::readTargetOptions(Arguments &arguments) {
  arguments.value(OPT_conv_algorithm, [this](StringRef word) -> llvm::Error {
    if (!parsePreferredAlgorithm(word))
      return llvm::createStringError("'" + word +
                                     "' is not direct, winograd_2x2, winograd_4x4 or "
                                     "winograd_4x4_compact");
    compile.schedule.convAlgorithm = word.str();
    return llvm::Error::success();
  });
  arguments.value(OPT_target, [this](StringRef word) -> llvm::Error {
    if (!llvm::is_contained({"cpu", "cuda", "cuda-emulator"}, word))
      return llvm::createStringError("'" + word + "' is not cpu, cuda or cuda-emulator");
    target = word.str();
    return llvm::Error::success();
  });
  arguments.value(OPT_gpu_arch, [this](StringRef text) -> llvm::Error {
    for (StringRef word : llvm::split(text, ',')) {
      int64_t arch;
      StringRef digits = word;
      gpuArchSpecific |= digits.consume_back("a");
      if (!digits.consume_front("sm_") || digits.getAsInteger(10, arch))
        return llvm::createStringError("'" + word + "' is not a GPU such as sm_80");
      gpuArchs.push_back(arch);
    }
    return llvm::Error::success();
  });
  arguments.value(OPT_precision, [this](StringRef word) -> llvm::Error {
    precision = cnn::symbolizeGpuPrecision(word);
    if (!precision)
      return llvm::createStringError("'" + word + "' is not f32, tf32 or f16");
    return llvm::Error::success();
  });
}

void ModelOptions::readDevice(Arguments &arguments) {
  arguments.value(OPT_device, [this](StringRef word) -> llvm::Error {
    int64_t number;
    StringRef digits = word;
    if (!digits.consume_front("cuda:") || digits.getAsInteger(10, number) || number < 0 ||
        number > INT32_MAX)
      return llvm::createStringError("'" + word + "' is not cuda:0, cuda:1, ...");
    gpu = number;
    return llvm::Error::success();
  });
}

bool ModelOptions::hasTargetOptions() const {
  return !target.empty() || !gpuArchs.empty() || precision;
}

std::optional<int> ModelOptions::resolveTarget(const Arguments &arguments) {
  if (gpu && !target.empty() && target != "cuda")
    return arguments.usageError("--device runs code for --target=cuda, not for --target=" +
                                target);
  StringRef name = gpu ? "cuda" : target.empty() ? "cpu" : StringRef(target);
  if (name == "cpu") {
    if (!gpuArchs.empty() || precision)
      return arguments.usageError("--gpu-arch and --precision need --target=cuda or "
                                  "cuda-emulator");
    return std::nullopt;
  }
  if (compile.schedule.weights != "f32")
    return arguments.usageError("--weights is for --target=cpu");
  compile.gpu.emplace();
  compile.gpu->platform = name == "cuda" ? cnn::GpuPlatform::cuda : cnn::GpuPlatform::emulator;
  compile.gpu->precision = precision.value_or(cnn::GpuPrecision::f32);
  compile.gpu->archs = gpuArchs;
  compile.gpu->archSpecific = gpuArchSpecific;
  return std::nullopt;
}

/// A number and its unit, times what the unit stands for.
static std::optional<double> parseQuantity(StringRef text,
                                           ArrayRef<std::pair<StringRef, double>> units) {
  text = text.trim();
  size_t length = text.find_last_of("0123456789.");
  if (length == StringRef::npos)
    return std::nullopt;
  double number;
  if (text.take_front(length + 1).getAsDouble(number) || !(number >= 0))
    return std::nullopt;
  for (auto [unit, factor] : units)
    if (text.drop_front(length + 1).trim() == unit)
      return number * factor;
  return std::nullopt;
}

static llvm::Error parseLink(StringRef text, PartitionOptions &options) {
  auto [bandwidth, latency] = text.split(',');
  std::optional<double> rate = parseQuantity(bandwidth, {{"kB/s", 1e3},
                                                         {"MB/s", 1e6},
                                                         {"GB/s", 1e9},
                                                         {"TB/s", 1e12},
                                                         {"Mbit/s", 1e6 / 8},
                                                         {"Gbit/s", 1e9 / 8}});
  std::optional<double> delay =
      parseQuantity(latency, {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}});
  if (!rate || !(*rate > 0) || !delay)
    return llvm::createStringError("'" + text +
                                   "' is not a bandwidth and a latency such as 10GB/s,2us");
  options.bandwidth = *rate;
  options.latency = *delay;
  return llvm::Error::success();
}

void ModelOptions::readPartitionOptions(Arguments &arguments) {
  arguments.count(OPT_devices, compile.partition.devices, 1, kMaxDevices);
  arguments.value(OPT_strategy, [this](StringRef word) -> llvm::Error {
    if (!llvm::is_contained({"auto", "group", "batch", "rows", "none"}, word))
      return llvm::createStringError("'" + word + "' is not auto, group, batch, rows or none");
    compile.partition.strategy = word.str();
    return llvm::Error::success();
  });
  arguments.value(OPT_link,
                  [this](StringRef text) { return parseLink(text, compile.partition); });
}

std::string ModelOptions::describeTarget(mlir::MLIRContext &context,
                                         const Arguments &arguments) const {
  std::string text;
  llvm::Expected<cnn::TargetAttr> target =
      convoy::describeTarget(&context, compile.triple, compile.cpu, compile.gpu);
  if (target)
    llvm::raw_string_ostream(text) << *target;
  else
    arguments.usageError(llvm::toString(target.takeError()));
  return text;
}

bool convoy::driver::isModelPath(StringRef path) {
  return path.ends_with_insensitive(".onnx");
}
