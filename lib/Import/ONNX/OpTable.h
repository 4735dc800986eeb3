//===- OpTable.h - The ONNX operators that can be imported ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_OPTABLE_H
#define CONVOY_LIB_IMPORT_ONNX_OPTABLE_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <array>
#include <string>
#include <utility>

namespace convoy::onnximport {

class NodeImporter;

/// The newest opset and IR version that are known. Newer files are tried.
inline constexpr int64_t kMaxOpset = 28, kMaxIRVersion = 14;
/// Older files have no opsets.
inline constexpr int64_t kMinIRVersion = 3;

/// Any number of inputs.
inline constexpr unsigned kVariadic = ~0u;
/// The end of an entry that is for all opsets from `since` on.
inline constexpr int64_t kNoEnd = INT64_MAX;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

/// A set of ONNX's element types; the bits are those of `kElementTypeNames` in OpTable.cpp.
struct ElementTypes {
  uint32_t bits;

  constexpr ElementTypes operator|(ElementTypes other) const { return {bits | other.bits}; }
  constexpr bool contains(ElementTypes other) const { return !(other.bits & ~bits); }
  bool contains(mlir::Type type) const;

  /// The types, as words of docs/operators.md: "integers, bool".
  std::string describe() const;
  /// The same for a message: "integers of 8 to 64 bits or bool".
  std::string explain() const;
  /// ONNX's names: "int8".
  llvm::SmallVector<llvm::StringRef> getNames() const;
};

inline constexpr ElementTypes kBool{0x1}, kInt8{0x2}, kInt16{0x4}, kInt32{0x8}, kInt64{0x10},
    kUInt8{0x20}, kUInt16{0x40}, kUInt32{0x80}, kUInt64{0x100}, kFloat16{0x200},
    kBFloat16{0x400}, kFloat32{0x800}, kDouble{0x1000};
/// Integers of 2 and 4 bits, and floats of 4 to 8 bits, which are only stored.
inline constexpr ElementTypes kSmallInteger{0x1e000}, kSmallFloat{0x1fe0000};
inline constexpr ElementTypes kSigned = kInt8 | kInt16 | kInt32 | kInt64,
                              kInteger = kSigned | kUInt8 | kUInt16 | kUInt32 | kUInt64,
                              kFloat = kFloat16 | kBFloat16 | kFloat32 | kDouble,
                              kNumber = kInteger | kFloat,
                              kAny = kNumber | kBool | kSmallInteger | kSmallFloat;
/// Numbers of a matrix product, indices, and quantised numbers.
inline constexpr ElementTypes kFactor = kFloat | kInt32 | kInt64 | kUInt32 | kUInt64,
                              kIndex = kInt32 | kInt64, kByte = kInt8 | kUInt8,
                              kQuantized =
                                  kByte | kInt16 | kUInt16 | kSmallInteger | kSmallFloat;

/// The element types that each input of an operator may have. The last set is for all inputs
/// that follow, too, or the last few sets are repeated.
class InputTypes {
public:
  template <typename... Sets>
  constexpr InputTypes(ElementTypes first, Sets... others)
      : sets{first, others...}, count(1 + sizeof...(others)) {}

  constexpr InputTypes repeatLast(unsigned number) const {
    InputTypes result = *this;
    result.period = number;
    return result;
  }

  const ElementTypes &operator[](unsigned index) const {
    return sets[index < count ? index : count - period + (index - count) % period];
  }
  /// The number of sets, and how many of them are repeated.
  unsigned size() const { return count; }
  unsigned getPeriod() const { return period; }

private:
  ElementTypes sets[12];
  unsigned count, period = 1;
};

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

struct OpEntry;

/// Imports a node that has an operand with a dimension whose size is known only at run time,
/// and gives its results their sizes. See SizeRules.h.
using SizeRule = mlir::LogicalResult (*)(NodeImporter &node, const OpEntry &entry);

/// An operator of ONNX and its import function. docs/operators.md is made from these entries.
struct OpEntry {
  llvm::StringLiteral name;
  mlir::LogicalResult (*import)(NodeImporter &node);
  /// The first `minInputs` inputs may not be left out.
  unsigned minInputs, maxInputs;
  InputTypes types = kAny;
  /// First and last opset that this entry is for.
  int64_t since = 1, until = kNoEnd;
  /// What ONNX allows and the import function refuses, in a few words.
  llvm::StringLiteral limits = "";
  /// The first inputs that may be left out by an empty name although others follow that may
  /// not.
  unsigned optional = 0;
  /// Null if all operands must have sizes that are known while compiling.
  SizeRule sizeRule = nullptr;

  constexpr OpEntry with(SizeRule rule) const {
    OpEntry entry = *this;
    entry.sizeRule = rule;
    return entry;
  }
};

template <size_t count, size_t... numbers>
constexpr std::array<OpEntry, count> withRule(const OpEntry (&ops)[count], SizeRule rule,
                                              std::index_sequence<numbers...>) {
  return {ops[numbers].with(rule)...};
}
/// The entries with this rule for all of them.
template <size_t count>
constexpr std::array<OpEntry, count> withRule(const OpEntry (&ops)[count], SizeRule rule) {
  return withRule(ops, rule, std::make_index_sequence<count>());
}

/// The domain of the operators that ONNX Runtime adds to ONNX's.
inline constexpr llvm::StringLiteral kMicrosoftDomain = "com.microsoft";

/// The entry for an operator of a domain, null if it is not supported. The default domain is
/// the empty string. `opset` is that of the default domain.
const OpEntry *lookupOp(llvm::StringRef domain, llvm::StringRef name, int64_t opset);

// One list for each file of operators.
llvm::ArrayRef<OpEntry> getAttentionOps();
llvm::ArrayRef<OpEntry> getConstantOps();
llvm::ArrayRef<OpEntry> getControlFlowOps();
llvm::ArrayRef<OpEntry> getConvolutionOps();
llvm::ArrayRef<OpEntry> getDenseOps();
llvm::ArrayRef<OpEntry> getEinsumOps();
llvm::ArrayRef<OpEntry> getElementwiseOps();
llvm::ArrayRef<OpEntry> getExperimentalOps();
llvm::ArrayRef<OpEntry> getFindingOps();
llvm::ArrayRef<OpEntry> getLinearAttentionOps();
llvm::ArrayRef<OpEntry> getLoopOps();
llvm::ArrayRef<OpEntry> getMovementOps();
llvm::ArrayRef<OpEntry> getNormalizationOps();
llvm::ArrayRef<OpEntry> getPoolingOps();
llvm::ArrayRef<OpEntry> getQuantizationOps();
llvm::ArrayRef<OpEntry> getQuantizedConvOps();
llvm::ArrayRef<OpEntry> getQuantizedMatmulOps();
llvm::ArrayRef<OpEntry> getRandomOps();
llvm::ArrayRef<OpEntry> getRecurrentOps();
llvm::ArrayRef<OpEntry> getReductionOps();
llvm::ArrayRef<OpEntry> getRegionOps();
llvm::ArrayRef<OpEntry> getReshapeOps();
llvm::ArrayRef<OpEntry> getResizeOps();
llvm::ArrayRef<OpEntry> getSamplingOps();
llvm::ArrayRef<OpEntry> getScanOps();
llvm::ArrayRef<OpEntry> getScatterOps();
llvm::ArrayRef<OpEntry> getSelectionOps();
llvm::ArrayRef<OpEntry> getSignalOps();
llvm::ArrayRef<OpEntry> getSlicingOps();
llvm::ArrayRef<OpEntry> getUniqueOps();

// Lists of the domain com.microsoft.
llvm::ArrayRef<OpEntry> getMicrosoftFusedOps();
llvm::ArrayRef<OpEntry> getMicrosoftQuantizationOps();
llvm::ArrayRef<OpEntry> getMicrosoftQuantizedConvOps();
llvm::ArrayRef<OpEntry> getMicrosoftQuantizedElementwiseOps();
llvm::ArrayRef<OpEntry> getMicrosoftQuantizedMatmulOps();
llvm::ArrayRef<OpEntry> getMicrosoftQuantizedPoolingOps();
llvm::ArrayRef<OpEntry> getMicrosoftRecurrentOps();

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_OPTABLE_H
