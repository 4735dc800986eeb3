//===- Options.cpp - Options of one command -------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace convoy::tool;
using llvm::StringRef;

std::string Options::Option::getSpelling() const {
  bool isShort = name.size() == 1;
  std::string text = (isShort ? "-" : "--") + name;
  if (!meta.empty())
    text += (isShort ? " " : "=") + meta;
  return text;
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

void Options::flag(StringRef name, StringRef help, bool &value) {
  Option option;
  option.name = name.str();
  option.help = help.str();
  option.flag = &value;
  options.push_back(std::move(option));
}

void Options::value(StringRef name, StringRef meta, StringRef help, Setter set,
                    bool isRepeatable) {
  Option option;
  option.name = name.str();
  option.meta = meta.str();
  option.help = help.str();
  option.set = std::move(set);
  option.isRepeatable = isRepeatable;
  options.push_back(std::move(option));
}

void Options::text(StringRef name, StringRef meta, StringRef help, std::string &value) {
  this->value(name, meta, help, [&value, meta = meta.str()](StringRef word) -> llvm::Error {
    if (word.empty())
      return llvm::createStringError("expected " + meta + ", not an empty word");
    value = word.str();
    return llvm::Error::success();
  });
}

void Options::list(StringRef name, StringRef meta, StringRef help,
                   std::vector<std::string> &values) {
  value(
      name, meta, help,
      [&values](StringRef word) {
        values.push_back(word.str());
        return llvm::Error::success();
      },
      /*isRepeatable=*/true);
}

void Options::count(StringRef name, StringRef meta, StringRef help, int64_t &value,
                    int64_t least, int64_t most) {
  this->value(name, meta, help, [&value, least, most](StringRef word) -> llvm::Error {
    if (word.getAsInteger(10, value) || value < least || value > most)
      return llvm::createStringError("'" + word + "' is not a whole number from " +
                                     llvm::Twine(least) + " to " + llvm::Twine(most));
    return llvm::Error::success();
  });
}

void Options::number(StringRef name, StringRef meta, StringRef help, double &value) {
  this->value(name, meta, help, [&value](StringRef word) -> llvm::Error {
    if (word.getAsDouble(value) || !std::isfinite(value) || value < 0)
      return llvm::createStringError("'" + word + "' is not a number of at least 0");
    return llvm::Error::success();
  });
}

void Options::positional(StringRef meta, std::string &value) {
  positionalMeta = meta.str();
  positionalValue = &value;
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

Options::Option *Options::find(StringRef name) {
  auto found = llvm::find_if(options, [&](const Option &o) { return o.name == name; });
  return found == options.end() ? nullptr : &*found;
}

/// "; did you mean '--threads'?" where a name is near, otherwise nothing.
std::string Options::findNearest(StringRef name) const {
  unsigned least = 3;
  std::string nearest;
  for (const Option &option : options)
    if (unsigned distance = name.edit_distance(option.name); distance < least) {
      least = distance;
      nearest = "; did you mean '--" + option.name + "'?";
    }
  return nearest;
}

int Options::usageError(const llvm::Twine &message) const {
  printError(message + " (see convoy " + command + " --help)");
  return kUsageError;
}

std::optional<int> Options::parse(llvm::ArrayRef<StringRef> words) {
  bool onlyPositional = false, hasPositional = false;
  while (!words.empty()) {
    StringRef word = words.front();
    words = words.drop_front();
    if (onlyPositional || !word.starts_with("-") || word == "-") {
      if (!positionalValue || hasPositional)
        return usageError("unexpected argument '" + word + "'");
      *positionalValue = word.str();
      hasPositional = true;
      continue;
    }
    if (word == "--") {
      onlyPositional = true;
      continue;
    }
    // One dash is enough, as for other compilers.
    auto [name, value] = word.drop_front(word.starts_with("--") ? 2 : 1).split('=');
    if (name == "help" || name == "h") {
      printHelp();
      return kDone;
    }
    Option *option = find(name);
    if (!option)
      return usageError("unknown option '" + word + "'" + findNearest(name));
    if (option->isGiven && !option->isRepeatable && !option->flag)
      return usageError("'" + option->getSpelling() + "' is given twice");
    option->isGiven = true;
    bool hasValue = word.contains('=');
    if (option->flag) {
      if (hasValue)
        return usageError("'--" + name + "' takes no value");
      *option->flag = true;
      continue;
    }
    if (!hasValue) {
      if (words.empty())
        return usageError("'" + word + "' needs a value: " + option->getSpelling());
      value = words.front();
      words = words.drop_front();
    }
    if (llvm::Error error = option->set(value))
      return usageError("'" + option->getSpelling() + "': " + toString(std::move(error)));
  }
  if (positionalValue && !hasPositional)
    return usageError("no " + positionalMeta + " given");
  return std::nullopt;
}

void Options::printHelp() const {
  llvm::raw_ostream &os = llvm::outs();
  os << "usage: convoy " << command << ' ' << synopsis << "\n\n" << description << "\n\noptions:\n";
  constexpr size_t column = 28;
  auto print = [&](const std::string &spelling, StringRef help) {
    os << "  " << spelling;
    if (spelling.size() + 2 < column)
      os.indent(column - spelling.size() - 2);
    else
      (os << '\n').indent(column);
    for (auto [line, rest] = help.split('\n');; std::tie(line, rest) = rest.split('\n')) {
      os << line << '\n';
      if (rest.empty())
        break;
      os.indent(column);
    }
  };
  for (const Option &option : options)
    print(option.getSpelling(), option.help);
  print("--help", "show this text");
  os << (examples.size() == 1 ? "\nexample:\n" : "\nexamples:\n");
  for (const std::string &line : examples)
    os << "  " << line << '\n';
}
