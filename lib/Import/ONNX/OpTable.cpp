//===- OpTable.cpp - The ONNX operators that can be imported --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

#include "convoy/Import/ONNX/OperatorList.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include <tuple>

using namespace convoy;
using namespace convoy::onnximport;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

/// The names of the bits, as in ONNX.
static constexpr llvm::StringLiteral kElementTypeNames[] = {
    "bool",         "int8",       "int16",          "int32",      "int64",
    "uint8",        "uint16",     "uint32",         "uint64",     "float16",
    "bfloat16",     "float",      "double",         "int2",       "int4",
    "uint2",        "uint4",      "float4e2m1",     "float6e2m3", "float6e3m2",
    "float8e4m3fn", "float8e5m2", "float8e4m3fnuz", "float8e8m0", "float8e5m2fnuz"};

/// Sets that have a name. Messages name the parts of a set without a phrase.
static constexpr struct {
  ElementTypes types;
  llvm::StringLiteral word, phrase;
} kNamedTypes[] = {
    {kAny, "any", "any type"},
    {kNumber, "numbers", ""},
    {kFloat, "floats", "floats of 16 to 64 bits"},
    {kInteger, "integers", "integers of 8 to 64 bits"},
    {kSigned, "signed integers", "signed integers of 8 to 64 bits"},
    {kQuantized, "quantised types", "integers of at most 16 bits, floats of at most 8 bits"},
    {kByte, "8-bit integers", "int8 or uint8"},
    {kSmallInteger, "small integers", "integers of 2 or 4 bits"},
    {kSmallFloat, "small floats", "floats of 4 to 8 bits"},
};

/// The number of a type's bit, or nothing for a type that ONNX does not have.
static std::optional<unsigned> findBit(mlir::Type type) {
  std::string name;
  if (auto integer = mlir::dyn_cast<mlir::IntegerType>(type))
    name = integer.getWidth() == 1
               ? "bool"
               : (integer.isUnsigned() ? "uint" : "int") + std::to_string(integer.getWidth());
  else if (type.isF32())
    name = "float";
  else if (type.isF64())
    name = "double";
  else if (type.isF16())
    name = "float16";
  else if (type.isBF16())
    name = "bfloat16";
  else {
    // "f8E4M3FN"; ONNX calls f8E8M0FNU float8e8m0, and f4E2M1FN float4e2m1.
    llvm::raw_string_ostream(name) << type;
    name = "float" + StringRef(name).drop_front().lower();
    if (!StringRef(name).starts_with("float8e4") && !StringRef(name).starts_with("float8e5"))
      name = StringRef(name).substr(0, 10).str();
  }
  const auto *found = llvm::find(kElementTypeNames, name);
  if (found == std::end(kElementTypeNames))
    return std::nullopt;
  return found - std::begin(kElementTypeNames);
}

bool ElementTypes::contains(mlir::Type type) const {
  std::optional<unsigned> bit = findBit(type);
  return bit && (bits >> *bit & 1);
}

llvm::SmallVector<StringRef> ElementTypes::getNames() const {
  llvm::SmallVector<StringRef> names;
  for (auto [bit, name] : llvm::enumerate(kElementTypeNames))
    if (bits >> bit & 1)
      names.push_back(name);
  return names;
}

/// The names of sets that make up `types`, and of the types that are left.
static llvm::SmallVector<StringRef> nameTypes(ElementTypes types, bool asPhrases) {
  llvm::SmallVector<StringRef> names;
  for (const auto &named : kNamedTypes)
    if (types.contains(named.types) && !(asPhrases && named.phrase.empty())) {
      names.push_back(asPhrases ? named.phrase : named.word);
      types.bits &= ~named.types.bits;
    }
  llvm::append_range(names, types.getNames());
  return names;
}

std::string ElementTypes::describe() const {
  return llvm::join(nameTypes(*this, false), ", ");
}

std::string ElementTypes::explain() const {
  llvm::SmallVector<StringRef> names = nameTypes(*this, true);
  StringRef last = names.pop_back_val();
  return names.empty() ? last.str() : llvm::join(names, ", ") + " or " + last.str();
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

/// The lists of ONNX's own operators but for experiments.
static constexpr llvm::ArrayRef<OpEntry> (*kOnnxLists[])() = {
    getAttentionOps,       getConstantOps,     getControlFlowOps,   getConvolutionOps,
    getDenseOps,           getEinsumOps,       getElementwiseOps,   getFindingOps,
    getLinearAttentionOps, getLoopOps,         getMovementOps,      getNormalizationOps,
    getPoolingOps,         getQuantizationOps, getQuantizedConvOps, getQuantizedMatmulOps,
    getRandomOps,          getRecurrentOps,    getReductionOps,     getRegionOps,
    getReshapeOps,         getResizeOps,       getSamplingOps,      getScanOps,
    getScatterOps,         getSelectionOps,    getSignalOps,        getSlicingOps,
    getUniqueOps};
static constexpr llvm::ArrayRef<OpEntry> (*kMicrosoftLists[])() = {
    getMicrosoftFusedOps,           getMicrosoftQuantizationOps,
    getMicrosoftQuantizedConvOps,   getMicrosoftQuantizedElementwiseOps,
    getMicrosoftQuantizedMatmulOps, getMicrosoftQuantizedPoolingOps,
    getMicrosoftRecurrentOps};

/// Calls `visit` with the domain of each list, whether its operators were experiments, and its
/// entries.
static void
forEachList(llvm::function_ref<void(StringRef, bool, llvm::ArrayRef<OpEntry>)> visit) {
  for (auto getOps : kOnnxLists)
    visit("", /*isExperimental=*/false, getOps());
  visit("", /*isExperimental=*/true, getExperimentalOps());
  for (auto getOps : kMicrosoftLists)
    visit(kMicrosoftDomain, /*isExperimental=*/false, getOps());
}

/// "domain:name" -> entries.
using Table = llvm::StringMap<llvm::SmallVector<const OpEntry *, 1>>;

static std::string getKey(StringRef domain, StringRef name) {
  return (domain + ":" + name).str();
}

static Table makeTable() {
  Table table;
  forEachList([&](StringRef domain, bool, llvm::ArrayRef<OpEntry> ops) {
    for (const OpEntry &entry : ops)
      table[getKey(domain, entry.name)].push_back(&entry);
  });
  return table;
}

const OpEntry *convoy::onnximport::lookupOp(StringRef domain, StringRef name, int64_t opset) {
  static const Table table = makeTable();
  auto found = table.find(getKey(domain, name));
  if (found == table.end())
    return nullptr;
  for (const OpEntry *entry : found->second)
    if (entry->since <= opset && opset <= entry->until)
      return entry;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// The list for users
//===----------------------------------------------------------------------===//

static OperatorInfo describeEntry(StringRef domain, bool isExperimental,
                                  const OpEntry &entry) {
  OperatorInfo info;
  info.domain = domain.str();
  info.name = entry.name.str();
  info.isExperimental = isExperimental;
  info.since = entry.since;
  if (entry.until != kNoEnd)
    info.until = entry.until;
  info.minInputs = entry.minInputs;
  if (entry.maxInputs != kVariadic)
    info.maxInputs = entry.maxInputs;
  for (unsigned i = 0, e = std::min(entry.types.size(), entry.maxInputs); i < e; ++i) {
    OperatorInput &input = info.inputs.emplace_back();
    input.summary = entry.types[i].describe();
    for (StringRef name : entry.types[i].getNames())
      input.types.push_back(name.str());
  }
  info.repeatedInputs = entry.types.getPeriod();
  info.limits = entry.limits.str();
  info.takesOpenSizes = entry.sizeRule;
  return info;
}

OperatorList convoy::listOperators() {
  OperatorList list;
  forEachList([&](StringRef domain, bool isExperimental, llvm::ArrayRef<OpEntry> ops) {
    for (const OpEntry &entry : ops)
      list.operators.push_back(describeEntry(domain, isExperimental, entry));
  });
  llvm::sort(list.operators, [](const OperatorInfo &a, const OperatorInfo &b) {
    return std::tie(a.domain, a.isExperimental, a.name, a.since) <
           std::tie(b.domain, b.isExperimental, b.name, b.since);
  });
  list.leftOut = {
      {"strings",
       {"RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit",
        "TfIdfVectorizer"}},
      {"sequences",
       {"ConcatFromSequence", "SequenceAt", "SequenceConstruct", "SequenceEmpty",
        "SequenceErase", "SequenceInsert", "SequenceLength", "SequenceMap",
        "SplitToSequence"}},
      {"optional values", {"Optional", "OptionalGetElement", "OptionalHasElement"}},
      {"training", {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"}},
      {"encoded images", {"ImageDecoder"}},
  };
  list.leftOutDomains = {"ai.onnx.ml", "ai.onnx.preview.training", "ai.onnx.training"};
  return list;
}
