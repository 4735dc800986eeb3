//===- OpTable.cpp - The ONNX operators that can be imported --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

using namespace convoy::onnximport;

/// "domain:name" -> entries.
using Table = llvm::StringMap<llvm::SmallVector<const OpEntry *, 1>>;

static std::string getKey(llvm::StringRef domain, llvm::StringRef name) {
  return (domain + ":" + name).str();
}

static Table makeTable() {
  Table table;
  auto add = [&](llvm::StringRef domain, llvm::ArrayRef<OpEntry> ops) {
    for (const OpEntry &entry : ops)
      table[getKey(domain, entry.name)].push_back(&entry);
  };
  for (auto getOps :
       {getAttentionOps,       getConstantOps,      getControlFlowOps,     getConvolutionOps,
        getDenseOps,           getEinsumOps,        getElementwiseOps,     getExperimentalOps,
        getLinearAttentionOps, getMovementOps,      getNormalizationOps,   getPoolingOps,
        getQuantizationOps,    getQuantizedConvOps, getQuantizedMatmulOps, getRandomOps,
        getReductionOps,       getRegionOps,        getReshapeOps,         getResizeOps,
        getSamplingOps,        getScanOps,          getScatterOps,         getSelectionOps,
        getSignalOps,          getSlicingOps})
    add("", getOps());
  for (auto getOps : {getMicrosoftFusedOps, getMicrosoftQuantizationOps,
                      getMicrosoftQuantizedConvOps, getMicrosoftQuantizedElementwiseOps,
                      getMicrosoftQuantizedMatmulOps, getMicrosoftQuantizedPoolingOps})
    add(kMicrosoftDomain, getOps());
  return table;
}

const OpEntry *convoy::onnximport::lookupOp(llvm::StringRef domain, llvm::StringRef name,
                                            int64_t opset) {
  static const Table table = makeTable();
  auto found = table.find(getKey(domain, name));
  if (found == table.end())
    return nullptr;
  for (const OpEntry *entry : found->second)
    if (entry->since <= opset && opset <= entry->until)
      return entry;
  return nullptr;
}
