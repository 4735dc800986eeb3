//===- PhaseBorder.cpp - What may cross from one phase to the next --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PhaseBorder.h"

using namespace mlir;
using namespace convoy::cnn;

static bool names(StringRef rowName, Operation *op) {
  if (rowName.consume_back(".*"))
    return op->getName().getDialectNamespace() == rowName;
  return op->getName().getStringRef() == rowName;
}

LogicalResult convoy::cnn::verifyBorder(Operation *root, StringRef phase,
                                        ArrayRef<BorderRow> table) {
  LogicalResult result = success();
  root->walk([&](Operation *op) {
    if (op == root)
      return;
    const BorderRow *row =
        llvm::find_if(table, [&](const BorderRow &row) { return names(row.name, op); });
    std::string problem =
        row == table.end() ? "is not known behind this phase" : row->check(op);
    if (problem.empty())
      return;
    op->emitOpError() << "may not leave the phase '" << phase << "': " << problem;
    result = failure();
  });
  return result;
}
