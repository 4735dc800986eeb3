//===- BodyEmitter.cpp - Bodies of element-wise operations ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/BodyEmitter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace convoy;

LogicalResult convoy::captureConstants(ImplicitLocOpBuilder &b, Region &region,
                                       IRMapping &captured) {
  SetVector<Value> values;
  getUsedValuesDefinedAbove(region, region, values);
  for (Value value : values) {
    Operation *constant = value.getDefiningOp();
    if (!constant || !constant->hasTrait<OpTrait::ConstantLike>())
      return failure();
    captured.map(value, b.clone(*constant)->getResult(0));
  }
  return success();
}

Value convoy::widen(ImplicitLocOpBuilder &b, Value value, int64_t lanes) {
  if (lanes == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(b, VectorType::get(lanes, value.getType()), value);
}

SmallVector<Value> convoy::emitBody(ImplicitLocOpBuilder &b, Block &body, IRMapping mapping,
                                    int64_t lanes, ValueRange ivs) {
  for (Operation &inner : body.without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      mapping.map(index.getResult(), ivs[index.getDim()]);
      continue;
    }
    SmallVector<Value> values;
    for (Value operand : inner.getOperands())
      values.push_back(mapping.lookupOrDefault(operand));
    bool isVector =
        llvm::any_of(values, [](Value value) { return isa<VectorType>(value.getType()); });
    if (!isVector) {
      b.clone(inner, mapping);
      continue;
    }
    SmallVector<Type> types;
    for (Type type : inner.getResultTypes())
      types.push_back(VectorType::get(lanes, type));
    for (Value &value : values)
      value = widen(b, value, lanes);
    Operation *wide = mlir::clone(b, &inner, types, values);
    mapping.map(inner.getResults(), wide->getResults());
  }
  SmallVector<Value> results;
  for (Value value : body.getTerminator()->getOperands())
    results.push_back(mapping.lookupOrDefault(value));
  return results;
}
