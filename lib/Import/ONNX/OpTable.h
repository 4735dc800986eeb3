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
#include "llvm/ADT/StringRef.h"

namespace convoy::onnximport {

class NodeImporter;

/// The newest opset and IR version that are known. Newer files are tried.
inline constexpr int64_t kMaxOpset = 28, kMaxIRVersion = 14;
/// Older files have no opsets.
inline constexpr int64_t kMinIRVersion = 3;

/// Any number of inputs.
inline constexpr unsigned kVariadic = ~0u;

/// Which element types the inputs of an operator may have.
enum class InputTypes { Any, Float };

/// An operator of ONNX and its import function.
struct OpEntry {
  llvm::StringLiteral name;
  mlir::LogicalResult (*import)(NodeImporter &node);
  /// The first `minInputs` inputs may not be left out.
  unsigned minInputs, maxInputs;
  InputTypes types = InputTypes::Any;
  /// First and last opset that this entry is for.
  int64_t since = 1, until = INT64_MAX;
};

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
llvm::ArrayRef<OpEntry> getLinearAttentionOps();
llvm::ArrayRef<OpEntry> getMovementOps();
llvm::ArrayRef<OpEntry> getNormalizationOps();
llvm::ArrayRef<OpEntry> getPoolingOps();
llvm::ArrayRef<OpEntry> getQuantizationOps();
llvm::ArrayRef<OpEntry> getQuantizedConvOps();
llvm::ArrayRef<OpEntry> getQuantizedMatmulOps();
llvm::ArrayRef<OpEntry> getRandomOps();
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

// Lists of the domain com.microsoft.
llvm::ArrayRef<OpEntry> getMicrosoftFusedOps();
llvm::ArrayRef<OpEntry> getMicrosoftQuantizationOps();
llvm::ArrayRef<OpEntry> getMicrosoftQuantizedConvOps();
llvm::ArrayRef<OpEntry> getMicrosoftQuantizedElementwiseOps();
llvm::ArrayRef<OpEntry> getMicrosoftQuantizedMatmulOps();
llvm::ArrayRef<OpEntry> getMicrosoftQuantizedPoolingOps();

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_OPTABLE_H
