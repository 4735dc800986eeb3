//===- CompileOptions.cpp - How a model is compiled -----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Compiler/CompileOptions.h"

#include "convoy/Analysis/LayerSchedule.h"
#include "convoy/Machine/TargetDescription.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringTable.h"
#include "llvm/Option/Option.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy;
using llvm::ArrayRef;
using llvm::StringRef;

#include "convoy/Compiler/OptionValues.cpp.inc"

//===----------------------------------------------------------------------===//
// Parsing: a function for each type of field
//===----------------------------------------------------------------------===//

static llvm::Error parseWord(StringRef word, std::string &value) {
  value = word.str();
  return llvm::Error::success();
}

template <int64_t least, int64_t most>
static llvm::Error parseCount(StringRef word, int64_t &value) {
  if (word.getAsInteger(10, value) || value < least || value > most)
    return llvm::createStringError("'" + word + "' is not a whole number from " +
                                   llvm::Twine(least) + " to " + llvm::Twine(most));
  return llvm::Error::success();
}

/// Reads a word of an enumeration that TableGen made.
template <typename Enum>
static llvm::Error parseEnum(StringRef word, Enum &value,
                             std::optional<Enum> (*fromWord)(StringRef),
                             std::optional<Enum> (*fromNumber)(uint32_t)) {
  if (std::optional<Enum> found = fromWord(word)) {
    value = *found;
    return llvm::Error::success();
  }
  std::string message = ("'" + word + "' is not ").str();
  for (uint32_t number = 0; std::optional<Enum> known = fromNumber(number); ++number) {
    StringRef separator = number == 0 ? "" : fromNumber(number + 1) ? ", " : " or ";
    message += (separator + stringifyEnum(*known)).str();
  }
  return llvm::createStringError(message);
}

static llvm::Error parseWord(StringRef word, Platform &value) {
  return parseEnum(word, value, symbolizePlatform, symbolizePlatform);
}
static llvm::Error parseWord(StringRef word, WeightType &value) {
  return parseEnum(word, value, symbolizeWeightType, symbolizeWeightType);
}
static llvm::Error parseWord(StringRef word, cnn::PartitionStrategy &value) {
  return parseEnum(word, value, cnn::symbolizePartitionStrategy,
                   cnn::symbolizePartitionStrategy);
}
static llvm::Error parseWord(StringRef word, OutputKind &value) {
  return parseEnum(word, value, symbolizeOutputKind, symbolizeOutputKind);
}
static llvm::Error parseWord(StringRef word, Phase &value) {
  return parseEnum(word, value, symbolizePhase, symbolizePhase);
}
static llvm::Error parseWord(StringRef word, cnn::Precision &value) {
  return parseEnum(word, value, cnn::symbolizePrecision, cnn::symbolizePrecision);
}
/// An algorithm that a user may prefer; the others follow from a layer's shape.
static llvm::Error parseWord(StringRef word, cnn::Algorithm &value) {
  std::optional<cnn::Algorithm> preferred = parsePreferredAlgorithm(word);
  if (!preferred)
    return llvm::createStringError("'" + word +
                                   "' is not direct, winograd_2x2, winograd_4x4 or "
                                   "winograd_4x4_compact");
  value = *preferred;
  return llvm::Error::success();
}

static llvm::Error parseWord(StringRef word, std::vector<InputShape> &shapes) {
  llvm::Expected<InputShape> shape = parseInputShape(word);
  if (!shape)
    return shape.takeError();
  shapes.push_back(std::move(*shape));
  return llvm::Error::success();
}

static llvm::Error parseWord(StringRef word, std::vector<InputLimit> &limits) {
  llvm::Expected<InputLimit> limit = parseInputLimit(word);
  if (!limit)
    return limit.takeError();
  limits.push_back(std::move(*limit));
  return llvm::Error::success();
}

static llvm::Error parseWord(StringRef word, std::vector<InputBinding> &bindings) {
  llvm::Expected<InputBinding> binding = parseInputBinding(word);
  if (!binding)
    return binding.takeError();
  bindings.push_back(std::move(*binding));
  return llvm::Error::success();
}

static llvm::Error parseWord(StringRef text, GpuArchs &gpus) {
  for (StringRef word : llvm::split(text, ',')) {
    int64_t arch;
    StringRef digits = word;
    gpus.isSpecific |= digits.consume_back("a");
    if (!digits.consume_front("sm_") || digits.getAsInteger(10, arch))
      return llvm::createStringError("'" + word + "' is not a GPU such as sm_80");
    gpus.archs.push_back(arch);
  }
  return llvm::Error::success();
}

/// Reads a number followed by one of `units`. Returns the number times the unit's factor.
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

static llvm::Error parseWord(StringRef text, Link &link) {
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
  link.bandwidth = *rate;
  link.latency = *delay;
  return llvm::Error::success();
}

/// A switch has no word. It is true if it is given.
static llvm::Error parseWord(StringRef, bool &value) {
  value = true;
  return llvm::Error::success();
}

template <typename T> static llvm::Error parseWord(StringRef word, std::optional<T> &value) {
  return parseWord(word, value.emplace());
}

//===----------------------------------------------------------------------===//
// Printing: a function for each type of field
//===----------------------------------------------------------------------===//

static void print(llvm::raw_ostream &os, bool value) { os << value; }
static void print(llvm::raw_ostream &os, int64_t value) { os << value; }
static void print(llvm::raw_ostream &os, StringRef value) { os << value; }
template <typename Enum, typename = std::enable_if_t<std::is_enum_v<Enum>>>
static void print(llvm::raw_ostream &os, Enum value) {
  os << stringifyEnum(value);
}
static void print(llvm::raw_ostream &os, const std::vector<InputShape> &shapes) {
  // The length of the name first, so that no name can be taken for a shape.
  for (const auto &[name, shape] : shapes) {
    os << name.size() << ':' << name << '=';
    llvm::interleave(shape, os, "x");
    os << ' ';
  }
}
static void print(llvm::raw_ostream &os, const std::vector<InputLimit> &limits) {
  for (const auto &[name, limit] : limits)
    os << name.size() << ':' << name << '=' << limit << ' ';
}
static void print(llvm::raw_ostream &os, const std::vector<InputBinding> &bindings) {
  for (const InputBinding &binding : bindings)
    os << binding.name.size() << ':' << binding.name << '=' << binding.file.size() << ':'
       << binding.file << ' ';
}
static void print(llvm::raw_ostream &os, const GpuArchs &gpus) {
  llvm::interleave(gpus.archs, os, ",");
  os << (gpus.isSpecific ? "a" : "");
}
static void print(llvm::raw_ostream &os, const Link &link) {
  os << llvm::format("%.17g %.17g", link.bandwidth, link.latency);
}
template <typename T> static void print(llvm::raw_ostream &os, const std::optional<T> &value) {
  if (value)
    print(os, *value);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

#define OPTTABLE_STR_TABLE_CODE
#include "convoy/Compiler/CompileOptions.inc"
#undef OPTTABLE_STR_TABLE_CODE

/// Reads the value of a field with `parse`.
template <typename T, typename Parse>
static llvm::Error setField(StringRef word, StringRef metaVar, T &field, Parse parse) {
  if (std::is_same_v<T, std::string> && word.empty())
    return llvm::createStringError("expected " + metaVar + ", not an empty word");
  return parse(word, field);
}

template <typename T> static std::string printField(const T &field) {
  std::string text;
  llvm::raw_string_ostream os(text);
  print(os, field);
  return text;
}

template <typename T> inline constexpr bool isVector = false;
template <typename T> inline constexpr bool isVector<std::vector<T>> = true;

static StringRef orEmpty(const char *text) { return text ? text : ""; }

ArrayRef<CompileOption> convoy::listCompileOptions() {
  // An option without an effect does not compile: there is no OptionEffect::INVALID.
  static const CompileOption options[] = {
#define OPTION_WITH_MARSHALLING(PREFIXES, NAME, ID, KIND, EFFECT, ALIAS, ALIASARGS, FLAGS,    \
                                VISIBILITY, PARAM, HELP, HELPVARIANTS, METAVAR, VALUES,       \
                                SUBCOMMANDS, SHOULDPARSE, ALWAYSEMIT, FIELD, DEFAULT,         \
                                IMPLIEDCHECK, IMPLIEDVALUE, PARSE, ...)                       \
  {OptionStrTable[NAME].rtrim('='),                                                           \
   orEmpty(METAVAR),                                                                          \
   OptionEffect::EFFECT,                                                                      \
   isVector<decltype(CompileOptions::FIELD)>,                                                 \
   llvm::opt::Option::KIND##Class == llvm::opt::Option::FlagClass,                            \
   [](CompileOptions &options, StringRef word) {                                              \
     return setField(word, orEmpty(METAVAR), options.FIELD,                                   \
                     [](StringRef word, auto &value) { return PARSE(word, value); });         \
   },                                                                                         \
   [](CompileOptions &options) { options.FIELD = DEFAULT; },                                  \
   [](const CompileOptions &options) { return printField(options.FIELD); }},
#include "convoy/Compiler/CompileOptions.inc"
#undef OPTION_WITH_MARSHALLING
  };
  return options;
}

const CompileOption *convoy::findCompileOption(StringRef name) {
  const auto *found = llvm::find_if(listCompileOptions(), [&](const CompileOption &option) {
    return option.name.ltrim('-') == name.ltrim('-');
  });
  return found == listCompileOptions().end() ? nullptr : found;
}

//===----------------------------------------------------------------------===//
// Settings that follow from several options
//===----------------------------------------------------------------------===//

std::optional<Phase> CompileOptions::getLastPhase() const {
  if (!stopAfter && emit == OutputKind::MLIR)
    return Phase::Codegen;
  return stopAfter;
}

bool CompileOptions::isText() const {
  return getLastPhase() || emit == OutputKind::Asm || emit == OutputKind::LLVMIR;
}

PartitionOptions CompileOptions::getPartition() const {
  PartitionOptions partition;
  partition.devices = devices;
  partition.strategy = cnn::stringifyPartitionStrategy(strategy).str();
  if (link) {
    partition.bandwidth = link->bandwidth;
    partition.latency = link->latency;
  }
  return partition;
}

ScheduleOptions CompileOptions::getSchedule() const {
  return {convAlgorithm ? cnn::stringifyAlgorithm(*convAlgorithm).str() : "", tuning,
          stringifyWeightType(weights).str()};
}

static bool isForCpu(const CompileOptions &options) {
  Platform platform = options.platform.value_or(Platform::Cpu);
  return platform == Platform::Cpu || platform == Platform::CpuEmulator;
}

llvm::Error convoy::checkCompileOptions(const CompileOptions &options) {
  if (isForCpu(options) && !options.gpuArchs.archs.empty())
    return llvm::createStringError("--gpu-arch needs --target=cuda or cuda-emulator");
  if (options.precision) {
    bool isForBoth = *options.precision == cnn::Precision::f32;
    bool isOfCpus = isForBoth || *options.precision == cnn::Precision::bf16;
    bool isOfGpus = isForBoth || *options.precision != cnn::Precision::bf16;
    if (isForCpu(options) ? !isOfCpus : !isOfGpus)
      return llvm::createStringError(
          "--precision=" + cnn::stringifyPrecision(*options.precision) +
          (isOfCpus ? " needs --target=cpu or cpu-emulator"
                    : " needs --target=cuda or cuda-emulator"));
  }
  if (options.stopAfter && options.emit != OutputKind::Lib && options.emit != OutputKind::MLIR)
    return llvm::createStringError("--stop-after writes MLIR, so it excludes --emit=" +
                                   stringifyOutputKind(options.emit));
  if (!isForCpu(options) && options.weights != WeightType::F32)
    return llvm::createStringError("--weights is for --target=cpu");
  return llvm::Error::success();
}

llvm::Expected<cnn::TargetAttr> convoy::resolveTarget(mlir::MLIRContext *context,
                                                      const CompileOptions &options) {
  std::optional<GpuOptions> gpu;
  if (!isForCpu(options)) {
    gpu.emplace();
    gpu->platform = options.platform == Platform::Cuda ? cnn::GpuPlatform::cuda
                                                       : cnn::GpuPlatform::emulator;
    gpu->archs = options.gpuArchs.archs;
    gpu->archSpecific = options.gpuArchs.isSpecific;
  }
  llvm::Expected<cnn::TargetAttr> target =
      describeTarget(context, options.triple, options.cpu, gpu,
                     options.precision.value_or(cnn::Precision::f32));
  if (target && options.platform == Platform::CpuEmulator)
    return emulate(*target);
  return target;
}
