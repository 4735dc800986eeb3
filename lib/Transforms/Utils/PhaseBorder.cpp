//===- PhaseBorder.cpp - What may cross from one phase to the next --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Transforms/Utils/PhaseBorder.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace convoy::cnn;

std::string convoy::cnn::fine(Operation *) { return ""; }

std::string convoy::cnn::insideLinalg(Operation *op) {
  return op->getParentOfType<linalg::LinalgOp>() ? ""
                                                 : "it stands outside of a linalg operation";
}

std::string convoy::cnn::insideCompute(Operation *op) {
  return op->getParentOfType<ComputeOp>() ? "" : "it stands outside of a cnn.compute";
}

std::string convoy::cnn::insideBody(Operation *op) {
  bool isInEpilogue = isa<EpilogueRegionOpInterface>(op->getParentOp());
  return isInEpilogue || insideCompute(op).empty() ? "" : insideLinalg(op);
}

std::string convoy::cnn::conditionOrInBody(Operation *op) {
  bool isCondition = llvm::all_of(op->getUsers(), llvm::IsaPred<scf::IfOp, scf::ConditionOp>);
  return isCondition ? "" : insideBody(op);
}

std::string convoy::cnn::inBranchLoopOrCompute(Operation *op) {
  return isa<scf::IfOp, scf::WhileOp>(op->getParentOp()) ? "" : insideCompute(op);
}

std::string convoy::cnn::staticShapes(Operation *op) {
  for (Type type : op->getResultTypes())
    if (auto shaped = dyn_cast<ShapedType>(type); shaped && !shaped.hasStaticShape())
      return "its shape is not static";
  return "";
}

std::string convoy::cnn::whyNoKernel(Operation *op) {
  if (!op->hasTrait<HasKernel>())
    return "it has no kernel; cnn-decompose replaces it";
  auto conv = dyn_cast<ConvOpInterface>(op);
  auto layer = dyn_cast<EpilogueRegionOpInterface>(op);
  bool hasPrologue = conv && conv.getInputScale();
  if (!hasPrologue && !(layer && layer.hasEpilogueRegion()))
    return "";
  TargetAttr target = getTarget(op);
  if (!target)
    return "whether it has a kernel depends on the target, which the module does not name";
  if (target.getGpu())
    return hasPrologue ? "no kernel of a GPU has a prologue"
                       : "no kernel of a GPU runs the region of an epilogue";
  return "";
}

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
        row == table.end() ? "the phases that follow do not know it" : row->check(op);
    if (problem.empty())
      return;
    op->emitOpError() << "may not leave the phase '" << phase << "': " << problem;
    result = failure();
  });
  return result;
}
