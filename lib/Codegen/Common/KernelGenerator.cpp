//===- KernelGenerator.cpp - From operations of @main to launches ---------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/KernelGenerator.h"

#include "convoy/Analysis/LayerCost.h"
#include "convoy/Analysis/LayerSchedule.h"
#include "convoy/Dialect/Cnn/Utils/Locations.h"
#include "convoy/Dialect/Cnn/Utils/Program.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

/// Whether an operation of @main does work, that is, is no view, constant, branch, loop or
/// terminator, and does not read the condition of a branch or a loop.
static bool doesWork(Operation &op) {
  return !isa<ViewLikeOpInterface, scf::IfOp, scf::WhileOp, memref::LoadOp>(op) &&
         !op.hasTrait<OpTrait::ConstantLike>() && !op.hasTrait<OpTrait::IsTerminator>() &&
         !isMemoryEffectFree(&op);
}

/// Whether two operations differ in locations and buffers only.
static bool canShare(Operation *a, Operation *b) {
  if (a->getOperandTypes() != b->getOperandTypes())
    return false;
  // A buffer that is several operands may be one argument of the kernel, so both operations
  // must repeat their buffers in the same places.
  DenseMap<Value, Value> buffers, inverse;
  for (auto [x, y] : llvm::zip(a->getOperands(), b->getOperands()))
    if (buffers.try_emplace(x, y).first->second != y ||
        inverse.try_emplace(y, x).first->second != x)
      return false;
  for (auto [x, y] : llvm::zip(a->getOperands(), b->getOperands())) {
    Attribute constantX, constantY;
    bool isX = matchPattern(x, m_Constant(&constantX));
    bool isY = matchPattern(y, m_Constant(&constantY));
    if (isX != isY || constantX != constantY)
      return false;
  }
  // Bodies must wire the same values: arguments and results pairwise, constants from
  // outside by value. The operations' own operands were compared above.
  DenseMap<Value, Value> pairs;
  return OperationEquivalence::isEquivalentTo(
      a, b,
      [&](Value x, Value y) {
        if (Value pair = pairs.lookup(x))
          return success(pair == y);
        Attribute constantX, constantY;
        (void)matchPattern(x, m_Constant(&constantX));
        (void)matchPattern(y, m_Constant(&constantY));
        return success(constantX == constantY);
      },
      [&](Value x, Value y) { pairs[x] = y; }, OperationEquivalence::IgnoreLocations);
}

std::optional<unsigned> KernelGenerator::findShared(Operation *op) {
  unsigned hash = OperationEquivalence::computeHash(op, OperationEquivalence::ignoreHashValue,
                                                    OperationEquivalence::ignoreHashValue,
                                                    OperationEquivalence::IgnoreLocations);
  auto &candidates = built[hash];
  for (auto [other, kernels] : candidates)
    if (canShare(other, op))
      return kernels;
  candidates.emplace_back(op, numBuilt);
  return std::nullopt;
}

/// Adds its kind to the name of each operation that shares its name with other operations.
static void nameApart(MutableArrayRef<Attribute> names, ArrayRef<Operation *> ops) {
  DenseMap<Attribute, Operation *> first;
  DenseSet<Attribute> shared;
  for (auto [name, op] : llvm::zip_equal(names, ops))
    if (first.try_emplace(name, op).first->second != op)
      shared.insert(name);
  for (auto [name, op] : llvm::zip_equal(names, ops))
    if (shared.contains(name))
      name = StringAttr::get(op->getContext(),
                             cast<StringAttr>(name).getValue() + "/" + getLayerKind(op));
}

LogicalResult KernelGenerator::run() {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return module.emitError("has no function @main");
  FailureOr<TargetAttr> required = requireTarget(module);
  if (failed(required))
    return failure();
  target = *required;
  if (failed(begin(main)))
    return failure();
  // Later operations are compared with these, so they are erased at the end.
  SmallVector<Operation *> replaced, launched;
  auto replace = [&](Operation *op) -> WalkResult {
    if (!doesWork(*op) || isa<AwaitOp, ReleaseOp>(op) || op->hasTrait<RunsOnHost>())
      return success();
    if (isa<CommunicationOpInterface>(op)) {
      addLayer(cnn::getNodeName(op->getLoc()));
      launched.push_back(op);
      return success();
    }
    if (std::string reason = whyNotScheduled(op); !reason.empty())
      return op->emitError("has no ")
             << (target.getGpu() ? "GPU" : "CPU") << " kernel: " << reason;
    prepare(op);
    std::optional<unsigned> kernels = findShared(op);
    if (!kernels) {
      if (failed(build(op)))
        return failure();
      kernels = numBuilt++;
    }
    launch(op, *kernels);
    replaced.push_back(op);
    launched.resize(layers.size(), op);
    return success();
  };
  if (failed(walkProgram(main, replace)))
    return failure();
  nameApart(layers, launched);
  for (Operation *op : replaced)
    op->erase();
  module->setAttr("cnn.layers", ArrayAttr::get(module.getContext(), layers));
  end(main);
  return success();
}
