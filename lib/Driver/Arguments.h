//===- Arguments.h - What follows a command's name --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_ARGUMENTS_H
#define CONVOY_LIB_DRIVER_ARGUMENTS_H

#include "Commands.h"
#include "llvm/Option/ArgList.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace convoy::driver {

/// What the shell sees.
enum ExitCode : int { kDone = 0, kInputError = 1, kUsageError = 2 };

/// The options that Options.td defines, as `OPT_threads`.
enum OptionID : unsigned {
  OPT_INVALID = 0,
#define OPTION(...) LLVM_MAKE_OPT_ID(__VA_ARGS__),
#include "convoy/Driver/Options.inc"
#undef OPTION
};

/// The parsed words after a command's name. The functions that read an option leave
/// the variable as it is where the option is not given, and keep the first thing that
/// is wrong, which `finish` reports.
class Arguments {
public:
  Arguments(const Command &command, llvm::ArrayRef<const char *> words);

  /// Whether the command has the option.
  bool hasOption(OptionID option) const;

  using Setter = std::function<llvm::Error(llvm::StringRef)>;
  void flag(OptionID option, bool &value);
  void value(OptionID option, Setter set);
  void text(OptionID option, std::string &value);
  /// An option that may be given several times.
  void values(OptionID option, Setter set);
  void list(OptionID option, std::vector<std::string> &values);
  /// A whole number from `least` to `most`.
  void count(OptionID option, int64_t &value, int64_t least, int64_t most = INT32_MAX);
  /// A number that is finite and not negative.
  void number(OptionID option, double &value);
  /// The one argument without a dash, which must be there.
  void positional(std::string &value);

  /// Returns the exit code when the program has nothing more to do: after `--help`, and
  /// after wrong usage, which is reported here.
  std::optional<int> finish();

  /// Reports wrong usage that only shows when all options are known.
  int usageError(const llvm::Twine &message) const;

private:
  void complain(const llvm::Twine &message);
  void complainAboutMissingValue(llvm::StringRef word);
  void checkKnown();
  void printHelp() const;

  const Command &command;
  llvm::opt::InputArgList parsed;
  /// The first thing that is wrong; empty if all is well.
  std::string problem;
};

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_ARGUMENTS_H
