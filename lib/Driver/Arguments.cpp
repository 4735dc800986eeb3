//===- Arguments.cpp - The words after a command's name -------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"

#include "Diagnostics.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Option/Option.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace convoy::driver;
using namespace llvm::opt;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// The table that TableGen makes
//===----------------------------------------------------------------------===//

#define OPTTABLE_STR_TABLE_CODE
#include "convoy/Driver/Options.inc"
#undef OPTTABLE_STR_TABLE_CODE

#define OPTTABLE_PREFIXES_TABLE_CODE
#include "convoy/Driver/Options.inc"
#undef OPTTABLE_PREFIXES_TABLE_CODE

static constexpr OptTable::Info kOptions[] = {
#define OPTION(...) LLVM_CONSTRUCT_OPT_INFO(__VA_ARGS__),
#include "convoy/Driver/Options.inc"
#undef OPTION
};

namespace {
struct ConvoyOptTable : GenericOptTable {
  ConvoyOptTable() : GenericOptTable(OptionStrTable, OptionPrefixesTable, kOptions) {
    setDashDashParsing(true);
  }
};
} // namespace

static const OptTable &getTable() {
  static const ConvoyOptTable table;
  return table;
}

/// "--threads=N" or "-o OUT".
static std::string getSpelling(const Option &option) {
  const char *meta = getTable().getOptionMetaVar(option.getID());
  std::string text = option.getPrefixedName().str();
  if (!meta)
    return text;
  return text + (option.getKind() == Option::SeparateClass ? " " : "") + meta;
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

Arguments::Arguments(const Command &command, llvm::ArrayRef<const char *> words)
    : command(command) {
  unsigned missingIndex, missingCount;
  parsed =
      getTable().ParseArgs(words, missingIndex, missingCount, Visibility(command.visibility));
  checkKnown();
  if (missingCount > 0)
    complainAboutMissingValue(words[missingIndex]);
}

void Arguments::complainAboutMissingValue(StringRef word) {
  for (unsigned id = 1; id <= getTable().getNumOptions(); ++id)
    if (Option option = getTable().getOption(id); option.getPrefixedName().ends_with(word))
      complain("'" + word + "' needs a value: " + getSpelling(option.getUnaliasedOption()));
}

void Arguments::complain(const llvm::Twine &message) {
  if (problem.empty())
    problem = message.str();
}

/// Complains about words with a dash that are no options of this command.
void Arguments::checkKnown() {
  for (const Arg *arg : parsed.filtered(OPT_UNKNOWN)) {
    std::string word = arg->getAsString(parsed), nearest;
    auto [name, value] = StringRef(word).split('=');
    if (name.size() < word.size() &&
        getTable().findNearest(name, nearest, Visibility(command.visibility)) == 0)
      return complain("'" + name + "' takes no value");
    unsigned distance = getTable().findNearest(name.size() < word.size() ? word : name,
                                               nearest, Visibility(command.visibility));
    StringRef suggestion = StringRef(nearest).split('=').first;
    complain("unknown option '" + word + "'" +
             (distance < 3 ? "; did you mean '" + suggestion.str() + "'?" : ""));
  }
}

bool Arguments::hasOption(OptionID option) const {
  return getTable().getOption(option).hasVisibilityFlag(command.visibility);
}

std::optional<int> Arguments::finish() {
  if (parsed.hasArg(OPT_help)) {
    printHelp();
    return kDone;
  }
  if (!problem.empty())
    return usageError(problem);
  return std::nullopt;
}

int Arguments::usageError(const llvm::Twine &message) const {
  printError(message + " (see convoy " + command.name + " --help)");
  return kUsageError;
}

void Arguments::printHelp() const {
  llvm::raw_ostream &os = llvm::outs();
  std::string usage = ("convoy " + command.name + " " + command.synopsis).str();
  getTable().printHelp(os, usage.c_str(), command.description.data(), /*ShowHidden=*/false,
                       /*ShowAllAliases=*/false, Visibility(command.visibility));
  auto examples = llvm::split(command.examples, '\n');
  os << (command.examples.contains('\n') ? "\nEXAMPLES:\n" : "\nEXAMPLE:\n");
  for (StringRef line : examples)
    os << "  convoy " << command.name << ' ' << line << '\n';
}

//===----------------------------------------------------------------------===//
// Reading options
//===----------------------------------------------------------------------===//

void Arguments::flag(OptionID option, bool &value) { value |= parsed.hasArg(option); }

void Arguments::values(OptionID option, Setter set) {
  for (const Arg *arg : parsed.filtered(option))
    if (llvm::Error error = set(arg->getValue()))
      complain("'" + getSpelling(getTable().getOption(option)) +
               "': " + toString(std::move(error)));
}

void Arguments::value(OptionID option, Setter set) {
  if (llvm::range_size(parsed.filtered(option)) > 1)
    complain("'" + getSpelling(getTable().getOption(option)) + "' is given twice");
  values(option, std::move(set));
}

void Arguments::text(OptionID option, std::string &value) {
  this->value(option, [&](StringRef word) -> llvm::Error {
    if (word.empty())
      return llvm::createStringError(StringRef("expected ") +
                                     getTable().getOptionMetaVar(option) +
                                     ", not an empty word");
    value = word.str();
    return llvm::Error::success();
  });
}

void Arguments::list(OptionID option, std::vector<std::string> &values) {
  values = parsed.getAllArgValues(option);
}

void Arguments::count(OptionID option, int64_t &value, int64_t least, int64_t most) {
  this->value(option, [&](StringRef word) -> llvm::Error {
    if (word.getAsInteger(10, value) || value < least || value > most)
      return llvm::createStringError("'" + word + "' is not a whole number from " +
                                     llvm::Twine(least) + " to " + llvm::Twine(most));
    return llvm::Error::success();
  });
}

static llvm::Error parseNumber(StringRef word, double &value) {
  if (word.getAsDouble(value) || !std::isfinite(value) || value < 0)
    return llvm::createStringError("'" + word + "' is not a number of at least 0");
  return llvm::Error::success();
}

void Arguments::number(OptionID option, double &value) {
  this->value(option, [&](StringRef word) { return parseNumber(word, value); });
}

void Arguments::number(OptionID option, std::optional<double> &value) {
  this->value(option, [&](StringRef word) { return parseNumber(word, value.emplace()); });
}

void Arguments::noPositional() {
  for (const std::string &word : parsed.getAllArgValues(OPT_INPUT))
    complain("unexpected argument '" + word + "'");
}

void Arguments::positional(std::string &value) {
  std::vector<std::string> words = parsed.getAllArgValues(OPT_INPUT);
  if (words.size() > 1)
    complain("unexpected argument '" + words[1] + "'");
  if (words.empty())
    complain("no " + command.positional + " given");
  else
    value = words.front();
}
