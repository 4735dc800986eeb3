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

using Table = llvm::StringMap<llvm::SmallVector<const OpEntry *, 1>>;

static Table makeTable() {
  Table table;
  for (auto getOps :
       {getAttentionOps, getConstantOps,      getConvolutionOps,  getDenseOps,
        getEinsumOps,    getElementwiseOps,   getExperimentalOps, getLinearAttentionOps,
        getMovementOps,  getNormalizationOps, getPoolingOps,      getRandomOps,
        getReductionOps, getReshapeOps,       getResizeOps,       getScanOps,
        getScatterOps,   getSelectionOps,     getSignalOps,       getSlicingOps})
    for (const OpEntry &entry : getOps())
      table[entry.name].push_back(&entry);
  return table;
}

const OpEntry *convoy::onnximport::lookupOp(llvm::StringRef name, int64_t opset) {
  static const Table table = makeTable();
  auto found = table.find(name);
  if (found == table.end())
    return nullptr;
  for (const OpEntry *entry : found->second)
    if (entry->since <= opset && opset <= entry->until)
      return entry;
  return nullptr;
}
