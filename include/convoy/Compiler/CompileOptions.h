//===- CompileOptions.h - How a model is compiled ---------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The options of a compilation. CompileOptions.td declares them; everything here follows from
// it.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_COMPILER_COMPILEOPTIONS_H
#define CONVOY_COMPILER_COMPILEOPTIONS_H

#include "convoy/Analysis/Partition.h"
#include "convoy/Import/ONNX/Import.h"
#include "convoy/Pipelines/Pipelines.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

#include "convoy/Compiler/OptionValues.h.inc"

namespace convoy {

/// The GPUs to make code for.
struct GpuArchs {
  /// Compute capabilities such as 80; the usual ones if empty.
  std::vector<int64_t> archs;
  /// Whether the code is for the single capability in `archs` alone (sm_90a).
  bool isSpecific = false;
};

/// How to compile a model. Convoy chooses if a field is empty or has no value.
struct CompileOptions {
#define OPTION_WITH_MARSHALLING(PREFIXES, NAME, ID, KIND, EFFECT, ALIAS, ALIASARGS, FLAGS,    \
                                VISIBILITY, PARAM, HELP, HELPVARIANTS, METAVAR, VALUES,       \
                                SUBCOMMANDS, SHOULDPARSE, ALWAYSEMIT, FIELD, DEFAULT, ...)    \
  decltype(DEFAULT) FIELD = DEFAULT;
#include "convoy/Compiler/CompileOptions.inc"
#undef OPTION_WITH_MARSHALLING

  /// The last phase, if the compilation ends with MLIR; nothing if it goes on to code.
  std::optional<Phase> getLastPhase() const;
  /// Whether the output is text.
  bool isText() const;
  PartitionOptions getPartition() const;
  ScheduleOptions getSchedule() const;
};

/// What an option changes; see CompileOptions.td.
enum class OptionEffect {
  DescribesTarget,
  ChangesCode,
  RefinesAnother,
  ShapesOutput,
  Observes
};

/// One option of CompileOptions.td.
struct CompileOption {
  /// Such as "--conv-algorithm" and "NAME"; `metaVar` is empty for a switch.
  llvm::StringRef name, metaVar;
  OptionEffect effect;
  /// Whether the option may be given several times.
  bool isList;
  /// Whether the option has no value.
  bool isSwitch;
  /// Parses `word` and stores the value. The error says what is wrong with the word, and does
  /// not name the option.
  llvm::Error (*set)(CompileOptions &options, llvm::StringRef word);
  /// Stores the default.
  void (*reset)(CompileOptions &options);
  /// The value as text. Two values are equal if their texts are.
  std::string (*print)(const CompileOptions &options);

  /// Whether the value differs from the default.
  bool isChanged(const CompileOptions &options) const {
    return print(options) != print(CompileOptions());
  }
  /// Whether the option makes sense only for a model, and not for an artefact, which is
  /// compiled already.
  bool needsModel() const {
    return effect == OptionEffect::DescribesTarget || effect == OptionEffect::ChangesCode;
  }
};

/// Every option, in the order of CompileOptions.td.
llvm::ArrayRef<CompileOption> listCompileOptions();

/// The option of this name, with or without dashes; null if there is none.
const CompileOption *findCompileOption(llvm::StringRef name);

/// Checks that no options exclude each other. The error names them as on the command line.
llvm::Error checkCompileOptions(const CompileOptions &options);

/// The target that the options describe. An error says which option is at fault and what to
/// write instead.
llvm::Expected<cnn::TargetAttr> resolveTarget(mlir::MLIRContext *context,
                                              const CompileOptions &options);

} // namespace convoy

#endif // CONVOY_COMPILER_COMPILEOPTIONS_H
