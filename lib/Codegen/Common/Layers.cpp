//===- Layers.cpp - Operations of @main that become kernels ---------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/Layers.h"

#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace convoy;

func::FuncOp convoy::findMain(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    module.emitError("has no function @main");
  return main;
}

bool convoy::isLayer(Operation *op) {
  return !isa<ViewLikeOpInterface>(op) && !op->hasTrait<OpTrait::ConstantLike>() &&
         !op->hasTrait<OpTrait::IsTerminator>() && !isMemoryEffectFree(op);
}

StringRef convoy::getLayerName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (StringRef name = getLayerName(part); !name.empty())
        return name;
  return "";
}

bool convoy::shareKernel(Operation *a, Operation *b) {
  if (a->getOperandTypes() != b->getOperandTypes())
    return false;
  // A kernel has an argument for each buffer.
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

unsigned convoy::hashKernel(Operation *op) {
  return OperationEquivalence::computeHash(op, OperationEquivalence::ignoreHashValue,
                                           OperationEquivalence::ignoreHashValue,
                                           OperationEquivalence::IgnoreLocations);
}
