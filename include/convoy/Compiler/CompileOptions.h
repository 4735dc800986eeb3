//===- CompileOptions.h - How a model is compiled ---------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// All of this follows from CompileOptions.td, where each option is declared.
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

/// Compute capabilities such as 80; the usual ones if empty.
struct GpuArchs {
  std::vector<int64_t> archs;
  /// Whether code is for the one capability in `archs` alone: sm_90a.
  bool isSpecific = false;
};

/// How a model is compiled. Fields that are empty or nothing leave the choice to Convoy.
struct CompileOptions {
#define OPTION_WITH_MARSHALLING(PREFIXES, NAME, ID, KIND, EFFECT, ALIAS, ALIASARGS, FLAGS,    \
                                VISIBILITY, PARAM, HELP, HELPVARIANTS, METAVAR, VALUES,       \
                                SUBCOMMANDS, SHOULDPARSE, ALWAYSEMIT, FIELD, DEFAULT, ...)    \
  decltype(DEFAULT) FIELD = DEFAULT;
#include "convoy/Compiler/CompileOptions.inc"
#undef OPTION_WITH_MARSHALLING

  /// The last phase of a compilation that ends in MLIR; nothing for one that goes on to
  /// code.
  std::optional<Phase> getLastPhase() const;
  /// Whether what is written is text.
  bool isText() const;
  PartitionOptions getPartition() const;
  ScheduleOptions getSchedule() const;
};

/// What a change of an option changes; see the groups in CompileOptions.td.
enum class OptionEffect {
  DescribesTarget,
  ChangesCode,
  RefinesAnother,
  ShapesOutput,
  Observes
};

/// One option of CompileOptions.td.
struct CompileOption {
  /// "--conv-algorithm", and "NAME" or empty for a switch.
  llvm::StringRef name, metaVar;
  OptionEffect effect;
  /// Whether it may be given several times.
  bool isList;
  /// Whether it takes no value.
  bool isSwitch;
  /// Reads a value. The error says what is wrong with the word, and names no option.
  llvm::Error (*set)(CompileOptions &options, llvm::StringRef word);
  /// Takes the default again.
  void (*reset)(CompileOptions &options);
  /// The value as text: equal texts have equal values.
  std::string (*print)(const CompileOptions &options);

  /// Whether the value is another than the default.
  bool isChanged(const CompileOptions &options) const {
    return print(options) != print(CompileOptions());
  }
  /// Whether the option says how a model is compiled, which is too late for an artefact.
  bool needsModel() const {
    return effect == OptionEffect::DescribesTarget || effect == OptionEffect::ChangesCode;
  }
};

/// Every option, in the order of CompileOptions.td.
llvm::ArrayRef<CompileOption> listCompileOptions();

/// The option of a name with or without dashes; null if there is none.
const CompileOption *findCompileOption(llvm::StringRef name);

/// An error where options exclude each other; it names them as the command line does.
llvm::Error checkCompileOptions(const CompileOptions &options);

/// The machine that the options name, with all that choices depend on. An error says which
/// option is at fault and what to write instead.
llvm::Expected<cnn::TargetAttr> resolveTarget(mlir::MLIRContext *context,
                                              const CompileOptions &options);

} // namespace convoy

#endif // CONVOY_COMPILER_COMPILEOPTIONS_H
