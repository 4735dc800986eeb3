//===- Arguments.h - The words after a command's name -----------*- C++ -*-===//
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

/// Exit codes of the program.
enum ExitCode : int { kDone = 0, kInputError = 1, kUsageError = 2 };

/// The options that Options.td defines, as `OPT_threads`.
enum OptionID : unsigned {
  OPT_INVALID = 0,
#define OPTION(...) LLVM_MAKE_OPT_ID(__VA_ARGS__),
#include "convoy/Driver/Options.inc"
#undef OPTION
};

/// The parsed words after a command's name. The functions that read an option do not change
/// the variable if the option is not given. Of several errors they keep the first, which
/// `finish` reports.
class Arguments {
public:
  Arguments(const Command &command, llvm::ArrayRef<const char *> words);

  /// Whether the command has the option.
  bool hasOption(OptionID option) const;

  using Setter = std::function<llvm::Error(llvm::StringRef)>;
  /// An option without a value.
  void flag(OptionID option, bool &value);
  /// An option with a value that `set` parses, given at most once.
  void value(OptionID option, Setter set);
  /// An option whose value is any text except an empty one.
  void text(OptionID option, std::string &value);
  /// Options that may be given several times.
  void values(OptionID option, Setter set);
  void list(OptionID option, std::vector<std::string> &values);
  /// A whole number from `least` to `most`.
  void count(OptionID option, int64_t &value, int64_t least, int64_t most = INT32_MAX);
  /// A number that is finite and not negative.
  void number(OptionID option, double &value);
  void number(OptionID option, std::optional<double> &value);
  /// The one argument without a dash, which must be there.
  void positional(std::string &value);

  /// Says that there is no argument without a dash.
  void noPositional();

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
  /// The first error; empty if there is none.
  std::string problem;
};

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_ARGUMENTS_H
