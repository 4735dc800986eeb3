//===- Options.h - Options of one command -----------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// llvm::cl keeps its options in global state together with those of LLVM's own
// passes, ends the program on its own terms and prints some errors where it
// likes; this small parser keeps exit codes and messages ours.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TOOLS_CONVOY_OPTIONS_H
#define CONVOY_TOOLS_CONVOY_OPTIONS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace convoy::tool {

/// What the shell sees.
enum ExitCode : int { kDone = 0, kInputError = 1, kUsageError = 2 };

/// Declares, parses and explains the options of one command. Declared variables
/// keep their values unless the command line sets them; they must outlive `parse`.
class Options {
public:
  using Setter = std::function<llvm::Error(llvm::StringRef)>;

  /// `synopsis` is what follows the command's name, such as "MODEL.onnx -o OUT".
  Options(llvm::StringRef command, llvm::StringRef synopsis, llvm::StringRef description)
      : command(command), synopsis(synopsis), description(description) {}

  /// `--name`.
  void flag(llvm::StringRef name, llvm::StringRef help, bool &value);
  /// `--name VALUE` or `--name=VALUE`; a name of one letter takes one dash.
  void value(llvm::StringRef name, llvm::StringRef meta, llvm::StringRef help, Setter set,
             bool isRepeatable = false);
  void text(llvm::StringRef name, llvm::StringRef meta, llvm::StringRef help,
            std::string &value);
  void list(llvm::StringRef name, llvm::StringRef meta, llvm::StringRef help,
            std::vector<std::string> &values);
  /// A whole number of at least `least`.
  void count(llvm::StringRef name, llvm::StringRef meta, llvm::StringRef help, int64_t &value,
             int64_t least, int64_t most = INT32_MAX);
  /// A number that is finite and not negative.
  void number(llvm::StringRef name, llvm::StringRef meta, llvm::StringRef help, double &value);
  /// The one argument without a dash, which must be there.
  void positional(llvm::StringRef meta, std::string &value);

  /// A line of the help's end.
  void example(llvm::StringRef line) { examples.push_back(line.str()); }

  /// Reads the words behind the command's name. Returns the exit code when the
  /// program has nothing more to do: after `--help`, and after wrong usage,
  /// which is reported here.
  std::optional<int> parse(llvm::ArrayRef<llvm::StringRef> words);

  /// Reports wrong usage that only shows when all options are known.
  int usageError(const llvm::Twine &message) const;

private:
  struct Option {
    std::string name, meta, help;
    Setter set;           ///< of an option with a value
    bool *flag = nullptr; ///< of one without
    bool isRepeatable = false, isGiven = false;

    std::string getSpelling() const;
  };
  Option *find(llvm::StringRef name);
  std::string findNearest(llvm::StringRef name) const;
  void printHelp() const;

  std::string command, synopsis, description;
  std::string positionalMeta;
  std::string *positionalValue = nullptr;
  std::vector<Option> options;
  std::vector<std::string> examples;
};

} // namespace convoy::tool

#endif // CONVOY_TOOLS_CONVOY_OPTIONS_H
