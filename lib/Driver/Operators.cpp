//===- Operators.cpp - convoy operators -----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"
#include "Format.h"

#include "convoy/Import/ONNX/OperatorList.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy;
using namespace convoy::driver;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Cells
//===----------------------------------------------------------------------===//

/// "1 to 9" or "from 7". The operators of other domains have no opsets of their own.
static std::string formatOpsets(const OperatorInfo &info) {
  if (!info.domain.empty())
    return "all";
  std::string since = std::to_string(info.since);
  if (!info.until)
    return "from " + since;
  return *info.until == info.since ? since : since + " to " + std::to_string(*info.until);
}

/// "2", "1 to 3" or "at least 1".
static std::string formatInputs(const OperatorInfo &info) {
  std::string least = std::to_string(info.minInputs);
  if (!info.maxInputs)
    return "at least " + least;
  return *info.maxInputs == info.minInputs ? least
                                           : least + " to " + std::to_string(*info.maxInputs);
}

/// "numbers", or "0 to 1: any; 2: bool" if the inputs differ.
static std::string formatTypes(const OperatorInfo &info) {
  const auto &inputs = info.inputs;
  if (inputs.empty())
    return "";
  auto isFirst = [&](const OperatorInput &input) {
    return input.summary == inputs.front().summary;
  };
  if (llvm::all_of(inputs, isFirst))
    return inputs.front().summary;
  std::string text;
  for (size_t begin = 0, end; begin < inputs.size(); begin = end) {
    end = begin + 1;
    while (end < inputs.size() && inputs[end].summary == inputs[begin].summary)
      ++end;
    size_t last = end == inputs.size() && info.maxInputs ? *info.maxInputs - 1 : end - 1;
    text += (text.empty() ? "" : "; ") + std::to_string(begin) +
            (last == begin ? "" : " to " + std::to_string(last)) + ": " +
            inputs[begin].summary;
  }
  if (!info.maxInputs)
    text += "; the last " + std::to_string(info.repeatedInputs) + " repeat";
  return text;
}

static std::vector<std::string> formatRow(const OperatorInfo &info) {
  return {info.name,          formatOpsets(info),
          formatInputs(info), info.takesOpenSizes ? "yes" : "",
          info.limits,        formatTypes(info)};
}

static const std::vector<std::string> kHeader = {"operator",   "opsets", "inputs",
                                                 "open sizes", "limits", "types"};

//===----------------------------------------------------------------------===//
// Sections
//===----------------------------------------------------------------------===//

namespace {
struct Section {
  StringRef title, text;
  std::vector<OperatorInfo> operators;
};
} // namespace

static std::vector<Section> makeSections(const OperatorList &list) {
  std::vector<Section> sections = {
      {"ONNX's operators", "The numbers of inputs are those of all the opsets in a row.", {}},
      {"Experiments of ONNX",
       "These operators were never part of a standard opset, but old models have them.",
       {}},
      {"Operators of ONNX Runtime",
       "ONNX Runtime's quantiser and its optimiser write operators of the domain "
       "`com.microsoft`.",
       {}}};
  for (const OperatorInfo &info : list.operators)
    sections[!info.domain.empty() ? 2 : info.isExperimental].operators.push_back(info);
  return sections;
}

/// The operators that are left out, by reason.
static std::string describeLeftOut(const OperatorList &list, StringRef quote) {
  auto quoteAll = [&](llvm::ArrayRef<std::string> names) {
    return llvm::join(
        llvm::map_range(names,
                        [&](const std::string &name) { return (quote + name + quote).str(); }),
        ", ");
  };
  std::string text = "Left out on purpose are operators for ";
  for (auto [index, group] : llvm::enumerate(list.leftOut))
    text += (index ? "; " : "") + group.reason + " (" + quoteAll(group.names) + ")";
  return text + "; and the domains " + quoteAll(list.leftOutDomains) +
         ". Any other operator that is not in the list is refused as well.";
}

static void printText(const OperatorList &list) {
  for (const Section &section : makeSections(list)) {
    llvm::outs() << section.title << "\n\n";
    std::vector<std::vector<std::string>> rows = {kHeader};
    for (const OperatorInfo &info : section.operators)
      rows.push_back(formatRow(info));
    printTable(rows, /*leftColumns=*/kHeader.size());
    llvm::outs() << '\n';
  }
  llvm::outs() << describeLeftOut(list, "") << '\n';
}

static constexpr StringRef kIntroduction =
    R"(<!-- Made by utils/generate-docs from the importer's table; do not edit. -->

# Operators

The ONNX operators that Convoy compiles. `convoy operators` prints this list, too. A model with another operator, or with
an operator outside of its limits, is refused with a line that names the node and the reason.
[conformance.md](conformance.md) counts which of ONNX's own tests pass.

*Opsets* are those of ONNX's default domain. Inputs of operators with *open sizes* may have shapes that depend on data,
as the results of `NonZero` have. *Types* are the element types that the inputs may have; where inputs differ,
their numbers are given, from 0 on:

| word | types |
|---|---|
| integers | int8, int16, int32, int64, uint8, uint16, uint32, uint64 |
| floats | float16, bfloat16, float, double |
| numbers | integers and floats |
| 8-bit integers | int8, uint8 |
| small integers | int2, int4, uint2, uint4 |
| small floats | float4e2m1, and those of 6 and 8 bits |
| quantised types | int8, int16, uint8, uint16, small integers and small floats |
| any | numbers, bool, small integers and small floats |

A value that must be *constant* is an initializer, or computed from constants alone, or an input to which `--bind` gives a
value.
)";

static void printMarkdown(const OperatorList &list) {
  llvm::raw_ostream &os = llvm::outs();
  os << kIntroduction << '\n' << describeLeftOut(list, "`") << '\n';
  auto printRow = [&](llvm::ArrayRef<std::string> cells) {
    os << "| " << llvm::join(cells, " | ") << " |\n";
  };
  for (const Section &section : makeSections(list)) {
    os << "\n## " << section.title << "\n\n" << section.text << "\n\n";
    printRow(kHeader);
    os << "|---|---|---|---|---|---|\n";
    for (const OperatorInfo &info : section.operators)
      printRow(formatRow(info));
  }
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static void printNames(llvm::json::OStream &json, StringRef key,
                       llvm::ArrayRef<std::string> names) {
  json.attributeArray(key, [&] {
    for (const std::string &name : names)
      json.value(name);
  });
}

static void printOperator(llvm::json::OStream &json, const OperatorInfo &info) {
  json.attribute("domain", info.domain);
  json.attribute("name", info.name);
  json.attribute("experimental", info.isExperimental);
  json.attribute("since", info.since);
  json.attribute("until", info.until);
  json.attribute("min_inputs", info.minInputs);
  json.attribute("max_inputs", info.maxInputs);
  json.attributeArray("types", [&] {
    for (const OperatorInput &input : info.inputs)
      json.array([&] {
        for (const std::string &type : input.types)
          json.value(type);
      });
  });
  json.attribute("repeated", info.repeatedInputs);
  json.attribute("limits", info.limits);
  json.attribute("open_sizes", info.takesOpenSizes);
}

static void printJSON(const OperatorList &list) {
  llvm::json::OStream json(llvm::outs(), 1);
  json.object([&] {
    json.attributeArray("operators", [&] {
      for (const OperatorInfo &info : list.operators)
        json.object([&] { printOperator(json, info); });
    });
    json.attributeObject("left_out", [&] {
      for (const LeftOutOperators &group : list.leftOut)
        printNames(json, group.reason, group.names);
    });
    printNames(json, "left_out_domains", list.leftOutDomains);
  });
  llvm::outs() << '\n';
}

int convoy::driver::operatorsCommand(Arguments &arguments) {
  bool asJSON = false, asMarkdown = false;
  arguments.flag(OPT_json, asJSON);
  arguments.flag(OPT_markdown, asMarkdown);
  arguments.noPositional();
  if (std::optional<int> code = arguments.finish())
    return *code;
  if (asJSON && asMarkdown)
    return arguments.usageError("--json and --markdown exclude each other");
  OperatorList list = listOperators();
  if (asJSON)
    printJSON(list);
  else if (asMarkdown)
    printMarkdown(list);
  else
    printText(list);
  return kDone;
}
