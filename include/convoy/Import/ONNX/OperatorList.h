//===- OperatorList.h - The operators that can be imported ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_IMPORT_ONNX_OPERATORLIST_H
#define CONVOY_IMPORT_ONNX_OPERATORLIST_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace convoy {

/// The element types that an input may have.
struct OperatorInput {
  /// "integers, bool", in the words of docs/operators.md.
  std::string summary;
  /// Each type by ONNX's name: "int8".
  std::vector<std::string> types;
};

/// An operator, in a range of opsets.
struct OperatorInfo {
  /// Empty for ONNX's own operators.
  std::string domain;
  std::string name;
  /// Whether it was only an experiment in ONNX.
  bool isExperimental = false;
  /// The first and the last opset of the default domain. Without a last one, newer ones too.
  int64_t since = 1;
  std::optional<int64_t> until;
  /// How many inputs it must and may have. Without a largest number, any number.
  unsigned minInputs = 0;
  std::optional<unsigned> maxInputs;
  /// If there are more inputs, the last `repeatedInputs` entries are repeated.
  std::vector<OperatorInput> inputs;
  unsigned repeatedInputs = 1;
  /// What ONNX allows and Convoy does not; may be empty.
  std::string limits;
  /// Whether inputs may have sizes that depend on data.
  bool takesOpenSizes = false;
};

/// Operators that are left out on purpose, and why.
struct LeftOutOperators {
  std::string reason;
  std::vector<std::string> names;
};

struct OperatorList {
  /// By domain, then those that were no experiments, then by name and opset.
  std::vector<OperatorInfo> operators;
  std::vector<LeftOutOperators> leftOut;
  std::vector<std::string> leftOutDomains;
};

/// What can be imported, and what is left out on purpose. Other operators are refused, too.
OperatorList listOperators();

} // namespace convoy

#endif // CONVOY_IMPORT_ONNX_OPERATORLIST_H
