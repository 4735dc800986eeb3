//===- BodyEmitter.cpp - Bodies of element-wise operations ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/BodyEmitter.h"

#include "convoy/Dialect/Cnn/IR/EpilogueBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"
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

/// The table as a constant of the module, which each kernel makes once.
static Value emitTable(ImplicitLocOpBuilder &b, DenseElementsAttr values) {
  OpBuilder::InsertionGuard guard(b);
  Operation *parent = b.getInsertionBlock()->getParentOp();
  auto kernel = dyn_cast<func::FuncOp>(parent);
  if (!kernel)
    kernel = parent->getParentOfType<func::FuncOp>();
  auto tensor = RankedTensorType::get(values.getType().getShape(), values.getElementType());
  auto type = MemRefType::get(tensor.getShape(), tensor.getElementType());
  auto elements = DenseElementsAttr::getFromRawBuffer(tensor, values.getRawData());
  memref::GlobalOp global;
  for (int64_t number = 0;; ++number) {
    std::string name = (kernel.getSymName() + "_table" + Twine(number)).str();
    global =
        SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(kernel, b.getStringAttr(name));
    if (global && global.getInitialValueAttr() == elements)
      break;
    if (global)
      continue;
    b.setInsertionPoint(kernel);
    global = memref::GlobalOp::create(b, name, b.getStringAttr("private"), type, elements,
                                      /*constant=*/true, b.getI64IntegerAttr(64));
    break;
  }
  b.setInsertionPointToStart(&kernel.front());
  return memref::GetGlobalOp::create(b, type, global.getSymName());
}

/// Reads one element for each lane: gathers of CPUs are not faster.
static Value emitLookup(ImplicitLocOpBuilder &b, DenseElementsAttr values, Value index) {
  Value table = emitTable(b, values);
  auto load = [&](Value number) -> Value {
    Value position = arith::IndexCastUIOp::create(b, b.getIndexType(), number);
    return memref::LoadOp::create(b, table, position);
  };
  auto vector = dyn_cast<VectorType>(index.getType());
  if (!vector)
    return load(index);
  // Two lanes leave the vector at once.
  int64_t pairs = vector.getNumElements() / 2;
  Value mask = arith::ConstantOp::create(b, b.getI64IntegerAttr(UINT32_MAX));
  Value shift = arith::ConstantOp::create(b, b.getI64IntegerAttr(32));
  Value numbers = vector::BitCastOp::create(b, VectorType::get(pairs, b.getI64Type()), index);
  SmallVector<Value> elements;
  for (int64_t i = 0; i < pairs; ++i) {
    Value pair = vector::ExtractOp::create(b, numbers, i);
    elements.push_back(load(arith::AndIOp::create(b, pair, mask)));
    elements.push_back(load(arith::ShRUIOp::create(b, pair, shift)));
  }
  auto type = VectorType::get(vector.getShape(), values.getElementType());
  return vector::FromElementsOp::create(b, type, elements);
}

SmallVector<Value> convoy::emitBody(ImplicitLocOpBuilder &b, Block &body, IRMapping mapping,
                                    int64_t lanes, ValueRange ivs) {
  for (Operation &inner : body.without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      mapping.map(index.getResult(), ivs[index.getDim()]);
      continue;
    }
    if (std::optional<cnn::TableLookup> lookup = cnn::TableLookup::get(&inner)) {
      Value index = mapping.lookupOrDefault(lookup->index);
      mapping.map(inner.getResult(0), emitLookup(b, lookup->table, index));
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
